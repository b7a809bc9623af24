//! Telling the hub what became true, and telling it again when it could not listen.
//!
//! The facts are only a doorbell: losing them costs time and never a notification. What this must
//! not do is to wait for the hub, or to forget that it has not heard.

use std::time::{Duration, Instant};

use actix::Recipient;
use diesel::QueryResult;

use super::{Connection, inboxes};
use crate::{
    domain::{Timestamp, UserId},
    hub::messages::{Committed, InboxFact},
    mailbox::{Budget, OfferError, offer},
};

/// How long a full hub is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// Bytes of payloads that may wait for the hub.
const HUB_BYTES: usize = 64 * 1024 * 1024;

/// Inboxes in one message to the hub.
const PAGE_INBOXES: i64 = 500;

pub(super) struct Doorbell {
    /// Kept for good: the bound of its mailbox holds for each sender.
    hub: Recipient<Committed>,
    budget: Budget,
    unheard: Option<Unheard>,
}

/// Inboxes whose facts the hub did not take, as a span of the time of their change.
struct Unheard {
    /// Told again up to this inbox.
    from: (Timestamp, Option<UserId>),
    /// The latest change since then.
    until: Timestamp,
    due: Instant,
}

impl Doorbell {
    pub(super) fn new(hub: Recipient<Committed>) -> Self {
        Self { hub, budget: Budget::new(HUB_BYTES), unheard: None }
    }

    /// When to [`Self::ring_again`].
    pub(super) fn due(&self) -> Option<Instant> {
        self.unheard.as_ref().map(|unheard| unheard.due)
    }

    /// Offers facts that were committed with `changed_at` in their inboxes.
    pub(super) fn ring(&mut self, facts: Vec<InboxFact>, changed_at: Timestamp) {
        if facts.is_empty() {
            return;
        }
        let is_heard = self.offer(facts);
        if is_heard && self.unheard.is_none() {
            return;
        }
        let unheard = self.unheard.get_or_insert_with(|| {
            log::warn!("the hub is full; inboxes that changed are told again");
            Unheard { from: (changed_at, None), until: changed_at, due: Instant::now() + PAUSE }
        });
        // What was heard counts too: a mark moves the time of an inbox whose notification was not. And
        // the clock may have been set back meanwhile.
        if changed_at <= unheard.from.0 {
            unheard.from = (changed_at, None);
        }
        unheard.until = unheard.until.max(changed_at);
    }

    /// Whether the hub took the facts, or is gone for good.
    fn offer(&self, facts: Vec<InboxFact>) -> bool {
        let bytes = facts.iter().map(InboxFact::bytes).sum();
        let Some(load) = self.budget.take(bytes) else { return false };
        offer(&self.hub, Committed { facts, load }) != Err(OfferError::Full)
    }

    /// Leaves what is unheard for a while.
    pub(super) fn postpone(&mut self) {
        if let Some(unheard) = &mut self.unheard {
            unheard.due = Instant::now() + PAUSE;
        }
    }

    /// Offers one page of the inboxes that the hub has not heard of.
    ///
    /// # Errors
    /// Those of the database; it is tried again after a pause.
    pub(super) fn ring_again(&mut self, conn: &mut Connection) -> QueryResult<()> {
        self.postpone();
        let Some(unheard) = &mut self.unheard else { return Ok(()) };
        let from = (unheard.from.0, unheard.from.1.as_ref());
        let page = inboxes::changed(conn, from, unheard.until, PAGE_INBOXES)?;
        let Some(last) = page.last().map(|inbox| (inbox.changed_at, Some(inbox.user.clone()))) else {
            self.unheard = None;
            return Ok(());
        };
        let fact = |inbox: inboxes::Changed| InboxFact::Changed {
            user: inbox.user,
            position: inbox.state.head.position(),
            counters: inbox.state.counters,
        };
        let facts = page.into_iter().map(fact).collect();
        if self.offer(facts)
            && let Some(unheard) = &mut self.unheard
        {
            unheard.from = last;
            unheard.due = Instant::now();
        }
        Ok(())
    }
}
