//! Names that travel: users, rooms, notifications and their types (PROTOCOL.md section 1).
//!
//! Every type keeps a shared, immutable text, so a clone is a counter and not a copy.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use super::Invalid;

/// Longest user id and room name, in characters (all of them one byte).
const NAME_MAX: usize = 128;

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
    /// The name of a message for listeners of Server-Sent Events: 1–64 of `[a-z0-9_]`, and no name of this
    /// protocol or of EventSource itself.
    EventName,
    check_event
);
name!(
    /// A publisher's word that makes a message repeatable: 1–64 characters, none of them a control character.
    Nonce,
    check_nonce
);

/// Longest event name and nonce, in characters.
const WORD_MAX: usize = 64;

/// Names of events that mean something already (PROTOCOL.md section 3, WHATWG HTML section 9.2).
const EVENTS_TAKEN: [&str; 20] = [
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
    "problem",
    "goodbye",
    "auth",
    "error",
    "open",
];

fn check_event(text: &str) -> Result<(), Invalid> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if (1..=WORD_MAX).contains(&text.len()) && text.bytes().all(allowed) && !EVENTS_TAKEN.contains(&text) {
        return Ok(());
    }
    Err(Invalid::new("an event is 1 to 64 characters of a-z 0-9 _, and not a type of this protocol"))
}

fn check_nonce(text: &str) -> Result<(), Invalid> {
    let length = text.chars().count();
    if (1..=WORD_MAX).contains(&length) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Invalid::new("a nonce is 1 to 64 characters, none of them a control character"))
}

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
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    if (3..=NAME_MAX).contains(&text.len()) && text.contains('.') && text.split('.').all(word) {
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

impl NotificationId {
    /// A fresh identity; sorts by the time of its making, to the millisecond.
    pub fn generate() -> Self {
        Self(format!("ntf_{}", ulid::Ulid::generate()).into())
    }
}

/// Where a session lives: its worker's shard, its slot there, and which life of that slot.
///
/// Slots are used again; the generation keeps a late message from reaching the slot's next session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionKey {
    pub shard: u16,
    pub slot: u32,
    pub generation: u32,
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
    fn a_generated_notification_id_is_one() {
        let id = NotificationId::generate();
        assert_eq!(id.as_str().parse::<NotificationId>(), Ok(id.clone()));
        assert!("ntf_1".parse::<NotificationId>().is_err());
    }
}
