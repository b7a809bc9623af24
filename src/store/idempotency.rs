//! Queries over `idempotency_keys`: what a publish was answered, for the next one with the same key.

use diesel::prelude::*;

use super::{
    Connection,
    messages::IdempotencyKey,
    on_inner,
    prepared::Prepared,
    rows::KeyRow,
    schema::idempotency_keys::{self as keys, table},
};
use crate::domain::{Timestamp, UserId};

/// The answer kept for this key, unless it is older than `since`.
pub(super) fn find(
    conn: &mut Connection,
    publisher: &UserId,
    key: &str,
    since: Timestamp,
) -> QueryResult<Option<KeyRow>> {
    let kept = table.find((publisher.as_str(), key)).filter(keys::created_at.ge(since.as_micros()));
    on_inner!(conn, |conn| kept.select(KeyRow::as_select()).first(conn)).optional()
}

/// The name of the statement that is [`Prepared`].
struct Keep;

/// Keeps an answer, in the place of one that is too old.
pub(super) fn keep(
    conn: &mut Connection,
    publisher: &UserId,
    key: &IdempotencyKey,
    receipts: &str,
    now: Timestamp,
) -> QueryResult<()> {
    let answer = (
        keys::digest.eq(key.digest.as_slice()),
        keys::receipts.eq(receipts),
        keys::created_at.eq(now.as_micros()),
    );
    let keep = diesel::insert_into(table)
        .values((keys::publisher.eq(publisher.as_str()), keys::key.eq(&key.key), answer))
        .on_conflict((keys::publisher, keys::key))
        .do_update()
        .set(answer);
    on_inner!(conn, |conn| Prepared::new(Keep, keep).execute(conn)).map(drop)
}

/// Deletes at most `limit` answers older than `before`, and says whether there may be more.
pub(super) fn forget(conn: &mut Connection, before: Timestamp, limit: usize) -> QueryResult<bool> {
    let mut old: Vec<(String, String)> = table
        .filter(keys::created_at.lt(before.as_micros()))
        .order(keys::created_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((keys::publisher, keys::key))
        .load(conn)?;
    // In the order in which all lock them.
    old.sort_unstable();
    for (publisher, key) in &old {
        diesel::delete(table.find((publisher, key))).execute(conn)?;
    }
    Ok(old.len() == limit)
}

/// Deletes at most `limit` answers that this user has got, and says whether there may be more.
pub(super) fn erase(conn: &mut Connection, user: &UserId, limit: usize) -> QueryResult<bool> {
    let named: Vec<String> = table
        .filter(keys::publisher.eq(user.as_str()))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(keys::key)
        .load(conn)?;
    for key in &named {
        diesel::delete(table.find((user.as_str(), key))).execute(conn)?;
    }
    Ok(named.len() == limit)
}
