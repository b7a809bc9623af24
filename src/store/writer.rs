//! The threads that write: each takes what waits into one transaction, so that many pay for one sync of the
//! disk.
//!
//! A writer owns a writing connection; the queue in front is of all. A file has one writer, a server several,
//! so that one batch is worked on while another is synced. A writer notes the counters and offers the facts to
//! the hub after the commit and before the answers, and it must never answer before the commit.

pub(super) mod chores;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use diesel::r2d2::R2D2Connection;
use tokio::sync::watch;

use super::{
    Connection,
    batch::{self, Failure},
    counter_cache::CounterCache,
    database::{self, Access, Database},
    doorbell::Doorbell,
    file_lock::FileLock,
    job::{Answer, Job, Queued, Write, late},
    messages::{StoreError, StoreOptions},
    queue::{Queue, Refusal, Turn},
    transaction::Doubt,
};
use crate::{
    clock::ClockWatch,
    domain::Timestamp,
    hub::messages::InboxFact,
    mailbox::{Budget, Standing},
    observe::{logs::Seldom, metrics},
};
use chores::Chores;

/// Bytes that may wait in the queue, and most of the memory that they may be.
const QUEUE_BYTES: usize = 256 * 1024 * 1024;
const QUEUE_PART: usize = 8;

/// How often a transaction is tried again that another one stood in the way of, or whose connection was lost
/// before its commit.
pub(super) const RETRIES: u32 = 3;

/// How long a writer makes way for whoever it has crossed, before it tries again.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// How long a writer waits before it looks again what became of a transaction.
const DOUBT_PAUSE: Duration = Duration::from_millis(50);

/// How often room is made on a full disk.
const RELIEF_INTERVAL: Duration = Duration::from_secs(1);

/// How long a writer waits that has nothing else to do.
const FOR_GOOD: Duration = Duration::from_secs(3600);

/// The actor's end of the queue.
#[derive(Clone)]
pub(super) struct WriterLink {
    queue: Arc<Queue>,
    budget: Budget,
    ended: watch::Receiver<()>,
}

impl WriterLink {
    /// Queues a write for somebody who waits until `deadline`.
    ///
    /// # Errors
    /// If the queue is full, or the writers are ending.
    pub(super) fn queue<W: Write>(&self, write: W, deadline: Instant) -> Result<Answer<W>, StoreError> {
        let load = self.budget.take(write.bytes()).ok_or(StoreError::Overloaded)?;
        let (job, answer) = Queued::new(write, Some(load), deadline);
        match self.queue.put(Box::new(job)) {
            Ok(()) => Ok(answer),
            Err(Refusal::Full) => Err(StoreError::Overloaded),
            Err(Refusal::Closed) => Err(StoreError::Unavailable("the writer has ended".to_owned())),
        }
    }

    /// What waits for the writers.
    pub(super) fn standing(&self) -> Standing {
        Standing { messages: self.queue.len(), ..self.budget.standing() }
    }

    /// Takes nothing new; the writers end when they have done what is queued.
    pub(super) fn end(&self) {
        self.queue.close();
    }

    pub(super) fn is_ending(&self) -> bool {
        self.queue.is_closed()
    }

    /// Completes when the writers' threads have ended, for whatever reason.
    pub(super) fn ended(&self) -> impl Future<Output = ()> + use<> {
        let mut ended = self.ended.clone();
        async move { while ended.changed().await.is_ok() {} }
    }
}

pub(super) struct Writer {
    database: Database,
    /// None while it is to be opened anew, after an error.
    conn: Option<Connection>,
    queue: Arc<Queue>,
    clock: ClockWatch,
    doorbell: Doorbell,
    counters: Arc<CounterCache>,
    /// When it has last made room on a full disk.
    relieved_at: Option<Instant>,
    complaints: Seldom,
    /// One of the writers has some.
    chores: Option<Chores>,
    /// Held as long as anything may be written.
    _lock: Option<FileLock>,
    /// Dropped with the thread.
    _ended: watch::Sender<()>,
}

impl Writer {
    /// Starts the threads.
    ///
    /// # Errors
    /// If a connection cannot be opened, or a thread not be started.
    pub(super) fn start(
        database: &Database,
        mut lock: Option<FileLock>,
        options: &StoreOptions,
        clock: &ClockWatch,
        doorbell: &Doorbell,
        counters: &Arc<CounterCache>,
    ) -> Result<WriterLink, StoreError> {
        let queue = Arc::new(Queue::new(options.queue.max(1)));
        let (sender, ended) = watch::channel(());
        for number in 0..database.writers() {
            let writer = Self {
                _lock: lock.take(),
                conn: Some(database.connect(Access::Write)?),
                database: database.clone(),
                queue: queue.clone(),
                clock: clock.clone(),
                doorbell: doorbell.clone(),
                counters: counters.clone(),
                relieved_at: None,
                complaints: Seldom::new(),
                chores: (number == 0).then(|| Chores::new(options, clock.clone())),
                _ended: sender.clone(),
            };
            std::thread::Builder::new()
                .name(format!("store-writer-{number}"))
                .spawn(move || writer.run())
                .map_err(|error| StoreError::Unavailable(format!("the writer cannot start: {error}")))?;
        }
        Ok(WriterLink { queue, budget: Budget::new(QUEUE_BYTES.min(options.memory / QUEUE_PART)), ended })
    }

