//! Queries over `ledger_nodes`, `ledger_entries` and `ledger_subjects`: which instances are there, what each has said,
//! and who is present by that.

use diesel::{
    QueryableByName,
    dsl::{exists, select},
    prelude::*,
    sql_query,
    sql_types::{BigInt, Text},
};
use serde::Serialize;

use super::{
    Connection,
    each::each,
    messages::LedgerKey,
    prepared::Prepared,
    rows::{Entry, Kind},
    schema::{ledger_entries as e, ledger_nodes as n, ledger_subjects as s},
};
use crate::domain::{NodeId, Timestamp, UserId};

/// A subject that something comes to, so many times, or that is only held.
#[derive(Serialize)]
pub(super) struct Arrival<'a> {
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    pub(super) arrivals: i64,
}

#[derive(QueryableByName)]
pub(super) struct ArrivedRow {
    #[diesel(sql_type = Text)]
    pub(super) kind: String,
    #[diesel(sql_type = Text)]
    pub(super) name: String,
    #[diesel(sql_type = BigInt)]
    pub(super) arrivals: i64,
}

/// A subject that something has gone from.
#[derive(Serialize)]
pub(super) struct Departure<'a> {
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    pub(super) left_at: i64,
    pub(super) due_at: i64,
}

/// Locks these subjects, which are in order, so that nobody else changes what keeps them present; makes those that come
/// and are not there. What is about to be told of one that comes back is not true any more.
pub(super) fn arrive(conn: &mut Connection, subjects: &[Arrival<'_>]) -> QueryResult<Vec<ArrivedRow>> {
    each!(
        conn,
        subjects,
        load,
        "INSERT INTO ledger_subjects (kind, name, arrivals)
         SELECT value ->> 'kind', value ->> 'name', CAST(value ->> 'arrivals' AS BIGINT) FROM",
        "WHERE CAST(value ->> 'arrivals' AS BIGINT) > 0 OR (
             SELECT TRUE FROM ledger_subjects AS present
             WHERE present.kind = value ->> 'kind' AND present.name = value ->> 'name'
         )
         ON CONFLICT (kind, name) DO UPDATE
         SET arrivals = ledger_subjects.arrivals + excluded.arrivals,
             left_at = CASE WHEN excluded.arrivals > 0 THEN NULL ELSE ledger_subjects.left_at END,
             due_at = CASE WHEN excluded.arrivals > 0 THEN NULL ELSE ledger_subjects.due_at END
         RETURNING kind, name, arrivals"
    )
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    entry: String,
}

fn keys(rows: Vec<KeyRow>) -> Vec<LedgerKey> {
    rows.into_iter().map(|row| (row.kind, row.name, row.entry)).collect()
}

/// Notes entries; gives those that were not there.
pub(super) fn enter(conn: &mut Connection, entries: &[Entry]) -> QueryResult<Vec<LedgerKey>> {
    let rows: Vec<KeyRow> = each!(
        conn,
        entries,
        load,
        "INSERT INTO ledger_entries (kind, name, entry, node, transport, since)
         SELECT value ->> 'kind', value ->> 'name', value ->> 'entry', value ->> 'node', value ->> 'transport',
             CAST(value ->> 'since' AS BIGINT)
         FROM",
        "WHERE TRUE ON CONFLICT (kind, name, entry) DO NOTHING RETURNING kind, name, entry"
    )?;
    Ok(keys(rows))
}

/// Removes entries; gives those that were there.
pub(super) fn leave(conn: &mut Connection, entries: &[Entry]) -> QueryResult<Vec<LedgerKey>> {
    let rows: Vec<KeyRow> = each!(
        conn,
        entries,
        load,
        "DELETE FROM ledger_entries WHERE (kind, name, entry) IN (
             SELECT value ->> 'kind', value ->> 'name', value ->> 'entry' FROM",
        ") RETURNING kind, name, entry"
    )?;
    Ok(keys(rows))
}

/// Notes of those subjects that nothing keeps present any more, and that are locked, when that is to be told.
pub(super) fn settle(conn: &mut Connection, departures: &[Departure<'_>]) -> QueryResult<()> {
    let settled: QueryResult<usize> = each!(
        conn,
        departures,
        execute,
        "UPDATE ledger_subjects
         SET left_at = CAST(value ->> 'left_at' AS BIGINT), due_at = CAST(value ->> 'due_at' AS BIGINT)
         FROM",
        "WHERE ledger_subjects.kind = value ->> 'kind' AND ledger_subjects.name = value ->> 'name'
         AND ledger_subjects.due_at IS NULL AND NOT EXISTS (
             SELECT 1 FROM ledger_entries AS entry
             WHERE entry.kind = ledger_subjects.kind AND entry.name = ledger_subjects.name
         )"
    );
    settled.map(drop)
}

/// A subject that is to be told to be gone, and since when it is.
#[derive(Queryable)]
pub(super) struct GoneRow {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) left_at: Option<i64>,
}

