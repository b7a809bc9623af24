//! All rooms of this node, and which sessions are in them: the truth of every room.
//!
//! Pure: the hub gives it time and the way to the workers. A session is in a room if, and only if, the
//! room counts it; the sessions' end of that is their seats.

mod room;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::{Duration, Instant},
};

use hashlink::LinkedHashMap;
use room::Room;

use super::messages::{
    Join, Joined, Leave, PRESENCE_MAX, PublishMessage, ReadMessages, ReadPresence, ReadRoom, RoomAnswer,
    RoomMessages, RoomPresence, RoomRefusal, SetTyping,
};
use crate::{
    domain::{Epoch, Position, RoomName, SessionKey, Timestamp, UserId},
    protocol::{Frame, event::Message},
    random,
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
    /// Whether a broadcast of so many bytes would be taken.
    fn has_capacity(&self, shard: u16, bytes: usize) -> bool;
    /// To every session of that worker in the room but one. What carries no position is dropped by a
    /// worker that is under pressure.
    fn broadcast(&self, shard: u16, room: &RoomName, frame: &Frame, except: Option<SessionKey>);
    fn answer(&self, session: SessionKey, answer: RoomAnswer);
}

pub struct Rooms {
    policy: RoomPolicy,
    /// Least recently used first.
    rooms: LinkedHashMap<RoomName, Room>,
    sessions: HashMap<SessionKey, Membership>,
    /// When to look at which room; each stands in it at most once, at its `scheduled`.
    due: BTreeSet<(Instant, RoomName)>,
    bytes: usize,
    occupied: usize,
}

struct Membership {
    user: UserId,
    rooms: HashSet<RoomName>,
}

impl Rooms {
    pub fn new(policy: RoomPolicy) -> Self {
        Self {
            policy,
            rooms: LinkedHashMap::new(),
            sessions: HashMap::new(),
            due: BTreeSet::new(),
            bytes: 0,
            occupied: 0,
        }
    }

    /// A session is there and may join.
    pub fn admit(&mut self, session: SessionKey, user: UserId) {
        self.sessions.insert(session, Membership { user, rooms: HashSet::new() });
    }

    /// A session is gone; it leaves its rooms. A second time it does nothing.
    pub fn remove(&mut self, session: SessionKey, now: Instant) {
        let Some(membership) = self.sessions.remove(&session) else { return };
        for name in membership.rooms {
            self.update(&name, |room, _| room.leave(session.shard, &membership.user, now));
        }
    }

    pub fn join(&mut self, shards: &impl Shards, now: Instant, join: Join) {
        let Join { session, room: name, since, limit } = join;
        let Some(membership) = self.sessions.get_mut(&session) else { return };
        let user = membership.user.clone();
        let is_new_session = !membership.rooms.contains(&name);
        let is_occupied = self.rooms.get(&name).is_some_and(Room::is_occupied);
        if !is_occupied && self.policy.occupied_max > 0 && self.occupied >= self.policy.occupied_max {
            let result = Err(RoomRefusal::Unavailable);
            return shards.answer(session, RoomAnswer::Joined { room: name, result });
        }
        membership.rooms.insert(name.clone());
        self.open(&name, now);
        self.update(&name, |room, policy| {
            room.log.expire(now, &policy.log);
            let is_new_user = is_new_session && room.enter(session.shard, &user);
            let joined = Joined {
                page: match since {
                    Some(since) => room.log.page(since, limit),
                    None => Page::fresh(room.log.head()),
                },
                users: room.presence.first(PRESENCE_MAX),
                user_count: room.presence.count(),
            };
            shards.answer(session, RoomAnswer::Joined { room: name.clone(), result: Ok(joined) });
            if is_new_user {
                tell(shards, &name, room, &room.joined(&name, &user), Some(session));
            }
        });
        self.forget_beyond_total();
    }

    pub fn leave(&mut self, now: Instant, Leave { session, room: name }: &Leave) {
        let Some(membership) = self.sessions.get_mut(session) else { return };
        if membership.rooms.remove(name) {
            let user = membership.user.clone();
            self.update(name, |room, _| room.leave(session.shard, &user, now));
        }
    }

