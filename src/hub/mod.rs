//! ACTOR `NotificationHub`: knows who is there, owns the rooms, and hands facts on to their workers.
//!
//! It owns the register of sessions by user and the limits on it, and every room: members, numbering,
//! history, presence, typing. Its shards execute its heartbeats. It owns no pool, no secret and no
//! business rule, asks nobody, and its handlers never wait. Of inboxes it keeps no position: the delivery
//! rule is applied where the events are delivered, in each session's subscription, so a batch that was
//! lost on the way here is noticed there too.

mod inbox;
mod link;
pub mod liveness;
pub mod messages;
mod register;
pub mod rooms;
pub mod seats;
pub mod shard;
mod shard_link;
pub mod slots;

use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

use actix::{Actor, AsyncContext, Context, Handler};
pub use link::HubLink;
use liveness::TICK;
use messages::{
    Drain, Join, Leave, PublishMessage, ReadMessages, ReadPresence, ReadRoom, Register, RoomAnswer,
    RoomMessages, RoomPresence, RoomRefusal, SetTyping, ShardReady, Unregister,
};
use register::SessionRegister;
use rooms::{RoomPolicy, Rooms, Shards};
pub use shard_link::ShardLink;

use crate::{
    clock,
    domain::{Counters, Position, UserId},
    protocol::CloseCode,
};

/// Messages that may wait for the hub. Publishes have a bound of their own below it, so facts of the
/// store find room beside them; what does not fit the store makes up for.
const MAILBOX_CAPACITY: usize = 16_384;

pub struct NotificationHub {
    shards: BTreeMap<u16, ShardLink>,
    sessions: SessionRegister,
    rooms: Rooms,
    /// Counters that changed and were not told yet.
    untold: HashMap<UserId, Counters>,
}

impl NotificationHub {
    /// `sessions_per_user`: beyond it the oldest session of the user ends (4504); 0 is no limit.
    pub fn new(sessions_per_user: usize, rooms: RoomPolicy) -> Self {
        Self {
            shards: BTreeMap::new(),
            sessions: SessionRegister::new(sessions_per_user),
            rooms: Rooms::new(rooms),
            untold: HashMap::new(),
        }
    }

    /// Each tick has a timer of its own, as a shard's has: a stopped process makes up for none.
    fn await_tick(ctx: &mut Context<Self>) {
        ctx.run_later(TICK, |hub, ctx| {
            hub.rooms.tick(&hub.shards, Instant::now());
            Self::await_tick(ctx);
        });
    }
}

impl Actor for NotificationHub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX_CAPACITY);
        Self::await_tick(ctx);
    }
}

impl Handler<ShardReady> for NotificationHub {
    type Result = ();

    fn handle(&mut self, ShardReady { shard }: ShardReady, _: &mut Self::Context) {
        self.shards.insert(shard.id, shard);
    }
}

impl Handler<Register> for NotificationHub {
    type Result = ();

    fn handle(&mut self, Register { session, user }: Register, _: &mut Self::Context) {
        self.rooms.admit(session, user.clone());
        // The newest stays, so that a ghost locks nobody out.
        if let Some(oldest) = self.sessions.add(user, session) {
            self.rooms.remove(oldest, Instant::now());
            if let Some(shard) = self.shards.get(&oldest.shard) {
                shard.end(oldest, CloseCode::ConnectionLimit);
            }
        }
    }
}

impl Handler<Unregister> for NotificationHub {
    type Result = ();

    fn handle(&mut self, Unregister { session, user }: Unregister, _: &mut Self::Context) {
        self.sessions.remove(&user, session);
        self.rooms.remove(session, Instant::now());
    }
}

impl Handler<Join> for NotificationHub {
    type Result = ();

    fn handle(&mut self, join: Join, _: &mut Self::Context) {
        self.rooms.join(&self.shards, Instant::now(), join);
    }
}

impl Handler<Leave> for NotificationHub {
    type Result = ();

    fn handle(&mut self, leave: Leave, _: &mut Self::Context) {
        self.rooms.leave(Instant::now(), &leave);
    }
}

impl Handler<ReadRoom> for NotificationHub {
    type Result = ();

    fn handle(&mut self, read: ReadRoom, _: &mut Self::Context) {
        self.rooms.read(&self.shards, Instant::now(), read);
    }
}

impl Handler<SetTyping> for NotificationHub {
    type Result = ();

    fn handle(&mut self, typing: SetTyping, _: &mut Self::Context) {
        self.rooms.set_typing(&self.shards, Instant::now(), &typing);
    }
}

impl Handler<PublishMessage> for NotificationHub {
    type Result = Result<Position, RoomRefusal>;

    fn handle(&mut self, message: PublishMessage, _: &mut Self::Context) -> Self::Result {
        let (room, origin) = (message.room.clone(), message.origin.clone());
        let result = self.rooms.publish(&self.shards, Instant::now(), clock::now(), message);
        if let Some(origin) = origin.filter(|origin| origin.reference.is_some() || result.is_err()) {
            let answer = RoomAnswer::Published { room, reference: origin.reference, result };
            self.shards.answer(origin.session, answer);
        }
        result
    }
}

impl Handler<ReadMessages> for NotificationHub {
    type Result = actix::MessageResult<ReadMessages>;

    fn handle(&mut self, read: ReadMessages, _: &mut Self::Context) -> Self::Result {
        let messages: RoomMessages = self.rooms.messages(Instant::now(), &read);
        actix::MessageResult(messages)
    }
}

impl Handler<ReadPresence> for NotificationHub {
    type Result = actix::MessageResult<ReadPresence>;

    fn handle(&mut self, read: ReadPresence, _: &mut Self::Context) -> Self::Result {
        let presence: RoomPresence = self.rooms.presence(Instant::now(), &read);
        actix::MessageResult(presence)
    }
}

impl Handler<Drain> for NotificationHub {
    type Result = ();

    fn handle(&mut self, Drain { over }: Drain, _: &mut Self::Context) {
        for shard in self.shards.values() {
            shard.drain(over);
        }
    }
}
