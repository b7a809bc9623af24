//! The end of notifications that were given one: expired means deleted, everywhere.
//!
//! Readers hide an expired row at once; this takes it away, corrects the counters and says so.

use super::{
    Connection,
    error::Fault,
    inboxes::{self, Delta},
    job::Write,
    notifications::{self, ExpiredRow},
    rows::broken,
};
use crate::{
    domain::{NotificationId, Timestamp, UserId},
    hub::messages::{InboxFact, MarkedChange},
};

/// Deletes at most so many expired notifications; says whether there may be more.
pub(super) struct SweepExpired {
    pub(super) limit: usize,
}

impl Write for SweepExpired {
    type Done = bool;

    fn rows(&self) -> usize {
        self.limit
    }

    fn apply(
        &self,
        conn: &mut Connection,
        now: Timestamp,
        facts: &mut Vec<InboxFact>,
    ) -> Result<bool, Fault> {
        let rows = notifications::expired(conn, now, i64::try_from(self.limit).unwrap_or(i64::MAX))?;
        for of_user in rows.chunk_by(|a, b| a.user_id == b.user_id) {
            facts.extend(delete(conn, of_user, now)?);
        }
        Ok(rows.len() == self.limit)
    }
}

/// Deletes rows of one user.
fn delete(conn: &mut Connection, rows: &[ExpiredRow], now: Timestamp) -> Result<Option<InboxFact>, Fault> {
    let Some(first) = rows.first() else { return Ok(None) };
    let user: UserId = first.user_id.parse().map_err(broken)?;
    let mut delta = Delta::default();
    let mut ids: Vec<NotificationId> = Vec::with_capacity(rows.len());
    for row in rows {
        notifications::delete(conn, &user, u64::try_from(row.offset).map_err(broken)?)?;
        // An archived one is read and seen, and a muted one was never counted.
        delta.unread -= i64::from(row.read_at.is_none() && !row.muted);
        delta.unseen -= i64::from(row.seen_at.is_none() && !row.muted);
        ids.push(row.id.parse().map_err(broken)?);
    }
    let counters = inboxes::adjust(conn, &user, delta, now)?.counters;
    Ok(Some(InboxFact::Marked { user, origin: None, change: MarkedChange::Deleted(ids), counters }))
}
