//! Queries over `notifications`: the items of the inboxes.
//!
//! Expired and muted rows are passed over by every query but [`after`], whose reader judges them.

use diesel::{
    connection::DefaultLoadingMode,
    dsl::{count, count_star, exists},
    expression::BoxableExpression,
    prelude::*,
    sql_types::{BigInt, Bool, Nullable},
};

use super::{
    Backend, Connection,
    inboxes::Delta,
    messages::{List, ListState},
    on_inner,
    prepared::Prepared,
    rows::{NewNotification, NotificationRow},
    schema::notifications::{self as n, table},
};
use crate::domain::{MarkAs, Notification, NotificationId, Offset, Timestamp, UserId};

diesel::define_sql_function! {
    /// The first of the two that is there.
    fn coalesce(present: Nullable<BigInt>, otherwise: BigInt) -> BigInt;
}

type Condition<'a> = Box<dyn BoxableExpression<table, Backend, SqlType = Bool> + 'a>;

/// Whether a row is shown to its user: neither muted nor expired.
fn is_shown<'a>(ended_by: Timestamp) -> Condition<'a> {
    let is_fresh = n::expires_at.is_null().or(n::expires_at.assume_not_null().gt(ended_by.as_micros()));
    Box::new(n::muted.eq(false).and(is_fresh))
}

/// The name of the statement that is [`Prepared`].
struct Insert;

/// `push` is what a push of it says.
pub(super) fn insert(
    conn: &mut Connection,
    user: &UserId,
    notification: &Notification,
    push: Option<&str>,
) -> QueryResult<()> {
    let row = NewNotification::new(user.as_str(), notification, push)?;
    let insert = diesel::insert_into(table).values(row);
    on_inner!(conn, |conn| Prepared::new(Insert, insert).execute(conn)).map(drop)
}

/// Rows above an offset in order, read from the database one by one as they are asked for.
pub(super) fn after<'c>(
    conn: &'c mut Connection,
    user: &UserId,
    offset: Offset,
    limit: i64,
) -> QueryResult<impl Iterator<Item = QueryResult<NotificationRow>> + use<'c>> {
    table
        .filter(n::user_id.eq(user.as_str().to_owned()).and(n::offset.gt(signed(offset))))
        .order(n::offset)
        .limit(limit)
        .select(NotificationRow::as_select())
        .load_iter::<NotificationRow, DefaultLoadingMode>(conn)
}

/// The newest rows that a list asks for, at most `limit`.
pub(super) fn list(
    conn: &mut Connection,
    list: &List,
    ended_by: Timestamp,
    limit: i64,
) -> QueryResult<Vec<NotificationRow>> {
    let mut query = table
        .filter(n::user_id.eq(list.user.as_str()).and(is_shown(ended_by)))
        .order(n::offset.desc())
        .limit(limit)
        .select(NotificationRow::as_select())
        .into_boxed();
    query = match list.state {
        ListState::All => query.filter(n::archived_at.is_null()),
        ListState::Unread => query.filter(n::read_at.is_null()),
        ListState::Archived => query.filter(n::archived_at.is_not_null()),
    };
    if let Some(notification_type) = &list.notification_type {
        query = query.filter(n::type_.eq(notification_type.as_str()));
    }
    if let Some(before) = list.before {
        query = query.filter(n::offset.lt(signed(before.offset)));
    }
    query.load(conn)
}

/// One notification of this user, archived or not.
pub(super) fn fetch(
    conn: &mut Connection,
    user: &UserId,
    id: &NotificationId,
    ended_by: Timestamp,
) -> QueryResult<Option<NotificationRow>> {
    table
        .filter(n::id.eq(id.as_str()).and(n::user_id.eq(user.as_str())).and(is_shown(ended_by)))
        .select(NotificationRow::as_select())
        .first(conn)
        .optional()
}

