//! A write that waits for its turn, with the one who asked for it.

use std::time::Instant;

use diesel::QueryResult;
use tokio::sync::oneshot;

use super::{append::Append, error::Fault, messages::StoreError, transaction::Transaction};
use crate::{domain::UserId, mailbox::Load};

/// What is done inside a transaction of the writer.
#[cfg_attr(not(feature = "postgres"), allow(dead_code))]
pub(super) trait Write: Send + 'static {
    type Done: Send + 'static;

    /// Rows that it writes, roughly: they bound a transaction.
    fn rows(&self) -> usize {
        1
    }

    /// What it carries, in bytes.
    fn bytes(&self) -> usize {
        0
    }

    /// Whose inbox it changes, if it is one that is known before: it is locked for it.
    fn user(&self) -> Option<&UserId> {
        None
    }

    /// Whether that inbox is made if it is not there.
    fn makes_inbox(&self) -> bool {
        false
    }

    /// What it stores: the inboxes of those are locked, too.
    fn append(&self) -> Option<&Append> {
        None
    }

    /// Whether it has a transaction to itself, since it finds out in it what it will lock.
    fn is_alone(&self) -> bool {
        false
    }

    /// Does it, and adds what became true. A refusal comes before the first change, because what is
    /// done in the transaction before and after it stands.
    fn apply(&self, tx: &mut Transaction<'_>) -> Result<Self::Done, Fault>;
}

/// A [`Write`] of any kind in the queue.
#[cfg_attr(not(feature = "postgres"), allow(dead_code))]
pub(super) trait Job: Send {
    fn rows(&self) -> usize;

    fn user(&self) -> Option<&UserId>;

    fn makes_inbox(&self) -> bool;

    fn append(&self) -> Option<&Append>;

    fn is_alone(&self) -> bool;

    /// Whether somebody still waits for the answer.
    fn is_wanted(&self, now: Instant) -> bool;

    /// Runs inside a transaction, and keeps the outcome until the commit; a refusal is one, too.
    ///
    /// # Errors
    /// Those of the database; the transaction is lost then.
    fn run(&mut self, tx: &mut Transaction<'_>) -> QueryResult<()>;

    /// Answers with the outcome, which is committed.
    fn answer(self: Box<Self>);

    fn fail(self: Box<Self>, error: StoreError);
}

pub(super) struct Queued<W: Write> {
    write: W,
    /// None for the store's own work.
    _load: Option<Load>,
    deadline: Instant,
    outcome: Option<Result<W::Done, StoreError>>,
    reply: oneshot::Sender<Result<W::Done, StoreError>>,
}

pub(super) type Answer<W> = oneshot::Receiver<Result<<W as Write>::Done, StoreError>>;

impl<W: Write> Queued<W> {
    pub(super) fn new(write: W, load: Option<Load>, deadline: Instant) -> (Self, Answer<W>) {
        let (reply, answer) = oneshot::channel();
        (Self { write, _load: load, deadline, outcome: None, reply }, answer)
    }
}

impl<W: Write> Job for Queued<W> {
    fn rows(&self) -> usize {
        self.write.rows()
    }

    fn user(&self) -> Option<&UserId> {
        self.write.user()
    }

    fn makes_inbox(&self) -> bool {
        self.write.makes_inbox()
    }

    fn append(&self) -> Option<&Append> {
        self.write.append()
    }

    fn is_alone(&self) -> bool {
        self.write.is_alone()
    }

    fn is_wanted(&self, now: Instant) -> bool {
        now < self.deadline && !self.reply.is_closed()
    }

    fn run(&mut self, tx: &mut Transaction<'_>) -> QueryResult<()> {
        match self.write.apply(tx) {
            // What was taken away the time before cannot be taken away again.
            Err(Fault::Refused(_)) if tx.is_repeated && matches!(self.outcome, Some(Ok(_))) => {}
            Ok(done) => self.outcome = Some(Ok(done)),
            Err(Fault::Refused(error)) => self.outcome = Some(Err(error)),
            Err(Fault::Database(error)) => return Err(error),
        }
        Ok(())
    }

    fn answer(self: Box<Self>) {
        let outcome =
            self.outcome.unwrap_or_else(|| Err(StoreError::Internal("a write did not run".to_owned())));
        // An asker that has gone meanwhile finds its answer by asking again.
        drop(self.reply.send(outcome));
    }

    fn fail(self: Box<Self>, error: StoreError) {
        drop(self.reply.send(Err(error)));
    }
}

const LATE: &str = "its turn did not come in time";

pub(super) fn late() -> StoreError {
    StoreError::Unavailable(LATE.to_owned())
}

impl StoreError {
    /// Whether it was only not done in time: others had their turn, or it takes long.
    pub fn is_late(&self) -> bool {
        matches!(self, Self::Unavailable(reason) if reason == LATE)
    }
}
