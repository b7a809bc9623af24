//! Keeping one replica the same as its room.

use std::time::Instant;

use super::{RoomPolicy, Shards, room::Room};
use crate::{
    bridge::messages::{RoomMessage, RoomState},
    domain::{Position, RoomName, UserId},
    protocol::{Frame, event::Message},
    stream::RoomLog,
};

/// Brings the replica to what the room is now, and tells its members what they have not heard.
pub fn follow(
    shards: &impl Shards,
    now: Instant,
    name: &RoomName,
    room: &mut Room,
    policy: &RoomPolicy,
    state: RoomState,
) -> Vec<UserId> {
    let RoomState { epoch, last, messages, members } = state;
    let known = room.log.head().position();
    let first = messages.first().map_or(last, |oldest| oldest.position.offset.saturating_sub(1));
    let is_continued = known == Position::new(epoch, first);
    if !is_continued && known != Position::new(epoch, last) {
        room.log = RoomLog::at(epoch, first);
    }
    for message in messages {
        if message.position == room.log.next() {
            let frame = keep(now, room, policy, &message);
            if is_continued {
                tell_numbered(shards, name, room, &frame);
            }
        }
    }
    let head = Position::new(epoch, last);
    if room.log.head().position() != head {
        // What is said to be there was not to be had.
        room.log = RoomLog::at(epoch, last);
    }
    if !is_continued {
        room.shards().for_each(|shard| shards.ring(shard, name, head));
    }
    members.map(|members| room.presence.review(&members, now)).unwrap_or_default()
}

/// Puts the next message into the history.
pub fn keep(now: Instant, room: &mut Room, policy: &RoomPolicy, message: &RoomMessage) -> Frame {
    let RoomMessage { room: name, position, from, draft, at, age } = message;
    let event = Message::new(name, *position, from, draft, *at);
    let frame = Frame::message(name, *position, &event).accepted_at(*at);
    let said_at = now.checked_sub(*age).unwrap_or(now);
    room.log.append(frame.clone(), frame.cost(), None, said_at, policy.log);
    frame
}

/// A worker that has no room for it reads it instead.
pub fn tell_numbered(shards: &impl Shards, name: &RoomName, room: &Room, frame: &Frame) {
    for shard in room.shards() {
        let has_place = shards.has_capacity(shard, frame.cost()) && shards.fan_out(shard, name, frame, None);
        if !has_place && let Some(position) = frame.position() {
            shards.ring(shard, name, position);
        }
    }
}
