//! What is kept of Web Push: the subscriptions of users, and the jobs that `push` claims and records.
//!
//! A job is one notification for one subscription. It is written in the transaction that stores the notification, due
//! after the grace, and judged by what is true when it is claimed.

use std::{collections::BTreeMap, time::Duration};

use actix::Message;

use super::StoreError;
use crate::domain::{
    Notification, Offset, Position, PushSubscriptionId, PushTag, Timestamp, UserId,
    push::{PushState, PushSubscription, PushTarget, PushText, Urgency},
};

/// Keep a subscription of this user. One with the same endpoint keeps its name and has the new keys; from another user
/// it is taken away. [`StoreError::TooManySubscriptions`] if it is one more than a user may have.
#[derive(Debug, Message)]
#[rtype(result = "Result<PushSubscription, StoreError>")]
pub struct PutSubscription {
    pub user: UserId,
    /// Checked by `push`.
    pub target: PushTarget,
}

/// The subscriptions of a user, the oldest first.
#[derive(Debug, Message)]
#[rtype(result = "Result<Vec<PushSubscription>, StoreError>")]
pub struct ListSubscriptions {
    pub user: UserId,
}

/// Take a subscription back. [`StoreError::NotFound`] for another user's, too.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct RemoveSubscription {
    pub user: UserId,
    pub id: PushSubscriptionId,
}

/// Claim what is due, for as many pushes as there is room for.
///
/// What is not worth a push any more is withheld, and what falls into quiet hours is put off to their end, without
/// being answered. What is claimed is the claimant's for [`LEASE`]: if nothing is recorded by then (it has crashed) it
/// is due again.
#[derive(Debug, Message)]
#[rtype(result = "Result<ClaimedPushes, StoreError>")]
pub struct ClaimPushes {
    pub limit: usize,
}

/// For how long a claimed push is its claimant's. An attempt must end well before.
pub const LEASE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct ClaimedPushes {
    pub pushes: Vec<ClaimedPush>,
    /// More may be due: ask again at once, if there is room.
    pub has_more: bool,
    /// When they were claimed, by the clock of the database, by which all times in them are; at the earliest, where that
    /// has jumped.
    pub now: Timestamp,
}

/// One push to be sent to one subscription.
#[derive(Debug)]
pub struct ClaimedPush {
    /// To be handed back with what has become of it.
    pub claim: PushClaim,
    pub target: PushTarget,
    /// What it tells of; the newest one of a summary.
    pub notification: Notification,
    /// How many it tells of: 1, or what was held through the quiet hours.
    pub count: usize,
    /// What to show, in whatever length.
    pub text: PushText,
    pub urgency: Urgency,
    /// What takes the place of what on the device.
    pub tag: PushTag,
    /// The number on the badge.
    pub unseen: u64,
    /// What the device was shown, and the user has dealt with elsewhere: tags, each with the last position that is meant,
    /// since what is shown under it may be newer by the time that this comes. At most 20.
    pub close: BTreeMap<PushTag, Position>,
    /// When all of it has expired; `None` where something of it never does.
    pub expires_at: Option<Timestamp>,
    /// Which attempt this is, from 1 on; of a summary that of what was tried the least.
    pub attempt: u32,
    /// When the first attempt was made: now, at the first.
    pub first_tried_at: Timestamp,
}

/// The jobs behind a claimed push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushClaim {
    pub user: UserId,
    pub subscription: PushSubscriptionId,
    /// Each with its number of attempts, by which a record that comes late is known.
    pub jobs: Vec<(Offset, u32)>,
    /// What the device is not to be told to close again.
    pub told: Vec<Offset>,
}

/// Record what has become of claimed pushes. What was claimed again since, or has an end already, stays as it is.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct RecordPush {
    pub outcomes: Vec<(PushClaim, PushOutcome)>,
}

/// What has become of an attempt. A status is that of the push service's answer, `None` if there was none; a reason is
/// in our own words, and never the body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushOutcome {
    /// The push service has taken it.
    Sent { status: u16 },
    /// It is due again after this time.
    Retry { after: Duration, status: Option<u16>, reason: &'static str },
    /// The push service does not know the subscription any more: it is removed.
    Gone { status: u16 },
    /// The address is not one that may be connected to (T9): given up, and the subscription is disabled.
    Refused { reason: &'static str },
    /// Given up, until an administrator has it tried again.
    Dead { status: Option<u16>, reason: &'static str },
}

/// Make pushes that were given up due again, the oldest first; of one user, or of all. At most so many at once; answered
/// by how many there were.
#[derive(Debug, Message)]
#[rtype(result = "Result<usize, StoreError>")]
pub struct RetryPushes {
    pub user: Option<UserId>,
    /// What was given up later is left: who goes on asking would have the same ones tried for ever.
    pub before: Timestamp,
    pub limit: usize,
}

/// What has become of a notification for each subscription, as it is kept until the notification is deleted, or for a
/// week after its end (a month if it was given up).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushTrace {
    pub subscription: PushSubscriptionId,
    pub state: PushState,
    pub attempts: u32,
    /// That of the last answer of the push service.
    pub status: Option<u16>,
    /// Why it was withheld, put off, or failed the last time.
    pub reason: Option<String>,
    /// When it is tried next; `None` after its end.
    pub due_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

/// The private key by which push services know this server, as text: the one that is kept, or else this candidate,
/// which is kept from now on. So all instances have the same, whoever came first.
#[derive(Message)]
#[rtype(result = "Result<String, StoreError>")]
pub struct KeepVapidKey {
    pub candidate: String,
}

/// How jobs are written, claimed and forgotten; see `[push]`.
#[derive(Debug, Clone, Default)]
pub struct PushPolicy {
    /// Whether anything is pushed; if not, no jobs are written.
    pub is_enabled: bool,
    /// How long a notification may be seen elsewhere before it is pushed.
    pub grace: Duration,
    /// What has been due for longer is not worth a push any more.
    pub ttl: Duration,
    /// Most subscriptions of a user; 0 is no limit.
    pub subscriptions_max: usize,
}

impl PushPolicy {
    /// After how long what is stored is due; `None` where nothing is pushed.
    pub fn grace(&self) -> Option<Duration> {
        self.is_enabled.then_some(self.grace)
    }
}
