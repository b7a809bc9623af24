//! What is read of an inbox: a page behind a position, a list, one notification, where it stands.

use std::{collections::HashMap, sync::Arc};

use actix::{Context, Handler, ResponseFuture};

use super::{
    Connection, Store, inboxes,
    messages::{
        Fetch, InboxRead, InboxStand, InboxState, List, Listing, ReadInbox, ReadInboxes, ReadState,
        StoreError, Trace, Traced,
    },
    notifications, push_history,
    rows::broken,
};
use crate::{
    clock::ClockWatch,
    domain::{Counters, Notification, Offset, Position, Timestamp, UserId},
    stream::{Head, Page, PageLimit, Resume, replay},
};

impl Handler<Fetch> for Store {
    type Result = ResponseFuture<Result<Notification, StoreError>>;

    fn handle(&mut self, wanted: Fetch, _: &mut Context<Self>) -> Self::Result {
        let clock = self.kept.clock.clone();
        self.read(move |conn| fetch(conn, &wanted, &clock))
    }
}

impl Handler<ReadInbox> for Store {
    type Result = ResponseFuture<Result<InboxRead, StoreError>>;

    fn handle(&mut self, wanted: ReadInbox, _: &mut Context<Self>) -> Self::Result {
        let (user, clock) = (wanted.user.clone(), self.kept.clock.clone());
        let answer = self.read(move |conn| read_inbox(conn, &wanted, &clock));
        self.learning(user, answer, |read| (Some(read.page.head.epoch), read.counters))
    }
}

impl Handler<List> for Store {
    type Result = ResponseFuture<Result<Listing, StoreError>>;

    fn handle(&mut self, wanted: List, _: &mut Context<Self>) -> Self::Result {
        let (user, clock) = (wanted.user.clone(), self.kept.clock.clone());
        let answer = self.read(move |conn| list(conn, &wanted, &clock));
        self.learning(user, answer, |listing| (Some(listing.cursor.epoch), listing.counters))
    }
}

pub(super) fn read_state(conn: &mut Connection, read: &ReadState) -> Result<InboxState, StoreError> {
    Ok(inboxes::stands(conn, &read.user)?)
}

fn read_inbox(conn: &mut Connection, read: &ReadInbox, clock: &ClockWatch) -> Result<InboxRead, StoreError> {
    let InboxState { head, counters } = inboxes::stands(conn, &read.user)?;
    let Some(since) = read.since else {
        let page = Page { head, resume: Resume::Fresh, items: Vec::new(), reached: head.position() };
        return Ok(InboxRead { counters, page });
    };
    let (_, begin) = replay::begin(head, since);
    let ended_by = clock.bounds(conn.now()?).earliest;
    let (rows, has_more) = rows_after(conn, &read.user, head, begin, read.limit, ended_by)?;
    Ok(InboxRead { counters, page: replay::page(head, since, rows, has_more) })
}

type Row = (Offset, Option<Arc<Notification>>);

/// Rows above an offset up to the bounds, and whether there are more. Hidden ones count as rows only.
fn rows_after(
    conn: &mut Connection,
    user: &UserId,
    head: Head,
    begin: Offset,
    limit: PageLimit,
    ended_by: Timestamp,
) -> Result<(Vec<Row>, bool), StoreError> {
    let most = limit.rows.max(1);
    let mut rows: Vec<Row> = Vec::new();
    let mut bytes = 0;
    let one_more = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    for row in notifications::after(conn, user, begin, one_more)? {
        let notification = row?.within(head.epoch)?;
        let is_visible = notification.is_visible(ended_by);
        bytes += if is_visible { notification.payload.as_str().len() } else { 0 };
        if rows.len() == most || (bytes > limit.bytes && !rows.is_empty()) {
            return Ok((rows, true));
        }
        rows.push((notification.position.offset, is_visible.then(|| Arc::new(notification))));
    }
    Ok((rows, false))
}

fn list(conn: &mut Connection, list: &List, clock: &ClockWatch) -> Result<Listing, StoreError> {
    let ended_by = clock.bounds(conn.now()?).earliest;
    let InboxState { head, counters } = inboxes::stands(conn, &list.user)?;
    if list.before.is_some_and(|before| before.epoch != head.epoch) {
        return Err(StoreError::BadPosition);
    }
    let one_more = i64::try_from(list.limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut notifications = notifications::list(conn, list, ended_by, one_more)?
        .into_iter()
        .map(|row| row.within(head.epoch))
        .collect::<Result<Vec<Notification>, _>>()?;
    let has_more = notifications.len() > list.limit;
    notifications.truncate(list.limit);
    let next_before: Option<Position> =
        notifications.last().filter(|_| has_more).map(|notification| notification.position);
    Ok(Listing { notifications, next_before, counters, cursor: head.position() })
}

fn fetch(conn: &mut Connection, fetch: &Fetch, clock: &ClockWatch) -> Result<Notification, StoreError> {
    let ended_by = clock.bounds(conn.now()?).earliest;
    let row = notifications::fetch(conn, &fetch.user, &fetch.id, ended_by)?.ok_or(StoreError::NotFound)?;
    Ok(row.within(inboxes::stands(conn, &fetch.user)?.head.epoch)?)
}

/// Where inboxes stand, those that are not there yet included.
pub(super) fn stands_of(conn: &mut Connection, read: &ReadInboxes) -> Result<Vec<InboxStand>, StoreError> {
    let mut known: HashMap<String, (InboxState, Offset)> = inboxes::stands_of(conn, &read.users)?
        .into_iter()
        .map(|(user, state, acked)| (user, (state, acked)))
        .collect();
    let never = (InboxState { head: Head::NONE, counters: Counters::default() }, 0);
    let stand = |user: &UserId| {
        let (state, acked) = known.remove(user.as_str()).unwrap_or(never);
        InboxStand { user: user.clone(), state, acked: Position::new(state.head.epoch, acked) }
    };
    Ok(read.users.iter().map(stand).collect())
}

pub(super) fn trace(conn: &mut Connection, trace: &Trace) -> Result<Traced, StoreError> {
    let (user, row) = notifications::find(conn, &trace.id)?.ok_or(StoreError::NotFound)?;
    let users = vec![user.parse().map_err(broken)?];
    let stand = stands_of(conn, &ReadInboxes { users })?.pop().ok_or(StoreError::NotFound)?;
    let notification = row.within(stand.state.head.epoch)?;
    let pushes = push_history::trace(conn, &stand.user, notification.position.offset)?;
    Ok(Traced { stand, notification, pushes })
}
