//! Push subscriptions: kept, moved to whoever uses the browser now, taken back.
//!
//! An inbox knows how many its user has that can be sent to, so that storing a notification looks for none where there
//! are none. A browser is known by the SHA-256 of its endpoint, whoever uses it; who gets it from somebody else gets it
//! under another name, so that nothing that was meant for the one reaches the other.

use std::collections::HashMap;

use actix::{Context, Handler, ResponseFuture};
use aws_lc_rs::digest::{SHA256, digest};
use diesel::{dsl::count_star, prelude::*};

use super::{
    Connection, Store, attention,
    error::Fault,
    inboxes,
    job::Write,
    messages::{ListSubscriptions, PutSubscription, RemoveSubscription, StoreError},
    on_inner,
    rows::{SubscriptionRow, broken},
    schema::push_subscriptions::{self as s, table},
    transaction::Transaction,
};
use crate::domain::{
    PushSubscriptionId, Timestamp, UserId,
    push::{PushSubscription, PushTarget},
};

/// [`PutSubscription`] under the limit on the subscriptions of a user; 0 is no limit.
pub(super) struct Put {
    pub(super) put: PutSubscription,
    pub(super) limit: usize,
}

impl Handler<PutSubscription> for Store {
    type Result = ResponseFuture<Result<PushSubscription, StoreError>>;

    fn handle(&mut self, put: PutSubscription, _: &mut Context<Self>) -> Self::Result {
        self.write(Put { put, limit: self.push.subscriptions_max })
    }
}

impl Write for Put {
    type Done = PushSubscription;

    /// Whose it is now shows only in what it finds.
    fn is_alone(&self) -> bool {
        true
    }

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<PushSubscription, Fault> {
        let (conn, now) = (&mut *tx.conn, tx.now);
        let PutSubscription { user, target } = &self.put;
        let digest = digest(&SHA256, target.endpoint.as_bytes());
        let digest = digest.as_ref();
        let before = owner(&find(conn, digest)?)?;
        attention::hold(conn, user, before.as_ref(), now)?;
        let kept = find(conn, digest)?;
        let owner = owner(&kept)?;
        let is_own = owner.as_ref() == Some(user);
        // A third one's inbox is not held.
        if !is_own && owner.is_some() && owner != before {
            return Err(moved());
        }
        if self.limit > 0 && !is_own && count_of(conn, user)? >= self.limit {
            return Err(Fault::Refused(StoreError::TooManySubscriptions));
        }
        let row = match kept {
            Some(row) if is_own => renew(conn, &row.id, target)?,
            kept => {
                // That one and no other: whose inbox is not held is not to lose one.
                if let Some(row) = kept {
                    diesel::delete(table.find(row.id)).execute(conn)?;
                }
                insert(conn, user, target, digest, now)?.ok_or_else(moved)?
            }
        };
        for changed in before.iter().filter(|before| *before != user).chain([user]) {
            recount(conn, changed)?;
        }
        Ok(row.try_into()?)
    }
}

/// Whose it is.
fn owner(row: &Option<SubscriptionRow>) -> QueryResult<Option<UserId>> {
    row.as_ref().map(|row| row.user_id.parse()).transpose().map_err(broken)
}

/// Another user registers the same browser at the same instant.
fn moved() -> Fault {
    Fault::Refused(StoreError::Unavailable("the subscription has moved meanwhile".to_owned()))
}

impl Write for RemoveSubscription {
    type Done = ();

    fn user(&self) -> Option<&UserId> {
        Some(&self.user)
    }

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<(), Fault> {
        let conn = &mut *tx.conn;
        // Who has no inbox has no subscriptions.
        if inboxes::hold(conn, &self.user)?.is_none() || !remove(conn, &self.user, &self.id)? {
            return Err(Fault::Refused(StoreError::NotFound));
        }
        Ok(recount(conn, &self.user)?)
    }
}

pub(super) fn list(
    conn: &mut Connection,
    list: &ListSubscriptions,
) -> Result<Vec<PushSubscription>, StoreError> {
    let of_user = table.filter(s::user_id.eq(list.user.as_str())).order(s::id);
    let rows: Vec<SubscriptionRow> = of_user.select(SubscriptionRow::as_select()).load(conn)?;
    Ok(rows.into_iter().map(PushSubscription::try_from).collect::<Result<_, _>>()?)
}

