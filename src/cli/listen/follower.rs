//! What the frames of a server mean to a listener: the positions in its streams, and what to tell.
//!
//! Pure: no connection, no clock, no printing.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::followed::Followed;
use crate::{
    domain::{Cursor, Invalid, RoomName, StreamName, UserId},
    observe::logs::escaped,
};

/// Until the server has said how often it pings.
const PING_INTERVAL: Duration = Duration::from_secs(25);
/// How much later than expected a ping may come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Something to tell.
#[derive(Debug, PartialEq, Eq)]
pub enum Tell {
    /// A notification, or a message to a room.
    Event(String),
    /// What became of the connection, and who comes and goes.
    Note(String),
    /// Why to stop; nothing of the frame is to be shown.
    Stop(String),
}

/// The fields of all events that matter here (PROTOCOL.md section 3).
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    event_type: String,
    command: Option<String>,
    room: Option<String>,
    position: Option<String>,
    user: Option<String>,
    user_count: Option<usize>,
    from: Option<String>,
    ping_interval_ms: Option<u64>,
    inbox: Option<Inbox>,
    resume: Option<String>,
    stream: Option<String>,
    to: Option<String>,
    /// A word in an `error`, a number in a `goodbye`.
    code: Option<Value>,
    message: Option<String>,
    reason: Option<String>,
    retry_after_ms: Option<u64>,
    created_at: Option<String>,
    at: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Inbox {
    position: String,
}

pub struct Follower {
    /// Whose notifications are asked for.
    user: UserId,
    inbox: Followed,
    rooms: Vec<Followed>,
    ping_interval: Duration,
    retry_after: Option<Duration>,
    /// Code and reason of a `goodbye`, where that is all that tells how the connection ended.
    goodbye: Option<(u16, String)>,
    /// Of an event its text is told, and not when and what it is.
    has_texts_only: bool,
}

impl Follower {
    /// Follows the inbox and these rooms; starts behind the positions that are known, and live elsewhere.
    pub fn new(user: UserId, rooms: &[RoomName], since: Option<&Cursor>) -> Self {
        let follow = |name: StreamName| {
            let position = since.and_then(|cursor| cursor.position(&name));
            Followed::new(name, position)
        };
        Self {
            user,
            inbox: follow(StreamName::Inbox),
            rooms: rooms.iter().map(|room| follow(StreamName::Room(room.clone()))).collect(),
            ping_interval: PING_INTERVAL,
            retry_after: None,
            goodbye: None,
            has_texts_only: false,
        }
    }

    /// Tells of an event its text alone, where that is asked for.
    pub fn only_texts(self, has_texts_only: bool) -> Self {
        Self { has_texts_only, ..self }
    }

    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// What a token has to allow besides the own inbox.
    pub fn scope(&self) -> String {
        let scopes: Vec<String> = self.rooms.iter().map(|room| format!("join:{}", room.name)).collect();
        scopes.join(" ")
    }

    /// What has been seen.
    pub fn since(&self) -> Option<Cursor> {
        let seen = |stream: &Followed| Some((stream.name.clone(), stream.position?));
        let positions: Vec<_> = std::iter::once(&self.inbox).chain(&self.rooms).filter_map(seen).collect();
        (!positions.is_empty()).then(|| Cursor::of(positions))
    }

    /// The query of the next connection: the rooms, and what has been seen.
    pub fn query(&self) -> String {
        let rooms: Vec<String> = self.rooms.iter().map(|room| room.name.to_string()).collect();
        let rooms = (!rooms.is_empty()).then(|| format!("rooms={}", rooms.join(",")));
        let since = self.since().map(|cursor| format!("since={cursor}"));
        let parts: Vec<String> = rooms.into_iter().chain(since).collect();
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }

    /// How long silence is no bad sign.
    pub fn patience(&self) -> Duration {
        self.ping_interval + PATIENCE
    }

    /// What the last `goodbye` asked for; forgotten by asking.
    pub fn take_retry_after(&mut self) -> Option<Duration> {
        self.inbox.cut();
        self.rooms.iter_mut().for_each(Followed::cut);
        self.retry_after.take()
    }

    /// How the server has ended the connection, if it said so; forgotten by asking.
    pub fn take_goodbye(&mut self) -> Option<(u16, String)> {
        self.goodbye.take()
    }

    /// An answer has been told, and ends here.
    pub fn stand_at(&mut self, cursor: &Cursor) {
        for stream in std::iter::once(&mut self.inbox).chain(&mut self.rooms) {
            stream.position = cursor.position(&stream.name).or(stream.position);
        }
    }

    /// Takes one frame; one that cannot be read is left to newer listeners.
    pub fn take(&mut self, frame: &str) -> Vec<Tell> {
        let Ok(event) = serde_json::from_str::<Event<'_>>(frame) else { return Vec::new() };
        let told = match event.event_type.as_str() {
            "welcome" => Some(self.welcome(&event)),
            "goodbye" => {
                self.retry_after = event.retry_after_ms.map(Duration::from_millis);
                let code = event.code.as_ref().and_then(Value::as_u64).and_then(|code| code.try_into().ok());
                self.goodbye = code.map(|code| (code, event.reason.clone().unwrap_or_default()));
                None
            }
            dotted if dotted.contains('.') => {
                self.inbox.show(event.position.as_deref());
                Some(Tell::Event(line(&event, self.has_texts_only)))
            }
            _ => self.of_a_stream(&event),
        };
        let recovered = std::iter::once(&mut self.inbox).chain(&mut self.rooms).filter_map(recovered);
        told.into_iter().chain(recovered).collect()
    }

