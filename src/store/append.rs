//! Storing a draft for its recipients: idempotency key, offsets, mutes, collapse key, counters and rows in
//! one transaction.

use std::time::Duration;

use super::{
    collapse,
    error::Fault,
    idempotency, inboxes,
    job::Write,
    messages::{IdempotencyKey, InboxState, Publish, Published, Receipt, StoreError},
    muting,
    transaction::Transaction,
};
use crate::{
    clock::ClockWatch,
    domain::{Draft, Epoch, Notification, NotificationId, Timestamp, UserId},
    random,
};

/// A publish with the ids that its notifications will have: they are the same however often it is tried.
pub(super) struct Append {
    publish: Publish,
    ids: Vec<NotificationId>,
    kept: Kept,
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

impl Append {
    pub(super) fn new(publish: Publish, kept: Kept) -> Self {
        let ids = publish.draft.to.iter().map(|_| NotificationId::generate()).collect();
        Self { publish, ids, kept }
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
        let (state, muted) = match number {
            Some(state) => (state, false),
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
            muted,
        };
        tx.store(user, notification, state.counters, is_by_row)?;
        if let Some(key) = draft.key.as_ref().filter(|_| !muted) {
            collapse::archive_older(tx, user, key, position.offset)?;
        }
        Ok(Receipt { id: id.clone(), to: user.clone(), position })
    }

    /// Takes the next number of an inbox, and says whether its user wants to hear nothing of this.
    fn number_by_row(&self, tx: &mut Transaction<'_>, user: &UserId) -> Result<(InboxState, bool), Fault> {
        let advanced = inboxes::advance(tx.conn, user, Epoch::from_random(random::bits()), tx.now)?;
        let muted = advanced.has_mutes
            && muting::is_muted(tx.conn, user, &self.publish.draft.notification_type, tx.now)?;
        Ok((if muted { inboxes::uncount(tx.conn, user)? } else { advanced.state }, muted))
    }
}

impl Write for Append {
    type Done = Published;

    fn rows(&self) -> usize {
        self.ids.len()
    }

    /// The payload is kept once for all recipients; a name and an id are about so much.
    fn bytes(&self) -> usize {
        self.publish.draft.payload.as_str().len() + self.ids.len() * 256
    }

    fn append(&self) -> Option<&Append> {
        Some(self)
    }

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<Published, Fault> {
        if let Some(published) = self.replay(tx)? {
            return Ok(published);
        }
        tx.begin_draft();
        let recipients = self.publish.draft.to.iter().zip(&self.ids);
        let receipts: Vec<Receipt> =
            recipients.map(|(user, id)| self.store(tx, user, id)).collect::<Result<_, _>>()?;
        if let Some((publisher, key)) = self.key() {
            tx.keep(publisher, key, &receipts)?;
        }
        Ok(Published { receipts, is_replay: false })
    }
}
