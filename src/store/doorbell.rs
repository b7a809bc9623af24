//! Telling the hub what became true, and remembering when it could not listen.
//!
//! The facts are only a doorbell: losing them costs time and never a notification, since what was missed is
//! swept up (`catch_up.rs`). What this must not do is to wait for the hub, or to forget that it has not heard.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use actix::Recipient;
use tokio::sync::Notify;

use crate::{
    domain::Timestamp,
    hub::messages::{Committed, InboxFact},
    mailbox::{Budget, OfferError, offer},
    observe::metrics::{self, Dropped},
};

/// Bytes of payloads that may wait for the hub.
const HUB_BYTES: usize = 64 * 1024 * 1024;

/// A clone rings the same bell, and has a place in the hub's mailbox of its own.
#[derive(Clone)]
pub(super) struct Doorbell {
    /// Kept for good: the bound of its mailbox holds for each sender.
    hub: Recipient<Committed>,
    budget: Budget,
    missed: Arc<Missed>,
}

/// The earliest change that the hub had no room for.
struct Missed {
    /// [`Self::NOTHING`], or its time.
    since: AtomicI64,
    rings: Notify,
}

impl Missed {
    const NOTHING: i64 = i64::MAX;
}

impl Doorbell {
    pub(super) fn new(hub: Recipient<Committed>) -> Self {
        let missed = Missed { since: AtomicI64::new(Missed::NOTHING), rings: Notify::new() };
        Self { hub, budget: Budget::new(HUB_BYTES), missed: Arc::new(missed) }
    }

    /// Offers facts that were committed with `changed_at` in their inboxes.
    pub(super) fn ring(&self, facts: Vec<InboxFact>, changed_at: Timestamp) {
        let count = facts.len();
        if facts.is_empty() || self.offer(facts, false) {
            return;
        }
        metrics::dropped(Dropped::HubFull, count);
        let before = self.missed.since.fetch_min(changed_at.as_micros(), Ordering::AcqRel);
        if before == Missed::NOTHING {
            log::warn!("the hub is full; inboxes that changed are told again");
        }
        self.missed.rings.notify_one();
    }

    /// Offers what a sweep has found; whether the hub took it.
    pub(super) fn tell_found(&self, facts: Vec<InboxFact>) -> bool {
        facts.is_empty() || self.offer(facts, true)
    }

    /// Whether the hub took the facts, or is gone for good.
    fn offer(&self, facts: Vec<InboxFact>, are_found: bool) -> bool {
        let bytes = facts.iter().map(InboxFact::bytes).sum();
        let Some(load) = self.budget.take(bytes) else { return false };
        offer(&self.hub, Committed { facts, are_found, load }) != Err(OfferError::Full)
    }

    /// Completes when the hub had no room for something.
    pub(super) async fn has_missed(&self) {
        self.missed.rings.notified().await;
    }

    /// From when on it may have missed something. It is up to the caller from now on to make up for it.
    pub(super) fn take_missed(&self) -> Option<Timestamp> {
        let since = self.missed.since.swap(Missed::NOTHING, Ordering::AcqRel);
        (since != Missed::NOTHING).then(|| Timestamp::from_micros(since))
    }
}
