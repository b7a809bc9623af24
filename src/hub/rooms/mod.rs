//! All rooms of this node, and which sessions are in them: the truth of every room.
//!
//! Pure: the hub gives it time and the way to the workers. A session is in a room if, and only if, the
//! room counts it; the sessions' end of that is their seats.

mod room;
mod table;

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use room::Room;
use table::RoomTable;

use super::messages::{
    Join, Joined, Leave, PRESENCE_MAX, PublishMessage, PublishOrigin, ReadMessages, ReadPresence, ReadRoom,
    RoomAnswer, RoomMessages, RoomPresence, RoomRefusal, SetTyping,
};
use crate::{
    domain::{Epoch, MessageDraft, Position, RoomName, SessionKey, Timestamp, Transport, UserId},
    protocol::{Frame, event::Message},
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

/// The way to the workers.
pub trait Shards {
    /// Whether a fan-out of so many bytes would be taken.
    fn has_capacity(&self, shard: u16, bytes: usize) -> bool;
    /// To every session of that worker in the room but one; whether the worker gets it. What carries no
    /// position is dropped for one that is under pressure.
    fn fan_out(&self, shard: u16, room: &RoomName, frame: &Frame, except: Option<SessionKey>) -> bool;
    fn answer(&self, session: SessionKey, answer: RoomAnswer);
}

pub struct Rooms {
    table: RoomTable,
    sessions: HashMap<SessionKey, Membership>,
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
    pub fn new(policy: RoomPolicy) -> Self {
        Self { table: RoomTable::new(policy), sessions: HashMap::new() }
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

    pub fn join(&mut self, shards: &impl Shards, now: Instant, join: Join) {
        let Join { session, room: name, since, limit } = join;
        let Some(membership) = self.sessions.get_mut(&session) else { return };
        let guest = membership.guest();
        let is_new_session = !membership.rooms.contains(&name);
        if !self.table.may_occupy(&name) {
            let result = Err(RoomRefusal::Unavailable);
            return shards.answer(session, RoomAnswer::Joined { room: name, result });
        }
        membership.rooms.insert(name.clone());
        self.table.open(&name, now);
        self.table.update(&name, |room, policy| {
            room.log.expire(now, policy.log);
            let is_new_user = is_new_session && room.enter(session.shard, guest.as_ref());
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
            if is_new_user && let Some(frame) = guest.and_then(|user| room.joined(&name, &user, now)) {
                tell(shards, &name, room, &frame, Some(session));
            }
        });
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
        self.table.update(name, |room, _| {
            room.typing.set(&user, *is_active, now);
            tell_typing(shards, name, room, now);
        });
    }

    /// Publishes a message, and answers the session that wants to know of it.
    ///
    /// # Errors
    /// Nothing was published: the room's rate is exceeded, or a worker with members cannot take it.
    pub fn publish(
        &mut self,
        shards: &impl Shards,
        now: Instant,
        at: Timestamp,
        message: PublishMessage,
    ) -> Result<Position, RoomRefusal> {
        let PublishMessage { room, from, draft, origin, load: _load } = message;
        let result = self.append(shards, now, at, &room, from, draft);
        if let Some(PublishOrigin { session, reference }) = origin
            && (reference.is_some() || result.is_err())
        {
            shards.answer(session, RoomAnswer::Published { room, reference, result });
        }
        result
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
            let frame = Frame::message(name, position, &event);
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

    pub fn messages(&mut self, now: Instant, read: &ReadMessages) -> RoomMessages {
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

    pub fn presence(&self, now: Instant, read: &ReadPresence) -> RoomPresence {
        self.table.get(&read.room).map_or_else(RoomPresence::default, |room| RoomPresence {
            users: room.presence.first(PRESENCE_MAX),
            user_count: room.presence.count(),
            typing: room.typing.users(now),
        })
    }

    /// Does what is due by now: who has left, who no longer types, what is too old to keep.
    pub fn tick(&mut self, shards: &impl Shards, now: Instant) {
        while let Some(name) = self.table.take_due(now) {
            let is_over = self.table.update(&name, |room, policy| {
                for frame in room.advance(&name, policy, now) {
                    tell(shards, &name, room, &frame, None);
                }
                tell_typing(shards, &name, room, now);
                room.is_over(policy, now)
            });
            if is_over == Some(true) {
                self.table.close(&name);
            }
        }
    }

    fn is_in(&self, session: SessionKey, name: &RoomName) -> bool {
        self.sessions.get(&session).is_some_and(|membership| membership.rooms.contains(name))
    }
}

/// Says something to the room; whether all its workers get it.
fn tell(
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

fn tell_typing(shards: &impl Shards, name: &RoomName, room: &mut Room, now: Instant) {
    if let Some(frame) = room.typing_change(name, now)
        && !tell(shards, name, room, &frame, None)
    {
        room.typing.retell();
    }
}

#[cfg(test)]
pub(crate) mod tests;
