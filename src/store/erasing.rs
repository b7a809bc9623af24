//! Erasing a user: everything that is kept of them but what was revoked, without which it would be good again.
//!
//! A long inbox goes from below, part by part; what is left goes in one transaction with everything else, and the
//! inbox begins another life: nobody can take a new number for an old one, and whoever follows it hears of a `gap`.

use super::{
    Connection,
    error::Fault,
    idempotency, inboxes,
    job::Write,
    messages::{EraseUser, Erased},
    mutes, notifications, preferences, sweep, tickets,
    writer::BATCH_ROWS,
};
use crate::{domain::Timestamp, hub::messages::InboxFact};

/// Rows that are erased in one go: some ten milliseconds of the writer.
const ERASED_ROWS: usize = 500;

impl Write for EraseUser {
    type Done = Erased;

    /// A transaction to itself.
    fn rows(&self) -> usize {
        BATCH_ROWS
    }

    fn apply(
        &self,
        conn: &mut Connection,
        now: Timestamp,
        facts: &mut Vec<InboxFact>,
    ) -> Result<Erased, Fault> {
        let user = &self.user;
        let oldest = notifications::oldest(conn, user, ERASED_ROWS as i64)?;
        if oldest.len() == ERASED_ROWS {
            facts.extend(sweep::delete(conn, user, &oldest, now)?);
            return Ok(Erased::Partly);
        }
        if idempotency::erase(conn, user, ERASED_ROWS)? {
            return Ok(Erased::Partly);
        }
        mutes::erase(conn, user)?;
        preferences::erase(conn, user)?;
        tickets::erase(conn, user)?;
        // The row first: who appends meanwhile has it, and what that one has appended goes, too.
        if let Some(state) = inboxes::renew(conn, user, now)? {
            let (position, counters) = (state.head.position(), state.counters);
            facts.push(InboxFact::Changed { user: user.clone(), position, counters });
        }
        notifications::erase(conn, user)?;
        Ok(Erased::Wholly)
    }
}
