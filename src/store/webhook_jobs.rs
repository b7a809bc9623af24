//! Queries over `webhook_jobs` and `webhook_endpoints`: one event for the receiver, while it waits and for a while after
//! its end; and how the receiver does.

use diesel::{
    dsl::{exists, select},
    prelude::*,
    sql_query,
    sql_types::Text,
};
use serde::Serialize;
use serde_json::json;

use super::{
    Connection,
    each::each,
    messages::{ReceiverDigest, WebhookClaim},
    on_inner,
    prepared::Prepared,
    rows::{Entry, Kind},
    schema::{
        webhook_endpoints as w,
        webhook_jobs::{self as j, table},
    },
};
use crate::{
    clock::Bounds,
    domain::{Timestamp, UserId, WebhookEvent, WebhookEvents, WebhookId, WebhookState},
};

/// An event that has occurred.
#[derive(Serialize)]
pub(super) struct NewJob {
    id: WebhookId,
    #[serde(skip)]
    event: WebhookEvent,
    word: &'static str,
    user: Option<String>,
    data: String,
    occurred_at: i64,
    due_at: i64,
}

impl NewJob {
    fn new(event: WebhookEvent, user: Option<String>, data: String, at: Timestamp) -> Self {
        let (id, word, at) = (WebhookId::generate(), event.as_str(), at.as_micros());
        Self { id, event, word, user, data, occurred_at: at, due_at: at }
    }

    /// A session has come, or has gone for this reason.
    pub(super) fn session(event: WebhookEvent, entry: &Entry, reason: Option<&str>, at: Timestamp) -> Self {
        let mut data = json!({
            "session": entry.entry, "user": entry.name, "transport": entry.transport, "node": entry.node,
        });
        if let (Some(reason), Some(data)) = (reason, data.as_object_mut()) {
            data.insert("reason".to_owned(), reason.into());
            data.insert("opened_at".to_owned(), Timestamp::from_micros(entry.since).to_string().into());
        }
        Self::new(event, Some(entry.name.clone()), data.to_string(), at)
    }

    /// A user is online, a room occupied; or no longer.
    pub(super) fn presence(kind: Kind, name: &str, is_present: bool, at: Timestamp) -> Self {
        let event = match (kind, is_present) {
            (Kind::User, true) => WebhookEvent::UserOnline,
            (Kind::User, false) => WebhookEvent::UserOffline,
            (Kind::Room, true) => WebhookEvent::RoomOccupied,
            (Kind::Room, false) => WebhookEvent::RoomVacated,
        };
        let user = (kind == Kind::User).then(|| name.to_owned());
        Self::new(event, user, json!({ kind.as_str(): name }).to_string(), at)
    }

    /// A user has read something; `data` is what.
    pub(super) fn read(user: &UserId, data: serde_json::Value, at: Timestamp) -> Self {
        Self::new(WebhookEvent::NotificationRead, Some(user.to_string()), data.to_string(), at)
    }

    /// Somebody wants to see whether one arrives.
    pub(super) fn test(id: WebhookId, at: Timestamp) -> Self {
        Self { id, ..Self::new(WebhookEvent::Test, None, json!({}).to_string(), at) }
    }
}

/// Has the receiver told of those that are wanted, in this order.
pub(super) fn write(
    conn: &mut Connection,
    events: WebhookEvents,
    jobs: Vec<NewJob>,
    now: Timestamp,
) -> QueryResult<()> {
    let wanted = jobs.into_iter().filter(|job| events.has(job.event));
    let wanted: Vec<NewJob> = wanted.map(|job| NewJob { due_at: now.as_micros(), ..job }).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    // Numbers are given in the order of the rows. One that is there already was written before a connection was lost.
    let written: QueryResult<usize> = each!(
        conn,
        &wanted,
        execute,
        "INSERT INTO webhook_jobs (id, \"type\", user_id, data, occurred_at, due_at)
         SELECT value ->> 'id', value ->> 'word', value ->> 'user', value ->> 'data',
             CAST(value ->> 'occurred_at' AS BIGINT), CAST(value ->> 'due_at' AS BIGINT)
         FROM",
        "WHERE TRUE ON CONFLICT (id) DO NOTHING"
    );
    written.map(drop)
}