    fn run(mut self) {
        loop {
            let due = self.chores.as_ref().map_or_else(|| Instant::now() + FOR_GOOD, Chores::due);
            match self.queue.take(due) {
                Turn::Jobs(jobs) => self.work(jobs),
                Turn::Nothing => {}
                Turn::End => return self.close(),
            }
            self.do_chores();
        }
    }

    /// Does the jobs in one transaction, tells the hub, and answers.
    fn work(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        let (mut retries, mut doubt) = (0, None);
        loop {
            jobs = without_unwanted(jobs);
            if jobs.is_empty() {
                return;
            }
            match self.attempt(&mut jobs, &mut doubt) {
                Ok((facts, now)) => {
                    self.counters.note(&facts);
                    self.doorbell.ring(facts, now);
                    return jobs.into_iter().for_each(Job::answer);
                }
                Err(Failure::Locked) => {}
                Err(Failure::Doubtful(doubtful, error)) => {
                    log::warn!("it is looked up whether a transaction has committed: {error}");
                    doubt = Some(doubtful);
                }
                // They may have their answers yet: nobody fails before it is known, or nobody waits any more.
                Err(_) if doubt.is_some() => std::thread::sleep(DOUBT_PAUSE),
                Err(Failure::Passing(_)) if retries < RETRIES && (jobs.len() == 1 || self.conn.is_none()) => {
                    retries += 1;
                    std::thread::sleep(RETRY_PAUSE);
                }
                Err(failure) if failure.is_full() && self.has_relieved() => {}
                // One of them is to blame: alone, each harms only itself.
                Err(Failure::Passing(_) | Failure::Job(_)) if jobs.len() > 1 => {
                    return jobs.into_iter().for_each(|job| self.work(vec![job]));
                }
                Err(Failure::Passing(error) | Failure::Job(error) | Failure::Transaction(error)) => {
                    self.complain(&error);
                    return jobs.into_iter().for_each(|job| job.fail(error.clone()));
                }
            }
        }
    }

    fn attempt(
        &mut self,
        jobs: &mut [Box<dyn Job>],
        doubt: &mut Option<Doubt>,
    ) -> Result<(Vec<InboxFact>, Timestamp), Failure> {
        let clock = self.clock.clone();
        let conn = self.connection().map_err(Failure::Transaction)?;
        let begun = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| batch::run(conn, jobs, doubt, &clock)))
            .unwrap_or_else(|_| Err(Failure::Job(StoreError::Internal("a write panicked".to_owned()))));
        if outcome.is_ok() {
            metrics::store_committed(jobs.len(), begun.elapsed());
        }
        if outcome.as_ref().is_err_and(|failure| !matches!(failure, Failure::Locked)) {
            // One that was rolled back goes on.
            let is_commit = matches!(outcome, Err(Failure::Transaction(_) | Failure::Doubtful(..)));
            if is_commit || conn.is_broken() || conn.ping().is_err() {
                self.conn = None;
            }
            // A commit that failed may have come through all the same.
            self.counters.clear();
        }
        outcome
    }

    /// Makes room on a full disk, now and then: that which the log has taken.
    fn has_relieved(&mut self) -> bool {
        let is_due = self.relieved_at.is_none_or(|at| at.elapsed() >= RELIEF_INTERVAL);
        if is_due {
            self.relieved_at = Some(Instant::now());
        }
        is_due && self.connection().is_ok_and(|conn| database::reuse_log(conn).is_ok())
    }

    /// Says why transactions fail, now and then: while a disk is full, all do, and each asker's failure is said where
    /// it is answered.
    fn complain(&self, error: &StoreError) {
        if self.complaints.is_due() {
            log::error!("a transaction failed: {error}");
        }
    }

    /// The connection, opened anew if the last use of it failed.
    fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        self.database.check_writable()?;
        match &mut self.conn {
            Some(conn) => Ok(conn),
            none => Ok(none.insert(self.database.connect(Access::Write)?)),
        }
    }

    fn close(&mut self) {
        let closed = self.connection().and_then(|conn| Ok(database::empty_log(conn)?));
        if let Err(error) = closed {
            log::warn!("the log of the database stays beside it: {error}");
        }
    }
}

impl Drop for Writer {
    /// One that ends before it is told to takes the others with it, and the store.
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Lets those go whose askers have given up: what nobody waits for is not done.
fn without_unwanted(jobs: Vec<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
    let now = Instant::now();
    let (wanted, unwanted): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.is_wanted(now));
    for job in unwanted {
        job.fail(late());
    }
    wanted
}
