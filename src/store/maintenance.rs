//! What is done to a database besides serving: bringing it to this version, telling how it is, and deleting at once what
//! retention does not keep.
//!
//! For the command line. Each opens the database by itself, as the store does, and is done when it returns. On a server
//! other processes may serve meanwhile: they find what has changed by their sweep, as with any other process.

pub(super) mod migrations;

use std::time::{Duration, Instant};

pub use migrations::Migrations;

use super::{
    Connection,
    batch::{self, Failure},
    database::{Access, Database, empty_log},
    file::DatabaseFile,
    inboxes::{self, Place},
    job::{Job, Queued},
    messages::{ReadWebhooks, ReceiverDigest, StoreError, StoreOptions, WebhookStand},
    sweep::{Ended, Sweep},
    webhook_history,
    writer::chores,
};
use crate::{
    clock::ClockWatch,
    config::StoreUrl,
    domain::{Timestamp, UserId},
    hub::messages::{InboxFact, MarkedChange},
};

/// What one transaction deletes: others wait for it, on a server.
const ROWS: usize = 500;

/// How long one transaction may wait for others, and how often.
const PATIENCE: Duration = Duration::from_secs(10);
const ATTEMPTS: u32 = 10;

/// Inboxes that are looked into at a time.
const INBOXES: i64 = 500;

/// What was deleted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// Their own time was over.
    pub expired: usize,
    /// They were older than `retention.max_age`.
    pub aged: usize,
    /// They were read, and beyond `retention.max_read_per_user`.
    pub read: usize,
}

/// How a database is, seen from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    pub migrations: Migrations,
    /// How long one question and its answer took.
    pub round_trip: Duration,
    /// What time it is there; `None` where that is the clock of this machine.
    pub clock: Option<Timestamp>,
    /// A process serves from it, and no other can.
    pub is_taken: bool,
}

/// Brings the database to this version, and names the migrations that were run for it.
///
/// # Errors
/// One line that says what is wrong: it cannot be opened, another process has it, or a newer version made it.
pub fn migrate(options: &StoreOptions) -> Result<Vec<String>, StoreError> {
    let _lock = Database::lock(&options.url)?;
    let Migrations { pending, .. } = migrations(options)?.0;
    Database::open(&StoreOptions { migrates: true, ..options.clone() })?;
    Ok(pending)
}

/// Looks how the database is, and changes nothing.
///
/// # Errors
/// One line that says why it cannot be looked at.
pub fn examine(options: &StoreOptions) -> Result<Examined, StoreError> {
    let start = Instant::now();
    let (migrations, clock) = migrations(options)?;
    let round_trip = start.elapsed();
    let is_taken = Database::is_taken(&options.url)?;
    Ok(Examined { migrations, round_trip, clock, is_taken })
}

/// Looks how a receiver of webhooks does; `None` where the database is not of this version, or not there.
///
/// # Errors
/// One line that says why it cannot be looked at.
pub fn examine_receiver(
    options: &StoreOptions,
    receiver: ReceiverDigest,
) -> Result<Option<WebhookStand>, StoreError> {
    if !migrations(options)?.0.pending.is_empty() {
        return Ok(None);
    }
    let mut conn = Database::look(&options.url)?;
    webhook_history::stand(&mut conn, &ReadWebhooks { receiver }).map(Some)
}

fn migrations(options: &StoreOptions) -> Result<(Migrations, Option<Timestamp>), StoreError> {
    match &options.url {
        StoreUrl::Sqlite(path) => Ok((DatabaseFile::migrations(path)?, None)),
        #[cfg(feature = "postgres")]
        StoreUrl::Postgres(url) => {
            let (migrations, clock) = super::server::DatabaseServer::migrations(url, options)?;
            Ok((migrations, Some(clock)))
        }
        #[cfg(not(feature = "postgres"))]
        StoreUrl::Postgres(_) => Err(StoreError::Unavailable("built without PostgreSQL".to_owned())),
    }
}