/// Those that are due, at most `limit`, taken out for good; those that somebody else is at are passed over.
pub(super) fn take_gone(conn: &mut Connection, by: Timestamp, limit: i64) -> QueryResult<Vec<GoneRow>> {
    let due = s::table
        .filter(s::due_at.le(by.as_micros()))
        .order((s::due_at, s::kind, s::name))
        .limit(limit)
        .select((s::kind, s::name, s::left_at));
    let gone: Vec<GoneRow> = match conn {
        Connection::Sqlite(conn) => due.load(conn)?,
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => due.for_update().skip_locked().load(conn)?,
    };
    for GoneRow { kind, name, .. } in &gone {
        diesel::delete(s::table.find((kind, name))).execute(conn)?;
    }
    Ok(gone)
}

pub(super) fn is_any_gone(conn: &mut Connection, by: Timestamp) -> QueryResult<bool> {
    select(exists(s::table.filter(s::due_at.le(by.as_micros())))).get_result(conn)
}

/// What a node has said, behind this key, in order; at most `limit`.
pub(super) fn entries_of(
    conn: &mut Connection,
    node: &str,
    after: Option<&LedgerKey>,
    limit: i64,
) -> QueryResult<Vec<Entry>> {
    let mut of_node = e::table
        .filter(e::node.eq(node))
        .order((e::kind, e::name, e::entry))
        .limit(limit)
        .select(Entry::as_select())
        .into_boxed();
    if let Some((kind, name, entry)) = after {
        let is_behind = e::name.gt(name).or(e::name.eq(name).and(e::entry.gt(entry)));
        of_node = of_node.filter(e::kind.gt(kind).or(e::kind.eq(kind).and(is_behind)));
    }
    of_node.load(conn)
}

/// How a node stands.
#[derive(Queryable, Selectable)]
#[diesel(table_name = n)]
pub(super) struct NodeRow {
    pub(super) lease_until: i64,
    pub(super) held_since: i64,
    pub(super) batch: i64,
}

/// The node for who will change it: nobody else does until the end of the transaction.
pub(super) fn hold_node(conn: &mut Connection, node: &NodeId) -> QueryResult<Option<NodeRow>> {
    let find = n::table.find(node.as_str());
    match conn {
        Connection::Sqlite(conn) => find.select(NodeRow::as_select()).first(conn).optional(),
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => find.select(NodeRow::as_select()).for_update().first(conn).optional(),
    }
}

pub(super) fn put_node(conn: &mut Connection, node: &NodeId, row: &NodeRow) -> QueryResult<()> {
    let changes =
        (n::lease_until.eq(row.lease_until), n::held_since.eq(row.held_since), n::batch.eq(row.batch));
    let known = diesel::update(n::table.find(node.as_str())).set(changes).execute(conn)?;
    if known == 0 {
        diesel::insert_into(n::table).values((n::node.eq(node.as_str()), changes)).execute(conn)?;
    }
    Ok(())
}

/// The node is being taken away: whatever it says from now on finds it lost.
pub(super) fn end_lease(conn: &mut Connection, node: &str) -> QueryResult<()> {
    diesel::update(n::table.find(node)).set(n::lease_until.eq(0)).execute(conn).map(drop)
}

pub(super) fn remove_node(conn: &mut Connection, node: &str) -> QueryResult<()> {
    diesel::delete(n::table.find(node)).execute(conn).map(drop)
}

/// Another node whose lease has ended before then, for nobody else to take; without a time, any other.
pub(super) fn lapsed(
    conn: &mut Connection,
    node: &NodeId,
    before: Option<Timestamp>,
) -> QueryResult<Option<String>> {
    let before = before.map_or(i64::MAX, Timestamp::as_micros);
    let others = n::table.filter(n::node.ne(node.as_str()).and(n::lease_until.lt(before)));
    let first = others.order((n::lease_until, n::node)).limit(1).select(n::node);
    match conn {
        Connection::Sqlite(conn) => first.first(conn).optional(),
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => first.for_update().skip_locked().first(conn).optional(),
    }
}

/// Since when a node holds its lease, if it still does.
pub(super) fn held_since(
    conn: &mut Connection,
    node: &NodeId,
    now: Timestamp,
) -> QueryResult<Option<Timestamp>> {
    let own = n::table.find(node.as_str()).filter(n::lease_until.ge(now.as_micros()));
    let since: Option<i64> = own.select(n::held_since).first(conn).optional()?;
    Ok(since.map(Timestamp::from_micros))
}

/// Whether another node is one that [`lapsed`] would find.
pub(super) fn is_any_lapsed(
    conn: &mut Connection,
    node: &NodeId,
    before: Option<Timestamp>,
) -> QueryResult<bool> {
    let before = before.map_or(i64::MAX, Timestamp::as_micros);
    select(exists(n::table.filter(n::node.ne(node.as_str()).and(n::lease_until.lt(before))))).get_result(conn)
}

/// Forgets that a user is here: nothing is told of it any more, until they come again.
pub(super) fn erase(conn: &mut Connection, user: &UserId) -> QueryResult<()> {
    let kind = Kind::User.as_str();
    let find = s::table.find((kind, user.as_str()));
    // In the order in which whoever keeps the account locks them.
    diesel::delete(find).execute(conn)?;
    diesel::delete(e::table.filter(e::kind.eq(kind).and(e::name.eq(user.as_str())))).execute(conn).map(drop)
}