/// What has these numbers, whether it is shown or not, in any order; each with what a push of it says.
pub(super) fn numbered(
    conn: &mut Connection,
    user: &UserId,
    offsets: &[Offset],
) -> QueryResult<Vec<(Option<String>, NotificationRow)>> {
    let among = n::offset.eq_any(offsets.iter().copied().map(signed));
    let numbered = table.filter(n::user_id.eq(user.as_str()).and(among));
    numbered.select((n::push, NotificationRow::as_select())).load(conn)
}

/// Those of these numbers that are there and unread.
pub(super) fn unread_among(
    conn: &mut Connection,
    user: &UserId,
    offsets: &[Offset],
    ended_by: Timestamp,
) -> QueryResult<Vec<i64>> {
    let of_user = n::user_id.eq(user.as_str()).and(n::read_at.is_null()).and(is_shown(ended_by));
    let among = n::offset.eq_any(offsets.iter().copied().map(signed));
    table.filter(of_user.and(among)).select(n::offset).load(conn)
}

/// Whether at least one of these is stored.
pub(super) fn is_any_there(conn: &mut Connection, ids: &[&str]) -> QueryResult<bool> {
    diesel::select(exists(table.filter(n::id.eq_any(ids)))).get_result(conn)
}

pub(super) fn delete(conn: &mut Connection, user: &UserId, offset: Offset) -> QueryResult<()> {
    diesel::delete(table.find((user.as_str(), signed(offset)))).execute(conn).map(drop)
}

/// What is shown and unread under a collapse key, below `offset`: ids and offsets, oldest first.
pub(super) fn unread_with_key(
    conn: &mut Connection,
    user: &UserId,
    key: &str,
    offset: Offset,
    ended_by: Timestamp,
) -> QueryResult<Vec<(String, i64)>> {
    // Not by `is_shown`: with a condition whose type is known the statement is prepared once.
    let is_fresh = n::expires_at.is_null().or(n::expires_at.assume_not_null().gt(ended_by.as_micros()));
    let older = table
        .filter(n::user_id.eq(user.as_str()).and(n::key.eq(key)).and(n::read_at.is_null()))
        .filter(n::offset.lt(signed(offset)).and(n::muted.eq(false)).and(is_fresh))
        .order(n::offset)
        .select((n::id, n::offset));
    on_inner!(conn, |conn| older.load(conn))
}

/// A row that has come to its end, as far as its deletion needs to know it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = n)]
pub(super) struct EndedRow {
    pub(super) user_id: String,
    pub(super) offset: i64,
    pub(super) id: String,
    pub(super) seen_at: Option<i64>,
    pub(super) read_at: Option<i64>,
    pub(super) muted: bool,
}

/// Rows that have expired, at most `limit`.
pub(super) fn expired(conn: &mut Connection, ended_by: Timestamp, limit: i64) -> QueryResult<Vec<EndedRow>> {
    table
        .filter(n::expires_at.le(ended_by.as_micros()))
        .order(n::expires_at)
        .limit(limit)
        .select(EndedRow::as_select())
        .load(conn)
}

/// The oldest rows, of whatever user, at most `limit`: identities sort by the time of their making.
pub(super) fn made_before(
    conn: &mut Connection,
    id: &NotificationId,
    limit: i64,
) -> QueryResult<Vec<EndedRow>> {
    table.filter(n::id.lt(id.as_str())).order(n::id).limit(limit).select(EndedRow::as_select()).load(conn)
}

/// Rows of a user that are read and have `keep` newer ones that are read, too; at most `limit`.
pub(super) fn read_beyond(
    conn: &mut Connection,
    user: &UserId,
    keep: i64,
    limit: i64,
) -> QueryResult<Vec<EndedRow>> {
    table
        .filter(n::user_id.eq(user.as_str()).and(n::read_at.is_not_null()))
        .order(n::offset.desc())
        .limit(limit)
        .offset(keep)
        .select(EndedRow::as_select())
        .load(conn)
}

/// The oldest rows of a user, at most `limit`.
pub(super) fn oldest(conn: &mut Connection, user: &UserId, limit: i64) -> QueryResult<Vec<EndedRow>> {
    let of_user = table.filter(n::user_id.eq(user.as_str())).order(n::offset);
    of_user.limit(limit).select(EndedRow::as_select()).load(conn)
}

