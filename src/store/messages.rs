//! What the store is asked. Every question has an answer or a [`StoreError`]; the asker sets the deadline.

mod access;
mod admin;
mod options;
mod push;
mod webhooks;

use std::{sync::Arc, time::Duration};

pub use access::*;
use actix::Message;
pub use admin::*;
pub use options::*;
pub use push::*;
pub use webhooks::*;

use crate::{
    domain::{
        Counters, Draft, Epoch, Mark, Mute, Notification, NotificationId, NotificationType, Position,
        Preferences, SessionKey, Timestamp, TypePattern, UserId,
    },
    stream::{Head, Page, PageLimit},
};

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// More is waiting than `store.queue` allows. Retry later.
    #[error("the store has too much to do")]
    Overloaded,
    /// The database cannot be reached, is locked, or refused the transaction. Retry later.
    /// The text is for the log, never for a client.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The disk has no room for it. Retry later. The text is for the log.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The first request with this idempotency key is still waiting.
    #[error("the first request with this idempotency key is still waiting")]
    KeyInProgress,
    /// There is no such notification of this user.
    #[error("there is no such notification")]
    NotFound,
    /// The position is not one of this inbox.
    #[error("the position is not one of this inbox")]
    BadPosition,
    /// The user has as many mutes as `limits.mutes` allows.
    #[error("there are as many mutes as a user may have")]
    TooManyMutes,
    /// The user has as many open tickets as `limits.tickets` allows. The first of them expires after this time.
    #[error("the user has as many open tickets as one may have")]
    TooManyTickets(Duration),
    /// The user has as many push subscriptions as `limits.push_subscriptions` allows.
    #[error("there are as many push subscriptions as a user may have")]
    TooManySubscriptions,
    /// The database broke a promise, or the code did. The text is for the log.
    #[error("the store failed: {0}")]
    Internal(String),
}

/// Makes a publish repeatable (G3): kept for `retention.idempotency` with the answer to the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    pub key: String,
    /// SHA-256 of path and raw body, to tell the same request from another one.
    pub digest: [u8; 32],
}

/// Store a draft for all its recipients, or for none.
///
/// From http. Answered after commit; the facts are offered to the hub before the answer is given.
#[derive(Debug, Message)]
#[rtype(result = "Result<Published, StoreError>")]
pub struct Publish {
    /// `sub` of the publisher: the owner of the idempotency key.
    pub publisher: UserId,
    pub idempotency_key: Option<IdempotencyKey>,
    pub draft: Draft,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// One for each recipient, in the order of the draft.
    pub receipts: Vec<Receipt>,
    /// It was stored by an earlier request with the same idempotency key.
    pub is_replay: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub id: NotificationId,
    pub to: UserId,
    pub position: Position,
}

/// Mark notifications. The same mark twice changes nothing the second time and tells nobody.
#[derive(Debug, Message)]
#[rtype(result = "Result<Counters, StoreError>")]
pub struct ApplyMark {
    pub user: UserId,
    pub mark: Mark,
    /// The session that marks, which needs no `marked` event; none over HTTP.
    pub origin: Option<SessionKey>,
}

/// Delete one notification for good. [`StoreError::NotFound`] for another user's, too.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct Delete {
    pub user: UserId,
    pub id: NotificationId,
}

/// The user was shown everything up to here. Keeps the highest; another epoch is a [`StoreError::BadPosition`].
#[derive(Debug, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct Acknowledge {
    pub user: UserId,
    pub up_to: Position,
    /// By a page in front: nothing of it is worth a push any more.
    pub is_visible: bool,
}

/// The mutes of a user that are in force.
#[derive(Debug, Message)]
#[rtype(result = "Result<Vec<Mute>, StoreError>")]
pub struct ListMutes {
    pub user: UserId,
}

/// Keep a mute, in the place of one with the same pattern. What was stored before stays as it is.
#[derive(Debug, Message)]
#[rtype(result = "Result<Mute, StoreError>")]
pub struct PutMute {
    pub user: UserId,
    pub pattern: TypePattern,
    /// None is for good.
    pub until: Option<Timestamp>,
}

/// Take a mute back, if it is there.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct RemoveMute {
    pub user: UserId,
    pub pattern: TypePattern,
}

/// Read what a session that stands at `since` is owed; without `since`, only where the inbox stands.
///
/// Head, counters and rows are of one instant (one read transaction).
#[derive(Debug, Message)]
#[rtype(result = "Result<InboxRead, StoreError>")]
pub struct ReadInbox {
    pub user: UserId,
    pub since: Option<Position>,
    pub limit: PageLimit,
}

#[derive(Debug)]
pub struct InboxRead {
    pub counters: Counters,
    /// Without `since` an empty page that has reached the top, [`crate::stream::Resume::Fresh`].
    pub page: Page<Arc<Notification>>,
}

/// Where an inbox stands, without its rows. A user who never had a notification has [`Head::NONE`].
#[derive(Debug, Message)]
#[rtype(result = "Result<InboxState, StoreError>")]
pub struct ReadState {
    pub user: UserId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxState {
    pub head: Head,
    pub counters: Counters,
}

impl InboxState {
    /// That of a user who never had a notification.
    pub const NEVER: Self =
        Self { head: Head::NONE, counters: Counters { unread: 0, unseen: 0, version: 0, marks_version: 0 } };
}

/// The counters of an inbox, in the life in which they count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxCounters {
    pub epoch: Epoch,
    pub counters: Counters,
}

impl From<InboxState> for InboxCounters {
    fn from(state: InboxState) -> Self {
        Self { epoch: state.head.epoch, counters: state.counters }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListState {
    /// Everything that is not archived: what a client that followed the stream would show.
    #[default]
    All,
    Unread,
    Archived,
}

/// List notifications, newest first; muted and expired ones are not there.
#[derive(Debug, Message)]
#[rtype(result = "Result<Listing, StoreError>")]
pub struct List {
    pub user: UserId,
    pub state: ListState,
    pub notification_type: Option<NotificationType>,
    /// 1 to 200.
    pub limit: usize,
    /// Only older ones than this position. Another epoch is a [`StoreError::BadPosition`].
    pub before: Option<Position>,
}

#[derive(Debug)]
pub struct Listing {
    pub notifications: Vec<Notification>,
    /// Where to go on; `None` at the end.
    pub next_before: Option<Position>,
    pub counters: Counters,
    /// The top of the inbox at the same instant: a client that has the list goes on from here.
    pub cursor: Position,
}

/// One notification of this user. [`StoreError::NotFound`] for another user's, an expired or a muted one.
#[derive(Debug, Message)]
#[rtype(result = "Result<Notification, StoreError>")]
pub struct Fetch {
    pub user: UserId,
    pub id: NotificationId,
}

/// What a user prefers; the default for one who never said it.
#[derive(Debug, Message)]
#[rtype(result = "Result<Preferences, StoreError>")]
pub struct ReadPreferences {
    pub user: UserId,
}

/// Put these preferences in the place of all that the user had.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct SetPreferences {
    pub user: UserId,
    pub preferences: Preferences,
}

/// Whether the database can be written.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct Probe;

/// Take nothing new, finish what is queued, close the database; answered when that is done.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Flush;
