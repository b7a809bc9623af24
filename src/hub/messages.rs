//! What the hub is told, and what it answers. Only http waits for an answer.

mod views;

use std::{sync::Arc, time::Duration};

use actix::Message;
pub use views::*;

use crate::{
    domain::{
        Counters, MarkAs, MarkTarget, MessageDraft, Notification, NotificationId, Position, Revocation,
        RoomName, SessionId, SessionKey, Transport, UserId, live::LiveState,
    },
    mailbox::Load,
    protocol::{Frame, command::Ref},
    stream::{Item, Page, PageLimit, Resume},
};

/// Facts that one transaction of the store made true, in the order in which it made them; or that it has found.
///
/// From the store, after commit. When the hub is full the store drops the batch and later offers
/// [`InboxFact::Changed`] for each inbox in it: the facts are a doorbell, never the source.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Committed {
    pub facts: Vec<InboxFact>,
    /// A sweep has found them, as that of each other node does.
    pub are_found: bool,
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

/// What the sessions of one worker had to say in one turn of it, in order.
///
/// Signalled by the worker's queue, so that many requests wake the hub once. Bounded otherwise: facts and
/// joins by the sessions and their rooms, publishes by their load, the rest by the sessions' manners.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Requests(pub Vec<Request>);

#[derive(Debug)]
pub enum Request {
    Register(Register),
    Unregister(Unregister),
    Join(Join),
    Leave(Leave),
    Read(ReadRoom),
    Typing(SetTyping),
    Publish(PublishMessage, PublishOrigin),
}

/// A session is there and belongs to this user. Once, when it is authenticated.
#[derive(Debug)]
pub struct Register {
    pub session: SessionKey,
    pub id: SessionId,
    pub user: UserId,
    pub transport: Transport,
}

/// Whether one more event stream of this user would stay. Asked by the transport before it opens one, so
/// that who must wait is told so and nothing else; a [`Register`] decides all the same.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub struct HasPlace {
    pub user: UserId,
}

/// A session is gone. Once, after [`Register`].
#[derive(Debug)]
pub struct Unregister {
    pub session: SessionKey,
    pub user: UserId,
    /// The word for why it has ended.
    pub reason: &'static str,
}

/// A worker's shard is ready. From each shard, once, when its worker starts.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ShardReady {
    pub shard: super::ShardLink,
}

/// Close every session, spread over this time. From the composition root when the process is to stop.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Drain {
    pub over: Duration,
}

/// End the sessions that these are about, on whatever worker. From the gate, which lets them in no more; to the hub
/// and on to its shards. Bounded by what administrators order.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct EndRevoked {
    pub revocations: Arc<[Revocation]>,
}

/// Answered when everything that was told before is done, and what there is for the other nodes is on its way.
/// From the composition root at the end.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Settle;

/// Everything that is said of who is here, at one instant; what was said before and is still in the queue is in it. From
/// `webhooks`, when it begins and when something was lost.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "LiveState")]
pub struct DescribeLive;

/// A session wants into a room, and has checked the scope. Answered by [`RoomAnswer::Joined`] through its
/// shard, so that no live event goes ahead of the answer.
///
/// Membership and page are of one instant. A session that is in the room already changes nothing.
#[derive(Debug)]
pub struct Join {
    pub session: SessionKey,
    pub room: RoomName,
    /// Replay what lies behind this position; `None` starts live.
    pub since: Option<Position>,
    pub limit: PageLimit,
}

/// A session is out of a room; it hears nothing of the room any more when it says this.
#[derive(Debug)]
pub struct Leave {
    pub session: SessionKey,
    pub room: RoomName,
}

/// Read on in a room's history, for a session that is in the room. Answered by [`RoomAnswer::Page`]
/// through its shard.
#[derive(Debug)]
pub struct ReadRoom {
    pub session: SessionKey,
    pub room: RoomName,
    pub since: Position,
    pub limit: PageLimit,
}

/// A user types, or no longer does. From a session that is in the room.
#[derive(Debug)]
pub struct SetTyping {
    pub session: SessionKey,
    pub room: RoomName,
    pub is_active: bool,
}

/// Publish a message to a room; who asks has checked the scope. A session is answered through its shard;
/// http waits.
#[derive(Debug, Message)]
#[rtype(result = "Result<Position, RoomRefusal>")]
pub struct PublishMessage {
    pub room: RoomName,
    pub from: UserId,
    pub draft: MessageDraft,
    pub load: Load,
}

/// The session that is to be answered.
#[derive(Debug, Clone)]
pub struct PublishOrigin {
    pub session: SessionKey,
    pub reference: Option<Ref>,
}

/// The messages of a room behind `since`, or without it the newest. Asked by http.
#[derive(Debug, Message)]
#[rtype(result = "Result<RoomMessages, RoomRefusal>")]
pub struct ReadMessages {
    pub room: RoomName,
    pub since: Option<Position>,
    pub limit: PageLimit,
}

#[derive(Debug)]
pub struct RoomMessages {
    /// Oldest first.
    pub messages: Vec<Frame>,
    /// Where to read on: behind the last of the messages.
    pub position: Position,
    pub resume: Resume,
}

impl From<Page<Frame>> for RoomMessages {
    fn from(page: Page<Frame>) -> Self {
        let messages = page.items.into_iter().filter_map(|item| match item {
            Item::Event(frame) => Some(frame),
            Item::Skip { .. } | Item::Gap(_) => None,
        });
        Self { messages: messages.collect(), position: page.reached, resume: page.resume }
    }
}

/// Who is in a room and who types. Asked by http.
#[derive(Debug, Message)]
#[rtype(result = "Result<RoomPresence, RoomRefusal>")]
pub struct ReadPresence {
    pub room: RoomName,
}

#[derive(Debug, Default)]
pub struct RoomPresence {
    /// At most [`PRESENCE_MAX`].
    pub users: Vec<UserId>,
    pub user_count: usize,
    pub typing: Vec<UserId>,
}

/// Most users that an answer names (PROTOCOL.md section 3).
pub const PRESENCE_MAX: usize = 200;

/// Why a room did not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomRefusal {
    /// More messages than the room takes; one is free after this time.
    RateLimited(Duration),
    /// As many rooms with members as the node takes, a worker that is behind, or a bus that is away.
    Unavailable,
}

/// What the hub tells one session about rooms, through its shard.
#[derive(Debug)]
pub enum RoomAnswer {
    Joined { room: RoomName, result: Result<Joined, RoomRefusal> },
    Page { room: RoomName, page: Page<Frame> },
    Published { room: RoomName, reference: Option<Ref>, result: Result<Position, RoomRefusal> },
}

#[derive(Debug)]
pub struct Joined {
    /// The first page behind the position asked for; [`Resume::Fresh`] and empty where none was.
    pub page: Page<Frame>,
    /// At most [`PRESENCE_MAX`].
    pub users: Vec<UserId>,
    pub user_count: usize,
}
