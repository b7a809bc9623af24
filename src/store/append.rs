//! Storing a draft for its recipients: idempotency key, offsets, mutes, collapse key, counters and rows in
//! one transaction.

use std::{sync::Arc, time::Duration};

use super::{
    Connection, collapse,
    error::Fault,
    idempotency, inboxes,
    job::Write,
    messages::{Publish, Published, Receipt, StoreError},
    muting, notifications,
};
use crate::{
    domain::{Epoch, Notification, NotificationId, Timestamp},
    hub::messages::InboxFact,
    random,
};

/// A publish with the ids that its notifications will have: they are the same however often it is tried.
pub(super) struct Append {
    publish: Publish,
    ids: Vec<NotificationId>,
    /// How long idempotency keys are kept.
    retention: Duration,
}

impl Append {
    pub(super) fn new(publish: Publish, retention: Duration) -> Self {
        let ids = publish.draft.to.iter().map(|_| NotificationId::generate()).collect();
        Self { publish, ids, retention }
    }

    /// The answer that was given before to the same request, if there is one (G3).
    fn replay(&self, conn: &mut Connection, now: Timestamp) -> Result<Option<Published>, Fault> {
        let Some(key) = &self.publish.idempotency_key else { return Ok(None) };
        let since = now.minus(self.retention);
        match idempotency::find(conn, &self.publish.publisher, &key.key, since)? {
            None => Ok(None),
            Some(kept) if kept.digest == key.digest => {
                Ok(Some(Published { receipts: kept.receipts()?, is_replay: true }))
            }
            Some(_) => Err(Fault::Refused(StoreError::KeyReused)),
        }
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

    fn apply(
        &self,
        conn: &mut Connection,
        now: Timestamp,
        facts: &mut Vec<InboxFact>,
    ) -> Result<Published, Fault> {
        if let Some(published) = self.replay(conn, now)? {
            return Ok(published);
        }
        let Publish { publisher, idempotency_key, draft } = &self.publish;
        // Rows are locked in the order of users, so that two transactions never wait for each other
        // on a database with more than one writer.
        let mut recipients: Vec<_> = draft.to.iter().zip(&self.ids).enumerate().collect();
        recipients.sort_unstable_by_key(|(_, (user, _))| *user);
        let mut receipts = Vec::with_capacity(recipients.len());
        for (place, (user, id)) in recipients {
            let advanced = inboxes::advance(conn, user, Epoch::from_random(random::bits()), now)?;
            let muted = advanced.has_mutes && muting::is_muted(conn, user, &draft.notification_type, now)?;
            let state = if muted { inboxes::uncount(conn, user)? } else { advanced.state };
            let notification = Notification {
                id: id.clone(),
                position: state.head.position(),
                notification_type: draft.notification_type.clone(),
                v: draft.v,
                payload: draft.payload.clone(),
                key: draft.key.clone(),
                created_at: now,
                expires_at: draft.expires_in.map(|after| now.plus(after)),
                seen_at: None,
                read_at: None,
                archived_at: None,
                muted,
            };
            notifications::insert(conn, user, &notification)?;
            let position = notification.position;
            receipts.push((place, Receipt { id: id.clone(), to: user.clone(), position }));
            facts.push(InboxFact::Appended {
                user: user.clone(),
                notification: Arc::new(notification),
                counters: state.counters,
            });
            if let Some(key) = draft.key.as_ref().filter(|_| !muted) {
                collapse::archive_older(conn, user, key, position.offset, now, facts)?;
            }
        }
        receipts.sort_unstable_by_key(|(place, _)| *place);
        let receipts: Vec<Receipt> = receipts.into_iter().map(|(_, receipt)| receipt).collect();
        if let Some(key) = idempotency_key {
            idempotency::keep(conn, publisher, key, &receipts, now)?;
        }
        Ok(Published { receipts, is_replay: false })
    }
}
