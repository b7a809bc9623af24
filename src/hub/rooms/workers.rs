//! The way from the rooms to the workers that have their members.

use std::time::Instant;

use super::room::Room;
use crate::{
    domain::{Position, RoomName, SessionKey, Timestamp},
    hub::messages::RoomAnswer,
    protocol::Frame,
};

/// The way to the workers.
pub trait Shards {
    /// Whether a fan-out of so many bytes would be taken.
    fn has_capacity(&self, shard: u16, bytes: usize) -> bool;
    /// To every session of that worker in the room but one; whether the worker gets it. What carries no
    /// position is dropped for one that is under pressure.
    fn fan_out(&self, shard: u16, room: &RoomName, frame: &Frame, except: Option<SessionKey>) -> bool;
    fn answer(&self, session: SessionKey, answer: RoomAnswer);
    /// The room has come to this position, how is to be read: to every session of that worker in the room.
    fn ring(&self, shard: u16, room: &RoomName, position: Position);
    /// That rooms as a whole are away, or there again: to every session that is in one.
    fn tell_state(&self, state: RoomsState);
}

/// Whether rooms are to be had at all.
#[derive(Debug, Clone, Copy)]
pub enum RoomsState {
    Degraded { since: Timestamp },
    Restored,
}

/// Says something to the room; whether all its workers get it.
pub fn tell(
    shards: &impl Shards,
    name: &RoomName,
    room: &Room,
    frame: &Frame,
    except: Option<SessionKey>,
) -> bool {
    let mut has_all = true;
    for shard in room.shards() {
        has_all &= shards.fan_out(shard, name, frame, except);
    }
    has_all
}

/// Tells who types, if that is due.
pub fn tell_typing(shards: &impl Shards, name: &RoomName, room: &mut Room, now: Instant) {
    if let Some(frame) = room.typing_change(name, now)
        && !tell(shards, name, room, &frame, None)
    {
        room.typing.retell();
    }
}
