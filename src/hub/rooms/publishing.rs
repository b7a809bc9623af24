//! Publishing to a room: here, where this node is its truth, or by the bus.

use std::time::Instant;

use super::{Asker, Rooms, Shards, tell};
use crate::{
    bridge::messages::{Order, RoomPublish},
    domain::{MessageDraft, Position, RoomName, Timestamp, UserId},
    hub::messages::{PublishMessage, RoomRefusal},
    protocol::{Frame, event::Message},
};

impl Rooms {
    /// Has it told that the first user comes into a room here, and the last one leaves.
    pub fn watch(&mut self) {
        self.table.watch();
    }

    /// Which rooms since the last time.
    pub fn take_watched(&mut self) -> Vec<(RoomName, bool)> {
        self.table.take_watched()
    }

    /// Publishes a message, and tells who asked what became of it, now or when the bus has said it.
    ///
    /// It is refused where the room's rate is exceeded, and where the bus, or a worker with members, cannot
    /// take it.
    pub fn publish(
        &mut self,
        shards: &impl Shards,
        now: Instant,
        at: Timestamp,
        message: PublishMessage,
        asker: Asker,
    ) {
        let PublishMessage { room, from, draft, load } = message;
        let Some(bus) = &mut self.bus else {
            let result = self.append(shards, now, at, &room, from, draft);
            return asker.tell(shards, room, result);
        };
        if !bus.is_live() {
            return asker.tell(shards, room, Err(RoomRefusal::Unavailable));
        }
        let id = bus.await_publish(room.clone(), asker);
        let known = self.table.get(&room).map_or(Position::START, |room| room.log.head().position());
        bus.order(Order::Publish(RoomPublish { id, room, from, draft, known, load }));
    }

    /// What became of a publish on the bus.
    pub fn published(&mut self, shards: &impl Shards, id: u64, result: Result<Position, RoomRefusal>) {
        if let Some((room, asker)) = self.bus.as_mut().and_then(|bus| bus.published(id)) {
            asker.tell(shards, room, result);
        }
    }

    /// Gives the message its number, keeps it, and sends it to every worker that has members.
    fn append(
        &mut self,
        shards: &impl Shards,
        now: Instant,
        at: Timestamp,
        name: &RoomName,
        from: UserId,
        draft: MessageDraft,
    ) -> Result<Position, RoomRefusal> {
        self.table.open(name, now);
        let published = self.table.update(name, |room, policy| {
            room.log.expire(now, policy.log);
            let nonce = draft.nonce.as_ref();
            if let Some(first) = nonce.and_then(|nonce| room.log.first_of(&from, nonce)) {
                return Ok(first);
            }
            // What comes too often costs no more than this.
            if let Some(Err(wait)) = room.rate.as_mut().map(|rate| rate.take(now)) {
                return Err(RoomRefusal::RateLimited(wait));
            }
            let position = room.log.next();
            let event = Message::new(name, position, &from, &draft, at);
            let frame = Frame::message(name, position, &event).accepted_at(at);
            // Refused before it has a number: a number that was given is delivered.
            if !room.shards().all(|shard| shards.has_capacity(shard, frame.cost())) {
                return Err(RoomRefusal::Unavailable);
            }
            let author = draft.nonce.map(|nonce| (from, nonce));
            // The nonce is in the frame, and beside it.
            let bytes = frame.cost() + author.as_ref().map_or(0, |(_, nonce)| nonce.as_str().len());
            room.log.append(frame.clone(), bytes, author, now, policy.log);
            tell(shards, name, room, &frame, None);
            Ok(position)
        });
        self.table.forget_beyond_total();
        published.unwrap_or(Err(RoomRefusal::Unavailable))
    }
}
