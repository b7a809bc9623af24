//! Erasing a user: everything that is kept of them but what was revoked, without which it would be good again.
//!
//! A long inbox goes from below, part by part; what is left goes in one transaction with everything else, and the
//! inbox begins another life: nobody can take a new number for an old one, and whoever follows it hears of a `gap`.

use super::{
    error::Fault,
    idempotency, inboxes,
    job::Write,
    ledger_rows,
    messages::{EraseUser, Erased},
    mutes, notifications, preferences, push_history, subscriptions, sweep, tickets,
    transaction::Transaction,
    webhook_history,
};
use crate::{domain::UserId, hub::messages::InboxFact};

/// Rows that are erased in one go: some ten milliseconds of the writer.
const ERASED_ROWS: usize = 500;

impl Write for EraseUser {
    type Done = Erased;

    fn user(&self) -> Option<&UserId> {
        Some(&self.user)
    }

    fn rows(&self) -> usize {
        ERASED_ROWS
    }

    fn is_alone(&self) -> bool {
        true
    }

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<Erased, Fault> {
        let (conn, now, user) = (&mut *tx.conn, tx.now, &self.user);
        let oldest = notifications::oldest(conn, user, ERASED_ROWS as i64)?;
        if oldest.len() == ERASED_ROWS {
            let fact = sweep::delete(conn, user, &oldest, now)?;
            tx.facts.extend(fact);
            return Ok(Erased::Partly);
        }
        if idempotency::erase(conn, user, ERASED_ROWS)? {
            return Ok(Erased::Partly);
        }
        if push_history::erase(conn, user, ERASED_ROWS)? || webhook_history::erase(conn, user, ERASED_ROWS)? {
            return Ok(Erased::Partly);
        }
        notifications::erase(conn, user)?;
        mutes::erase(conn, user)?;
        preferences::erase(conn, user)?;
        tickets::erase(conn, user)?;
        subscriptions::erase(conn, user)?;
        ledger_rows::erase(conn, user)?;
        if let Some(state) = inboxes::renew(conn, user, now)? {
            let (position, counters) = (state.head.position(), state.counters);
            tx.facts.push(InboxFact::Changed { user: user.clone(), position, counters });
        }
        Ok(Erased::Wholly)
    }
}
