//! The rooms of a node, and what is counted over all of them.

use std::{collections::BTreeSet, time::Instant};

use hashlink::LinkedHashMap;

use super::{
    RoomPolicy,
    bus::{LINGER, Stage},
    room::Room,
};
use crate::{
    domain::{Epoch, RoomName},
    random,
};

pub struct RoomTable {
    policy: RoomPolicy,
    /// The truth of its rooms is elsewhere.
    is_replica: bool,
    /// Least recently used first.
    rooms: LinkedHashMap<RoomName, Room>,
    /// When to look at which room; each stands in it at most once, at its `scheduled`.
    due: BTreeSet<(Instant, RoomName)>,
    /// What all rooms cost.
    bytes: usize,
    /// Rooms with members.
    occupied: usize,
    /// Rooms with somebody in them now, or nobody any more, on this node, where that is to be told.
    watched: Option<Vec<(RoomName, bool)>>,
}

impl RoomTable {
    pub fn new(policy: RoomPolicy) -> Self {
        Self {
            policy,
            is_replica: false,
            rooms: LinkedHashMap::new(),
            due: BTreeSet::new(),
            bytes: 0,
            occupied: 0,
            watched: None,
        }
    }

    /// Has the rooms told that the first user comes into here, and the last one leaves.
    pub fn watch(&mut self) {
        self.watched = Some(Vec::new());
    }

    /// Those since the last time.
    pub fn take_watched(&mut self) -> Vec<(RoomName, bool)> {
        self.watched.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Rooms whose truth is on the bus: numbering and rates are its business, and what nobody needs here is
    /// soon given up.
    pub fn replica(policy: RoomPolicy) -> Self {
        let policy = RoomPolicy { position_ttl: LINGER, messages_per_second: 0, ..policy };
        Self { is_replica: true, ..Self::new(policy) }
    }

    pub fn get(&self, name: &RoomName) -> Option<&Room> {
        self.rooms.get(name)
    }

    /// Whether the room has members or may get its first.
    pub fn may_occupy(&self, name: &RoomName) -> bool {
        let most = self.policy.occupied_max;
        most == 0 || self.occupied < most || self.rooms.get(name).is_some_and(Room::is_occupied)
    }

    /// A room that is to be looked at by now.
    pub fn take_due(&mut self, now: Instant) -> Option<RoomName> {
        if self.due.first().is_none_or(|(due, _)| *due > now) {
            return None;
        }
        let (_, name) = self.due.pop_first()?;
        if let Some(room) = self.rooms.get_mut(&name) {
            room.scheduled = None;
        }
        Some(name)
    }

    /// Makes the room if there is none; it is the most recently used one now.
    pub fn open(&mut self, name: &RoomName, now: Instant) {
        if self.rooms.to_back(name).is_none() {
            let room = if self.is_replica {
                Room::new(&self.policy, Epoch::NONE, Stage::Adrift, now)
            } else {
                Room::new(&self.policy, Epoch::from_random(random::bits()), Stage::Open, now)
            };
            self.bytes += room.bytes();
            self.rooms.insert(name.clone(), room);
        }
        self.update(name, |room, _| room.touch(now));
    }

    pub fn names(&self) -> Vec<RoomName> {
        self.rooms.keys().cloned().collect()
    }

    pub fn close(&mut self, name: &RoomName) {
        if let Some(room) = self.rooms.remove(name) {
            self.bytes -= room.bytes();
            if let Some(scheduled) = room.scheduled {
                self.due.remove(&(scheduled, name.clone()));
            }
        }
    }

    /// Everything that changes a room goes through here: what is counted over all rooms is kept true.
    pub fn update<T>(&mut self, name: &RoomName, act: impl FnOnce(&mut Room, &RoomPolicy) -> T) -> Option<T> {
        let room = self.rooms.get_mut(name)?;
        let (bytes, was_occupied) = (room.bytes(), room.is_occupied());
        let was_empty = room.presence.is_empty_here();
        let result = act(room, &self.policy);
        let is_empty = room.presence.is_empty_here();
        if let Some(watched) = self.watched.as_mut().filter(|_| was_empty != is_empty) {
            watched.push((name.clone(), !is_empty));
        }
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
    pub fn forget_beyond_total(&mut self) {
        // Rooms passed over in a row: after all of them there is nothing left to forget.
        let mut passed = 0;
        while self.bytes > self.policy.total_bytes && passed < self.rooms.len() {
            let Some(name) = self.rooms.front().map(|(name, _)| name.clone()) else { return };
            let found = self.update(&name, |room, _| {
                let had_history = room.log.has_history();
                room.log.clear();
                (had_history, room.is_inhabited())
            });
            match found {
                Some((false, false)) if !self.is_replica => {
                    self.close(&name);
                    passed = 0;
                }
                Some((had_history, _)) => {
                    self.rooms.to_back(&name);
                    passed = if had_history { 0 } else { passed + 1 };
                }
                None => return,
            }
        }
    }

    /// What all rooms cost.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn iter(&self) -> impl Iterator<Item = (&RoomName, &Room)> {
        self.rooms.iter()
    }

    /// Rooms with members.
    pub fn occupied(&self) -> usize {
        self.occupied
    }
}

#[cfg(test)]
impl RoomTable {
    pub fn len(&self) -> usize {
        self.rooms.len()
    }

    pub fn due(&self) -> usize {
        self.due.len()
    }
}
