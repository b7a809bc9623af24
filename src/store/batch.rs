//! Many jobs in one transaction.

use std::time::Instant;

use diesel::QueryResult;

use super::{
    Connection,
    error::{is_locked, may_pass},
    job::Job,
    messages::StoreError,
    transaction::{Doubt, Transaction},
};
use crate::{clock::ClockWatch, domain::Timestamp, hub::messages::InboxFact};

/// Why nothing of a batch was done.
pub(super) enum Failure {
    /// Another connection holds the database, or somebody has given up: trying again may help.
    Locked,
    /// Another transaction stood in the way, or the connection was lost: the same may go through now.
    Passing(StoreError),
    /// One of the jobs failed; without it the others may go through.
    Job(StoreError),
    /// The transaction did not begin or did not commit: no job is to blame.
    Transaction(StoreError),
    /// It is not known whether it has committed; that is found out by trying again.
    Doubtful(Doubt, StoreError),
}

impl Failure {
    /// Whether the disk has no room for it.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Self::Locked => false,
            Self::Passing(error) | Self::Job(error) | Self::Transaction(error) | Self::Doubtful(_, error) => {
                matches!(error, StoreError::Full(_))
            }
        }
    }
}

/// Runs the jobs and commits; says what became true, and when.
///
/// What is stored goes first, since it is written together; what changes inboxes besides follows in the order
/// of users, in which all that it changes is locked.
///
/// # Errors
/// Nothing was done then, unless it was the commit that failed: that may have come through all the same.
pub(super) fn run(
    conn: &mut Connection,
    jobs: &mut [Box<dyn Job>],
    doubt: &mut Option<Doubt>,
    clock: &ClockWatch,
) -> Result<(Vec<InboxFact>, Timestamp), Failure> {
    let now = conn.begin().map_err(|error| match error {
        error if is_locked(&error) => Failure::Locked,
        error if may_pass(conn, &error) => Failure::Passing(error.into()),
        error => Failure::Transaction(error.into()),
    })?;
    // They may have given up while it waited for its beginning.
    if !jobs.iter().all(|job| job.is_wanted(Instant::now())) {
        return Err(give_up(conn));
    }
    jobs.sort_by(|a, b| a.user().cmp(&b.user()));
    let mut tx = Transaction::new(conn, now, clock);
    let done = work(&mut tx, jobs, doubt);
    let facts = tx.facts;
    match done {
        Ok(None) => {}
        // It was done the time before.
        Ok(Some(Doubt { facts, changed_at })) => {
            drop(conn.roll_back());
            return Ok((facts, changed_at));
        }
        Err(error) => {
            // If this fails, too, it is undone by the end of the connection.
            drop(conn.roll_back());
            let failure = if may_pass(conn, &error) { Failure::Passing } else { Failure::Job };
            return Err(failure(error.into()));
        }
    }
    // It may have waited for a lock longer than anybody waited for it.
    if !jobs.iter().any(|job| job.is_wanted(Instant::now())) {
        return Err(give_up(conn));
    }
    match conn.commit() {
        Ok(()) => Ok((facts, now)),
        // The answer may be what was lost.
        Err(error) if conn.is_shared() => {
            Err(Failure::Doubtful(Doubt { facts, changed_at: now }, error.into()))
        }
        Err(error) => Err(Failure::Transaction(error.into())),
    }
}

/// Does the jobs; gives back the doubt if they turn out to be done already.
fn work(
    tx: &mut Transaction<'_>,
    jobs: &mut [Box<dyn Job>],
    doubt: &mut Option<Doubt>,
) -> QueryResult<Option<Doubt>> {
    tx.lock(jobs)?;
    // Whoever had the locks has ended, be it the same batch in another connection.
    let known = match doubt {
        Some(doubt) => tx.is_done(doubt)?,
        None => None,
    };
    match known {
        Some(true) => return Ok(doubt.take()),
        Some(false) => *doubt = None,
        None => {}
    }
    tx.is_repeated = doubt.is_some();
    for job in jobs.iter_mut() {
        // Only what is stored need not see what was stored before.
        if job.append().is_none() {
            tx.write()?;
        }
        job.run(tx)?;
    }
    tx.write()?;
    if let Some(doubt) = doubt {
        tx.tell_again(doubt)?;
    }
    Ok(None)
}

fn give_up(conn: &mut Connection) -> Failure {
    conn.roll_back().map_or_else(|error| Failure::Transaction(error.into()), |()| Failure::Locked)
}
