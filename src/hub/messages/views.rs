//! What this node says of itself to administrators. The same words travel to other nodes and over HTTP.

use actix::Message;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    domain::{Position, RoomName, SessionId, Timestamp, Transport, UserId},
    mailbox::Standing,
};

/// How many are here. Asked by whoever surveys the node.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Headcount")]
pub struct CountHeads;

/// How the hub is, and what waits for its workers. Asked by whoever shows the numbers of the node.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "HubFigures")]
pub struct Measure;

#[derive(Debug, Clone, Copy)]
pub struct HubFigures {
    pub heads: Headcount,
    /// Bytes of the histories of all rooms.
    pub history_bytes: usize,
    pub workers: Standing,
}

/// How many are on a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Headcount {
    pub sessions: SessionCount,
    /// Users with a session here.
    pub users: usize,
    /// Rooms with somebody of this node in them.
    pub rooms: usize,
}

/// Sessions by their transport.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionCount {
    pub websocket: usize,
    pub sse: usize,
    /// Requests that wait.
    pub poll: usize,
}

impl SessionCount {
    pub fn add(&mut self, transport: Transport, sessions: usize) {
        match transport {
            Transport::WebSocket => self.websocket += sessions,
            Transport::EventStream => self.sse += sessions,
            Transport::LongPoll => self.poll += sessions,
        }
    }

    pub fn plus(self, other: Self) -> Self {
        Self {
            websocket: self.websocket + other.websocket,
            sse: self.sse + other.sse,
            poll: self.poll + other.poll,
        }
    }
}

/// The rooms with somebody of this node in them, by name. Asked by whoever surveys the node.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Vec<RoomView>")]
pub struct ListRooms {
    pub prefix: String,
    pub limit: usize,
}

/// A room with somebody in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomView {
    pub room: RoomName,
    /// Sessions in it.
    pub sessions: usize,
    /// Users who are present in it.
    pub user_count: usize,
    /// Of the newest message.
    pub position: Position,
}

impl RoomView {
    /// Adds what another node says of the same room. Who is present is counted over all of them where they share
    /// rooms, and their numbering is one; else the larger part is told.
    pub fn merge(&mut self, other: &Self) {
        self.sessions += other.sessions;
        self.user_count = self.user_count.max(other.user_count);
        if other.position.epoch == self.position.epoch && other.position.offset > self.position.offset {
            self.position = other.position;
        }
    }
}

/// Which sessions are meant: those of which all of this holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionFilter {
    pub id: Option<SessionId>,
    pub user: Option<UserId>,
    pub room: Option<RoomName>,
}

/// The sessions of one worker, newest first. Asked of its shard by whoever surveys the node.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Vec<SessionView>")]
pub struct DescribeSessions {
    pub filter: SessionFilter,
    pub limit: usize,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    pub session: SessionId,
    pub user: UserId,
    pub transport: Transport,
    pub opened_at: Timestamp,
    /// The rooms that it is in, the first ten.
    #[schema(max_items = 10)]
    pub rooms: Vec<RoomName>,
    /// In how many rooms it is.
    pub room_count: usize,
    /// Bytes that the client has not read yet.
    pub waiting_bytes: usize,
    /// The last of its inbox that it was given; `null` while the inbox is read for the first time.
    #[schema(required)]
    pub position: Option<Position>,
}

/// Rooms that a view names.
pub const ROOMS_NAMED_MAX: usize = 10;
