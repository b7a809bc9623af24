//! What the server says (PROTOCOL.md section 3, "Server events"), one struct per event.

mod answers;
mod rooms;

pub use answers::{Done, Outcome, Refused};
pub use rooms::{Degraded, Left, LeftReason, Message, Restored, TypingChanged, UserJoined, UserLeft};
use serde::{Serialize, Serializer, ser::SerializeStruct};
use utoipa::ToSchema;

use super::{CloseCode, command::Ref};
use crate::{
    domain::{
        Counters, Json, MarkAs, MarkTarget, NodeId, Notification, NotificationId, NotificationType, Position,
        SessionId, Timestamp, UserId,
    },
    stream::{Gap, GapReason, Resume},
};

/// A notification, on every transport and in every answer.
pub struct NotificationView<'a>(pub &'a Notification);

/// A notification: its fields, in their order on the wire.
#[derive(Serialize, ToSchema)]
#[schema(as = Notification)]
pub struct NotificationFields<'a> {
    #[schema(value_type = NotificationId)]
    id: &'a str,
    #[schema(value_type = NotificationType)]
    r#type: &'a str,
    /// Version of the payload's shape, the publisher's own.
    v: u32,
    position: Position,
    #[schema(value_type = Object)]
    payload: &'a Json,
    created_at: Timestamp,
    /// Collapse key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    read_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seen_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    archived_at: Option<Timestamp>,
}

impl Serialize for NotificationView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let n = self.0;
        NotificationFields {
            id: n.id.as_str(),
            r#type: n.notification_type.as_str(),
            v: n.v,
            position: n.position,
            payload: &n.payload,
            created_at: n.created_at,
            key: n.key.as_deref(),
            expires_at: n.expires_at,
            read_at: n.read_at,
            seen_at: n.seen_at,
            archived_at: n.archived_at,
        }
        .serialize(serializer)
    }
}

/// The first event of every connection: who the server takes the client for, and where the inbox stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "welcome")]
pub struct Welcome<'a> {
    /// Version of the protocol.
    pub v: u8,
    #[schema(value_type = SessionId)]
    pub session: &'a str,
    #[schema(value_type = UserId)]
    pub user: &'a str,
    #[schema(value_type = NodeId)]
    pub node: &'a str,
    pub scopes: &'a [String],
    pub ping_interval_ms: u64,
    /// Of the token.
    pub expires_at: Timestamp,
    pub limits: Limits,
    pub inbox: Inbox,
    /// Of the inbox.
    pub resume: Resume,
}

/// What one connection may.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Limits {
    pub message_bytes: usize,
    pub rooms: usize,
    pub messages_per_second: u32,
}

/// Where the inbox stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Inbox {
    /// The top now; a cursor only once the replay has ended.
    pub position: Position,
    pub counters: Counters,
}

/// The counters have changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "unread")]
pub struct Unread {
    pub counters: Counters,
}

/// Notifications of the user were marked or deleted elsewhere.
pub struct Marked<'a> {
    pub mark_as: MarkedAs,
    pub target: &'a MarkTarget,
    pub counters: Counters,
}

/// What tells the counters of an inbox, and which.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Telling {
    Unread(Counters),
    Marked(Counters),
}

impl Telling {
    pub fn counters(self) -> Counters {
        match self {
            Self::Unread(counters) | Self::Marked(counters) => counters,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkedAs {
    Mark(MarkAs),
    Deleted,
}

/// The same, as it is on the wire.
#[derive(ToSchema)]
#[schema(as = Marked)]
#[expect(dead_code, reason = "the event as the document shows it")]
pub struct MarkedFields {
    #[schema(inline)]
    r#as: MarkedWord,
    #[schema(nullable = false)]
    ids: Option<Vec<NotificationId>>,
    /// All up to this position, itself included.
    #[schema(nullable = false)]
    up_to: Option<Position>,
    /// `true`: all of them.
    #[schema(nullable = false)]
    all: Option<bool>,
    counters: Counters,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "a word as the document shows it")]
enum MarkedWord {
    Read,
    Unread,
    Seen,
    Archived,
    Deleted,
}

impl Serialize for Marked<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut event = serializer.serialize_struct("marked", 4)?;
        event.serialize_field("type", "marked")?;
        match self.mark_as {
            MarkedAs::Mark(mark_as) => event.serialize_field("as", &mark_as)?,
            MarkedAs::Deleted => event.serialize_field("as", "deleted")?,
        }
        match self.target {
            MarkTarget::Ids(ids) => event.serialize_field::<[NotificationId]>("ids", ids)?,
            MarkTarget::UpTo(position) => event.serialize_field("up_to", position)?,
            MarkTarget::All => event.serialize_field("all", &true)?,
        }
        event.serialize_field("counters", &self.counters)?;
        event.end()
    }
}

/// Numbers with nothing to show.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "skip")]
pub struct Skip<'a> {
    /// `inbox`, or the room.
    pub stream: &'a str,
    /// Exclusive.
    pub from: Position,
    /// Inclusive.
    pub to: Position,
}

/// An announced loss.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "gap")]
#[schema(as = Gap)]
pub struct GapView<'a> {
    /// `inbox`, or the room.
    pub stream: &'a str,
    /// Exclusive.
    pub from: Position,
    /// After it everything follows.
    pub to: Position,
    pub reason: GapReason,
}

impl<'a> GapView<'a> {
    pub fn new(stream: &'a str, gap: Gap) -> Self {
        Self { stream, from: gap.from, to: gap.to, reason: gap.reason }
    }
}

/// The server asks whether the client is there; `pong` answers, and so does any other frame.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "ping")]
pub struct Ping {}

/// The answer to a `ping` of the client.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "pong")]
pub struct Pong<'a> {
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Ref>, nullable = false)]
    pub reference: Option<&'a Ref>,
}

/// The last word before a close; best effort.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "goodbye")]
pub struct Goodbye {
    /// The code of the close that follows.
    pub code: u16,
    /// The word of the code.
    pub reason: &'static str,
    /// When to come back, where the client should.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub retry_after_ms: Option<u64>,
}

impl Goodbye {
    pub fn new(code: CloseCode, retry_after: Option<std::time::Duration>) -> Self {
        let retry_after_ms = retry_after.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        Self { code: code.number(), reason: code.word(), retry_after_ms }
    }
}
