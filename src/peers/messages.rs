//! What `Peers` is told by the hub and asked by http, and what it says to its like on other nodes.

use actix::{Message, Recipient};
use serde::{Deserialize, Serialize};

use crate::{
    bridge::messages::TellKind,
    domain::NodeId,
    hub::messages::{Headcount, RoomView, SessionFilter, SessionView},
};

/// What the bus has said about other nodes. Offered by the hub: lost, it is lost.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub enum PeerNews {
    Live,
    Away,
    /// The lease of this node is over.
    Lost(NodeId),
    Told {
        from: NodeId,
        kind: TellKind,
        body: String,
    },
}

/// To the hub: who is to have [`PeerNews`].
#[derive(Message)]
#[rtype(result = "()")]
pub struct FollowBus(pub Recipient<PeerNews>);

/// Ask all nodes. Answered within about a second by what has come until then.
#[derive(Debug, Message)]
#[rtype(result = "Gathered")]
pub struct Gather(pub Question);

/// What is asked of each node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Question {
    Stats,
    /// The newest sessions that are meant.
    Sessions {
        filter: SessionFilter,
        limit: usize,
    },
    /// The rooms whose names begin so, by name.
    Rooms {
        prefix: String,
        limit: usize,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    Stats(NodeStats),
    Sessions(Vec<SessionView>),
    Rooms(Vec<RoomView>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeStats {
    pub version: String,
    pub uptime_seconds: u64,
    pub heads: Headcount,
}

#[derive(Debug)]
pub struct Gathered {
    /// By node, this one included.
    pub answers: Vec<(NodeId, Answer)>,
    /// Every node that there is has answered in full.
    pub is_complete: bool,
}
