//! Many jobs in one transaction.

use std::time::Instant;

use super::{
    Connection,
    error::{is_locked, may_pass},
    job::Job,
    messages::StoreError,
};
use crate::{domain::Timestamp, hub::messages::InboxFact};

/// Why nothing of a batch was done.
pub(super) enum Failure {
    /// Another connection holds the database: trying again may help.
    Locked,
    /// Another transaction stood in the way, or the connection was lost: the same may go through now.
    Passing(StoreError),
    /// One of the jobs failed; without it the others may go through.
    Job(StoreError),
    /// The transaction did not begin or did not commit: no job is to blame.
    Transaction(StoreError),
}

/// Runs the jobs in order and commits; says what became true, and when.
///
/// # Errors
/// Nothing was done then, unless it was the commit that failed: that may have come through all the same.
pub(super) fn run(
    conn: &mut Connection,
    jobs: &mut [Box<dyn Job>],
) -> Result<(Vec<InboxFact>, Timestamp), Failure> {
    let now = conn.begin().map_err(|error| match error {
        error if is_locked(&error) => Failure::Locked,
        error if may_pass(conn, &error) => Failure::Passing(error.into()),
        error => Failure::Transaction(error.into()),
    })?;
    let mut facts = Vec::with_capacity(jobs.len());
    for job in jobs.iter_mut() {
        if let Err(error) = job.run(conn, now, &mut facts) {
            // If this fails, too, it is undone by the end of the connection.
            drop(conn.roll_back());
            let failure = if may_pass(conn, &error) { Failure::Passing } else { Failure::Job };
            return Err(failure(error.into()));
        }
    }
    // It may have waited alone for a lock, longer than anybody waited for it.
    if let [job] = jobs
        && !job.is_wanted(Instant::now())
    {
        return conn
            .roll_back()
            .map_or_else(|error| Err(Failure::Transaction(error.into())), |()| Err(Failure::Locked));
    }
    conn.commit().map_err(|error| Failure::Transaction(error.into()))?;
    Ok((facts, now))
}
