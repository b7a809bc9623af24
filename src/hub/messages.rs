//! What the hub is told. All of it is offered: nobody waits for the hub.

use std::sync::Arc;

use actix::Message;

use crate::{
    domain::{Counters, MarkAs, MarkTarget, Notification, NotificationId, Position, SessionKey, UserId},
    mailbox::Load,
};

/// Facts that one transaction of the store made true, in the order in which it made them.
///
/// From the store, after commit. When the hub is full the store drops the batch and later offers
/// [`InboxFact::Changed`] for each inbox in it: the facts are a doorbell, never the source.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Committed {
    pub facts: Vec<InboxFact>,
    pub load: Load,
}

/// One fact about one inbox.
#[derive(Debug, Clone)]
pub enum InboxFact {
    Appended {
        user: UserId,
        notification: Arc<Notification>,
        counters: Counters,
    },
    /// The session that marked is told by its answer, so it is left out here.
    Marked {
        user: UserId,
        origin: Option<SessionKey>,
        change: MarkedChange,
        counters: Counters,
    },
    /// The inbox has come to `position`; how is to be read from the store.
    Changed {
        user: UserId,
        position: Position,
        counters: Counters,
    },
}

impl InboxFact {
    /// What it carries, in bytes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Appended { notification, .. } => notification.payload.as_str().len(),
            Self::Marked { .. } | Self::Changed { .. } => 0,
        }
    }

    pub fn user(&self) -> &UserId {
        match self {
            Self::Appended { user, .. } | Self::Marked { user, .. } | Self::Changed { user, .. } => user,
        }
    }
}

/// What became of notifications that were there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkedChange {
    As(MarkAs, MarkTarget),
    Deleted(Vec<NotificationId>),
}

/// A session is there and belongs to this user.
///
/// From the session, once, when it is authenticated. A lifecycle fact: bounded by the number of
/// sessions, so it is signalled and never refused.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Register {
    pub session: SessionKey,
    pub user: UserId,
}

/// A session is gone. From the session, once, after [`Register`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Unregister {
    pub session: SessionKey,
    pub user: UserId,
}

/// A worker's shard is ready. From each shard, once, when its worker starts.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ShardReady {
    pub shard: super::shard::ShardLink,
}

/// Close every session, spread over this time. From the composition root when the process is to stop.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Drain {
    pub over: std::time::Duration,
}
