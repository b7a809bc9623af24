//! Who is here on all nodes, and what webhooks are to tell of it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use actix::Message;

use super::StoreError;
use crate::domain::{
    NodeId, RoomName, SessionId, Timestamp, WebhookEvents, WebhookId, WebhookState, live::LiveFact,
};

/// How an account is kept.
#[derive(Debug, Clone, Copy)]
pub struct LedgerRules {
    /// What is told.
    pub events: WebhookEvents,
    /// For how long what a node has said holds.
    pub lease: Duration,
    /// How long somebody may be away before it is told.
    pub grace: Duration,
    /// The same for those whose node has stopped: they come back spread over a while.
    pub return_grace: Duration,
}

/// What a node says of who is with it, in order; with none it says that it is there. A batch that was taken in already
/// is left alone.
#[derive(Debug, Message)]
#[rtype(result = "Result<Told, StoreError>")]
pub struct TellLive {
    pub node: NodeId,
    pub rules: LedgerRules,
    /// Counts up.
    pub batch: i64,
    /// It is about to say everything anew.
    pub is_first: bool,
    /// A few hundred at most.
    pub facts: Arc<[LiveFact]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Kept,
    /// The node was taken for dead, and what it had said was told as ended: it is to say everything anew.
    Lost,
}

/// End what a node has said once, and is not so; a part of it. Answered with where to go on.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<LedgerKey>, StoreError>")]
pub struct DropStale {
    pub node: NodeId,
    pub rules: LedgerRules,
    /// What is so.
    pub sessions: Arc<HashSet<SessionId>>,
    pub rooms: Arc<HashSet<RoomName>>,
    pub after: Option<LedgerKey>,
}

/// Kind, name and entry.
pub type LedgerKey = (String, String, String);

/// Take over what nodes have left that are gone, and tell of those who have been away for longer than the grace; a part
/// of it. Answered by whether there may be more. A file has one process, so whatever others have said in it is over; on
/// a server it is when the lease is, as far as the node that asks has held its own.
#[derive(Debug, Message)]
#[rtype(result = "Result<bool, StoreError>")]
pub struct TakeLost {
    pub node: NodeId,
    pub rules: LedgerRules,
}

/// The node is about to stop: end what it still has said; a part of it. Answered by whether there may be more.
#[derive(Debug, Message)]
#[rtype(result = "Result<bool, StoreError>")]
pub struct LeaveLive {
    pub node: NodeId,
    pub rules: LedgerRules,
}

/// SHA-256 of a receiver's address.
pub type ReceiverDigest = [u8; 32];

/// Claim events that are due, at most so many; none while the receiver is disabled.
#[derive(Debug, Message)]
#[rtype(result = "Result<ClaimedWebhooks, StoreError>")]
pub struct ClaimWebhooks {
    pub receiver: ReceiverDigest,
    pub limit: usize,
}

#[derive(Debug)]
pub struct ClaimedWebhooks {
    pub webhooks: Vec<ClaimedWebhook>,
    pub has_more: bool,
    /// When they were claimed, by the clock of the database.
    pub now: Timestamp,
    /// Since when nothing is sent.
    pub disabled_at: Option<Timestamp>,
}

/// One event to be sent.
#[derive(Debug, Clone)]
pub struct ClaimedWebhook {
    pub claim: WebhookClaim,
    pub id: WebhookId,
    pub event: String,
    pub occurred_at: Timestamp,
    /// An object, as JSON.
    pub data: String,
}

/// The job behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookClaim {
    pub sequence: i64,
    /// Which attempt this is, from 1 on, by which a record that comes late is known.
    pub attempt: u32,
}

/// Record what has become of claimed events; answered with why the receiver is disabled by that, if it is.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<&'static str>, StoreError>")]
pub struct RecordWebhooks {
    pub receiver: ReceiverDigest,
    /// After nothing but failures for this long it is disabled.
    pub disable_after: Duration,
    pub outcomes: Vec<(WebhookClaim, WebhookOutcome)>,
}

/// What has become of an attempt. A status is that of the receiver's answer, `None` if there was none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookOutcome {
    /// The receiver has taken it.
    Sent { status: u16 },
    /// It is due again after this time.
    Retry { after: Duration, status: Option<u16>, reason: &'static str },
    /// Given up, until an administrator has it tried again.
    Dead { status: Option<u16>, reason: &'static str },
}

/// The status by which a receiver says that it wants nothing any more.
pub const GONE: u16 = 410;

/// Count how many events wait to be sent, by whichever instance, and how many were given up.
#[derive(Debug, Message)]
#[rtype(result = "Result<WebhookCounts, StoreError>")]
pub struct CountWebhooks;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookCounts {
    pub waiting: u64,
    pub dead: u64,
}

/// How a receiver and what is for it do.
#[derive(Debug, Message)]
#[rtype(result = "Result<WebhookStand, StoreError>")]
pub struct ReadWebhooks {
    pub receiver: ReceiverDigest,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookStand {
    pub waiting: u64,
    pub dead: u64,
    /// When the oldest one occurred that waits.
    pub waiting_since: Option<Timestamp>,
    pub failing_since: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    pub reason: Option<String>,
}

/// What has become of one event. [`StoreError::NotFound`] if there is none, or none any more.
#[derive(Debug, Message)]
#[rtype(result = "Result<WebhookTrace, StoreError>")]
pub struct TraceWebhook {
    pub id: WebhookId,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookTrace {
    pub id: WebhookId,
    pub event: String,
    pub occurred_at: Timestamp,
    pub state: WebhookState,
    pub attempts: u32,
    pub status: Option<u16>,
    pub reason: Option<String>,
    pub due_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

/// Send to the receiver again, whatever it has said.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct EnableWebhooks {
    pub receiver: ReceiverDigest,
}

/// Make events that were given up due again, the oldest first, so many at most; answered by how many there were.
#[derive(Debug, Message)]
#[rtype(result = "Result<usize, StoreError>")]
pub struct RetryWebhooks {
    /// What was given up later is left: who goes on asking would have the same ones tried for ever.
    pub before: Timestamp,
    pub limit: usize,
}

/// Have an event sent that tells of nothing.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct TestWebhook {
    pub id: WebhookId,
}
