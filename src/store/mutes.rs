//! Queries over `mutes`: what users do not want to hear of.

use diesel::{dsl::count_star, prelude::*};

use super::{
    Connection, on_inner,
    rows::MuteRow,
    schema::mutes::{self as m, table},
};
use crate::domain::{Mute, Timestamp, TypePattern, UserId};

/// The mutes of a user by their patterns, with those whose time has passed.
pub(super) fn of(conn: &mut Connection, user: &UserId) -> QueryResult<Vec<Mute>> {
    let mutes = table.filter(m::user_id.eq(user.as_str())).order(m::pattern);
    let rows: Vec<MuteRow> = on_inner!(conn, |conn| mutes.select(MuteRow::as_select()).load(conn))?;
    rows.into_iter().map(Mute::try_from).collect()
}

/// Keeps a mute; one that is there already gets another end.
pub(super) fn put(
    conn: &mut Connection,
    user: &UserId,
    pattern: &TypePattern,
    until: Option<Timestamp>,
    now: Timestamp,
) -> QueryResult<Mute> {
    let until = m::until.eq(until.map(Timestamp::as_micros));
    let created_at = m::created_at.eq(now.as_micros());
    let put = diesel::insert_into(table)
        .values((m::user_id.eq(user.as_str()), m::pattern.eq(pattern.as_str()), until, created_at))
        .on_conflict((m::user_id, m::pattern))
        .do_update()
        .set(until);
    let row: MuteRow = on_inner!(conn, |conn| put.returning(MuteRow::as_returning()).get_result(conn))?;
    row.try_into()
}

/// Says whether there was such a mute.
pub(super) fn remove(conn: &mut Connection, user: &UserId, pattern: &TypePattern) -> QueryResult<bool> {
    diesel::delete(table.find((user.as_str(), pattern.as_str()))).execute(conn).map(|rows| rows > 0)
}

/// Deletes those of a user whose time has passed.
pub(super) fn forget(conn: &mut Connection, user: &UserId, now: Timestamp) -> QueryResult<()> {
    let is_over = m::until.le(now.as_micros());
    diesel::delete(table.filter(m::user_id.eq(user.as_str()).and(is_over))).execute(conn).map(drop)
}

pub(super) fn count(conn: &mut Connection, user: &UserId) -> QueryResult<i64> {
    table.filter(m::user_id.eq(user.as_str())).select(count_star()).first(conn)
}

/// Deletes those of a user.
pub(super) fn erase(conn: &mut Connection, user: &UserId) -> QueryResult<()> {
    diesel::delete(table.filter(m::user_id.eq(user.as_str()))).execute(conn).map(drop)
}
