//! Who of this worker is in which room, and how a message reaches them.
//!
//! Shared by the worker's shard and its sessions, all on one thread. What is said to a room waits here
//! until the shard has emptied its mailbox; then each member is visited once for all of it. A room larger
//! than a slice is walked in several, round and round, so that the worker's other work goes on between.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use slab::Slab;

use crate::{
    domain::{RoomName, SessionKey},
    mailbox::Load,
    protocol::Frame,
};

/// A session's end of a room. It must not touch [`Seats`].
pub trait Member {
    fn session(&self) -> SessionKey;
    /// Something was said to the room.
    fn hear(&self, frame: &Frame);
}

/// Where a member sits, for as long as it does.
pub type Seat = usize;

#[derive(Default)]
pub struct Seats(RefCell<HashMap<RoomName, Hall>>);

/// The members of one room on this worker.
#[derive(Default)]
struct Hall {
    members: Slab<Rc<dyn Member>>,
    /// What not all members have heard yet, in order.
    unheard: Vec<Utterance>,
    /// The next seat to visit.
    next: Seat,
}

/// One thing that is said to a room. It has been heard by all when the walk has come round to where it
/// was then: a seat taken later hears of it by its join.
struct Utterance {
    frame: Frame,
    except: Option<SessionKey>,
    start: Seat,
    has_wrapped: bool,
    _load: Load,
}

impl Seats {
    pub fn seat(&self, room: &RoomName, member: Rc<dyn Member>) -> Seat {
        let mut halls = self.0.borrow_mut();
        match halls.get_mut(room) {
            Some(hall) => hall.members.insert(member),
            None => halls.entry(room.clone()).or_default().members.insert(member),
        }
    }

    pub fn unseat(&self, room: &RoomName, seat: Seat) {
        let mut halls = self.0.borrow_mut();
        let Some(hall) = halls.get_mut(room) else { return };
        hall.members.try_remove(seat);
        if hall.members.is_empty() {
            halls.remove(room);
        } else if hall.unheard.is_empty() && hall.members.len() * 4 < hall.members.capacity() {
            // Empty seats are walked, too.
            hall.members.shrink_to_fit();
        }
    }

    /// Takes in what is said to a room; whether its walk has to be started.
    pub fn say(&self, room: &RoomName, frame: Frame, except: Option<SessionKey>, load: Load) -> bool {
        let mut halls = self.0.borrow_mut();
        let Some(hall) = halls.get_mut(room) else { return false };
        let was_quiet = hall.unheard.is_empty();
        if was_quiet {
            hall.next = 0;
        }
        hall.unheard.push(Utterance { frame, except, start: hall.next, has_wrapped: false, _load: load });
        was_quiet
    }

    /// Visits at most so many seats of a room; answers with how many it did, and whether all is heard.
    pub fn walk(&self, room: &RoomName, visits_max: usize) -> (usize, bool) {
        let mut halls = self.0.borrow_mut();
        match halls.get_mut(room) {
            Some(hall) => hall.walk(visits_max),
            None => (0, true),
        }
    }
}

impl Hall {
    fn walk(&mut self, visits_max: usize) -> (usize, bool) {
        let mut visits = 0;
        while visits < visits_max && !self.unheard.is_empty() {
            let end = self.next_stop().min(self.next + (visits_max - visits));
            for seat in self.next..end {
                let Some(member) = self.members.get(seat) else { continue };
                for Utterance { frame, except, .. } in &self.unheard {
                    if except.is_none_or(|except| except != member.session()) {
                        member.hear(frame);
                    }
                }
            }
            visits += end - self.next;
            self.next = end;
            self.settle();
        }
        (visits, self.unheard.is_empty())
    }

    /// The end of the seats, or the first place before it where something will have been heard by all.
    fn next_stop(&self) -> Seat {
        let ends = self.unheard.iter().filter(|said| said.has_wrapped).map(|said| said.start);
        ends.min().unwrap_or(Seat::MAX).min(self.members.capacity())
    }

    /// Goes round at the end of the seats, and drops what all have heard.
    fn settle(&mut self) {
        if self.next >= self.members.capacity() {
            self.next = 0;
            self.unheard.iter_mut().for_each(|said| said.has_wrapped = true);
        }
        let next = self.next;
        self.unheard.retain(|said| !said.has_wrapped || said.start != next);
    }
}

#[cfg(test)]
mod tests;