/// A job that is due.
#[derive(Queryable, Selectable)]
#[diesel(table_name = j)]
pub(super) struct DueWebhook {
    pub(super) sequence: i64,
    pub(super) id: String,
    pub(super) type_: String,
    pub(super) occurred_at: i64,
    pub(super) data: String,
    pub(super) attempts: i64,
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

pub(super) fn is_any_due(conn: &mut Connection, by: Bounds) -> QueryResult<bool> {
    select(exists(table.filter(is_due!(by)))).get_result(conn)
}

/// The next jobs that are due, for nobody else to take until the end of the transaction; those that somebody else has
/// are passed over.
pub(super) fn due(conn: &mut Connection, by: Bounds, limit: i64) -> QueryResult<Vec<DueWebhook>> {
    let due = table.filter(is_due!(by)).order((j::due_at, j::sequence)).limit(limit);
    match conn {
        Connection::Sqlite(conn) => due.select(DueWebhook::as_select()).load(conn),
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => {
            due.select(DueWebhook::as_select()).for_no_key_update().skip_locked().load(conn)
        }
    }
}

/// Counts an attempt; if nothing is recorded of it, they are due again then.
pub(super) fn claim(conn: &mut Connection, sequences: &[i64], due_at: Timestamp) -> QueryResult<()> {
    let claim = diesel::update(table.filter(j::sequence.eq_any(sequences)))
        .set((j::attempts.eq(j::attempts + 1), j::due_at.eq(due_at.as_micros())));
    claim.execute(conn).map(drop)
}

/// What an attempt was answered, if it was, and what is to be said of it.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) status: Option<u16>,
    pub(super) reason: Option<&'a str>,
}

/// The job of a claim, unless it was claimed again since, or has an end.
macro_rules! claimed {
    ($claim:expr) => {{
        let WebhookClaim { sequence, attempt } = $claim;
        let is_this = j::sequence.eq(sequence).and(j::attempts.eq(i64::from(attempt)));
        table.filter(is_this.and(j::due_at.is_not_null()))
    }};
}

/// Has a job tried again, unless it was claimed again since, or has an end.
pub(super) fn put_off(
    conn: &mut Connection,
    claim: WebhookClaim,
    until: Timestamp,
    said: Said<'_>,
) -> QueryResult<()> {
    let put_off = (
        j::due_at.eq(until.as_micros()),
        j::status.eq(said.status.map(i64::from)),
        j::reason.eq(said.reason),
    );
    diesel::update(claimed!(claim)).set(put_off).execute(conn).map(drop)
}

/// Ends a job, under the same condition.
pub(super) fn end(
    conn: &mut Connection,
    claim: WebhookClaim,
    state: WebhookState,
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
    diesel::update(claimed!(claim)).set(ended).execute(conn).map(drop)
}

/// How a receiver does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = w)]
pub(super) struct ReceiverRow {
    pub(super) failing_since: Option<i64>,
    pub(super) disabled_at: Option<i64>,
    pub(super) reason: Option<String>,
}

pub(super) fn receiver(conn: &mut Connection, digest: &ReceiverDigest) -> QueryResult<ReceiverRow> {
    let find = w::table.find(digest.as_slice()).select(ReceiverRow::as_select());
    Ok(find.first(conn).optional()?.unwrap_or_default())
}

/// Forgets how a receiver has done.
pub(super) fn forget_receiver(conn: &mut Connection, digest: &ReceiverDigest) -> QueryResult<()> {
    diesel::delete(w::table.find(digest.as_slice())).execute(conn).map(drop)
}

/// Notes how a receiver does, unless it was disabled meanwhile: that is for an administrator to take back. One that does
/// well has no row.
pub(super) fn put_receiver(
    conn: &mut Connection,
    digest: &ReceiverDigest,
    row: &ReceiverRow,
) -> QueryResult<()> {
    if *row == ReceiverRow::default() {
        let fit = w::table.find(digest.as_slice()).filter(w::disabled_at.is_null());
        return diesel::delete(fit).execute(conn).map(drop);
    }
    let how = (
        w::failing_since.eq(row.failing_since),
        w::disabled_at.eq(row.disabled_at),
        w::reason.eq(row.reason.as_deref()),
    );
    let fit = w::table.find(digest.as_slice()).filter(w::disabled_at.is_null());
    if diesel::update(fit).set(how).execute(conn)? > 0 {
        return Ok(());
    }
    // Whoever has noted it meanwhile has seen the same.
    let put = diesel::insert_into(w::table).values((w::digest.eq(digest.as_slice()), how));
    let put = put.on_conflict(w::digest).do_nothing();
    on_inner!(conn, |conn| put.execute(conn)).map(drop)
}
