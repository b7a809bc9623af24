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
mod queue;
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
    Drain, EndRevoked, HasPlace, PublishMessage, ReadMessages, ReadPresence, Register, Request, Requests,
    RoomMessages, RoomPresence, RoomRefusal, ShardReady, Unregister,
};
pub use queue::HubQueue;
use register::SessionRegister;
use rooms::{RoomPolicy, Rooms};
use shard_link::Dispatch;
pub use shard_link::ShardLink;

use crate::{
    clock,
    domain::{Counters, Position, UserId},
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
            let dispatch = Dispatch::new(&hub.shards);
            hub.rooms.tick(&dispatch, Instant::now());
            dispatch.send();
            Self::await_tick(ctx);
        });
    }
}

impl Actor for NotificationHub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX_CAPACITY);
    }
}

impl Handler<ShardReady> for NotificationHub {
    type Result = ();

    fn handle(&mut self, ShardReady { shard }: ShardReady, ctx: &mut Self::Context) {
        // Time begins with the first worker: before there is nobody, and where a start fails, no reactor.
        if self.shards.is_empty() {
            Self::await_tick(ctx);
        }
        self.shards.insert(shard.id, shard);
    }
}

impl Handler<Requests> for NotificationHub {
    type Result = ();

    fn handle(&mut self, Requests(requests): Requests, _: &mut Self::Context) {
        let (now, at) = (Instant::now(), clock::now());
        let dispatch = Dispatch::new(&self.shards);
        for request in requests {
            match request {
                Request::Register(Register { session, user, transport }) => {
                    self.rooms.admit(session, user.clone(), transport);
                    if let Some((excess, code)) = self.sessions.add(user, session, transport) {
                        self.rooms.remove(excess, now);
                        if let Some(shard) = self.shards.get(&excess.shard) {
                            shard.end(excess, code);
                        }
                    }
                }
                Request::Unregister(Unregister { session, user }) => {
                    self.sessions.remove(&user, session);
                    self.rooms.remove(session, now);
                }
                Request::Join(join) => self.rooms.join(&dispatch, now, join),
                Request::Leave(leave) => self.rooms.leave(now, &leave),
                Request::Read(read) => self.rooms.read(&dispatch, now, read),
                Request::Typing(typing) => self.rooms.set_typing(&dispatch, now, &typing),
                Request::Publish(message) => {
                    // The session hears through its shard.
                    let _ = self.rooms.publish(&dispatch, now, at, message);
                }
            }
        }
        dispatch.send();
    }
}

impl Handler<HasPlace> for NotificationHub {
    type Result = bool;

    fn handle(&mut self, HasPlace { user }: HasPlace, _: &mut Self::Context) -> Self::Result {
        self.sessions.has_place(&user)
    }
}

impl Handler<PublishMessage> for NotificationHub {
    type Result = Result<Position, RoomRefusal>;

    fn handle(&mut self, message: PublishMessage, _: &mut Self::Context) -> Self::Result {
        let dispatch = Dispatch::new(&self.shards);
        let published = self.rooms.publish(&dispatch, Instant::now(), clock::now(), message);
        dispatch.send();
        published
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

impl Handler<EndRevoked> for NotificationHub {
    type Result = ();

    /// To every worker: a session may be on one that the register does not know of yet.
    fn handle(&mut self, revoked: EndRevoked, _: &mut Self::Context) {
        for shard in self.shards.values() {
            shard.revoke(revoked.clone());
        }
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
