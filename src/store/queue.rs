//! What waits to be written, for all writers.
//!
//! Whoever has time takes all that waits, up to the bound on a transaction. There is no timer: while
//! batches commit, the next gathers.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::job::Job;

/// Rows of one transaction: 50 ms of work, so that nobody waits long behind a flood.
pub(super) const BATCH_ROWS: usize = 2000;

pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    /// Most jobs that wait.
    bound: usize,
}

struct Waiting {
    jobs: VecDeque<Box<dyn Job>>,
    is_closed: bool,
}

/// Why a job was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Full,
    Closed,
}

/// What a writer has to do next.
pub(super) enum Turn {
    /// At least one.
    Jobs(Vec<Box<dyn Job>>),
    /// None came in time.
    Nothing,
    /// The queue is closed, and all that was in it has been taken.
    End,
}

impl Queue {
    pub(super) fn new(bound: usize) -> Self {
        let waiting = Waiting { jobs: VecDeque::new(), is_closed: false };
        Self { waiting: Mutex::new(waiting), arrived: Condvar::new(), bound }
    }

    /// # Errors
    /// If there is no room, or the queue is closed.
    pub(super) fn put(&self, job: Box<dyn Job>) -> Result<(), Refusal> {
        let mut waiting = self.lock();
        if waiting.is_closed {
            return Err(Refusal::Closed);
        }
        if waiting.jobs.len() >= self.bound {
            return Err(Refusal::Full);
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// Takes what waits for one transaction; waits for the first until then.
    pub(super) fn take(&self, until: Instant) -> Turn {
        let mut waiting = self.lock();
        loop {
            if let Some(first) = waiting.jobs.pop_front() {
                return Turn::Jobs(gather(first, &mut waiting.jobs));
            }
            if waiting.is_closed {
                return Turn::End;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Turn::Nothing;
            }
            let woken = self.arrived.wait_timeout(waiting, left);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes nothing new.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.arrived.notify_all();
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.lock().jobs.len()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Never held over anything that could panic, so what a poisoned lock guards is whole.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first job and what waits behind it, up to the bound, and up to one that must be alone.
fn gather(first: Box<dyn Job>, waiting: &mut VecDeque<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
    let is_alone = first.is_alone();
    let mut rows = first.rows();
    let mut jobs = vec![first];
    while rows < BATCH_ROWS
        && !is_alone
        && waiting.front().is_some_and(|job| !job.is_alone())
        && let Some(job) = waiting.pop_front()
    {
        rows += job.rows();
        jobs.push(job);
    }
    jobs
}
