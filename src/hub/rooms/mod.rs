//! All rooms of this node, and which sessions are in them.
//!
//! Without a bus this is the truth of every room; with one it is a replica of those that somebody here is in,
//! and the bus numbers and keeps what is said.
//!
//! Pure; the hub gives it time, the way to the workers, and takes what is for the bus. A session is in a room
//! if, and only if, the room counts it; the sessions' end of that is their seats.

mod announced;
mod bus;
mod follow;
mod publishing;
mod question;
mod replica;
mod room;
mod table;
mod workers;

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use bus::Bus;
use table::RoomTable;

use self::workers::{tell, tell_typing};
pub use self::{
    question::{Asker, Question},
    workers::{RoomsState, Shards},
};
use super::messages::{
    Join, Joined, Leave, PRESENCE_MAX, ReadMessages, ReadPresence, ReadRoom, RoomAnswer, RoomMessages,
    RoomPresence, RoomRefusal, RoomView, SetTyping,
};
use crate::{
    bridge::messages::Order,
    clock,
    domain::{Epoch, Position, RoomName, SessionKey, Transport, UserId},
    stream::{LogLimits, Page, Resume, RoomLog},
};

/// The bounds and habits of rooms.
#[derive(Debug, Clone)]
pub struct RoomPolicy {
    pub log: LogLimits,
    /// Bytes of all rooms together.
    pub total_bytes: usize,
    /// How long an empty room keeps its numbering.
    pub position_ttl: Duration,
    pub leave_grace: Duration,
    pub typing_ttl: Duration,
    /// Messages to one room; 0 is no limit.
    pub messages_per_second: u32,
    pub messages_burst: u32,
    /// Rooms with members; 0 is no limit.
    pub occupied_max: usize,
}

pub struct Rooms {
    table: RoomTable,
    sessions: HashMap<SessionKey, Membership>,
    /// `None`: no other node is there.
    bus: Option<Bus>,
}

struct Membership {
    user: UserId,
    transport: Transport,
    rooms: HashSet<RoomName>,
}

impl Membership {
    /// Who is present in a room by this session; one that only listens makes nobody present.
    fn guest(&self) -> Option<UserId> {
        self.transport.is_present().then(|| self.user.clone())
    }
}

impl Rooms {
    /// The rooms of a node that is alone.
    pub fn new(policy: RoomPolicy) -> Self {
        Self { table: RoomTable::new(policy), sessions: HashMap::new(), bus: None }
    }

    /// The rooms of a node among others; until the bus is heard of, it is away.
    pub fn shared(policy: RoomPolicy) -> Self {
        Self {
            table: RoomTable::replica(policy),
            sessions: HashMap::new(),
            bus: Some(Bus::new(clock::now())),
        }
    }

    /// Bytes of all histories.
    pub fn history_bytes(&self) -> usize {
        self.table.bytes()
    }

    /// Rooms with sessions in them.
    pub fn occupied(&self) -> usize {
        self.table.occupied()
    }

    /// Those whose names begin so.
    pub fn views(&self, prefix: &str) -> Vec<RoomView> {
        let meant =
            self.table.iter().filter(|(name, room)| room.is_occupied() && name.as_str().starts_with(prefix));
        meant.map(|(name, room)| room.view(name)).collect()
    }

    /// What is to be sent to the bus.
    pub fn take_orders(&mut self) -> Vec<Order> {
        self.bus.as_mut().map(Bus::take_orders).unwrap_or_default()
    }

    fn order(&mut self, order: Order) {
        if let Some(bus) = &mut self.bus {
            bus.order(order);
        }
    }

    /// A session is there and may join.
    pub fn admit(&mut self, session: SessionKey, user: UserId, transport: Transport) {
        self.sessions.insert(session, Membership { user, transport, rooms: HashSet::new() });
    }

    /// A session is gone; it leaves its rooms. A second time it does nothing.
    pub fn remove(&mut self, session: SessionKey, now: Instant) {
        let Some(membership) = self.sessions.remove(&session) else { return };
        let guest = membership.guest();
        for name in membership.rooms {
            self.table.update(&name, |room, _| room.leave(session.shard, guest.as_ref(), now));
        }
    }

    /// Answers a question, now or when the room is there.
    pub fn ask(&mut self, shards: &impl Shards, now: Instant, question: Question) {
        if let Question::Join(join) = &question {
            if !self.sessions.contains_key(&join.session) {
                return;
            }
            if !self.table.may_occupy(&join.room) {
                return question.refuse(shards, RoomRefusal::Unavailable);
            }
        }
        if self.bus.is_none() {
            return self.answer(shards, now, question);
        }
        self.answer_from_replica(shards, now, question);
    }

    fn answer(&mut self, shards: &impl Shards, now: Instant, question: Question) {
        match question {
            Question::Join(join) => self.join(shards, now, join),
            Question::Messages(read, reply) => drop(reply.send(Ok(self.messages(now, &read)))),
            Question::Presence(read, reply) => drop(reply.send(Ok(self.presence(now, &read)))),
        }
    }

