//! Storing a draft for its recipients: idempotency key, offsets, mutes, collapse key, counters, rows and what is to be
//! pushed in one transaction.

use std::time::Duration;

use actix::{Context, Handler, ResponseFuture};

use super::{
    Store, collapse,
    error::Fault,
    idempotency, inboxes,
    job::Write,
    messages::{IdempotencyKey, InboxState, Publish, Published, Receipt, StoreError},
    muting,
    push_jobs::{self, Push},
    transaction::Transaction,
};
use crate::{
    clock::ClockWatch,
    domain::{Draft, Epoch, Notification, NotificationId, Timestamp, UserId, push::PushWords},
    random,
};

/// A publish with the ids that its notifications will have: they are the same however often it is tried.
pub(super) struct Append {
    publish: Publish,
    ids: Vec<NotificationId>,
    kept: Kept,
    /// After which it is to be pushed; `None` where nothing is.
    grace: Option<Duration>,
    /// What the publisher has to say of that, as JSON.
    words: Option<String>,
}

/// How long idempotency keys are kept, and the clock that tells how long they were.
#[derive(Clone, Default)]
pub(super) struct Kept {
    pub(super) retention: Duration,
    pub(super) clock: ClockWatch,
}

impl Kept {
    /// From when on they are in force: all that are there, while nobody knows how old they are.
    fn since(&self, now: Timestamp) -> Timestamp {
        if self.clock.is_settled(now) { now.minus(self.retention) } else { Timestamp::from_secs(0) }
    }
}

impl Handler<Publish> for Store {
    type Result = ResponseFuture<Result<Published, StoreError>>;

    fn handle(&mut self, publish: Publish, _: &mut Context<Self>) -> Self::Result {
        let key = publish.idempotency_key.as_ref().map(|key| (publish.publisher.clone(), key.key.clone()));
        let Ok(under_way) = key.map(|key| self.keys.enter(key)).transpose() else {
            return Box::pin(async { Err(StoreError::KeyInProgress) });
        };
        let answer = self.write(Append::new(publish, self.kept.clone(), self.push.grace()));
        Box::pin(async move {
            let published = answer.await;
            drop(under_way);
            published
        })
    }
}

impl Append {
    pub(super) fn new(publish: Publish, kept: Kept, grace: Option<Duration>) -> Self {
        let ids = publish.draft.to.iter().map(|_| NotificationId::generate()).collect();
        let words = publish.draft.push.as_ref().filter(|_| grace.is_some()).map(|wish| &wish.words);
        let words = words.filter(|words| **words != PushWords::default());
        // Texts and nothing else, which JSON can always say.
        let words = words.and_then(|words| serde_json::to_string(words).ok());
        Self { publish, ids, kept, grace, words }
    }

    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    pub(super) fn draft(&self) -> &Draft {
        &self.publish.draft
    }

    /// The key that makes it repeatable, with its owner.
    pub(super) fn key(&self) -> Option<(&UserId, &IdempotencyKey)> {
        self.publish.idempotency_key.as_ref().map(|key| (&self.publish.publisher, key))
    }

    /// From when on an answer to the same key is given again.
    pub(super) fn replays_since(&self, now: Timestamp) -> Timestamp {
        self.kept.since(now)
    }

    /// The answer that was given before to the same request, if there is one (G3).
    fn replay(&self, tx: &mut Transaction<'_>) -> Result<Option<Published>, Fault> {
        let Some((publisher, key)) = self.key().filter(|(publisher, key)| !tx.has_key(publisher, &key.key))
        else {
            return Ok(None);
        };
        match idempotency::find(tx.conn, publisher, &key.key, self.replays_since(tx.now))? {
            None => Ok(None),
            Some(kept) if kept.digest == key.digest => {
                Ok(Some(Published { receipts: kept.receipts(&self.publish.draft.to)?, is_replay: true }))
            }
            Some(_) => Err(Fault::Refused(StoreError::KeyReused)),
        }
    }

    /// Stores one notification for one recipient.
    fn store(&self, tx: &mut Transaction<'_>, user: &UserId, id: &NotificationId) -> Result<Receipt, Fault> {
        let draft = &self.publish.draft;
        let number = tx.next_number(user);
        let is_by_row = number.is_none();
        let Numbered { state, is_muted, is_pushed } = match number {
            Some((state, is_pushed)) => Numbered { state, is_muted: false, is_pushed },
            None => self.number_by_row(tx, user)?,
        };
        let position = state.head.position();
        let notification = Notification {
            id: id.clone(),
            position,
            notification_type: draft.notification_type.clone(),
            v: draft.v,
            payload: draft.payload.clone(),
            key: draft.key.clone(),
            created_at: tx.now,
            expires_at: draft.expires_in.map(|after| tx.bounds.latest.plus(after)),
            seen_at: None,
            read_at: None,
            archived_at: None,
            muted: is_muted,
        };
        tx.store(user, notification, state.counters, is_by_row, is_pushed)?;
        let replaced = match draft.key.as_ref().filter(|_| !is_muted) {
            Some(key) => collapse::archive_older(tx, user, key, position.offset)?,
            None => Vec::new(),
        };
        if let Some((wish, grace)) = draft.push.as_ref().zip(self.grace).filter(|_| is_pushed) {
            let mut due_at = tx.bounds.earliest.plus(grace);
            // What takes the place of something that waits waits no longer than that: else one that comes again and
            // again would never be told of.
            if !replaced.is_empty() {
                due_at =
                    push_jobs::first_due(tx.conn, user, &replaced)?.map_or(due_at, |first| first.min(due_at));
            }
            tx.push(Push { user: user.clone(), offset: position.offset, urgency: wish.urgency, due_at })?;
        }
        Ok(Receipt { id: id.clone(), to: user.clone(), position })
    }

    /// Takes the next number of an inbox by itself.
    fn number_by_row(&self, tx: &mut Transaction<'_>, user: &UserId) -> Result<Numbered, Fault> {
        let advanced = inboxes::advance(tx.conn, user, Epoch::from_random(random::bits()), tx.now)?;
        let is_muted = advanced.has_mutes
            && muting::is_muted(tx.conn, user, &self.publish.draft.notification_type, tx.now)?;
        let state = if is_muted { inboxes::uncount(tx.conn, user)? } else { advanced.state };
        Ok(Numbered { state, is_muted, is_pushed: advanced.has_subscriptions && !is_muted })
    }
}

/// An inbox with the number of what is stored in it.
struct Numbered {
    state: InboxState,
    /// Its user wants to hear nothing of this.
    is_muted: bool,
    /// Its user can be told where no page is open.
    is_pushed: bool,
}

impl Write for Append {
    type Done = Published;

    fn rows(&self) -> usize {
        self.ids.len()
    }

    /// The payload is kept once for all recipients; a name and an id are about so much.
    fn bytes(&self) -> usize {
        let words = self.words.as_ref().map_or(0, String::len);
        self.publish.draft.payload.as_str().len() + words + self.ids.len() * 256
    }

    fn append(&self) -> Option<&Append> {
        Some(self)
    }

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<Published, Fault> {
        if let Some(published) = self.replay(tx)? {
            return Ok(published);
        }
        tx.begin_draft(self.words.clone());
        let recipients = self.publish.draft.to.iter().zip(&self.ids);
        let receipts: Vec<Receipt> =
            recipients.map(|(user, id)| self.store(tx, user, id)).collect::<Result<_, _>>()?;
        if let Some((publisher, key)) = self.key() {
            tx.keep(publisher, key, &receipts)?;
        }
        Ok(Published { receipts, is_replay: false })
    }
}
