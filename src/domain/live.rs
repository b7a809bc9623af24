//! Who is on this node, as facts for whoever keeps account of all nodes: sessions, and rooms with somebody in them.
//!
//! What a fact is dated by is how long ago it was, so that it can be told by the clock of the database.

use std::time::Instant;

use super::{RoomName, SessionId, Transport, UserId};

/// A session that makes its user present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession {
    pub id: SessionId,
    pub user: UserId,
    pub transport: Transport,
    pub opened_at: Instant,
}

/// One change, and when it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveFact {
    pub at: Instant,
    pub change: LiveChange,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveChange {
    Opened(LiveSession),
    /// With the word of its reason.
    Closed(LiveSession, &'static str),
    /// The first user is in the room on this node.
    Occupied(RoomName),
    /// The last one has left it here, and the grace is over.
    Vacated(RoomName),
}

/// Everything at one instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveState {
    pub sessions: Vec<LiveSession>,
    /// Each with when its first user came.
    pub rooms: Vec<(RoomName, Instant)>,
}

impl LiveState {
    /// The same as if all of it had come just when it did.
    pub fn facts(&self) -> impl Iterator<Item = LiveFact> {
        let opened = |session: &LiveSession| LiveFact {
            at: session.opened_at,
            change: LiveChange::Opened(session.clone()),
        };
        let occupied = |(room, at): &(RoomName, Instant)| LiveFact {
            at: *at,
            change: LiveChange::Occupied(room.clone()),
        };
        self.sessions.iter().map(opened).chain(self.rooms.iter().map(occupied))
    }
}
