//! Queries over `inboxes`: one row a user.

use diesel::{prelude::*, upsert::excluded};

use super::{
    Connection, messages::InboxState, on_inner, prepared::Prepared, rows::InboxRow, schema::inboxes,
};
use crate::{
    domain::{Epoch, Offset, Timestamp, UserId},
    random,
};

/// Where an inbox stands; `None` for a user who never had a notification.
fn state(conn: &mut Connection, user: &UserId) -> QueryResult<Option<InboxState>> {
    let find = inboxes::table.find(user.as_str());
    let row = on_inner!(conn, |conn| find.select(InboxRow::as_select()).first(conn)).optional()?;
    row.map(InboxState::try_from).transpose()
}

/// The names of the statements that are [`Prepared`].
struct Advance;
struct Uncount;
struct Adjust;
struct Acknowledge;
struct Prune;

/// Where an inbox stands, one that is not there yet included.
pub(super) fn stands(conn: &mut Connection, user: &UserId) -> QueryResult<InboxState> {
    Ok(state(conn, user)?.unwrap_or(InboxState::NEVER))
}

/// The same for who will change it, in a batch that has locked it: nobody else does until the end of the
/// transaction. `None` if it was not there then; one that somebody else is making now is not there yet, since to
/// wait for it would be out of order.
pub(super) fn hold(conn: &mut Connection, user: &UserId) -> QueryResult<Option<InboxState>> {
    match conn {
        Connection::Sqlite(_) => state(conn, user),
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => {
            let find = inboxes::table.find(user.as_str()).select(InboxRow::as_select());
            let row = find.for_no_key_update().skip_locked().first(conn).optional()?;
            row.map(InboxState::try_from).transpose()
        }
    }
}

/// Waits until nobody else changes any of these inboxes, and has nobody do it until the end of the transaction.
#[cfg_attr(not(feature = "postgres"), allow(unused_variables))]
pub(super) fn hold_all(conn: &mut Connection, users: &[String]) -> QueryResult<()> {
    match conn {
        Connection::Sqlite(_) => Ok(()),
        #[cfg(feature = "postgres")]
        Connection::Postgres(conn) => {
            let find = inboxes::table.filter(inboxes::user_id.eq_any(users)).order(inboxes::user_id);
            let held: Vec<String> = find.select(inboxes::user_id).for_no_key_update().load(conn)?;
            drop(held);
            Ok(())
        }
    }
}

/// An inbox that has taken its next offset.
pub(super) struct Advanced {
    pub(super) state: InboxState,
    /// Some of them may be over.
    pub(super) has_mutes: bool,
    pub(super) has_subscriptions: bool,
}

/// Takes the next offset, which is unread and unseen. The first one begins the life `epoch`.
pub(super) fn advance(
    conn: &mut Connection,
    user: &UserId,
    epoch: Epoch,
    now: Timestamp,
) -> QueryResult<Advanced> {
    let first = (
        inboxes::user_id.eq(user.as_str()),
        inboxes::epoch.eq(epoch.as_str()),
        inboxes::last_offset.eq(1),
        inboxes::unread.eq(1),
        inboxes::unseen.eq(1),
        inboxes::version.eq(1),
        inboxes::changed_at.eq(now.as_micros()),
    );
    let next = (
        inboxes::last_offset.eq(inboxes::last_offset + 1),
        inboxes::unread.eq(inboxes::unread + 1),
        inboxes::unseen.eq(inboxes::unseen + 1),
        inboxes::version.eq(inboxes::version + 1),
        inboxes::changed_at.eq(excluded(inboxes::changed_at)),
    );
    let advance =
        diesel::insert_into(inboxes::table).values(first).on_conflict(inboxes::user_id).do_update().set(next);
    let (row, mutes, subscriptions): (InboxRow, i64, i64) = on_inner!(conn, |conn| {
        let returned = (InboxRow::as_returning(), inboxes::mutes, inboxes::subscriptions);
        Prepared::new(Advance, advance.returning(returned)).get_result(conn)
    })?;
    Ok(Advanced { state: row.try_into()?, has_mutes: mutes > 0, has_subscriptions: subscriptions > 0 })
}

