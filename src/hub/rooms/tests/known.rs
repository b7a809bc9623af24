//! What tests of sessions ask the hub: all that it knows of rooms.

use std::collections::{BTreeMap, BTreeSet};

use actix::{Context, Handler, Message, MessageResult};

use super::{room::Room, *};
use crate::hub::{NotificationHub, shard_link::Dispatch};

/// Passes a tick, and then says what the hub knows.
#[derive(Debug, Message)]
#[rtype(result = "Known")]
pub(crate) struct Look;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Known {
    /// Every session that is there, with the rooms that it is in.
    pub sessions: HashMap<SessionKey, BTreeSet<RoomName>>,
    pub rooms: BTreeMap<RoomName, KnownRoom>,
    /// Rooms that count as occupied.
    pub occupied: usize,
}

#[derive(Debug, PartialEq)]
pub(crate) struct KnownRoom {
    pub head: Position,
    pub users: BTreeSet<UserId>,
    /// Sessions by worker.
    pub shards: BTreeMap<u16, usize>,
}

impl KnownRoom {
    pub fn empty(head: Position) -> Self {
        Self { head, users: BTreeSet::new(), shards: BTreeMap::new() }
    }
}

impl Handler<Look> for NotificationHub {
    type Result = MessageResult<Look>;

    fn handle(&mut self, _: Look, _: &mut Context<Self>) -> Self::Result {
        let dispatch = Dispatch::new(&self.shards);
        self.rooms.tick(&dispatch, Instant::now());
        dispatch.send();
        MessageResult(self.rooms.known())
    }
}

impl Rooms {
    fn known(&self) -> Known {
        let sessions = self.sessions.iter();
        let room = |room: &Room| KnownRoom {
            head: room.log.head().position(),
            users: room.presence.first(PRESENCE_MAX).into_iter().collect(),
            shards: room.sessions_by_shard().clone(),
        };
        Known {
            sessions: sessions.map(|(key, known)| (*key, known.rooms.iter().cloned().collect())).collect(),
            rooms: self.table.iter().map(|(name, known)| (name.clone(), room(known))).collect(),
            occupied: self.table.occupied(),
        }
    }
}
