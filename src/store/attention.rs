//! Queries over `inboxes` about who can be pushed to, and what they have been shown.

use std::collections::HashMap;

use diesel::prelude::*;

#[cfg(feature = "postgres")]
use super::locks;
use super::{Connection, on_inner, prepared::Prepared, rows::broken, schema::inboxes};
use crate::{
    domain::{Epoch, Offset, Timestamp, UserId},
    random,
};

/// The name of the statement that is [`Prepared`].
struct Attend;

/// What an inbox says about a push.
pub(super) struct Attention {
    pub(super) epoch: Epoch,
    pub(super) unseen: u64,
    /// Up to where a page in front has shown everything.
    pub(super) attended: Offset,
    /// Some of them may be over.
    pub(super) has_mutes: bool,
}

/// That of these users, by their names.
pub(super) fn of(conn: &mut Connection, users: &[&str]) -> QueryResult<HashMap<String, Attention>> {
    let rows: Vec<(String, String, i64, i64, i64)> = inboxes::table
        .filter(inboxes::user_id.eq_any(users))
        .select((inboxes::user_id, inboxes::epoch, inboxes::unseen, inboxes::attended_offset, inboxes::mutes))
        .load(conn)?;
    let attention = |(user, epoch, unseen, attended, mutes): (String, String, i64, i64, i64)| {
        let attention = Attention {
            epoch: epoch.parse().map_err(broken)?,
            unseen: u64::try_from(unseen).map_err(broken)?,
            attended: u64::try_from(attended).map_err(broken)?,
            has_mutes: mutes > 0,
        };
        Ok((user, attention))
    };
    rows.into_iter().map(attention).collect()
}

/// Remembers that a page in front has shown everything up to `offset`, for a user who could be pushed to.
pub(super) fn attend(conn: &mut Connection, user: &UserId, offset: Offset) -> QueryResult<()> {
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    let is_behind = inboxes::attended_offset.lt(offset).and(inboxes::subscriptions.gt(0));
    let attend = diesel::update(inboxes::table.find(user.as_str()).filter(is_behind))
        .set(inboxes::attended_offset.eq(offset));
    on_inner!(conn, |conn| Prepared::new(Attend, attend).execute(conn)).map(drop)
}

/// Remembers how many subscriptions a user has that can be sent to, if there is an inbox.
pub(super) fn keep_subscriptions(conn: &mut Connection, user: &UserId, count: i64) -> QueryResult<()> {
    let inbox = inboxes::table.find(user.as_str());
    diesel::update(inbox).set(inboxes::subscriptions.eq(count)).execute(conn).map(drop)
}

/// Has nobody else change the inbox of a user, which is made if it is not there, and that of another one, until the end
/// of the transaction.
#[cfg_attr(not(feature = "postgres"), allow(unused_variables))]
pub(super) fn hold(
    conn: &mut Connection,
    user: &UserId,
    other: Option<&UserId>,
    now: Timestamp,
) -> QueryResult<()> {
    match conn {
        Connection::Sqlite(conn) => {
            let empty = (
                inboxes::user_id.eq(user.as_str()),
                inboxes::epoch.eq(Epoch::from_random(random::bits()).as_str().to_owned()),
                inboxes::last_offset.eq(0),
                inboxes::changed_at.eq(now.as_micros()),
            );
            let make = diesel::insert_into(inboxes::table).values(empty).on_conflict_do_nothing();
            make.execute(conn).map(drop)
        }
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => locks::hold(conn, user, other, now),
    }
}
