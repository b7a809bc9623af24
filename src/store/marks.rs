//! Marks, deletions and acknowledgements: rows and counters change by the same count (G13).

use std::collections::HashSet;

use actix::{Context, Handler, ResponseFuture};
use serde_json::{Map, Value, json};

use super::{
    Connection, Store, attention,
    error::Fault,
    inboxes::{self, Delta},
    job::Write,
    messages::{Acknowledge, ApplyMark, Delete, InboxState, StoreError},
    notifications::{self, Marking, Scope},
    push_history, push_jobs,
    queue::BATCH_ROWS,
    transaction::Transaction,
    webhook_jobs::{self, NewJob},
};
use crate::{
    domain::{Counters, MarkAs, MarkTarget, NotificationId, Offset, Position, UserId, WebhookEvent},
    hub::messages::{InboxFact, MarkedChange},
    stream::Head,
};

/// [`ApplyMark`], and whether webhooks are to tell of what is read by it.
pub(super) struct Apply {
    pub(super) mark: ApplyMark,
    pub(super) is_told: bool,
}

impl Handler<ApplyMark> for Store {
    type Result = ResponseFuture<Result<Counters, StoreError>>;

    fn handle(&mut self, mark: ApplyMark, _: &mut Context<Self>) -> Self::Result {
        let user = mark.user.clone();
        let apply = Apply { mark, is_told: self.webhooks.has(WebhookEvent::NotificationRead) };
        self.learning(user, self.write(apply), |counters| (None, *counters))
    }
}

impl Write for Apply {
    type Done = Counters;

    /// How many it changes is not known before: a mark without ids gets a transaction to itself.
    fn rows(&self) -> usize {
        match &self.mark.mark.target {
            MarkTarget::Ids(ids) => ids.len(),
            MarkTarget::UpTo(_) | MarkTarget::All => BATCH_ROWS,
        }
    }

    fn user(&self) -> Option<&UserId> {
        Some(&self.mark.user)
    }

    fn apply(
        &self,
        Transaction { conn, now, bounds, facts, .. }: &mut Transaction<'_>,
    ) -> Result<Counters, Fault> {
        let (now, ended_by) = (*now, bounds.earliest);
        let ApplyMark { user, mark, origin } = &self.mark;
        let inbox = inboxes::hold(conn, user)?;
        let state = inbox.unwrap_or(InboxState::NEVER);
        let ids: Vec<&str>;
        let scope = match &mark.target {
            MarkTarget::Ids(named) => {
                ids = named.iter().map(|id| id.as_str()).collect();
                Scope::Ids(&ids)
            }
            MarkTarget::UpTo(position) => Scope::UpTo(offset_in(state.head, *position)?),
            MarkTarget::All => Scope::All,
        };
        if inbox.is_none() {
            return Ok(state.counters);
        }
        let marking = Marking { user, mark_as: mark.mark_as, scope, now, ended_by };
        let target = match &mark.target {
            MarkTarget::Ids(_) => MarkTarget::Ids(changing(conn, marking, &mark.target)?),
            // What is to come is not marked, and nobody is told that it is.
            MarkTarget::UpTo(position) => {
                MarkTarget::UpTo(Position { offset: position.offset.min(state.head.last), ..*position })
            }
            MarkTarget::All => MarkTarget::All,
        };
        let read = if self.is_told { Some(what_is_read(conn, marking, &target)?) } else { None };
        let Some(delta) = marking.apply(conn)? else { return Ok(state.counters) };
        let counters = inboxes::adjust(conn, user, delta, now)?.counters;
        if let Some(mut read) = read.filter(|_| delta.unread < 0) {
            read.insert("user".to_owned(), json!(user));
            read.insert("count".to_owned(), json!(-delta.unread));
            read.insert("counters".to_owned(), json!(counters));
            let events = [WebhookEvent::NotificationRead].into_iter().collect();
            webhook_jobs::write(conn, events, vec![NewJob::read(user, read.into(), now)], now)?;
        }
        facts.push(InboxFact::Marked {
            user: user.clone(),
            origin: *origin,
            change: MarkedChange::As(mark.mark_as, target),
            counters,
        });
        Ok(counters)
    }
}

/// Those that are named and not yet as the mark wants them, in the order in which they are.
fn changing(
    conn: &mut Connection,
    marking: Marking<'_>,
    target: &MarkTarget,
) -> Result<Vec<NotificationId>, Fault> {
    let MarkTarget::Ids(named) = target else { return Ok(Vec::new()) };
    let mut changing: HashSet<String> = marking.ids(conn)?.into_iter().collect();
    Ok(named.iter().filter(|id| changing.remove(id.as_str())).cloned().collect())
}

/// What a mark is about, for webhooks: of what it names, that which was not read before.
fn what_is_read(
    conn: &mut Connection,
    marking: Marking<'_>,
    target: &MarkTarget,
) -> Result<Map<String, Value>, Fault> {
    let (name, what) = match target {
        MarkTarget::Ids(_) => {
            let reading = Marking { mark_as: MarkAs::Read, ..marking };
            ("ids", json!(changing(conn, reading, target)?))
        }
        MarkTarget::UpTo(position) => ("up_to", json!(position)),
        MarkTarget::All => ("all", json!(true)),
    };
    Ok(Map::from_iter([(name.to_owned(), what)]))
}

impl Write for Delete {
    type Done = ();

    fn user(&self) -> Option<&UserId> {
        Some(&self.user)
    }

    fn apply(&self, Transaction { conn, now, bounds, facts, .. }: &mut Transaction<'_>) -> Result<(), Fault> {
        let (now, ended_by) = (*now, bounds.earliest);
        let not_found = || Fault::Refused(StoreError::NotFound);
        let inbox = inboxes::hold(conn, &self.user)?.ok_or_else(not_found)?;
        let row = notifications::fetch(conn, &self.user, &self.id, ended_by)?.ok_or_else(not_found)?;
        let notification = row.within(inbox.head.epoch)?;
        notifications::delete(conn, &self.user, notification.position.offset)?;
        push_history::forget_of(conn, &self.user, &[push_jobs::signed(notification.position.offset)])?;
        // An archived one is read and seen, so it was counted nowhere.
        let delta = Delta {
            unread: -i64::from(notification.read_at.is_none()),
            unseen: -i64::from(notification.seen_at.is_none()),
        };
        facts.push(InboxFact::Marked {
            user: self.user.clone(),
            origin: None,
            change: MarkedChange::Deleted(vec![self.id.clone()]),
            counters: inboxes::adjust(conn, &self.user, delta, now)?.counters,
        });
        Ok(())
    }
}

impl Write for Acknowledge {
    type Done = ();

    fn user(&self) -> Option<&UserId> {
        Some(&self.user)
    }

    fn apply(&self, Transaction { conn, .. }: &mut Transaction<'_>) -> Result<(), Fault> {
        let inbox = inboxes::hold(conn, &self.user)?;
        let head = inbox.unwrap_or(InboxState::NEVER).head;
        // What is not there yet cannot have been shown.
        let offset = offset_in(head, self.up_to)?.min(head.last);
        inboxes::acknowledge(conn, &self.user, offset)?;
        if self.is_visible {
            attention::attend(conn, &self.user, offset)?;
        }
        Ok(())
    }
}

/// The offset of a position of this inbox. The very start is one of every inbox.
fn offset_in(head: Head, position: Position) -> Result<Offset, Fault> {
    let is_known = head != Head::NONE && position.epoch == head.epoch;
    if position == Position::START || is_known {
        return Ok(position.offset);
    }
    Err(Fault::Refused(StoreError::BadPosition))
}