/// Deletes at once what a server would delete by and by.
///
/// # Errors
/// One line that says what is wrong; what was deleted before stays so.
pub fn prune(options: &StoreOptions) -> Result<Pruned, StoreError> {
    let lock = Database::lock(&options.url)?;
    let database = Database::open(options)?;
    let mut conn = database.connect(Access::Write)?;
    // Whoever says so by hand says that the clock is right.
    let clock = ClockWatch::start(|| conn.now())?;
    let pruned = Pruned {
        expired: sweep(&mut conn, &clock, Ended::Expired)?,
        aged: sweep(&mut conn, &clock, Ended::Aged(options.max_age))?,
        read: sweep_read(&mut conn, &clock, options.max_read)?,
    };
    let mut undelivered = 0;
    let forgotten = forget(&mut conn, options, &mut undelivered);
    chores::tell_undelivered(undelivered);
    forgotten?;
    empty_log(&mut conn)?;
    drop(lock);
    Ok(pruned)
}

/// Forgets all that is old or too much, part by part, and counts what the receiver of webhooks has not taken of it.
fn forget(conn: &mut Connection, options: &StoreOptions, undelivered: &mut usize) -> Result<(), StoreError> {
    let keys = options.idempotency_retention;
    let mut excess = webhook_history::excess(conn, options.webhook_bounds)?;
    loop {
        let forgotten = conn.writing(|conn, now| chores::forget(conn, now, keys, excess, ROWS))?;
        *undelivered += forgotten.undelivered;
        excess = forgotten.excess;
        if !forgotten.has_more {
            return Ok(());
        }
    }
}

/// Looks into each inbox that may have too many, by the time of its last change.
fn sweep_read(conn: &mut Connection, clock: &ClockWatch, keep: usize) -> Result<usize, StoreError> {
    let keep = i64::try_from(keep).unwrap_or(i64::MAX);
    // What is swept has changed then, and would come again.
    let (mut place, end) = (Place::START, conn.now()?);
    let mut deleted = 0;
    loop {
        let page = inboxes::crowded(conn, &place, keep, INBOXES)?;
        let Some(last) = page.last().cloned() else { return Ok(deleted) };
        let users: Vec<UserId> = page.into_iter().filter_map(|place| place.user).collect();
        for user in users {
            deleted += sweep(conn, clock, Ended::Outnumbered { user, keep })?;
        }
        if last.changed_at > end {
            return Ok(deleted);
        }
        place = last;
    }
}

/// Deletes all of them, part by part; says how many of them somebody could see.
fn sweep(conn: &mut Connection, clock: &ClockWatch, ended: Ended) -> Result<usize, StoreError> {
    let (mut deleted, mut attempts) = (0, 0);
    loop {
        let by = conn.now()?;
        let sweep = Sweep { ended: ended.clone(), by, limit: ROWS };
        let (job, mut answer) = Queued::new(sweep, None, Instant::now() + PATIENCE);
        let mut jobs: Vec<Box<dyn Job>> = vec![Box::new(job)];
        match batch::run(conn, &mut jobs, &mut None, clock) {
            Ok((facts, _)) => {
                deleted += facts.iter().map(deleted_by).sum::<usize>();
                jobs.into_iter().for_each(Job::answer);
                if !matches!(answer.try_recv(), Ok(Ok(true))) {
                    return Ok(deleted);
                }
                attempts = 0;
            }
            Err(Failure::Locked | Failure::Passing(_)) if attempts < ATTEMPTS => attempts += 1,
            Err(Failure::Locked) => {
                return Err(StoreError::Unavailable("another program holds the database".to_owned()));
            }
            Err(
                Failure::Passing(error)
                | Failure::Job(error)
                | Failure::Transaction(error)
                | Failure::Doubtful(_, error),
            ) => return Err(error),
        }
    }
}

fn deleted_by(fact: &InboxFact) -> usize {
    match fact {
        InboxFact::Marked { change: MarkedChange::Deleted(ids), .. } => ids.len(),
        _ => 0,
    }
}
