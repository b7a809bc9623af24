//! Queries over `push_jobs`: one notification for one subscription, while it waits and for a while after its end.

use diesel::{
    dsl::{exists, min, select},
    prelude::*,
    sql_types::{BigInt, Nullable, Text},
};

use super::{
    Connection, on_inner,
    prepared::Prepared,
    rows::{DueJob, JobRow, broken},
    schema::{
        push_jobs::{self as j, table},
        push_subscriptions as s,
    },
};
use crate::{
    clock::Bounds,
    domain::{
        Offset, PushSubscriptionId, PushTag, Timestamp, UserId,
        push::{PushState, Urgency},
    },
};

/// Why a job is held.
const QUIET: &str = "quiet hours";

/// The name of the statement that is [`Prepared`].
struct Write;

/// A notification that is to be pushed.
pub(super) struct Push {
    pub(super) user: UserId,
    pub(super) offset: Offset,
    pub(super) urgency: Urgency,
    pub(super) due_at: Timestamp,
}

/// Writes the jobs of a notification, one for each subscription of its user.
pub(super) fn write(conn: &mut Connection, push: &Push, now: Timestamp) -> QueryResult<()> {
    let jobs = s::table
        .filter(s::user_id.eq(push.user.as_str()).and(s::disabled_at.is_null()))
        .select((
            s::user_id,
            signed(push.offset).into_sql::<BigInt>(),
            s::id,
            push.urgency.as_str().into_sql::<Text>(),
            Some(push.due_at.as_micros()).into_sql::<Nullable<BigInt>>(),
            now.as_micros().into_sql::<BigInt>(),
        ))
        .insert_into(table)
        .into_columns((j::user_id, j::offset, j::subscription_id, j::urgency, j::due_at, j::created_at));
    on_inner!(conn, |conn| Prepared::new(Write, jobs).execute(conn)).map(drop)
}

/// When the first of these notifications is due that nobody has pushed yet.
pub(super) fn first_due(
    conn: &mut Connection,
    user: &UserId,
    offsets: &[i64],
) -> QueryResult<Option<Timestamp>> {
    let of_notifications = table.filter(j::user_id.eq(user.as_str()).and(j::offset.eq_any(offsets)));
    let waiting = of_notifications.filter(j::attempts.eq(0).and(j::is_held.eq(false)));
    let first: Option<i64> = waiting.select(min(j::due_at)).first(conn)?;
    Ok(first.map(Timestamp::from_micros))
}

/// Whether a job is due, whatever the clock does: what was not tried yet rather early, and what may be on its way, or
/// failed, rather late (G16).
macro_rules! is_due {
    ($by:expr) => {{
        let Bounds { earliest, latest } = $by;
        let is_free = j::attempts.eq(0).or(j::due_at.le(earliest.as_micros()).assume_not_null());
        j::due_at.le(latest.as_micros()).assume_not_null().and(is_free)
    }};
}

/// The next jobs that are due and not held, for nobody else to take until the end of the transaction; those that
/// somebody else has are passed over.
pub(super) fn due(conn: &mut Connection, by: Bounds, limit: i64) -> QueryResult<Vec<DueJob>> {
    let due = table.filter(j::is_held.eq(false).and(is_due!(by))).order(j::due_at).limit(limit);
    let rows: Vec<JobRow> = match conn {
        Connection::Sqlite(conn) => due.select(JobRow::as_select()).load(conn)?,
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => {
            due.select(JobRow::as_select()).for_no_key_update().skip_locked().load(conn)?
        }
    };
    rows.into_iter().map(DueJob::try_from).collect()
}

/// For which subscriptions held jobs are due, at most so many; in order.
pub(super) fn held(
    conn: &mut Connection,
    by: Bounds,
    limit: i64,
) -> QueryResult<Vec<(PushSubscriptionId, Timestamp)>> {
    let rows: Vec<(String, Option<i64>)> = table
        .filter(j::is_held.eq(true).and(is_due!(by)))
        .order(j::due_at)
        .limit(limit)
        .select((j::subscription_id, j::due_at))
        .distinct()
        .load(conn)?;
    let held = |(id, due_at): (String, Option<i64>)| {
        Ok((id.parse().map_err(broken)?, Timestamp::from_micros(due_at.unwrap_or_default())))
    };
    rows.into_iter().map(held).collect()
}

/// What is held for one subscription and due, the newest first; as [`due`].
pub(super) fn held_for(
    conn: &mut Connection,
    subscription: &PushSubscriptionId,
    by: Bounds,
    limit: i64,
) -> QueryResult<Vec<DueJob>> {
    let held = table
        .filter(j::subscription_id.eq(subscription.as_str()).and(j::is_held).and(is_due!(by)))
        .order(j::offset.desc())
        .limit(limit);
    let rows: Vec<JobRow> = match conn {
        Connection::Sqlite(conn) => held.select(JobRow::as_select()).load(conn)?,
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => {
            held.select(JobRow::as_select()).for_no_key_update().skip_locked().load(conn)?
        }
    };
    rows.into_iter().map(DueJob::try_from).collect()
}

