//! Names that travel: users, rooms, notifications and their types, what messages are called (PROTOCOL.md section 1).
//!
//! Every type keeps a shared, immutable text, so a clone is a counter and not a copy.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Invalid, Timestamp};

/// Longest user id and room name, in characters (all of them one byte).
const NAME_MAX: usize = 128;

/// Longest name of a message's event, and longest nonce, in characters.
const LABEL_MAX: usize = 64;

/// Words that this protocol says and hears itself, and `open`, which is the browser's. A message is told
/// to event streams under its own name, so none may pass for one of these.
const RESERVED_EVENTS: [&str; 26] = [
    "welcome",
    "message",
    "user_joined",
    "user_left",
    "left",
    "typing",
    "unread",
    "marked",
    "skip",
    "gap",
    "degraded",
    "restored",
    "ping",
    "pong",
    "ok",
    "error",
    "problem",
    "goodbye",
    "auth",
    "join",
    "leave",
    "resume",
    "mark",
    "ack",
    "echo",
    "open",
];

/// Defines a checked, cheaply cloned name: `$check` says what is wrong with a text, if anything.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                $check(text).map(|()| Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

pub(super) use name;

name!(
    /// Who a notification is for: the `sub` of a token. 1–128 of `[A-Za-z0-9_.:@=+|-]`.
    UserId,
    check_user
);
name!(
    /// A place that people join. 1–128 of `[A-Za-z0-9_:.=-]`, not `inbox`, `.`, `..`, not starting with `_`.
    RoomName,
    check_room
);
name!(
    /// What kind of notification: 3–128 characters, dotted words of `[a-z0-9_]`, at least one dot.
    NotificationType,
    check_type
);
name!(
    /// Identity of a notification: `ntf_` and a ULID, given by the server.
    NotificationId,
    check_notification_id
);
name!(
    /// What a message is to the listeners of an event stream: 1–64 of `[a-z0-9_]`, no word of this protocol.
    EventName,
    check_event
);
name!(
    /// What makes a message repeatable: 1–64 characters of its sender's choice, none of them a control.
    Nonce,
    check_nonce
);

fn check_user(text: &str) -> Result<(), Invalid> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.:@=+|-".contains(&b);
    if (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(());
    }
    Err(Invalid::new("a user id is 1 to 128 characters of A-Z a-z 0-9 _ . : @ = + | -"))
}

fn check_room(text: &str) -> Result<(), Invalid> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_:.=-".contains(&b);
    let reserved = matches!(text, "inbox" | "." | "..") || text.starts_with('_');
    if (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(allowed) && !reserved {
        return Ok(());
    }
    Err(Invalid::new(
        "a room is 1 to 128 characters of A-Z a-z 0-9 _ : . = - that does not start with _, and not inbox, . or ..",
    ))
}

fn check_type(text: &str) -> Result<(), Invalid> {
    if (3..=NAME_MAX).contains(&text.len()) && text.contains('.') && text.split('.').all(is_word) {
        return Ok(());
    }
    Err(Invalid::new("a type is 3 to 128 characters: words of a-z 0-9 _ joined by at least one dot"))
}

fn check_notification_id(text: &str) -> Result<(), Invalid> {
    let is_ulid = text.strip_prefix("ntf_").is_some_and(|ulid| {
        ulid.len() == 26 && ulid.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
    });
    if is_ulid { Ok(()) } else { Err(Invalid::new("a notification id is ntf_ and 26 characters of a ULID")) }
}

fn check_event(text: &str) -> Result<(), Invalid> {
    if text.len() <= LABEL_MAX && is_word(text) && !RESERVED_EVENTS.contains(&text) {
        return Ok(());
    }
    Err(Invalid::new("an event is 1 to 64 characters of a-z 0-9 _, and not a type of this protocol or open"))
}

fn check_nonce(text: &str) -> Result<(), Invalid> {
    if (1..=LABEL_MAX).contains(&text.chars().count()) && !text.contains(char::is_control) {
        return Ok(());
    }
    Err(Invalid::new("a nonce is 1 to 64 characters, none of them a control character"))
}

