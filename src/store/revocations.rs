//! Queries over `revocations`: what is no longer let in.
//!
//! What is revoked of users and tokens is never forgotten: nobody says when the last token that it is about ends.

use std::time::Duration;

use diesel::prelude::*;

use super::{
    Connection,
    error::Fault,
    job::Write,
    messages::{ReadRevocations, RevocationPage, Revoke, StoreError},
    on_inner,
    rows::RevocationRow,
    schema::revocations::{self as r, table},
    transaction::Transaction,
};
use crate::domain::{Revocation, Timestamp};

/// How long the end of a session is kept: by then every instance has heard of it, or is not there any more.
const SESSION_AGE: Duration = Duration::from_secs(10 * 60);

impl Write for Revoke {
    type Done = (Timestamp, Vec<Revocation>);

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<Self::Done, Fault> {
        let Transaction { conn, now, .. } = tx;
        let now = *now;
        let mut revocations = Vec::with_capacity(self.revoked.len());
        for revoked in &self.revoked {
            let revocation = Revocation { revoked: revoked.clone(), at: now };
            let row = RevocationRow::from(&revocation);
            let first = diesel::insert_into(table).values(&row).on_conflict_do_nothing();
            on_inner!(conn, |conn| first.execute(conn))?;
            // A clock that was set back makes no token good again.
            let is_older = r::revoked_at.lt(now.as_micros());
            diesel::update(table.find((&row.kind, &row.value)).filter(is_older))
                .set(r::revoked_at.eq(now.as_micros()))
                .execute(*conn)?;
            revocations.push(revocation);
        }
        Ok((now, revocations))
    }
}

pub(super) fn read(conn: &mut Connection, read: &ReadRevocations) -> Result<RevocationPage, StoreError> {
    let read_at = conn.now()?;
    let mut query = table
        .order((r::revoked_at, r::kind, r::value))
        .limit(i64::try_from(read.limit).unwrap_or(i64::MAX))
        .into_boxed();
    query = match read.after.as_ref().map(RevocationRow::from) {
        None => query.filter(r::revoked_at.ge(read.since.as_micros())),
        Some(last) => {
            let is_behind =
                r::kind.gt(last.kind.clone()).or(r::kind.eq(last.kind).and(r::value.gt(last.value)));
            query.filter(
                r::revoked_at.gt(last.revoked_at).or(r::revoked_at.eq(last.revoked_at).and(is_behind)),
            )
        }
    };
    let rows: Vec<RevocationRow> = query.select(RevocationRow::as_select()).load(conn)?;
    let has_more = rows.len() == read.limit;
    let revocations = rows.into_iter().map(Revocation::try_from).collect::<Result<_, _>>()?;
    Ok(RevocationPage { revocations, has_more, read_at })
}

/// Deletes at most `limit` ends of sessions that everybody has heard of, and says whether there may be more.
pub(super) fn forget_sessions(conn: &mut Connection, now: Timestamp, limit: usize) -> QueryResult<bool> {
    let before = now.minus(SESSION_AGE).as_micros();
    let old: Vec<(String, String)> = table
        .filter(r::kind.eq("session").and(r::revoked_at.lt(before)))
        .order(r::revoked_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((r::kind, r::value))
        .load(conn)?;
    for (kind, value) in &old {
        diesel::delete(table.find((kind, value))).execute(conn)?;
    }
    Ok(old.len() == limit)
}
