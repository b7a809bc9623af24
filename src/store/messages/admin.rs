//! What administrators ask.

use actix::Message;

use super::{InboxState, PushTrace, StoreError};
use crate::domain::{Notification, NotificationId, Position, UserId};

/// Where several inboxes stand at one instant, in the order in which they are named.
#[derive(Debug, Message)]
#[rtype(result = "Result<Vec<InboxStand>, StoreError>")]
pub struct ReadInboxes {
    pub users: Vec<UserId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxStand {
    pub user: UserId,
    pub state: InboxState,
    /// Up to where the user said to have been shown everything.
    pub acked: Position,
}

/// A notification of whatever user, muted and expired ones included. [`StoreError::NotFound`] if there is none.
#[derive(Debug, Message)]
#[rtype(result = "Result<Traced, StoreError>")]
pub struct Trace {
    pub id: NotificationId,
}

#[derive(Debug)]
pub struct Traced {
    pub stand: InboxStand,
    pub notification: Notification,
    /// By subscription.
    pub pushes: Vec<PushTrace>,
}

/// Erase what is kept of a user, or a part of it, so that nobody waits long behind it; ask again until it is
/// [`Erased::Wholly`].
///
/// The inbox begins another life, so that whoever follows it hears of a `gap`. What is revoked of the user stays.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Erased, StoreError>")]
pub struct EraseUser {
    pub user: UserId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erased {
    Partly,
    Wholly,
}