    fn join(&mut self, shards: &impl Shards, now: Instant, join: Join) {
        let Join { session, room: name, since, limit } = join;
        let Some(membership) = self.sessions.get_mut(&session) else { return };
        let guest = membership.guest();
        let is_new_session = membership.rooms.insert(name.clone());
        self.table.open(&name, now);
        let arrival = self.table.update(&name, |room, policy| {
            room.log.expire(now, policy.log);
            let arrival =
                if is_new_session { room.enter(session.shard, guest.as_ref()) } else { Default::default() };
            let joined = Joined {
                page: match since {
                    Some(since) => room.log.page(since, limit),
                    None => Page::fresh(room.log.head()),
                },
                // Who only listens is told of nobody.
                users: guest.as_ref().map(|_| room.presence.first(PRESENCE_MAX)).unwrap_or_default(),
                user_count: room.presence.count(),
            };
            shards.answer(session, RoomAnswer::Joined { room: name.clone(), result: Ok(joined) });
            if arrival.is_new
                && let Some(frame) = guest.as_ref().and_then(|user| room.joined(&name, user, now))
            {
                tell(shards, &name, room, &frame, Some(session));
            }
            arrival
        });
        if let Some(user) = guest.filter(|_| arrival.is_some_and(|arrival| arrival.is_new_here)) {
            self.order(Order::Enter { room: name, user });
        }
        self.table.forget_beyond_total();
    }

    pub fn leave(&mut self, now: Instant, Leave { session, room: name }: &Leave) {
        let Some(membership) = self.sessions.get_mut(session) else { return };
        if membership.rooms.remove(name) {
            let guest = membership.guest();
            self.table.update(name, |room, _| room.leave(session.shard, guest.as_ref(), now));
        }
    }

    /// Reads on for a session that is in the room; of another nothing is heard.
    pub fn read(&mut self, shards: &impl Shards, now: Instant, read: ReadRoom) {
        let ReadRoom { session, room: name, since, limit } = read;
        if !self.is_in(session, &name) {
            return;
        }
        self.table.update(&name, |room, policy| {
            room.log.expire(now, policy.log);
            let page = room.log.page(since, limit);
            shards.answer(session, RoomAnswer::Page { room: name.clone(), page });
        });
    }

    pub fn set_typing(&mut self, shards: &impl Shards, now: Instant, typing: &SetTyping) {
        let SetTyping { session, room: name, is_active } = typing;
        if !self.is_in(*session, name) {
            return;
        }
        let Some(user) = self.sessions.get(session).map(|membership| membership.user.clone()) else { return };
        let is_news = self.table.update(name, |room, _| {
            room.typing.set(&user, *is_active, now);
            tell_typing(shards, name, room, now);
            room.announced.set(&user, *is_active, now)
        });
        if is_news == Some(true) {
            self.order(Order::Type { room: name.clone(), user, is_active: *is_active });
        }
    }

    fn messages(&mut self, now: Instant, read: &ReadMessages) -> RoomMessages {
        let ReadMessages { room: name, since, limit } = read;
        let found = self.table.update(name, |room, policy| {
            room.log.expire(now, policy.log);
            match since {
                Some(since) => RoomMessages::from(room.log.page(*since, *limit)),
                None => RoomMessages {
                    messages: room.log.latest(*limit),
                    position: room.log.head().position(),
                    resume: Resume::Fresh,
                },
            }
        });
        // A room that nobody has used is not made by a question.
        found.unwrap_or_else(|| match since {
            Some(since) => RoomMessages::from(RoomLog::new(Epoch::NONE).page(*since, *limit)),
            None => RoomMessages { messages: Vec::new(), position: Position::START, resume: Resume::Fresh },
        })
    }

    fn presence(&self, now: Instant, read: &ReadPresence) -> RoomPresence {
        self.table.get(&read.room).map_or_else(RoomPresence::default, |room| RoomPresence {
            users: room.presence.first(PRESENCE_MAX),
            user_count: room.presence.count(),
            typing: room.typing.users(now),
        })
    }

    /// Does what is due by now: who has left, who no longer types, what is too old to keep.
    pub fn tick(&mut self, shards: &impl Shards, now: Instant) {
        while let Some(name) = self.table.take_due(now) {
            let advanced = self.table.update(&name, |room, policy| {
                room.log.expire(now, policy.log);
                let gone = room.presence.expire(now);
                for frame in room.left(&name, &gone.left, now) {
                    tell(shards, &name, room, &frame, None);
                }
                tell_typing(shards, &name, room, now);
                (gone.left_here, room.announced.expire(now), room.is_over(policy, now))
            });
            let Some((left, silent, is_over)) = advanced else { continue };
            for user in silent {
                self.order(Order::Type { room: name.clone(), user, is_active: false });
            }
            for user in left {
                self.order(Order::Exit { room: name.clone(), user });
            }
            if is_over {
                self.table.close(&name);
                self.order(Order::CloseRoom(name));
            }
        }
        self.open_adrift(now);
    }

    fn is_in(&self, session: SessionKey, name: &RoomName) -> bool {
        self.sessions.get(&session).is_some_and(|membership| membership.rooms.contains(name))
    }
}

#[cfg(test)]
pub(crate) mod tests;
