//! Many jobs in one transaction.

use diesel::connection::{AnsiTransactionManager, TransactionManager};

use super::{Connection, error::is_locked, job::Job, messages::StoreError};
use crate::{domain::Timestamp, hub::messages::InboxFact};

/// Why nothing of a batch was done.
pub(super) enum Failure {
    /// Another connection holds the database: trying again may help.
    Locked,
    /// One of the jobs failed; without it the others may go through.
    Job(StoreError),
    /// The transaction did not begin or did not commit: no job is to blame.
    Transaction(StoreError),
}

/// Runs the jobs in order and commits; says what became true.
///
/// # Errors
/// Nothing was done then, and unless it was [`Failure::Locked`] the connection is not to be used again.
pub(super) fn run(
    conn: &mut Connection,
    jobs: &mut [Box<dyn Job>],
    now: Timestamp,
) -> Result<Vec<InboxFact>, Failure> {
    // IMMEDIATE: a transaction that first reads and then writes could find that another wrote between.
    AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE").map_err(|error| {
        if is_locked(&error) { Failure::Locked } else { Failure::Transaction(error.into()) }
    })?;
    let mut facts = Vec::with_capacity(jobs.len());
    for job in jobs {
        if let Err(error) = job.run(conn, now, &mut facts) {
            // If this fails, too, it is undone by the end of the connection.
            drop(AnsiTransactionManager::rollback_transaction(conn));
            return Err(Failure::Job(error.into()));
        }
    }
    AnsiTransactionManager::commit_transaction(conn).map_err(|error| Failure::Transaction(error.into()))?;
    Ok(facts)
}
