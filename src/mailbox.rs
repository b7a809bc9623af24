//! `ask`, `offer`, `signal`: the only verbs by which actors are talked to.
//!
//! http and sessions ask (await with a deadline). Hub, store and shards ask nobody; they offer, and
//! handle a full mailbox themselves. So there is no circle to deadlock in and no unbounded queue.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix::{
    Actor, Addr, Handler, MailboxError, Message, Recipient,
    dev::{SendError, ToEnvelope},
};

/// How many bytes may wait in a mailbox: messages are counted by the mailbox, what they carry by this.
#[derive(Debug, Clone)]
pub struct Budget {
    total: usize,
    taken: Arc<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    bytes: AtomicUsize,
    messages: AtomicUsize,
}

/// How much waits, and may wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    pub messages: usize,
    pub bytes: usize,
    pub bytes_max: usize,
}

impl std::iter::Sum for Standing {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            messages: sum.messages + one.messages,
            bytes: sum.bytes + one.bytes,
            bytes_max: sum.bytes_max + one.bytes_max,
        })
    }
}

impl Budget {
    pub fn new(total: usize) -> Self {
        Self { total, taken: Arc::default() }
    }

    /// What has been taken and not given back.
    pub fn standing(&self) -> Standing {
        let Taken { bytes, messages } = &*self.taken;
        Standing {
            messages: messages.load(Ordering::Relaxed),
            bytes: bytes.load(Ordering::Relaxed),
            bytes_max: self.total,
        }
    }

    /// Whether so many bytes would be given now. Only one who alone takes can rely on it.
    pub fn has(&self, bytes: usize) -> bool {
        let taken = self.taken.bytes.load(Ordering::Relaxed);
        taken == 0 || taken.saturating_add(bytes) <= self.total
    }

    /// Whether half of it is taken.
    pub fn is_strained(&self) -> bool {
        self.taken.bytes.load(Ordering::Relaxed) > self.total / 2
    }

    /// Takes bytes until the load is dropped; `None` if there are not as many left. Into an empty
    /// mailbox everything fits, however large it is.
    pub fn take(&self, bytes: usize) -> Option<Load> {
        let load = Load { bytes, taken: self.taken.clone() };
        self.taken.messages.fetch_add(1, Ordering::Relaxed);
        let before = self.taken.bytes.fetch_add(bytes, Ordering::Relaxed);
        (before == 0 || before.saturating_add(bytes) <= self.total).then_some(load)
    }
}

/// The bytes of one message, carried along in it.
#[derive(Debug)]
pub struct Load {
    bytes: usize,
    taken: Arc<Taken>,
}

impl Drop for Load {
    fn drop(&mut self) {
        self.taken.messages.fetch_sub(1, Ordering::Relaxed);
        self.taken.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Why an ask has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    #[error("no answer within the deadline")]
    Late,
    #[error("the actor is gone")]
    Gone,
}

/// Why an offer was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    #[error("the mailbox is full")]
    Full,
    #[error("the actor is gone")]
    Gone,
}

/// Sends and awaits the answer. Each asker has one question under way, so the askers are the bound.
///
/// # Errors
/// [`AskError::Late`] after `deadline`; the question may still be acted upon.
pub async fn ask<M>(to: &Recipient<M>, message: M, deadline: Duration) -> Result<M::Result, AskError>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    match tokio::time::timeout(deadline, to.send(message)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(MailboxError::Closed)) => Err(AskError::Gone),
        Ok(Err(MailboxError::Timeout)) | Err(_) => Err(AskError::Late),
    }
}

/// Sends without waiting, if there is room.
///
/// The bound holds for each sender: keep one and do not clone it for each message.
///
/// # Errors
/// [`OfferError::Full`]: nothing was sent, and the caller makes up for it.
pub fn offer<M>(to: &Recipient<M>, message: M) -> Result<(), OfferError>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    to.try_send(message).map_err(|error| match error {
        SendError::Full(_) => OfferError::Full,
        SendError::Closed(_) => OfferError::Gone,
    })
}

/// Sends past the mailbox's own bound: only for what is bounded otherwise. Lifecycle facts are, by the
/// sessions and the rooms they are in; answers, by the questions; and what a [`Budget`] has counted.
///
/// To an actor that is gone it does nothing; the process ends with its actors.
pub fn signal<A, M>(to: &Addr<A>, message: M)
where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    to.do_send(message);
}

/// The same to one who is known by what it takes.
pub fn signal_to<M>(to: &Recipient<M>, message: M)
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    to.do_send(message);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_says_before_what_it_would_give() {
        let budget = Budget::new(100);
        assert!(budget.has(1000) && !budget.is_strained());
        let load = budget.take(60);
        assert_eq!(budget.standing(), Standing { messages: 1, bytes: 60, bytes_max: 100 });
        assert!(budget.has(40) && !budget.has(41) && budget.is_strained());
        drop(load);
        assert!(!budget.is_strained() && budget.standing().messages == 0);
    }

    #[test]
    fn a_budget_is_given_back_with_its_load() {
        let budget = Budget::new(100);
        let first = budget.take(60).unwrap();
        assert!(budget.take(60).is_none());
        let second = budget.take(40).unwrap();
        drop((first, second));
        assert!(budget.take(1000).is_some_and(|_large| budget.take(1).is_none()));
        assert!(budget.take(100).is_some());
    }
}