    /// Why nothing can be shown with a token of this user, if nothing can: the server goes by the token alone.
    pub fn why_not(&self, user: &str) -> Option<String> {
        let (token, asked) = (escaped(user), &self.user);
        let why = || format!("the token is for {token}, so the notifications of {asked} cannot be shown");
        (user != asked.as_str()).then(why)
    }

    fn welcome(&mut self, event: &Event<'_>) -> Tell {
        if let Some(why) = event.user.as_deref().and_then(|user| self.why_not(user)) {
            return Tell::Stop(why);
        }
        self.ping_interval = event.ping_interval_ms.map_or(PING_INTERVAL, Duration::from_millis);
        let top = event.inbox.as_ref().and_then(|inbox| inbox.position.parse().ok());
        self.inbox.begin(top, event.resume.as_deref());
        Tell::Note("connected".to_owned())
    }

    /// What names a room or a stream; of one that is not followed nothing is told.
    fn of_a_stream(&mut self, event: &Event<'_>) -> Option<Tell> {
        let name = event.room.as_deref().or(event.stream.as_deref())?;
        let mut streams = std::iter::once(&mut self.inbox).chain(&mut self.rooms);
        let stream = streams.find(|stream| stream.name.to_string() == name)?;
        let count = event.user_count.unwrap_or_default();
        let user = event.user.as_deref().unwrap_or("-");
        let note = match (event.event_type.as_str(), event.command.as_deref()) {
            ("message", _) => {
                stream.show(event.position.as_deref());
                return Some(Tell::Event(line(event, self.has_texts_only)));
            }
            ("skip", _) => {
                stream.pass(event.to.as_deref());
                return None;
            }
            ("gap", _) => {
                stream.pass(event.to.as_deref());
                let lost = match &stream.name {
                    StreamName::Inbox => "notifications".to_owned(),
                    StreamName::Room(room) => format!("messages of {room}"),
                };
                let reason = event.reason.as_deref().unwrap_or("unknown");
                format!("gap: some {lost} are lost to this listener ({reason})")
            }
            ("ok", Some("join")) => {
                let top = event.position.as_deref().and_then(|text| text.parse().ok());
                stream.begin(top, event.resume.as_deref());
                format!("in {name}: {count} here")
            }
            ("error", Some("join")) => {
                let code = event.code.as_ref().and_then(Value::as_str).unwrap_or("unknown");
                let message = event.message.as_deref().unwrap_or_default();
                return Some(Tell::Stop(escaped(&format!("{name} cannot be joined: {code}, {message}"))));
            }
            ("user_joined", _) => format!("{name}: {user} has come, {count} here"),
            ("user_left", _) => format!("{name}: {user} has left, {count} here"),
            ("left", _) => format!("no longer in {name} ({})", event.reason.as_deref().unwrap_or("unknown")),
            _ => return None,
        };
        Some(Tell::Note(escaped(&note)))
    }
}

/// The end of a replay: all that was there when the stream began has been shown.
fn recovered(stream: &mut Followed) -> Option<Tell> {
    let count = stream.take_recovered()?;
    Some(Tell::Note(match &stream.name {
        StreamName::Inbox => format!("recovered {count}"),
        StreamName::Room(room) => format!("recovered {count} of {room}"),
    }))
}

/// Reads `--since`: a cursor, or a position in the inbox.
pub fn parse_since(text: &str) -> Result<Cursor, Invalid> {
    let position = || text.parse().ok().map(Cursor::of_inbox);
    position().or_else(|| text.parse().ok()).ok_or_else(|| {
        Invalid::new(
            "a cursor or a position of the inbox is expected, such as inbox@k3x9q2ab.42 or k3x9q2ab.42",
        )
    })
}

/// A notification or a message in one line: when, what, and its text where it has one; or that alone.
fn line(event: &Event<'_>, has_text_only: bool) -> String {
    let at = event.created_at.as_deref().or(event.at.as_deref()).unwrap_or("-");
    let text = text_of(event.payload.or(event.data).map_or("{}", RawValue::get));
    escaped(&match (&event.room, &event.from) {
        _ if has_text_only => text,
        (Some(room), Some(from)) => format!("{at} {room} {from}: {text}"),
        _ => format!("{at} {} {text}", event.event_type),
    })
}

fn text_of(json: &str) -> String {
    #[derive(Deserialize, Default)]
    struct Note {
        title: Option<String>,
        text: Option<String>,
        url: Option<String>,
    }
    if let Ok(text) = serde_json::from_str::<String>(json) {
        return text;
    }
    let note: Note =
        if json.starts_with('{') { serde_json::from_str(json).unwrap_or_default() } else { Note::default() };
    let parts: Vec<String> = [note.title, note.text, note.url].into_iter().flatten().collect();
    if parts.is_empty() { json.to_owned() } else { parts.join(" · ") }
}

#[cfg(test)]
mod tests;
