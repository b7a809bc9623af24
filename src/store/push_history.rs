//! What has become of pushes: kept for a while, tried again, forgotten.

use std::{collections::HashSet, time::Duration};

use diesel::{dsl::exists, prelude::*};

use super::{
    Connection,
    error::Fault,
    job::Write,
    messages::{PushTrace, RetryPushes},
    push_jobs::signed,
    rows::TraceRow,
    schema::{
        inboxes,
        push_jobs::{self as j, table},
    },
    transaction::Transaction,
};
use crate::domain::{Offset, Timestamp, UserId, push::PushState};

/// How long what has ended is kept, for administrators to see; and what was given up.
const ENDED_AGE: Duration = Duration::from_secs(7 * 24 * 3600);
const DEAD_AGE: Duration = Duration::from_secs(30 * 24 * 3600);

impl Write for RetryPushes {
    type Done = usize;

    fn rows(&self) -> usize {
        self.limit
    }

    /// What it changes shows only in what it finds.
    fn is_alone(&self) -> bool {
        true
    }

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<usize, Fault> {
        Ok(revive(tx.conn, self.user.as_ref(), self.limit, self.before, tx.bounds.earliest)?)
    }
}

/// What has become of a notification.
pub(super) fn trace(conn: &mut Connection, user: &UserId, offset: Offset) -> QueryResult<Vec<PushTrace>> {
    let of_notification = table.filter(j::user_id.eq(user.as_str()).and(j::offset.eq(signed(offset))));
    let rows: Vec<TraceRow> =
        of_notification.order(j::subscription_id).select(TraceRow::as_select()).load(conn)?;
    rows.into_iter().map(PushTrace::try_from).collect()
}

/// Those of these users of whose notifications anything was to be pushed, so that nobody else pays for it.
pub(super) fn pushed_to(conn: &mut Connection, users: &[String]) -> QueryResult<HashSet<String>> {
    let has_jobs = exists(table.filter(j::user_id.eq(inboxes::user_id)));
    let pushed_to = inboxes::table.filter(inboxes::user_id.eq_any(users).and(has_jobs));
    let pushed_to: Vec<String> = pushed_to.select(inboxes::user_id).load(conn)?;
    Ok(pushed_to.into_iter().collect())
}

/// Forgets the jobs of notifications that are deleted: but for those that may be on their way, and those that a device
/// shows, which is to be told.
pub(super) fn forget_of(conn: &mut Connection, user: &UserId, offsets: &[i64]) -> QueryResult<()> {
    let is_idle = j::due_at.is_null().or(j::attempts.eq(0));
    let of_notifications = table.filter(j::user_id.eq(user.as_str()).and(j::offset.eq_any(offsets)));
    diesel::delete(of_notifications.filter(is_idle).filter(j::shown_tag.is_null())).execute(conn).map(drop)
}

type Key = (String, i64, String);

/// Rows that have ended, for nobody else to change, the oldest first.
fn ended(
    conn: &mut Connection,
    state: PushState,
    before: Timestamp,
    of: Option<&UserId>,
    limit: usize,
) -> QueryResult<Vec<Key>> {
    let mut ended = table
        .filter(j::state.eq(state.as_str()).and(j::ended_at.le(before.as_micros())))
        .order(j::ended_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((j::user_id, j::offset, j::subscription_id))
        .into_boxed();
    if let Some(user) = of {
        ended = ended.filter(j::user_id.eq(user.as_str()));
    }
    ended.load(conn)
}

/// Rows that nobody has looked at for long: nothing is pushed here any more.
fn overdue(conn: &mut Connection, before: Timestamp, limit: usize) -> QueryResult<Vec<Key>> {
    let mut overdue = Vec::new();
    for is_held in [false, true] {
        let waiting = table.filter(j::is_held.eq(is_held).and(j::due_at.lt(before.as_micros())));
        let waiting = waiting.limit(i64::try_from(limit).unwrap_or(i64::MAX));
        let keys: Vec<Key> = waiting.select((j::user_id, j::offset, j::subscription_id)).load(conn)?;
        overdue.extend(keys);
    }
    Ok(overdue)
}

/// Deletes at most `limit` of each kind of those that ended long ago, and says whether there may be more.
pub(super) fn forget(conn: &mut Connection, now: Timestamp, limit: usize) -> QueryResult<bool> {
    let mut keys = overdue(conn, now.minus(DEAD_AGE), limit)?;
    for state in [PushState::Sent, PushState::Withheld, PushState::Gone] {
        keys.extend(ended(conn, state, now.minus(ENDED_AGE), None, limit)?);
    }
    keys.extend(ended(conn, PushState::Dead, now.minus(DEAD_AGE), None, limit)?);
    keys.sort_unstable();
    for (user, offset, subscription) in &keys {
        diesel::delete(table.find((user, offset, subscription))).execute(conn)?;
    }
    Ok(keys.len() >= limit)
}

/// Makes at most `limit` of those that were given up due again; says how many.
fn revive(
    conn: &mut Connection,
    of: Option<&UserId>,
    limit: usize,
    before: Timestamp,
    now: Timestamp,
) -> QueryResult<usize> {
    let mut keys = ended(conn, PushState::Dead, before, of, limit)?;
    keys.sort_unstable();
    let mut revived = 0;
    for (user, offset, subscription) in &keys {
        let dead = table.find((user, offset, subscription)).filter(j::state.eq(PushState::Dead.as_str()));
        let revive = diesel::update(dead).set((
            j::state.eq(PushState::Waiting.as_str()),
            j::due_at.eq(now.as_micros()),
            j::ended_at.eq(None::<i64>),
            j::attempts.eq(0),
            j::first_tried_at.eq(None::<i64>),
        ));
        revived += revive.execute(conn)?;
    }
    Ok(revived)
}

/// Deletes at most `limit` of a user, and says whether there may be more.
pub(super) fn erase(conn: &mut Connection, user: &UserId, limit: usize) -> QueryResult<bool> {
    let of_user = table.filter(j::user_id.eq(user.as_str())).limit(i64::try_from(limit).unwrap_or(i64::MAX));
    let keys: Vec<(i64, String)> = of_user.select((j::offset, j::subscription_id)).load(conn)?;
    for (offset, subscription) in &keys {
        diesel::delete(table.find((user.as_str(), offset, subscription))).execute(conn)?;
    }
    Ok(keys.len() == limit)
}
