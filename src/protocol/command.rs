//! What clients say over a WebSocket (PROTOCOL.md section 3, "Client commands").
//!
//! Text in, a command or a refusal out; any text at all is one of the two.

pub mod shapes;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    ErrorCode,
    mark::{self, BadMark},
    message::{self, BadMessage},
};
use crate::domain::{Ack, Invalid, Mark, MessageDraft, Position, RoomName, json::Fields};

/// The client's own name for a command, echoed in its answer: an integer, or a text of at most 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Ref {
    Number(i64),
    Text(String),
}

pub const REF_CHARS_MAX: usize = 64;

#[derive(Debug)]
pub struct Command<'a> {
    pub reference: Option<Ref>,
    pub action: Action<'a>,
}

#[derive(Debug)]
pub enum Action<'a> {
    Auth {
        token: String,
    },
    Resume {
        since: Position,
    },
    Mark(Mark),
    Ack(Ack),
    Join {
        room: RoomName,
        since: Option<Position>,
    },
    Leave {
        room: RoomName,
    },
    Message {
        room: RoomName,
        draft: MessageDraft,
    },
    Typing {
        /// `None`: the only room that is joined.
        room: Option<RoomName>,
        is_active: bool,
    },
    Ping,
    Pong,
    Echo {
        data: &'a RawValue,
    },
}

impl Action<'_> {
    /// The word of the command.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Auth { .. } => "auth",
            Self::Resume { .. } => "resume",
            Self::Mark(_) => "mark",
            Self::Ack(_) => "ack",
            Self::Join { .. } => "join",
            Self::Leave { .. } => "leave",
            Self::Message { .. } => "message",
            Self::Typing { .. } => "typing",
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Echo { .. } => "echo",
        }
    }

    /// The room that it is about.
    pub fn room(&self) -> Option<&RoomName> {
        match self {
            Self::Join { room, .. } | Self::Leave { room } | Self::Message { room, .. } => Some(room),
            Self::Typing { room, .. } => room.as_ref(),
            _ => None,
        }
    }

    /// Whether it counts towards the rate of messages.
    pub fn is_limited(&self) -> bool {
        !matches!(self, Self::Pong | Self::Typing { .. })
    }
}

/// Why a text is no command.
#[derive(Debug, PartialEq, Eq)]
pub struct BadCommand {
    pub reference: Option<Ref>,
    /// The word, where it is a known one.
    pub command: Option<&'static str>,
    pub code: ErrorCode,
    pub message: String,
}

impl<'a> Command<'a> {
    /// # Errors
    /// The answer that the client gets: `bad_message`, `unknown_type`, `bad_room` or `bad_cursor`.
    pub fn parse(text: &'a str) -> Result<Self, BadCommand> {
        let refuse = |reference, command, code, message: &str| BadCommand {
            reference,
            command,
            code,
            message: message.to_owned(),
        };
        let mut fields = Fields::parse(text)
            .map_err(|error| refuse(None, None, ErrorCode::BadMessage, &error.to_string()))?;
        let word = fields.take_as::<String>("type");
        let parse = word.as_ref().ok().and_then(|word| parser(word.as_deref()?));
        let reference = match fields.take("ref").map(parse_ref).transpose() {
            Ok(reference) => reference,
            Err(()) => {
                let command = parse.map(|(command, _)| command);
                let message = "ref is an integer or a text of at most 64 characters";
                return Err(refuse(None, command, ErrorCode::BadMessage, message));
            }
        };
        let (command, parse) = match (word, parse) {
            (_, Some(known)) => known,
            (Ok(Some(_)), None) => {
                return Err(refuse(reference, None, ErrorCode::UnknownType, "there is no such command"));
            }
            (Ok(None), None) => {
                return Err(refuse(reference, None, ErrorCode::BadMessage, "type is missing"));
            }
            (Err(_), None) => {
                return Err(refuse(reference, None, ErrorCode::BadMessage, "type is not a text"));
            }
        };
        match parse(&mut fields) {
            Ok(action) => Ok(Self { reference, action }),
            Err((code, message)) => Err(refuse(reference, Some(command), code, &message)),
        }
    }
}

