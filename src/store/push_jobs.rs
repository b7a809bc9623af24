//! Queries over `push_jobs`: one notification for one subscription, while it waits and for a while after its end.

use diesel::{
    dsl::{exists, select},
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
use crate::domain::{
    Offset, PushSubscriptionId, Timestamp, UserId,
    push::{PushState, PushWish, PushWords},
};

/// The name of the statement that is [`Prepared`].
struct Write;

/// Writes the jobs of a notification, one for each subscription of its user.
pub(super) fn write(
    conn: &mut Connection,
    user: &UserId,
    offset: Offset,
    wish: &PushWish,
    due_at: Timestamp,
    now: Timestamp,
) -> QueryResult<()> {
    let has_words = wish.words != PushWords::default();
    let words = has_words.then(|| serde_json::to_string(&wish.words)).transpose().map_err(broken)?;
    let jobs = s::table
        .filter(s::user_id.eq(user.as_str()).and(s::disabled_at.is_null()))
        .select((
            s::user_id,
            signed(offset).into_sql::<BigInt>(),
            s::id,
            words.into_sql::<Nullable<Text>>(),
            wish.urgency.as_str().into_sql::<Text>(),
            Some(due_at.as_micros()).into_sql::<Nullable<BigInt>>(),
            now.as_micros().into_sql::<BigInt>(),
        ))
        .insert_into(table)
        .into_columns((
            j::user_id,
            j::offset,
            j::subscription_id,
            j::words,
            j::urgency,
            j::due_at,
            j::created_at,
        ));
    on_inner!(conn, |conn| Prepared::new(Write, jobs).execute(conn)).map(drop)
}

/// The next jobs that are due and not held, for nobody else to take until the end of the transaction; those that
/// somebody else has are passed over.
pub(super) fn due(conn: &mut Connection, by: Timestamp, limit: i64) -> QueryResult<Vec<DueJob>> {
    let is_due = j::is_held.eq(false).and(j::due_at.le(by.as_micros()));
    let due = table.filter(is_due).order(j::due_at).limit(limit);
    let rows: Vec<JobRow> = match conn {
        Connection::Sqlite(conn) => due.select(JobRow::as_select()).load(conn)?,
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => {
            due.select(JobRow::as_select()).for_no_key_update().skip_locked().load(conn)?
        }
    };
    rows.into_iter().map(DueJob::try_from).collect()
}

/// Whose held jobs are due: the next ones, the same subscription as often as it has some.
pub(super) fn held(
    conn: &mut Connection,
    by: Timestamp,
    limit: i64,
) -> QueryResult<Vec<(UserId, PushSubscriptionId, Timestamp)>> {
    let rows: Vec<(String, String, Option<i64>)> = table
        .filter(j::is_held.eq(true).and(j::due_at.le(by.as_micros())))
        .order(j::due_at)
        .limit(limit)
        .select((j::user_id, j::subscription_id, j::due_at))
        .load(conn)?;
    let held = |(user, id, due_at): (String, String, Option<i64>)| {
        let due_at = Timestamp::from_micros(due_at.unwrap_or_default());
        Ok((user.parse().map_err(broken)?, id.parse().map_err(broken)?, due_at))
    };
    rows.into_iter().map(held).collect()
}

/// What is held for one subscription and due, the newest first; as [`due`].
pub(super) fn held_for(
    conn: &mut Connection,
    user: &UserId,
    subscription: &PushSubscriptionId,
    by: Timestamp,
    limit: i64,
) -> QueryResult<Vec<DueJob>> {
    let held = table
        .filter(j::user_id.eq(user.as_str()).and(j::subscription_id.eq(subscription.as_str())))
        .filter(j::is_held.eq(true).and(j::due_at.le(by.as_micros())))
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

/// One job, and the attempts after which whoever knows it may change it.
#[derive(Clone, Copy)]
pub(super) struct JobKey<'a> {
    pub(super) user: &'a UserId,
    pub(super) offset: Offset,
    pub(super) subscription: &'a PushSubscriptionId,
    pub(super) attempts: u32,
}

impl<'a> JobKey<'a> {
    pub(super) fn of(job: &'a DueJob) -> Self {
        Self { user: &job.user, offset: job.offset, subscription: &job.subscription, attempts: job.attempts }
    }
}

/// The job, unless it was claimed again or has ended.
macro_rules! waiting {
    ($key:expr) => {{
        let key: JobKey<'_> = $key;
        let row = table.find((key.user.as_str(), signed(key.offset), key.subscription.as_str()));
        row.filter(j::attempts.eq(i64::from(key.attempts)).and(j::due_at.is_not_null()))
    }};
}

/// Counts an attempt; if nothing is recorded of it, it is due again at `due_at`.
pub(super) fn claim(
    conn: &mut Connection,
    job: JobKey<'_>,
    first_tried_at: Timestamp,
    due_at: Timestamp,
) -> QueryResult<()> {
    let claim = diesel::update(waiting!(job)).set((
        j::attempts.eq(j::attempts + 1),
        j::first_tried_at.eq(first_tried_at.as_micros()),
        j::due_at.eq(due_at.as_micros()),
    ));
    claim.execute(conn).map(drop)
}

/// Holds a job until the quiet hours are over.
pub(super) fn hold(conn: &mut Connection, job: JobKey<'_>, until: Timestamp) -> QueryResult<()> {
    let hold = diesel::update(waiting!(job)).set((
        j::is_held.eq(true),
        j::due_at.eq(until.as_micros()),
        j::first_tried_at.eq(None::<i64>),
        j::reason.eq("quiet hours"),
    ));
    hold.execute(conn).map(drop)
}

/// What an attempt was answered, if it was, and what is to be said of it.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) status: Option<u16>,
    pub(super) reason: Option<&'a str>,
}

