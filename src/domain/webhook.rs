//! Webhooks in words: what an application is told of, and what became of telling it.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Invalid, ids::name};

name!(
    /// Identity of an event for a webhook: `msg_` and a ULID, the same at each attempt.
    WebhookId,
    check_webhook_id
);

fn check_webhook_id(text: &str) -> Result<(), Invalid> {
    let is_ulid = text.strip_prefix("msg_").is_some_and(|ulid| {
        ulid.len() == 26 && ulid.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
    });
    if is_ulid { Ok(()) } else { Err(Invalid::new("an event is msg_ and 26 characters of a ULID")) }
}

impl WebhookId {
    /// A fresh identity; sorts by the time of its making, to the millisecond.
    pub fn generate() -> Self {
        Self(format!("msg_{}", ulid::Ulid::generate()).into())
    }
}

/// What an application can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WebhookEvent {
    SessionOpened,
    SessionClosed,
    UserOnline,
    UserOffline,
    RoomOccupied,
    RoomVacated,
    NotificationRead,
    /// An administrator wants to see whether one arrives; it is always told.
    Test,
}

impl WebhookEvent {
    /// Those that can be chosen.
    pub const ALL: [Self; 7] = [
        Self::SessionOpened,
        Self::SessionClosed,
        Self::UserOnline,
        Self::UserOffline,
        Self::RoomOccupied,
        Self::RoomVacated,
        Self::NotificationRead,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::SessionOpened => "session.opened",
            Self::SessionClosed => "session.closed",
            Self::UserOnline => "user.online",
            Self::UserOffline => "user.offline",
            Self::RoomOccupied => "room.occupied",
            Self::RoomVacated => "room.vacated",
            Self::NotificationRead => "notification.read",
            Self::Test => "webhook.test",
        }
    }
}

impl FromStr for WebhookEvent {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let known = Self::ALL.map(Self::as_str).join(", ");
        let found = Self::ALL.into_iter().find(|event| event.as_str() == text);
        found.ok_or_else(|| Invalid(format!("an event is one of {known}")))
    }
}

impl fmt::Display for WebhookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Some of them; none where webhooks are off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WebhookEvents(u8);

impl WebhookEvents {
    pub fn has(self, event: WebhookEvent) -> bool {
        self.0 & (1 << event as u8) != 0
    }

    /// Whether sessions are worth an account: they say who is online, too.
    pub fn have_sessions(self) -> bool {
        use WebhookEvent::{SessionClosed, SessionOpened, UserOffline, UserOnline};
        [SessionOpened, SessionClosed, UserOnline, UserOffline].into_iter().any(|event| self.has(event))
    }

    pub fn have_rooms(self) -> bool {
        self.has(WebhookEvent::RoomOccupied) || self.has(WebhookEvent::RoomVacated)
    }
}

impl FromIterator<WebhookEvent> for WebhookEvents {
    fn from_iter<I: IntoIterator<Item = WebhookEvent>>(events: I) -> Self {
        let bits =
            events.into_iter().fold(1 << WebhookEvent::Test as u8, |bits, event| bits | 1 << event as u8);
        Self(bits)
    }
}

/// What has become of an event, so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    Waiting,
    /// The receiver has taken it.
    Sent,
    /// Given up, until an administrator has it tried again.
    Dead,
}

impl WebhookState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }
}

impl FromStr for WebhookState {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let found = [Self::Waiting, Self::Sent, Self::Dead].into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Invalid::new("an event is waiting, sent or dead"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_id_is_one() {
        let id = WebhookId::generate();
        assert_eq!(id.as_str().parse::<WebhookId>(), Ok(id.clone()));
        for bad in ["", "msg_1", &id.as_str().to_lowercase(), &id.as_str().replacen("msg", "ntf", 1)] {
            assert!(bad.parse::<WebhookId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_chosen_says_what_accounts_are_worth_it() {
        let of = |words: &[&str]| words.iter().map(|word| word.parse().unwrap()).collect::<WebhookEvents>();
        assert!(of(&["user.offline"]).have_sessions() && !of(&["user.offline"]).have_rooms());
        assert!(of(&["room.vacated"]).have_rooms() && !of(&["room.vacated"]).have_sessions());
        let read = of(&["notification.read"]);
        assert!(!read.have_sessions() && !read.have_rooms() && read.has(WebhookEvent::Test));
        assert!(!WebhookEvents::default().has(WebhookEvent::Test));
        for event in WebhookEvent::ALL {
            assert!(of(&[event.as_str()]).has(event));
        }
        assert!(
            "session.open".parse::<WebhookEvent>().is_err()
                && "webhook.test".parse::<WebhookEvent>().is_err()
        );
    }
}
