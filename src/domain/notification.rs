//! What is told: a draft before it is stored, a notification after.

use super::{Json, NotificationId, NotificationType, Position, Timestamp, UserId, push::PushWish};

/// Most recipients of one publish.
pub const RECIPIENTS_MAX: usize = 1000;

/// Largest payload of a notification, in bytes of its JSON text.
pub const PAYLOAD_BYTES_MAX: usize = 16 * 1024;

/// Longest collapse key, in characters.
pub const COLLAPSE_KEY_MAX: usize = 128;

/// A checked publish that is not stored yet: one content for one or more users, all or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// 1 to [`RECIPIENTS_MAX`] users, none twice.
    pub to: Vec<UserId>,
    pub notification_type: NotificationType,
    /// Version of the payload's shape, the publisher's own.
    pub v: u32,
    /// A JSON object of at most [`PAYLOAD_BYTES_MAX`].
    pub payload: Json,
    /// Collapse key.
    pub key: Option<String>,
    pub expires_in: Option<std::time::Duration>,
    /// `None` is: not at all.
    pub push: Option<PushWish>,
}

/// One stored item of one inbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    pub id: NotificationId,
    pub position: Position,
    pub notification_type: NotificationType,
    pub v: u32,
    pub payload: Json,
    pub key: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub seen_at: Option<Timestamp>,
    pub read_at: Option<Timestamp>,
    pub archived_at: Option<Timestamp>,
    /// Judged by the user's mutes when it was stored, and stays.
    pub muted: bool,
}

impl Notification {
    /// Whether it is part of the inbox that a user sees; if not, its number is a `skip` on the wire.
    pub fn is_visible(&self, now: Timestamp) -> bool {
        !self.muted && self.archived_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }
}