    /// Reads on for a session that is in the room; of another nothing is heard.
    pub fn read(&mut self, shards: &impl Shards, now: Instant, read: ReadRoom) {
        let ReadRoom { session, room: name, since, limit } = read;
        if !self.is_in(session, &name) {
            return;
        }
        self.update(&name, |room, policy| {
            room.log.expire(now, &policy.log);
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
        self.update(name, |room, _| {
            room.typing.set(&user, *is_active, now);
            if let Some(frame) = room.typing_change(name, now) {
                tell(shards, name, room, &frame, None);
            }
        });
    }

    /// Gives the message its number, keeps it, and sends it to every worker that has members.
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
        let PublishMessage { room: name, from, draft, .. } = message;
        self.open(&name, now);
        let published = self.update(&name, |room, policy| {
            room.log.expire(now, &policy.log);
            let nonce = draft.nonce.as_ref();
            if let Some(first) = nonce.and_then(|nonce| room.log.first_of(&from, nonce)) {
                return Ok(first);
            }
            let position = room.log.next();
            let event = Message::new(&name, position, &from, &draft, at);
            let frame = Frame::message(&name, position, &event);
            // Refused before it has a number: a number that was given is delivered.
            if !room.shards().all(|shard| shards.has_capacity(shard, frame.cost())) {
                return Err(RoomRefusal::Unavailable);
            }
            if let Some(Err(wait)) = room.rate.as_mut().map(|rate| rate.take(now)) {
                return Err(RoomRefusal::RateLimited(wait));
            }
            let author = draft.nonce.map(|nonce| (from, nonce));
            room.log.append(frame.clone(), frame.cost(), author, now, &policy.log);
            tell(shards, &name, room, &frame, None);
            Ok(position)
        });
        self.forget_beyond_total();
        published.unwrap_or(Err(RoomRefusal::Unavailable))
    }

    pub fn messages(&mut self, now: Instant, read: &ReadMessages) -> RoomMessages {
        let ReadMessages { room: name, since, limit } = read;
        let found = self.update(name, |room, policy| {
            room.touch(now);
            room.log.expire(now, &policy.log);
            match since {
                Some(since) => RoomMessages::from(room.log.page(*since, *limit)),
                None => RoomMessages {
                    messages: room.log.latest(limit.rows),
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
        self.rooms.get(&read.room).map_or_else(RoomPresence::default, |room| RoomPresence {
            users: room.presence.first(PRESENCE_MAX),
            user_count: room.presence.count(),
            typing: room.typing.users(now),
        })
    }

    /// Does what is due by now: who has left, who no longer types, what is too old to keep.
    pub fn tick(&mut self, shards: &impl Shards, now: Instant) {
        while self.due.first().is_some_and(|(due, _)| *due <= now) {
            let Some((_, name)) = self.due.pop_first() else { return };
            let is_over = self.update(&name, |room, policy| {
                room.scheduled = None;
                for frame in room.advance(&name, policy, now) {
                    tell(shards, &name, room, &frame, None);
                }
                room.is_over(policy, now)
            });
            if is_over == Some(true) {
                self.close(&name);
            }
        }
    }

    fn is_in(&self, session: SessionKey, name: &RoomName) -> bool {
        self.sessions.get(&session).is_some_and(|membership| membership.rooms.contains(name))
    }

    /// Makes the room if there is none; it is the most recently used one now.
    fn open(&mut self, name: &RoomName, now: Instant) {
        if self.rooms.to_back(name).is_none() {
            let room = Room::new(&self.policy, Epoch::from_random(random::bits()), now);
            self.bytes += room.bytes();
            self.rooms.insert(name.clone(), room);
        }
        self.update(name, |room, _| room.touch(now));
    }

    fn close(&mut self, name: &RoomName) {
        if let Some(room) = self.rooms.remove(name) {
            self.bytes -= room.bytes();
            if let Some(scheduled) = room.scheduled {
                self.due.remove(&(scheduled, name.clone()));
            }
        }
    }

    /// Everything that changes a room goes through here: what is counted over all rooms is kept true.
    fn update<T>(&mut self, name: &RoomName, act: impl FnOnce(&mut Room, &RoomPolicy) -> T) -> Option<T> {
        let room = self.rooms.get_mut(name)?;
        let (bytes, was_occupied) = (room.bytes(), room.is_occupied());
        let result = act(room, &self.policy);
        self.bytes = self.bytes + room.bytes() - bytes;
        self.occupied = self.occupied + usize::from(room.is_occupied()) - usize::from(was_occupied);
        // A look that comes too early does nothing; so what is due later than planned moves nothing here.
        if let Some(due) = room.next_due(&self.policy)
            && room.scheduled.is_none_or(|scheduled| due < scheduled)
        {
            if let Some(scheduled) = room.scheduled.replace(due) {
                self.due.remove(&(scheduled, name.clone()));
            }
            self.due.insert((due, name.clone()));
        }
        Some(result)
    }

    /// Keeps all rooms together within their bytes: the history least recently used goes first, then
    /// the numbering of a room that nobody is in. Whoever comes back hears of a `gap`.
    fn forget_beyond_total(&mut self) {
        let mut left = self.rooms.len().saturating_mul(2);
        while self.bytes > self.policy.total_bytes && left > 0 {
            left -= 1;
            let Some(name) = self.rooms.front().map(|(name, _)| name.clone()) else { return };
            let is_of_use = self.update(&name, |room, _| {
                let had_history = room.log.has_history();
                room.log.clear();
                had_history || room.is_occupied() || !room.presence.is_empty()
            });
            if is_of_use == Some(true) {
                self.rooms.to_back(&name);
            } else {
                self.close(&name);
            }
        }
    }
}

fn tell(shards: &impl Shards, name: &RoomName, room: &Room, frame: &Frame, except: Option<SessionKey>) {
    for shard in room.shards() {
        shards.broadcast(shard, name, frame, except);
    }
}

#[cfg(test)]
pub(crate) mod tests;