/// Has a job tried again.
pub(super) fn put_off(
    conn: &mut Connection,
    job: JobKey<'_>,
    until: Timestamp,
    said: Said<'_>,
) -> QueryResult<()> {
    let put_off = diesel::update(waiting!(job)).set((
        j::due_at.eq(until.as_micros()),
        j::status.eq(said.status.map(i64::from)),
        j::reason.eq(said.reason),
    ));
    put_off.execute(conn).map(drop)
}

/// Ends a job, and says whether it had not ended before. Its words are forgotten with it, unless it may be tried again.
pub(super) fn end(
    conn: &mut Connection,
    job: JobKey<'_>,
    state: PushState,
    said: Said<'_>,
    now: Timestamp,
) -> QueryResult<bool> {
    let ended = (
        j::state.eq(state.as_str()),
        j::due_at.eq(None::<i64>),
        j::ended_at.eq(now.as_micros()),
        j::status.eq(said.status.map(i64::from)),
        j::reason.eq(said.reason),
    );
    let end = diesel::update(waiting!(job));
    let rows = match state {
        PushState::Dead => end.set(ended).execute(conn)?,
        _ => end.set((ended, j::words.eq(None::<&str>))).execute(conn)?,
    };
    Ok(rows > 0)
}

/// What was held is due now: when the quiet hours end is another matter since the user has said so. What was claimed
/// is its claimant's, and stays as it is.
pub(super) fn release(conn: &mut Connection, user: &UserId, now: Timestamp) -> QueryResult<()> {
    let of_user = table.filter(j::user_id.eq(user.as_str()).and(j::is_held.eq(true)));
    // By its state, and not by when it is due: SQLite would walk over what is held for all users.
    let waiting = of_user.filter(j::state.eq(PushState::Waiting.as_str()).and(j::attempts.eq(0)));
    diesel::update(waiting).set(j::due_at.eq(now.as_micros())).execute(conn).map(drop)
}

/// Whether anything is due.
pub(super) fn is_any_due(conn: &mut Connection, by: Timestamp) -> QueryResult<bool> {
    let is_due = |is_held: bool| table.filter(j::is_held.eq(is_held).and(j::due_at.le(by.as_micros())));
    Ok(select(exists(is_due(false))).get_result(conn)? || select(exists(is_due(true))).get_result(conn)?)
}

/// Offsets fit: none is parsed or counted beyond a signed 64-bit integer.
pub(super) fn signed(offset: Offset) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}
