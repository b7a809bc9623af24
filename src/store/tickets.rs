//! Queries over `tickets`: each is given once and taken once, over all instances.
//!
//! How many a user has is counted when one is kept. Writers that keep some at the same instant do not see each
//! other's, so a user may have a few more than the limit; what matters is that nobody has thousands.

use std::time::Duration;

use actix::{Context, Handler, ResponseFuture};
use diesel::{
    dsl::{count_star, min},
    prelude::*,
};

use super::{
    Connection, Store,
    error::Fault,
    job::Write,
    messages::{KeepTicket, RedeemTicket, StoreError},
    on_inner,
    rows::TicketRow,
    schema::tickets::{self as t, table},
    transaction::Transaction,
};
use crate::domain::{Identity, Timestamp, UserId};

/// [`KeepTicket`] under the limit on the open tickets of a user; 0 is no limit.
pub(super) struct Keep {
    pub(super) keep: KeepTicket,
    pub(super) limit: usize,
}

impl Handler<KeepTicket> for Store {
    type Result = ResponseFuture<Result<(), StoreError>>;

    fn handle(&mut self, keep: KeepTicket, _: &mut Context<Self>) -> Self::Result {
        self.write(Keep { keep, limit: self.tickets_max })
    }
}

impl Write for Keep {
    type Done = ();

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<(), Fault> {
        let Transaction { conn, now, .. } = tx;
        let KeepTicket { digest, identity, lifetime } = &self.keep;
        let is_open = t::user_id.eq(identity.user.as_str()).and(t::expires_at.gt(now.as_micros()));
        let open = table.filter(is_open).select((count_star(), min(t::expires_at)));
        let (open, first): (i64, Option<i64>) = open.first(*conn)?;
        if self.limit > 0 && usize::try_from(open).is_ok_and(|open| open >= self.limit) {
            let micros = first.map_or(0, |first| first.saturating_sub(now.as_micros()));
            let wait = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
            return Err(Fault::Refused(StoreError::TooManyTickets(wait)));
        }
        let row = TicketRow::new(digest, identity, now.plus(*lifetime))?;
        // Where it is there already, it was this transaction that kept it, before its connection was lost.
        let keep = diesel::insert_into(table).values(row).on_conflict_do_nothing();
        on_inner!(conn, |conn| keep.execute(conn))?;
        Ok(())
    }
}

impl Write for RedeemTicket {
    type Done = Option<Identity>;

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<Option<Identity>, Fault> {
        let Transaction { conn, now, .. } = tx;
        let redeem = diesel::delete(table.find(self.digest.as_slice()));
        let row: Option<TicketRow> =
            on_inner!(conn, |conn| redeem.returning(TicketRow::as_returning()).get_result(conn))
                .optional()?;
        let open = row.filter(|row| row.is_open(*now));
        Ok(open.map(Identity::try_from).transpose()?)
    }
}

/// Deletes at most `limit` tickets that have expired, and says whether there may be more.
pub(super) fn forget(conn: &mut Connection, now: Timestamp, limit: usize) -> QueryResult<bool> {
    let expired: Vec<Vec<u8>> = table
        .filter(t::expires_at.le(now.as_micros()))
        .order(t::expires_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(t::digest)
        .load(conn)?;
    for digest in &expired {
        diesel::delete(table.find(digest)).execute(conn)?;
    }
    Ok(expired.len() == limit)
}

/// Deletes those of a user.
pub(super) fn erase(conn: &mut Connection, user: &UserId) -> QueryResult<()> {
    diesel::delete(table.filter(t::user_id.eq(user.as_str()))).execute(conn).map(drop)
}