/// Takes back what [`advance`] has counted, in the same transaction: the notification is muted.
pub(super) fn uncount(conn: &mut Connection, user: &UserId) -> QueryResult<InboxState> {
    let uncount = diesel::update(inboxes::table.find(user.as_str())).set((
        inboxes::unread.eq(inboxes::unread - 1),
        inboxes::unseen.eq(inboxes::unseen - 1),
        inboxes::version.eq(inboxes::version - 1),
    ));
    let row: InboxRow = on_inner!(conn, |conn| {
        Prepared::new(Uncount, uncount.returning(InboxRow::as_returning())).get_result(conn)
    })?;
    row.try_into()
}

/// Remembers how many mutes the user has. An inbox that is not there yet begins its life with nothing in it.
pub(super) fn keep_mutes(
    conn: &mut Connection,
    user: &UserId,
    count: i64,
    now: Timestamp,
) -> QueryResult<()> {
    let empty = (
        inboxes::user_id.eq(user.as_str()),
        inboxes::epoch.eq(Epoch::from_random(random::bits()).as_str().to_owned()),
        inboxes::last_offset.eq(0),
        inboxes::mutes.eq(count),
        inboxes::changed_at.eq(now.as_micros()),
    );
    let keep = diesel::insert_into(inboxes::table)
        .values(empty)
        .on_conflict(inboxes::user_id)
        .do_update()
        .set(inboxes::mutes.eq(count));
    on_inner!(conn, |conn| keep.execute(conn)).map(drop)
}

/// What marks and deletions did to the counters.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Delta {
    pub(super) unread: i64,
    pub(super) unseen: i64,
}

/// Counts rows that were marked or deleted; `version` rises only if a number changes.
pub(super) fn adjust(
    conn: &mut Connection,
    user: &UserId,
    delta: Delta,
    now: Timestamp,
) -> QueryResult<InboxState> {
    let changes = i64::from(delta.unread != 0 || delta.unseen != 0);
    let adjust = diesel::update(inboxes::table.find(user.as_str())).set((
        inboxes::unread.eq(inboxes::unread + delta.unread),
        inboxes::unseen.eq(inboxes::unseen + delta.unseen),
        inboxes::version.eq(inboxes::version + changes),
        inboxes::marks_version.eq(inboxes::marks_version + 1),
        inboxes::changed_at.eq(now.as_micros()),
    ));
    let row: InboxRow = on_inner!(conn, |conn| {
        Prepared::new(Adjust, adjust.returning(InboxRow::as_returning())).get_result(conn)
    })?;
    row.try_into()
}

/// Remembers that the user was shown everything up to `offset`; never goes back.
pub(super) fn acknowledge(conn: &mut Connection, user: &UserId, offset: Offset) -> QueryResult<()> {
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    let is_behind = inboxes::acked_offset.lt(offset);
    let acknowledge = diesel::update(inboxes::table.find(user.as_str()).filter(is_behind))
        .set(inboxes::acked_offset.eq(offset));
    on_inner!(conn, |conn| Prepared::new(Acknowledge, acknowledge).execute(conn)).map(drop)
}

/// Moves the horizon up to `offset`: what lies there and before may be lost. It never goes back.
pub(super) fn prune(conn: &mut Connection, user: &UserId, offset: Offset) -> QueryResult<()> {
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    let is_behind = inboxes::pruned_offset.lt(offset);
    let prune = diesel::update(inboxes::table.find(user.as_str()).filter(is_behind))
        .set(inboxes::pruned_offset.eq(offset));
    on_inner!(conn, |conn| Prepared::new(Prune, prune).execute(conn)).map(drop)
}