/// Those of these that are there by their names, each with its user.
pub(super) fn named(
    conn: &mut Connection,
    ids: &[&str],
) -> QueryResult<HashMap<String, (String, PushSubscription)>> {
    let named = table.filter(s::id.eq_any(ids)).select(SubscriptionRow::as_select());
    let rows: Vec<SubscriptionRow> = named.load(conn)?;
    rows.into_iter().map(|row| Ok((row.id.clone(), (row.user_id.clone(), row.try_into()?)))).collect()
}

/// Has nobody else change it, or claim what is held for it, until the end of the transaction; `false` where somebody
/// else does already.
#[cfg_attr(not(feature = "postgres"), allow(unused_variables))]
pub(super) fn try_hold(conn: &mut Connection, id: &PushSubscriptionId) -> QueryResult<bool> {
    match conn {
        Connection::Sqlite(_) => Ok(true),
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => {
            let find = table.find(id.as_str()).select(s::id);
            let held: Option<String> = find.for_no_key_update().skip_locked().first(conn).optional()?;
            // Of one that is not there nobody holds anything.
            Ok(held.is_some() || !diesel::select(diesel::dsl::exists(find)).get_result(conn)?)
        }
    }
}

/// Says whether the user had it; [`recount`] is to follow.
pub(super) fn remove(conn: &mut Connection, user: &UserId, id: &PushSubscriptionId) -> QueryResult<bool> {
    let own = table.filter(s::id.eq(id.as_str()).and(s::user_id.eq(user.as_str())));
    diesel::delete(own).execute(conn).map(|rows| rows > 0)
}

/// Sends nothing there any more; [`recount`] is to follow.
pub(super) fn disable(
    conn: &mut Connection,
    user: &UserId,
    id: &PushSubscriptionId,
    now: Timestamp,
) -> QueryResult<()> {
    let own = table.filter(s::id.eq(id.as_str()).and(s::user_id.eq(user.as_str())));
    diesel::update(own).set(s::disabled_at.eq(now.as_micros())).execute(conn).map(drop)
}

/// Has the inbox know how many there are.
pub(super) fn recount(conn: &mut Connection, user: &UserId) -> QueryResult<()> {
    let enabled = table.filter(s::user_id.eq(user.as_str()).and(s::disabled_at.is_null()));
    let count: i64 = enabled.select(count_star()).first(conn)?;
    attention::keep_subscriptions(conn, user, count)
}

/// Deletes those of a user.
pub(super) fn erase(conn: &mut Connection, user: &UserId) -> QueryResult<()> {
    diesel::delete(table.filter(s::user_id.eq(user.as_str()))).execute(conn).map(drop)
}

fn find(conn: &mut Connection, digest: &[u8]) -> QueryResult<Option<SubscriptionRow>> {
    table.filter(s::digest.eq(digest)).select(SubscriptionRow::as_select()).first(conn).optional()
}

fn count_of(conn: &mut Connection, user: &UserId) -> QueryResult<usize> {
    let count: i64 = table.filter(s::user_id.eq(user.as_str())).select(count_star()).first(conn)?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// The browser has said anew how it can be written to.
fn renew(conn: &mut Connection, id: &str, target: &PushTarget) -> QueryResult<SubscriptionRow> {
    let renew = diesel::update(table.find(id)).set((
        s::p256dh.eq(&target.p256dh),
        s::auth.eq(&target.auth),
        s::disabled_at.eq(None::<i64>),
    ));
    on_inner!(conn, |conn| renew.returning(SubscriptionRow::as_returning()).get_result(conn))
}

/// `None` where another one with this endpoint has come meanwhile.
fn insert(
    conn: &mut Connection,
    user: &UserId,
    target: &PushTarget,
    digest: &[u8],
    now: Timestamp,
) -> QueryResult<Option<SubscriptionRow>> {
    let row = (
        s::id.eq(PushSubscriptionId::generate().as_str().to_owned()),
        s::user_id.eq(user.as_str()),
        s::endpoint.eq(&target.endpoint),
        s::digest.eq(digest),
        s::p256dh.eq(&target.p256dh),
        s::auth.eq(&target.auth),
        s::created_at.eq(now.as_micros()),
    );
    let insert = diesel::insert_into(table).values(row).on_conflict_do_nothing();
    on_inner!(conn, |conn| insert.returning(SubscriptionRow::as_returning()).get_result(conn)).optional()
}
