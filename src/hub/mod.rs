//! ACTOR `NotificationHub`: knows who is there, owns the rooms, and hands facts on to their workers.
//!
//! It owns the register of sessions by user and the limits on it, and every room: members, numbering,
//! history, presence, typing; with other nodes beside it, a replica of those. Its shards execute its heartbeats. It owns no pool, no secret and no
//! business rule, asks nobody, and its handlers never wait. Of inboxes it keeps no position: the delivery
//! rule is applied where the events are delivered, in each session's subscription, so a batch that was
//! lost on the way here is noticed there too.

mod bus;
mod inbox;
mod ledger;
mod link;
mod live_queue;
pub mod liveness;
mod local_users;
pub mod messages;
mod queue;
mod register;
pub mod rooms;
pub mod seats;
pub mod shard;
mod shard_link;
pub mod slots;
mod views;

use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

use actix::{Actor, AsyncContext, Context, Handler, Recipient, ResponseFuture};
use bus::BusLink;
use ledger::Ledger;
pub use link::HubLink;
pub use live_queue::{LiveQueue, Taken};
use liveness::TICK;
pub use local_users::LocalUsers;
use messages::{
    Drain, EndRevoked, HasPlace, PublishMessage, ReadMessages, ReadPresence, Register, Request, Requests,
    RoomMessages, RoomPresence, RoomRefusal, Settle, ShardReady, Unregister,
};
pub use queue::HubQueue;
use register::SessionRegister;
use rooms::{Asker, Question, RoomPolicy, Rooms};
use shard_link::Dispatch;
pub use shard_link::ShardLink;
use tokio::sync::oneshot;

use crate::{
    bridge::messages::{Order, Orders},
    clock,
    domain::{Counters, Position, UserId},
    observe::metrics,
    peers::messages::PeerNews,
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
    /// The way to the other nodes, if there may be any.
    bus: Option<BusLink>,
    /// Who talks to the other nodes about what is of no stream.
    peers: Option<Recipient<PeerNews>>,
    /// What is told of who is here, if anybody wants to know.
    ledger: Option<Ledger>,
}

impl NotificationHub {
    /// `sessions_per_user`: beyond it the oldest session of the user ends (4504); 0 is no limit.
    /// `bridge`: who carries what concerns other nodes; without one this node is alone.
    pub fn new(sessions_per_user: usize, rooms: RoomPolicy, bridge: Option<Recipient<Orders>>) -> Self {
        Self {
            shards: BTreeMap::new(),
            sessions: SessionRegister::new(sessions_per_user),
            rooms: if bridge.is_some() { Rooms::shared(rooms) } else { Rooms::new(rooms) },
            untold: HashMap::new(),
            bus: bridge.map(BusLink::new),
            peers: None,
            ledger: None,
        }
    }

    /// The store is of this node alone, whoever else is on the bus: only rooms are shared.
    pub fn keep_inboxes_apart(&mut self) {
        if let Some(bus) = &mut self.bus {
            bus.keep_inboxes_apart();
        }
    }

    /// Who has a session here, at any time.
    pub fn local_users(&self) -> LocalUsers {
        self.sessions.local_users().clone()
    }

