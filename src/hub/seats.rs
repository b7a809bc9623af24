//! Who of this worker is in which room, and how a message reaches them.
//!
//! Shared by the worker's shard and its sessions, all on one thread. What is said to a room waits here
//! until the shard has its turn behind the connections that are ready; then each listener is visited once
//! for all of it. A room larger than a slice is walked in several, round and round: between them those who have
//! heard write it, and the worker's other work goes on.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use slab::Slab;

use crate::{
    domain::{Position, RoomName, SessionKey},
    mailbox::Load,
    protocol::Frame,
};

/// A session's end of a room. It must not touch [`Seats`].
pub trait Listener {
    fn session(&self) -> SessionKey;
    /// Something was said to the room.
    fn hear(&self, frame: &Frame);
    /// The room has come to this position; how is to be read.
    fn ring(&self, position: Position);
}

/// What a visit costs besides what is heard, in things heard: the memory of the listener comes into the cache.
const VISIT_COST: usize = 16;

/// Where a listener sits, for as long as it does.
pub type Seat = usize;

#[derive(Default)]
pub struct Seats {
    halls: RefCell<HashMap<RoomName, Hall>>,
    /// What was said in all of them, and has not been heard by all.
    waiting: Cell<usize>,
}

/// The listeners of one room on this worker.
#[derive(Default)]
struct Hall {
    listeners: Slab<Seated>,
    /// How many things were said here so far.
    said: u64,
    /// What not all members have heard yet, in order.
    unheard: Vec<Utterance>,
    /// The next seat to visit.
    next: Seat,
}

struct Seated {
    listener: Rc<dyn Listener>,
    /// What was said up to here was said before it came: it knows of that by its join.
    since: u64,
}

/// One thing that is said to a room. It has been heard by all when the walk has come round to where it
/// was then.
struct Utterance {
    number: u64,
    frame: Frame,
    except: Option<SessionKey>,
    start: Seat,
    has_wrapped: bool,
    _load: Load,
}

impl Seats {
    pub fn seat(&self, room: &RoomName, listener: Rc<dyn Listener>) -> Seat {
        let mut halls = self.halls.borrow_mut();
        let hall = halls.entry(room.clone()).or_default();
        hall.listeners.insert(Seated { listener, since: hall.said })
    }

    pub fn unseat(&self, room: &RoomName, seat: Seat) {
        let mut halls = self.halls.borrow_mut();
        let Some(hall) = halls.get_mut(room) else { return };
        hall.listeners.try_remove(seat);
        if hall.listeners.is_empty() {
            self.waiting.update(|waiting| waiting - hall.unheard.len());
            halls.remove(room);
        } else {
            hall.shrink();
        }
    }

    /// Takes in what is said to a room; whether its walk has to be started.
    pub fn say(&self, room: &RoomName, frame: Frame, except: Option<SessionKey>, load: Load) -> bool {
        let mut halls = self.halls.borrow_mut();
        let Some(hall) = halls.get_mut(room) else { return false };
        let was_quiet = hall.unheard.is_empty();
        if was_quiet {
            hall.next = 0;
        }
        hall.said += 1;
        self.waiting.update(|waiting| waiting + 1);
        let (number, start) = (hall.said, hall.next);
        hall.unheard.push(Utterance { number, frame, except, start, has_wrapped: false, _load: load });
        was_quiet
    }

    /// Lets every listener of a room know how far it has come.
    pub fn ring(&self, room: &RoomName, position: Position) {
        let halls = self.halls.borrow();
        for (_, seated) in halls.get(room).into_iter().flat_map(|hall| &hall.listeners) {
            seated.listener.ring(position);
        }
    }

    /// Walks on in a room, at about this cost at most: one for each seat and each thing that is heard there, and
    /// [`VISIT_COST`] for each who hears. Answers with what it has cost, and whether all is heard.
    pub fn walk(&self, room: &RoomName, cost_max: usize) -> (usize, bool) {
        let mut halls = self.halls.borrow_mut();
        let Some(hall) = halls.get_mut(room) else { return (0, true) };
        let before = hall.unheard.len();
        let walked = hall.walk(cost_max);
        self.waiting.update(|waiting| waiting + hall.unheard.len() - before);
        walked
    }

    /// How many things were said that not all have heard who should.
    pub fn waiting(&self) -> usize {
        self.waiting.get()
    }
}

impl Hall {
    fn walk(&mut self, cost_max: usize) -> (usize, bool) {
        let mut cost = 0;
        while cost < cost_max && !self.unheard.is_empty() {
            let stop = self.next_stop();
            while self.next < stop && cost < cost_max {
                cost += 1;
                if let Some(seated) = self.listeners.get(self.next) {
                    seated.hear(&self.unheard);
                    cost += VISIT_COST + self.unheard.len();
                }
                self.next += 1;
            }
            self.settle();
        }
        (cost, self.unheard.is_empty())
    }

    /// The end of the seats, or the first place before it where something will have been heard by all.
    fn next_stop(&self) -> Seat {
        let ends = self.unheard.iter().filter(|said| said.has_wrapped).map(|said| said.start);
        ends.min().unwrap_or(Seat::MAX).min(self.listeners.capacity())
    }

    /// Goes round at the end of the seats, and drops what all have heard.
    fn settle(&mut self) {
        if self.next >= self.listeners.capacity() {
            self.next = 0;
            self.unheard.iter_mut().for_each(|said| said.has_wrapped = true);
        }
        let next = self.next;
        self.unheard.retain(|said| !said.has_wrapped || said.start != next);
        self.shrink();
    }

    /// Empty seats are walked, too. Not while something is unheard, which knows a seat by its number.
    fn shrink(&mut self) {
        if self.unheard.is_empty() && self.listeners.len() * 4 < self.listeners.capacity() {
            self.listeners.shrink_to_fit();
        }
    }
}

impl Seated {
    fn hear(&self, unheard: &[Utterance]) {
        for Utterance { number, frame, except, .. } in unheard {
            if *number > self.since && except.is_none_or(|except| except != self.listener.session()) {
                self.listener.hear(frame);
            }
        }
    }
}

#[cfg(test)]
mod tests;
