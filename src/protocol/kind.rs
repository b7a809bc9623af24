//! What kind of event something is: what becomes of it when its receiver is slow, and what type it is counted as.

use super::event::Telling;
use crate::domain::UserId;

/// What may become of a frame when its receiver is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A numbered part of the inbox: refused when there is no room, and read again from the store later.
    Inbox,
    /// Tells a state that is told again (`unread`, `marked`): refused when there is no room, and made
    /// up for by the newest state later.
    Hint,
    /// An answer, a `welcome` or the `gap` of an inbox: always taken. A session that leaves too many unread
    /// reads no commands.
    Reply,
    /// A numbered part of a room: when there is no room for more, the oldest are dropped, and announced
    /// by a `gap`.
    Room,
    /// Presence and typing: dropped first, and unannounced.
    Ephemeral,
}

/// What an event without a number is about, where somebody has to know.
#[derive(Debug, PartialEq)]
pub(super) enum About {
    Anything,
    /// The presence of a user.
    User(UserId),
    Counters(Telling),
}

/// The type of an event; all of the application's own are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// Whatever its publisher calls it.
    Notification,
    Welcome,
    Message,
    UserJoined,
    UserLeft,
    Left,
    Typing,
    Unread,
    Marked,
    Skip,
    Gap,
    Degraded,
    Restored,
    Ping,
    Pong,
    Ok,
    Error,
    Goodbye,
}

impl EventKind {
    /// In the order in which they are declared.
    pub const ALL: [Self; 18] = [
        Self::Notification,
        Self::Welcome,
        Self::Message,
        Self::UserJoined,
        Self::UserLeft,
        Self::Left,
        Self::Typing,
        Self::Unread,
        Self::Marked,
        Self::Skip,
        Self::Gap,
        Self::Degraded,
        Self::Restored,
        Self::Ping,
        Self::Pong,
        Self::Ok,
        Self::Error,
        Self::Goodbye,
    ];

    /// The `type` on the wire; for notifications what they are called together.
    pub fn word(self) -> &'static str {
        match self {
            Self::Notification => "notification",
            Self::Welcome => "welcome",
            Self::Message => "message",
            Self::UserJoined => "user_joined",
            Self::UserLeft => "user_left",
            Self::Left => "left",
            Self::Typing => "typing",
            Self::Unread => "unread",
            Self::Marked => "marked",
            Self::Skip => "skip",
            Self::Gap => "gap",
            Self::Degraded => "degraded",
            Self::Restored => "restored",
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Goodbye => "goodbye",
        }
    }

    /// That of an event of ours: all but notifications begin with their type.
    pub(super) fn of(json: &[u8]) -> Self {
        let word =
            json.strip_prefix(br#"{"type":""#).and_then(|rest| rest.split(|byte| *byte == b'"').next());
        let kind = word.and_then(|word| Self::ALL.into_iter().find(|kind| kind.word().as_bytes() == word));
        kind.unwrap_or(Self::Notification)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_known_by_its_word_and_stands_in_its_place() {
        for (place, kind) in EventKind::ALL.into_iter().enumerate() {
            let json = format!(r#"{{"type":"{}","data":1}}"#, kind.word());
            assert_eq!((EventKind::of(json.as_bytes()), kind as usize), (kind, place));
        }
        assert_eq!(EventKind::of(br#"{"id":"ntf_1","type":"order.shipped"}"#), EventKind::Notification);
    }
}
