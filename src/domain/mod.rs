//! The words of tidings as types.
//!
//! Pure: no actix, no input or output, no clock (now is an argument).
//! A value of one of these types has been checked where it was made; nobody checks it again.

pub mod counters;
pub mod cursor;
pub mod identity;
pub mod ids;
pub mod json;
pub mod live;
pub mod mark;
pub mod message;
pub mod mute;
mod network;
pub mod node;
pub mod notification;
mod pattern;
pub mod position;
pub mod preferences;
pub mod presence;
pub mod push;
pub mod rate;
pub mod revocation;
pub mod scope;
pub mod session;
pub mod time;
pub mod transport;
pub mod typing;
pub mod webhook;

pub use counters::Counters;
pub use cursor::{CURSOR_ROOMS_MAX, Cursor, StreamName};
pub use identity::Identity;
pub use ids::{EventName, Nonce, NotificationId, NotificationType, RoomName, UserId};
pub use json::Json;
pub use mark::{Ack, Mark, MarkAs, MarkTarget};
pub use message::MessageDraft;
pub use mute::{Mute, TypePattern};
pub use network::Network;
pub use node::NodeId;
pub use notification::{Draft, Notification};
pub use position::{Epoch, Offset, Position};
pub use preferences::{Preferences, QuietHours, TimeOfDay, Zone};
pub use presence::Presence;
pub use push::{PushSubscriptionId, PushTag};
pub use revocation::{Revocation, Revoked};
pub use scope::Scopes;
pub use session::{SessionId, SessionKey};
pub use time::Timestamp;
pub use transport::Transport;
pub use typing::Typing;
pub use webhook::{WebhookEvent, WebhookEvents, WebhookId, WebhookState};

/// A text that is not what its type asks for; the message says what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

impl Invalid {
    pub fn new(expected: impl Into<String>) -> Self {
        Self(expected.into())
    }
}