type Parse<'a> = fn(&mut Fields<'a>) -> Result<Action<'a>, (ErrorCode, String)>;

/// The words of all commands.
pub const COMMANDS: [&str; 11] =
    ["auth", "resume", "mark", "ack", "join", "leave", "message", "typing", "ping", "pong", "echo"];

/// The table of commands.
fn parser<'a>(word: &str) -> Option<(&'static str, Parse<'a>)> {
    Some(match word {
        "auth" => ("auth", |fields| match fields.take_as::<String>("token") {
            Ok(Some(token)) => Ok(Action::Auth { token }),
            _ => Err((ErrorCode::BadMessage, "token is a text".to_owned())),
        }),
        "resume" => ("resume", |fields| position(fields, "since").map(|since| Action::Resume { since })),
        "mark" => ("mark", |fields| mark::parse(fields).map(Action::Mark).map_err(bad_mark)),
        "ack" => ("ack", |fields| mark::parse_ack(fields).map(Action::Ack).map_err(bad_mark)),
        "join" => ("join", |fields| {
            let room = room(fields)?;
            let since = if fields.has("since") { Some(position(fields, "since")?) } else { None };
            Ok(Action::Join { room, since })
        }),
        "leave" => ("leave", |fields| room(fields).map(|room| Action::Leave { room })),
        "message" => ("message", |fields| {
            let room = room(fields)?;
            message::parse(fields)
                .map(|draft| Action::Message { room, draft })
                .map_err(|faults| (ErrorCode::BadMessage, first(faults)))
        }),
        "typing" => ("typing", |fields| {
            let room = if fields.has("room") { Some(room(fields)?) } else { None };
            match fields.take_as::<bool>("active") {
                Ok(is_active) => Ok(Action::Typing { room, is_active: is_active.unwrap_or(true) }),
                Err(_) => Err((ErrorCode::BadMessage, "active is true or false".to_owned())),
            }
        }),
        "ping" => ("ping", |_| Ok(Action::Ping)),
        "pong" => ("pong", |_| Ok(Action::Pong)),
        "echo" => ("echo", |fields| match fields.take("data") {
            Some(data) => Ok(Action::Echo { data }),
            None => Err((ErrorCode::BadMessage, "data is missing".to_owned())),
        }),
        _ => return None,
    })
}

/// A command is answered with one fault of its fields.
fn first(faults: Vec<BadMessage>) -> String {
    faults.into_iter().next().map(|fault| fault.message).unwrap_or_default()
}

/// Of a command every fault but that of a position is the same one.
fn bad_mark(bad: BadMark) -> (ErrorCode, String) {
    let code = if bad.code == ErrorCode::BadCursor { bad.code } else { ErrorCode::BadMessage };
    (code, bad.message.to_owned())
}

fn room(fields: &mut Fields<'_>) -> Result<RoomName, (ErrorCode, String)> {
    match fields.take_as::<String>("room") {
        Ok(Some(text)) => text.parse().map_err(|error: Invalid| (ErrorCode::BadRoom, error.0)),
        _ => Err((ErrorCode::BadRoom, "room is the name of a room".to_owned())),
    }
}

fn position(fields: &mut Fields<'_>, name: &str) -> Result<Position, (ErrorCode, String)> {
    let text = fields.take_as::<String>(name).ok().flatten();
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| (ErrorCode::BadCursor, format!("{name} is a position such as k3x9q2ab.42")))
}

fn parse_ref(raw: &RawValue) -> Result<Ref, ()> {
    if let Ok(number) = serde_json::from_str::<i64>(raw.get()) {
        return Ok(Ref::Number(number));
    }
    match serde_json::from_str::<String>(raw.get()) {
        Ok(text) if text.chars().count() <= REF_CHARS_MAX => Ok(Ref::Text(text)),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests;
