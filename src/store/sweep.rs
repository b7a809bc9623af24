//! Taking away what has come to its end, with its counters: what has expired, and what retention does not
//! keep. Deleted means deleted, everywhere.
//!
//! Readers hide an expired row at once; what retention takes away is shown until it is gone.

use std::time::Duration;

use super::{
    Connection,
    error::Fault,
    inboxes::{self, Delta},
    job::Write,
    notifications::{self, EndedRow},
    push_history,
    rows::broken,
    transaction::Transaction,
};
use crate::{
    domain::{NotificationId, Timestamp, UserId},
    hub::messages::{InboxFact, MarkedChange},
};

/// Which notifications have come to their end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// Their own time is over.
    Expired,
    /// They are older than this, read or not. Who missed one is told by a `gap`.
    Aged(Duration),
    /// The user has read them, and as many newer ones. Who missed one is told by a `skip`.
    Outnumbered { user: UserId, keep: i64 },
}

impl Ended {
    /// At most `limit` of them. Where others write at the same time they may be gone a moment later.
    pub(super) fn rows(
        &self,
        conn: &mut Connection,
        now: Timestamp,
        limit: i64,
    ) -> diesel::QueryResult<Vec<EndedRow>> {
        match self {
            Self::Expired => notifications::expired(conn, now, limit),
            Self::Aged(max_age) => {
                notifications::made_before(conn, &NotificationId::first_of(now.minus(*max_age)), limit)
            }
            Self::Outnumbered { user, keep } => notifications::read_beyond(conn, user, *keep, limit),
        }
    }
}

/// Deletes at most so many of them; says whether there may be more.
pub(super) struct Sweep {
    pub(super) ended: Ended,
    /// The time at which they have come to their end: one that was believed, whatever the clock shows now.
    pub(super) by: Timestamp,
    pub(super) limit: usize,
}

impl Write for Sweep {
    type Done = bool;

    fn rows(&self) -> usize {
        self.limit
    }

    /// Whose inboxes it locks shows only in what it finds.
    fn is_alone(&self) -> bool {
        true
    }

    fn apply(&self, Transaction { conn, now, facts, .. }: &mut Transaction<'_>) -> Result<bool, Fault> {
        let now = *now;
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        let mut rows = self.ended.rows(conn, self.by, limit)?;
        let may_be_more = rows.len() == self.limit;
        if conn.is_shared() {
            // What others have done to them shows when nobody can do any more.
            let mut users: Vec<String> = rows.into_iter().map(|row| row.user_id).collect();
            users.sort_unstable();
            users.dedup();
            inboxes::hold_all(conn, &users)?;
            rows = self.ended.rows(conn, self.by, limit)?;
            rows.retain(|row| users.binary_search(&row.user_id).is_ok());
        }
        rows.sort_unstable_by(|a, b| (&a.user_id, a.offset).cmp(&(&b.user_id, b.offset)));
        let users: Vec<String> = rows.chunk_by(|a, b| a.user_id == b.user_id).filter_map(user_of).collect();
        let pushed_to = push_history::pushed_to(conn, &users)?;
        for of_user in rows.chunk_by(|a, b| a.user_id == b.user_id) {
            let Some(last) = of_user.last() else { continue };
            let user: UserId = last.user_id.parse().map_err(broken)?;
            facts.extend(delete(conn, &user, of_user, now)?);
            if pushed_to.contains(user.as_str()) {
                let offsets: Vec<i64> = of_user.iter().map(|row| row.offset).collect();
                push_history::forget_of(conn, &user, &offsets)?;
            }
            if matches!(self.ended, Ended::Aged(_)) {
                inboxes::prune(conn, &user, u64::try_from(last.offset).map_err(broken)?)?;
            }
        }
        Ok(may_be_more)
    }
}

fn user_of(rows: &[EndedRow]) -> Option<String> {
    rows.first().map(|row| row.user_id.clone())
}

/// Deletes rows of one user. Nobody is told of muted ones: they were never there.
pub(super) fn delete(
    conn: &mut Connection,
    user: &UserId,
    rows: &[EndedRow],
    now: Timestamp,
) -> Result<Option<InboxFact>, Fault> {
    let mut delta = Delta::default();
    let mut ids: Vec<NotificationId> = Vec::with_capacity(rows.len());
    for row in rows {
        notifications::delete(conn, user, u64::try_from(row.offset).map_err(broken)?)?;
        if !row.muted {
            // An archived one is read and seen.
            delta.unread -= i64::from(row.read_at.is_none());
            delta.unseen -= i64::from(row.seen_at.is_none());
            ids.push(row.id.parse().map_err(broken)?);
        }
    }
    if ids.is_empty() {
        return Ok(None);
    }
    let counters = inboxes::adjust(conn, user, delta, now)?.counters;
    let change = MarkedChange::Deleted(ids);
    Ok(Some(InboxFact::Marked { user: user.clone(), origin: None, change, counters }))
}
