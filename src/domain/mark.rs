//! What a user says about notifications: read, unread, seen, archived.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NotificationId, Position};

/// Most ids that one mark may name.
pub const MARK_IDS_MAX: usize = 500;

/// Read implies seen; archived implies both; unread clears read and un-archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MarkAs {
    Read,
    Unread,
    Seen,
    Archived,
}

/// Which notifications of the user a mark is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkTarget {
    /// At most [`MARK_IDS_MAX`]; unknown and foreign ids are ignored.
    Ids(Vec<NotificationId>),
    /// All up to this position of the inbox, itself included.
    UpTo(Position),
    All,
}

/// What a user was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// Everything up to here.
    pub up_to: Position,
    /// By a page in front: nothing of it is worth a push any more.
    pub is_visible: bool,
}

/// One mark; the same one twice changes nothing the second time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub mark_as: MarkAs,
    pub target: MarkTarget,
}