/// Deletes all of a user.
pub(super) fn erase(conn: &mut Connection, user: &UserId) -> QueryResult<()> {
    diesel::delete(table.filter(n::user_id.eq(user.as_str()))).execute(conn).map(drop)
}

/// A notification of whatever user, and who that is, whether it is shown or not.
pub(super) fn find(
    conn: &mut Connection,
    id: &NotificationId,
) -> QueryResult<Option<(String, NotificationRow)>> {
    let find = table.filter(n::id.eq(id.as_str())).select((n::user_id, NotificationRow::as_select()));
    find.first(conn).optional()
}

/// Which rows of a user a mark is about.
#[derive(Clone, Copy)]
pub(super) enum Scope<'a> {
    Ids(&'a [&'a str]),
    UpTo(Offset),
    All,
}

/// The rows that a mark changes: those of its scope that are not yet as it wants them.
///
/// Archived rows are read and read rows are seen, so one column tells.
#[derive(Clone, Copy)]
pub(super) struct Marking<'a> {
    pub(super) user: &'a UserId,
    pub(super) mark_as: MarkAs,
    pub(super) scope: Scope<'a>,
    pub(super) now: Timestamp,
    pub(super) ended_by: Timestamp,
}

impl<'a> Marking<'a> {
    fn condition(self) -> Condition<'a> {
        let is_other: Condition<'a> = match self.mark_as {
            MarkAs::Seen => Box::new(n::seen_at.is_null()),
            MarkAs::Read => Box::new(n::read_at.is_null()),
            MarkAs::Archived => Box::new(n::archived_at.is_null()),
            MarkAs::Unread => Box::new(n::read_at.is_not_null()),
        };
        let is_meant: Condition<'a> = match self.scope {
            Scope::Ids(ids) => Box::new(n::id.eq_any(ids)),
            Scope::UpTo(offset) => Box::new(n::offset.le(signed(offset))),
            Scope::All => Box::new(true.into_sql::<Bool>()),
        };
        Box::new(n::user_id.eq(self.user.as_str()).and(is_other).and(is_meant).and(is_shown(self.ended_by)))
    }

    /// The ids of the rows that [`Self::apply`] would change.
    pub(super) fn ids(self, conn: &mut Connection) -> QueryResult<Vec<String>> {
        table.filter(self.condition()).select(n::id).load(conn)
    }

    /// Changes the rows; `None` if there are none, else what it does to the counters.
    pub(super) fn apply(self, conn: &mut Connection) -> QueryResult<Option<Delta>> {
        let tally =
            table.filter(self.condition()).select((count_star(), count(n::read_at), count(n::seen_at)));
        let (rows, read, seen): (i64, i64, i64) = tally.first(conn)?;
        if rows == 0 {
            return Ok(None);
        }
        let now = self.now.as_micros();
        let affected = diesel::update(table).filter(self.condition());
        let is_seen = n::seen_at.eq(coalesce(n::seen_at, now).nullable());
        let is_read = n::read_at.eq(coalesce(n::read_at, now).nullable());
        match self.mark_as {
            MarkAs::Seen => affected.set(is_seen).execute(conn)?,
            MarkAs::Read => affected.set((is_read, is_seen)).execute(conn)?,
            MarkAs::Archived => affected.set((n::archived_at.eq(now), is_read, is_seen)).execute(conn)?,
            MarkAs::Unread => {
                affected.set((n::read_at.eq(None::<i64>), n::archived_at.eq(None::<i64>))).execute(conn)?
            }
        };
        Ok(Some(match self.mark_as {
            MarkAs::Seen => Delta { unread: 0, unseen: -rows },
            MarkAs::Read | MarkAs::Archived => Delta { unread: read - rows, unseen: seen - rows },
            // They were seen before, and stay so.
            MarkAs::Unread => Delta { unread: rows, unseen: 0 },
        }))
    }
}

/// Offsets fit: none is parsed or counted beyond a signed 64-bit integer.
fn signed(offset: Offset) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}