    /// Lets the rooms do something, and sends what they have to say.
    fn with_rooms(&mut self, act: impl FnOnce(&mut Rooms, &Dispatch<'_>, Instant)) {
        let dispatch = Dispatch::new(&self.shards);
        act(&mut self.rooms, &dispatch, Instant::now());
        dispatch.send();
        self.finish_turn();
    }

    /// What the turn has for others than the sessions.
    fn finish_turn(&mut self) {
        self.send_orders();
        self.tell_ledger();
    }

    /// Each tick has a timer of its own, as a shard's has: a stopped process makes up for none.
    fn await_tick(ctx: &mut Context<Self>) {
        ctx.run_later(TICK, |hub, ctx| {
            hub.with_rooms(|rooms, shards, now| rooms.tick(shards, now));
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
                Request::Register(register) => {
                    if let Some(ledger) = &mut self.ledger {
                        ledger.open(&register);
                    }
                    let Register { session, user, transport, .. } = register;
                    self.rooms.admit(session, user.clone(), transport);
                    if let Some(bus) = self.bus.as_mut().filter(|_| !self.sessions.has(&user)) {
                        bus.follow(Order::FollowInbox(user.clone()));
                    }
                    if let Some((excess, code)) = self.sessions.add(user, session, transport) {
                        metrics::limit_exceeded("sessions_per_user");
                        self.rooms.remove(excess, now);
                        if let Some(shard) = self.shards.get(&excess.shard) {
                            shard.end(excess, code);
                        }
                    }
                }
                Request::Unregister(Unregister { session, user, reason }) => {
                    if let Some(ledger) = &mut self.ledger {
                        ledger.close(session, reason);
                    }
                    self.sessions.remove(&user, session);
                    self.rooms.remove(session, now);
                    if let Some(bus) = self.bus.as_mut().filter(|_| !self.sessions.has(&user)) {
                        bus.follow(Order::UnfollowInbox(user));
                    }
                }
                Request::Join(join) => self.rooms.ask(&dispatch, now, Question::Join(join)),
                Request::Leave(leave) => self.rooms.leave(now, &leave),
                Request::Read(read) => self.rooms.read(&dispatch, now, read),
                Request::Typing(typing) => self.rooms.set_typing(&dispatch, now, &typing),
                Request::Publish(message, origin) => {
                    self.rooms.publish(&dispatch, now, at, message, Asker::Session(origin));
                }
            }
        }
        dispatch.send();
        self.finish_turn();
    }
}

impl Handler<HasPlace> for NotificationHub {
    type Result = bool;

    fn handle(&mut self, HasPlace { user }: HasPlace, _: &mut Self::Context) -> Self::Result {
        let has_place = self.sessions.has_place(&user);
        if !has_place {
            metrics::limit_exceeded("sessions_per_user");
        }
        has_place
    }
}

impl Handler<PublishMessage> for NotificationHub {
    type Result = RoomReply<Position>;

    fn handle(&mut self, message: PublishMessage, _: &mut Self::Context) -> Self::Result {
        let (reply, answer) = oneshot::channel();
        self.with_rooms(|rooms, shards, now| {
            rooms.publish(shards, now, clock::now(), message, Asker::Http(reply));
        });
        answered(answer)
    }
}

impl Handler<ReadMessages> for NotificationHub {
    type Result = RoomReply<RoomMessages>;

    fn handle(&mut self, read: ReadMessages, _: &mut Self::Context) -> Self::Result {
        let (reply, answer) = oneshot::channel();
        self.with_rooms(|rooms, shards, now| rooms.ask(shards, now, Question::Messages(read, reply)));
        answered(answer)
    }
}

impl Handler<ReadPresence> for NotificationHub {
    type Result = RoomReply<RoomPresence>;

    fn handle(&mut self, read: ReadPresence, _: &mut Self::Context) -> Self::Result {
        let (reply, answer) = oneshot::channel();
        self.with_rooms(|rooms, shards, now| rooms.ask(shards, now, Question::Presence(read, reply)));
        answered(answer)
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

type RoomReply<T> = ResponseFuture<Result<T, RoomRefusal>>;

/// Waits outside the hub: what is asked of rooms may have to be asked of the bus.
fn answered<T: 'static>(answer: oneshot::Receiver<Result<T, RoomRefusal>>) -> RoomReply<T> {
    Box::pin(async { answer.await.unwrap_or(Err(RoomRefusal::Unavailable)) })
}

impl Handler<Settle> for NotificationHub {
    type Result = ();

    fn handle(&mut self, Settle: Settle, _: &mut Self::Context) {
        self.send_orders();
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
