//! What the bridge is told, by the hub alone, and what it tells the hub. Nobody waits for anything here.

use std::time::Duration;

use actix::{Message, Recipient};
use serde::{Deserialize, Serialize};

use crate::{
    domain::{Epoch, MessageDraft, NodeId, Offset, Position, RoomName, Timestamp, UserId},
    hub::messages::{InboxFact, RoomRefusal},
    mailbox::Load,
};

/// The hub is there and hears. From the composition root, once.
#[derive(Message)]
#[rtype(result = "()")]
pub struct HubReady {
    pub events: Recipient<BusEvents>,
}

/// Say what waits, and have this node's lease end soon. From the composition root at the end; answered when it is said,
/// or cannot be.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Stop;

/// What one turn of the hub has for the other nodes, in order.
///
/// Signalled by the hub. Bounded otherwise: what is followed, entered and opened by the sessions and their
/// rooms, facts and publishes by the loads that go with them.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Orders(pub Vec<Order>);

#[derive(Debug)]
pub enum Order {
    /// The first session of this user is here: what other nodes do to the inbox is to be heard.
    FollowInbox(UserId),
    /// The last one is gone.
    UnfollowInbox(UserId),
    /// The store of this node has committed these: whoever follows the inboxes is to hear of it. A doorbell:
    /// if it is lost, the other nodes find out by themselves.
    Announce {
        facts: Vec<InboxFact>,
        load: Load,
    },
    OpenRoom(OpenRoom),
    /// Nothing of this room is wanted here any more. What this node's users are in it has been taken out
    /// before, by [`Order::Exit`].
    CloseRoom(RoomName),
    Publish(RoomPublish),
    /// A user is in the room on this node, who was not before.
    Enter {
        room: RoomName,
        user: UserId,
    },
    /// A user is no longer in the room on this node, the grace included.
    Exit {
        room: RoomName,
        user: UserId,
    },
    /// A user of this node types in the room, or no longer does. Told when that changes, and again while it
    /// lasts; lost, it costs nothing.
    Type {
        room: RoomName,
        user: UserId,
        is_active: bool,
    },
    Tell(Tell),
}

/// Words for other nodes that are about no stream. Who waits for an answer has a deadline: lost, they are lost.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct Tell {
    /// `None`: every other node.
    pub to: Option<NodeId>,
    pub kind: TellKind,
    /// JSON, at most [`TELL_BYTES_MAX`].
    pub body: String,
}

/// Largest body of a [`Tell`].
pub const TELL_BYTES_MAX: usize = 64 * 1024;

/// What they are about; `peers` knows what to make of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TellKind {
    /// A node is there.
    Hello,
    /// Something was revoked: the table is to be read.
    Revoked,
    Question,
    Answer,
}

/// Follow this room, and tell what it is now: [`BusEvent::RoomOpened`].
///
/// The same when a room is opened for the first time, when the bus is there again, and when the hub has
/// noticed that it has missed something. It is followed before it is read, so nothing falls between.
#[derive(Debug)]
pub struct OpenRoom {
    pub room: RoomName,
    /// What the hub has of it already: only what lies behind is read. [`Position::START`] where it has nothing.
    pub known: Position,
    pub purpose: Purpose,
}

/// What a room is opened for.
#[derive(Debug)]
pub enum Purpose {
    /// These users are in it on this node, and no others: it is made if it is not there, they are put in, and the
    /// other nodes hear [`BusEvent::Members`] of it.
    Enter(Vec<UserId>),
    /// Somebody asks something: nothing is made and nobody put in. A room that is not there has no epoch.
    Look,
    /// Something that was said is missing, and nothing else.
    Messages,
}

/// Give this message its number, keep it, and tell it to every node that follows the room, this one included.
/// Answered by [`BusEvent::Published`].
#[derive(Debug)]
pub struct RoomPublish {
    /// Names the answer; the hub's own.
    pub id: u64,
    pub room: RoomName,
    pub from: UserId,
    pub draft: MessageDraft,
    /// How far the hub has heard of the room: who has seen more than there is knows that the bus was restored
    /// from an older copy. [`Position::START`] where it has nothing.
    pub known: Position,
    pub load: Load,
}

/// What came from the other nodes, and answers, in the order in which they came. Offered to the hub; where it
/// finds no room, [`BusEvent::Live`] is told as soon as it does, so that everything is read again.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct BusEvents(pub Vec<BusEvent>);

#[derive(Debug)]
pub enum BusEvent {
    /// The bus is there, maybe again: everything may have been missed, and everybody forgotten. What the hub
    /// has open it opens again.
    Live,
    /// The bus is away. What is asked now is refused at once, and orders under way are answered so, too.
    Away,
    /// From now on everything is heard that other nodes do to these inboxes. What they did before, while it was
    /// being arranged, may have been missed.
    Followed(Vec<UserId>),
    /// Facts about inboxes, from the store of another node.
    Facts(Vec<InboxFact>),
    /// `Err`: the bus is away or too slow; nothing is open. What was said and who came while the room was read
    /// is told behind this.
    RoomOpened {
        room: RoomName,
        result: Result<RoomState, RoomRefusal>,
    },
    /// `Err(Unavailable)`: it may have been published all the same, if the answer was lost.
    Published {
        id: u64,
        result: Result<Position, RoomRefusal>,
    },
    Said(RoomMessage),
    /// Something was said in this room that cannot be believed, or cannot be read here.
    Missed(RoomName),
    /// Exactly these users are in the room on that node.
    Members {
        room: RoomName,
        node: NodeId,
        users: Vec<UserId>,
    },
    Entered {
        room: RoomName,
        node: NodeId,
        user: UserId,
    },
    Exited {
        room: RoomName,
        node: NodeId,
        user: UserId,
    },
    Typing {
        room: RoomName,
        node: NodeId,
        user: UserId,
        is_active: bool,
    },
    /// Another node has said this, to all or to this one.
    Told {
        from: NodeId,
        kind: TellKind,
        body: String,
    },
    /// The lease of this node is over: who was in a room there no longer is.
    NodeLost(NodeId),
}

/// A room as the bus has it.
#[derive(Debug)]
pub struct RoomState {
    pub epoch: Epoch,
    /// Of the newest message.
    pub last: Offset,
    /// What is kept behind the position that the hub knew, if that is of this epoch; else all that is kept.
    /// Oldest first, without a hole up to `last`; the oldest may already be gone.
    pub messages: Vec<RoomMessage>,
    /// Who is in it on other nodes; `None` if that was not asked.
    pub members: Option<Vec<(NodeId, UserId)>>,
}

/// A message with its number.
#[derive(Debug, Clone)]
pub struct RoomMessage {
    pub room: RoomName,
    pub position: Position,
    pub from: UserId,
    pub draft: MessageDraft,
    /// By the clock of the bus.
    pub at: Timestamp,
    /// How long ago that was, by the same clock; zero for what has just come.
    pub age: Duration,
}