/// Jobs of one subscription.
#[derive(Clone, Copy)]
pub(super) struct Jobs<'a> {
    pub(super) user: &'a UserId,
    pub(super) subscription: &'a PushSubscriptionId,
    pub(super) offsets: &'a [Offset],
    pub(super) attempts: Attempts,
}

/// Which of them are meant, of those that wait.
#[derive(Clone, Copy)]
pub(super) enum Attempts {
    /// All: they were locked when they were read.
    Any,
    /// Those that were not claimed again since this attempt.
    Last(u32),
}

/// Of these jobs those that are meant.
macro_rules! waiting {
    ($jobs:expr) => {{
        let Jobs { user, subscription, offsets, attempts } = $jobs;
        let offsets: Vec<i64> = offsets.iter().copied().map(signed).collect();
        let (least, most) = match attempts {
            Attempts::Any => (0, i64::MAX),
            Attempts::Last(attempt) => (attempt.into(), attempt.into()),
        };
        table
            .filter(j::user_id.eq(user.as_str()).and(j::subscription_id.eq(subscription.as_str())))
            .filter(j::offset.eq_any(offsets).and(j::attempts.between(least, most)))
            .filter(j::due_at.is_not_null())
    }};
}

/// Counts an attempt; if nothing is recorded of it, they are due again at `due_at`. From now on the device may show them
/// under this tag, whatever is heard of it.
pub(super) fn claim(
    conn: &mut Connection,
    jobs: Jobs<'_>,
    tag: &PushTag,
    first_tried_at: Timestamp,
    due_at: Timestamp,
) -> QueryResult<()> {
    let claim = diesel::update(waiting!(jobs)).set((
        j::attempts.eq(j::attempts + 1),
        j::first_tried_at.eq(first_tried_at.as_micros()),
        j::due_at.eq(due_at.as_micros()),
        j::shown_tag.eq(tag.as_str()),
        // That of being held would let it go when the preferences change.
        j::reason.eq(None::<&str>),
    ));
    claim.execute(conn).map(drop)
}

/// Holds jobs until the quiet hours are over.
pub(super) fn hold(conn: &mut Connection, jobs: Jobs<'_>, until: Timestamp) -> QueryResult<()> {
    let hold = diesel::update(waiting!(jobs)).set((
        j::is_held.eq(true),
        j::due_at.eq(until.as_micros()),
        j::first_tried_at.eq(None::<i64>),
        j::reason.eq(QUIET),
    ));
    hold.execute(conn).map(drop)
}

/// What an attempt was answered, if it was, and what is to be said of it.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) status: Option<u16>,
    pub(super) reason: Option<&'a str>,
}

/// Has jobs tried again.
pub(super) fn put_off(
    conn: &mut Connection,
    jobs: Jobs<'_>,
    until: Timestamp,
    said: Said<'_>,
) -> QueryResult<()> {
    let put_off = diesel::update(waiting!(jobs)).set((
        j::due_at.eq(until.as_micros()),
        j::status.eq(said.status.map(i64::from)),
        j::reason.eq(said.reason),
    ));
    put_off.execute(conn).map(drop)
}

/// Ends jobs. What was given up is shown nowhere, as far as anybody knows.
pub(super) fn end(
    conn: &mut Connection,
    jobs: Jobs<'_>,
    state: PushState,
    said: Said<'_>,
    now: Timestamp,
) -> QueryResult<()> {
    let ended = (
        j::state.eq(state.as_str()),
        j::due_at.eq(None::<i64>),
        j::ended_at.eq(now.as_micros()),
        j::status.eq(said.status.map(i64::from)),
        j::reason.eq(said.reason),
    );
    let end = diesel::update(waiting!(jobs));
    match state {
        PushState::Dead => end.set((ended, j::shown_tag.eq(None::<&str>))).execute(conn).map(drop),
        _ => end.set(ended).execute(conn).map(drop),
    }
}

/// What was held is due now: when the quiet hours end is another matter since the user has said so. What was claimed
/// is its claimant's, and stays as it is.
pub(super) fn release(conn: &mut Connection, user: &UserId, now: Timestamp) -> QueryResult<()> {
    let own: Vec<String> = s::table.filter(s::user_id.eq(user.as_str())).select(s::id).load(conn)?;
    let is_held = j::is_held.and(j::due_at.is_not_null()).and(j::reason.assume_not_null().eq(QUIET));
    let held = diesel::update(table).filter(j::subscription_id.eq_any(own)).filter(is_held);
    held.set(j::due_at.eq(now.as_micros())).execute(conn).map(drop)
}

/// Whether anything is due.
pub(super) fn is_any_due(conn: &mut Connection, by: Bounds) -> QueryResult<bool> {
    let is_due = |is_held: bool| table.filter(j::is_held.eq(is_held).and(is_due!(by)));
    Ok(select(exists(is_due(false))).get_result(conn)? || select(exists(is_due(true))).get_result(conn)?)
}

/// Offsets fit: none is parsed or counted beyond a signed 64-bit integer.
pub(super) fn signed(offset: Offset) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}
