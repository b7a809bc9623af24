//! Mutes: kept, taken back, and asked when a notification is stored.
//!
//! The inbox knows how many there are, so that storing looks for none where there are none. Those whose
//! time has passed are deleted by whoever comes upon them.

use actix::{Context, Handler, ResponseFuture};

use super::{
    Connection, Store,
    error::Fault,
    inboxes,
    job::Write,
    messages::{ListMutes, PutMute, RemoveMute, StoreError},
    mutes,
    transaction::Transaction,
};
use crate::domain::{Mute, NotificationType, Timestamp, UserId};

/// [`PutMute`] under the limit on the mutes of a user; 0 is no limit.
pub(super) struct Put {
    pub(super) put: PutMute,
    pub(super) limit: usize,
}

impl Handler<PutMute> for Store {
    type Result = ResponseFuture<Result<Mute, StoreError>>;

    fn handle(&mut self, put: PutMute, _: &mut Context<Self>) -> Self::Result {
        self.write(Put { put, limit: self.mutes_max })
    }
}

impl Write for Put {
    type Done = Mute;

    fn user(&self) -> Option<&UserId> {
        Some(&self.put.user)
    }

    /// It knows how many mutes there are.
    fn makes_inbox(&self) -> bool {
        true
    }

    fn apply(&self, Transaction { conn, now, .. }: &mut Transaction<'_>) -> Result<Mute, Fault> {
        let PutMute { user, pattern, until } = &self.put;
        let now = *now;
        inboxes::hold(conn, user)?;
        let mut others = mutes::of(conn, user)?;
        others.retain(|mute| mute.is_in_force(now) && mute.pattern != *pattern);
        if self.limit > 0 && others.len() >= self.limit {
            return Err(Fault::Refused(StoreError::TooManyMutes));
        }
        mutes::forget(conn, user, now)?;
        let mute = mutes::put(conn, user, pattern, *until, now)?;
        recount(conn, user, now)?;
        Ok(mute)
    }
}

impl Write for RemoveMute {
    type Done = ();

    fn user(&self) -> Option<&UserId> {
        Some(&self.user)
    }

    fn apply(&self, Transaction { conn, now, .. }: &mut Transaction<'_>) -> Result<(), Fault> {
        // Who has no inbox has no mutes.
        if inboxes::hold(conn, &self.user)?.is_some() && mutes::remove(conn, &self.user, &self.pattern)? {
            recount(conn, &self.user, *now)?;
        }
        Ok(())
    }
}

pub(super) fn list(conn: &mut Connection, list: &ListMutes) -> Result<Vec<Mute>, StoreError> {
    let now = conn.now()?;
    let mut mutes = mutes::of(conn, &list.user)?;
    mutes.retain(|mute| mute.is_in_force(now));
    Ok(mutes)
}

/// Whether a user who has mutes wants to hear nothing of this type.
pub(super) fn is_muted(
    conn: &mut Connection,
    user: &UserId,
    notification_type: &NotificationType,
    now: Timestamp,
) -> Result<bool, Fault> {
    let (in_force, over): (Vec<Mute>, Vec<Mute>) =
        mutes::of(conn, user)?.into_iter().partition(|mute| mute.is_in_force(now));
    if !over.is_empty() {
        mutes::forget(conn, user, now)?;
        recount(conn, user, now)?;
    }
    Ok(in_force.iter().any(|mute| mute.pattern.matches(notification_type)))
}

fn recount(conn: &mut Connection, user: &UserId, now: Timestamp) -> Result<(), Fault> {
    let count = mutes::count(conn, user)?;
    Ok(inboxes::keep_mutes(conn, user, count, now)?)
}