/// Begins another life of an inbox, with nothing in it: `None` where there is none. The versions go on, so that
/// nobody takes older counters for newer ones.
pub(super) fn renew(conn: &mut Connection, user: &UserId, now: Timestamp) -> QueryResult<Option<InboxState>> {
    let renew = diesel::update(inboxes::table.find(user.as_str())).set((
        inboxes::epoch.eq(Epoch::from_random(random::bits()).as_str().to_owned()),
        inboxes::last_offset.eq(0),
        inboxes::pruned_offset.eq(0),
        inboxes::acked_offset.eq(0),
        inboxes::unread.eq(0),
        inboxes::unseen.eq(0),
        inboxes::version.eq(inboxes::version + 1),
        inboxes::marks_version.eq(inboxes::marks_version + 1),
        inboxes::mutes.eq(0),
        inboxes::subscriptions.eq(0),
        inboxes::attended_offset.eq(0),
        inboxes::changed_at.eq(now.as_micros()),
    ));
    let row: Option<InboxRow> =
        on_inner!(conn, |conn| renew.returning(InboxRow::as_returning()).get_result(conn)).optional()?;
    row.map(InboxState::try_from).transpose()
}

/// Where these inboxes stand, in any order, and up to where each was acknowledged; one that is not there yet is
/// left out.
pub(super) fn stands_of(
    conn: &mut Connection,
    users: &[UserId],
) -> QueryResult<Vec<(String, InboxState, Offset)>> {
    let names: Vec<&str> = users.iter().map(UserId::as_str).collect();
    let rows: Vec<(String, i64, InboxRow)> = inboxes::table
        .filter(inboxes::user_id.eq_any(names))
        .select((inboxes::user_id, inboxes::acked_offset, InboxRow::as_select()))
        .load(conn)?;
    let stand = |(user, acked, row): (String, i64, InboxRow)| {
        Ok((user, row.try_into()?, Offset::try_from(acked).map_err(super::rows::broken)?))
    };
    rows.into_iter().map(stand).collect()
}

/// A place in the order of the inboxes by the time of their last change: behind this user, if there is one.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) changed_at: Timestamp,
    pub(super) user: Option<UserId>,
}

impl Place {
    pub(super) const START: Self = Self { changed_at: Timestamp::from_micros(i64::MIN), user: None };
}

/// The next inboxes behind a place in which more than `keep` notifications may have been read, at most
/// `limit`: numbers that are neither pruned nor unread.
pub(super) fn crowded(conn: &mut Connection, from: &Place, keep: i64, limit: i64) -> QueryResult<Vec<Place>> {
    let (at, after) = (from.changed_at.as_micros(), from.user.as_ref().map_or("", UserId::as_str));
    let is_behind = inboxes::changed_at.gt(at).or(inboxes::user_id.gt(after));
    let dealt_with = inboxes::last_offset - inboxes::pruned_offset - inboxes::unread;
    let rows: Vec<(String, i64)> = inboxes::table
        .filter(inboxes::changed_at.ge(at).and(is_behind).and(dealt_with.gt(keep)))
        .order((inboxes::changed_at, inboxes::user_id))
        .limit(limit)
        .select((inboxes::user_id, inboxes::changed_at))
        .load(conn)?;
    let place = |(user, changed_at): (String, i64)| {
        let user = user.parse().map_err(super::rows::broken)?;
        Ok(Place { changed_at: Timestamp::from_micros(changed_at), user: Some(user) })
    };
    rows.into_iter().map(place).collect()
}

/// One inbox among those that have changed.
pub(super) struct Changed {
    pub(super) user: UserId,
    pub(super) place: Place,
    pub(super) state: InboxState,
}

/// The next inboxes behind a place, at most `limit`.
pub(super) fn changed(conn: &mut Connection, from: &Place, limit: i64) -> QueryResult<Vec<Changed>> {
    let (at, after) = (from.changed_at.as_micros(), from.user.as_ref().map_or("", UserId::as_str));
    let is_behind = inboxes::changed_at.gt(at).or(inboxes::user_id.gt(after));
    let rows: Vec<(String, i64, InboxRow)> = inboxes::table
        .filter(inboxes::changed_at.ge(at).and(is_behind))
        .order((inboxes::changed_at, inboxes::user_id))
        .limit(limit)
        .select((inboxes::user_id, inboxes::changed_at, InboxRow::as_select()))
        .load(conn)?;
    let changed = |(user, changed_at, row): (String, i64, InboxRow)| {
        let user: UserId = user.parse().map_err(super::rows::broken)?;
        let place = Place { changed_at: Timestamp::from_micros(changed_at), user: Some(user.clone()) };
        Ok(Changed { user, place, state: row.try_into()? })
    };
    rows.into_iter().map(changed).collect()
}