/// Whether a type can begin with this: words with a dot behind each, and perhaps the start of one more.
pub(super) fn begins_type(text: &str) -> bool {
    let is_start = |start: &str| start.is_empty() || is_word(start);
    match text.rsplit_once('.') {
        Some((words, start)) => words.split('.').all(is_word) && is_start(start),
        None => is_start(text),
    }
}

/// Whether a text is one or more of `[a-z0-9_]`.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

impl NotificationId {
    /// A fresh identity; sorts by the time of its making, to the millisecond.
    pub fn generate() -> Self {
        Self(format!("ntf_{}", ulid::Ulid::generate()).into())
    }

    /// What sorts before every identity that was made at this time or later, and after all others.
    pub fn first_of(time: Timestamp) -> Self {
        let millis = u64::try_from(time.as_micros() / 1000).unwrap_or_default();
        Self(format!("ntf_{}", ulid::Ulid::from_parts(millis, 0)).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_id_takes_the_characters_of_the_protocol_and_no_others() {
        for ok in ["a", "alice", "A-z_0.9:@=+|", &"x".repeat(128)] {
            assert!(ok.parse::<UserId>().is_ok(), "{ok}");
        }
        for bad in ["", "bob' OR '1'='1", "bob;--", "\0", "a b", "ü", "a/b", &"x".repeat(129)] {
            assert!(bad.parse::<UserId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_room_is_never_called_inbox_and_never_starts_with_an_underscore() {
        for ok in ["a", "chat:general", "x=1", "..."] {
            assert!(ok.parse::<RoomName>().is_ok(), "{ok}");
        }
        for bad in ["", "inbox", "_x", ".", "..", "../x", "a b", "a@b", &"x".repeat(129)] {
            assert!(bad.parse::<RoomName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_type_of_an_application_has_a_dot_between_words() {
        for ok in ["a.b", "comment.created", "order_2.shipped.late"] {
            assert!(ok.parse::<NotificationType>().is_ok(), "{ok}");
        }
        for bad in ["", "ab", "ping", ".a", "a.", "a..b", "A.b", "a.b\r\n", "a.\u{1b}", "a b.c"] {
            assert!(bad.parse::<NotificationType>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_event_is_one_word_that_the_protocol_does_not_say_itself() {
        for ok in ["update", "a", "0", "_", "messages", &"x".repeat(64)] {
            assert!(ok.parse::<EventName>().is_ok(), "{ok}");
        }
        let too_long = "x".repeat(65);
        let malformed = ["", "A", "a.b", "a-b", "a b", "ü", "a\n", &too_long];
        for bad in malformed.into_iter().chain(RESERVED_EVENTS) {
            assert!(bad.parse::<EventName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_nonce_is_counted_in_characters_and_has_no_controls() {
        for ok in ["1", "a b", "0197f3c2-6a51-7cc0-8d0e-4f1f2a3b4c5d", &"ü".repeat(64)] {
            assert!(ok.parse::<Nonce>().is_ok(), "{ok}");
        }
        for bad in ["", "a\n", "\0", "a\u{7f}", "\u{85}", &"ü".repeat(65)] {
            assert!(bad.parse::<Nonce>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_generated_notification_id_is_one() {
        let id = NotificationId::generate();
        assert_eq!(id.as_str().parse::<NotificationId>(), Ok(id.clone()));
        assert!("ntf_1".parse::<NotificationId>().is_err());
    }

    #[test]
    fn the_first_identity_of_a_time_sorts_between_what_was_made_before_and_after() {
        let id = NotificationId::generate();
        let millis = ulid::Ulid::from_string(&id.as_str()[4..]).unwrap().timestamp_ms();
        let first_of = |millis: u64| NotificationId::first_of(Timestamp::from_micros(millis as i64 * 1000));
        assert!(first_of(millis) <= id && id < first_of(millis + 1));
        let before_1970 = NotificationId::first_of(Timestamp::from_secs(-1));
        assert_eq!(before_1970.as_str().parse::<NotificationId>(), Ok(before_1970.clone()));
        assert!(before_1970 < first_of(1));
    }
}
