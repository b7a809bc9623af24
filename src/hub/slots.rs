//! The sessions of one worker: where they are, and whose.
//!
//! Shared by the worker's shard and its sessions, all on one thread. A session puts itself in and takes
//! itself out; a key of an earlier life of a slot finds nobody.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use super::{
    liveness::{Fate, Liveness, LivenessPolicy, Pulse},
    messages::{RoomAnswer, SessionFilter, SessionView},
    rooms::RoomsState,
};
use crate::{
    domain::{Position, Revocation, SessionId, SessionKey, Timestamp, Transport, UserId},
    protocol::{CloseCode, Frame},
};

/// What a shard does to a session. None of it waits, and none of it may touch [`Slots`].
pub trait Receiver {
    /// A numbered event of the inbox.
    fn event(&self, position: Position, frame: &Frame);
    /// The inbox has come to this position.
    fn ring(&self, position: Position);
    /// Something may have been lost on the way here.
    fn doubt(&self);
    fn hint(&self, frame: &Frame);
    /// Rooms as a whole are away, or there again.
    fn rooms_state(&self, state: RoomsState);
    /// The hub's answer to what the session has asked about a room.
    fn answer(&self, answer: RoomAnswer);
    fn pulse(&self) -> Pulse;
    fn ping(&self);
    /// Says goodbye and closes; whether the session was open until now.
    fn end(&self, code: CloseCode) -> bool;
    /// Its name, if it is one of these; a session that is nobody's yet is none.
    fn is_meant(&self, filter: &SessionFilter) -> Option<SessionId>;
    fn view(&self) -> Option<SessionView>;
    /// Ends as one whose token was revoked, if that is about it.
    fn revoke(&self, revocation: &Revocation);
    /// Whether its client goes on sending though nobody reads it.
    fn is_flooding(&self) -> bool;
    /// Ends the socket from outside.
    fn kill(&self);
}

#[derive(Default)]
pub struct Slots(RefCell<Table>);

#[derive(Default)]
struct Table {
    shard: u16,
    slots: Vec<Slot>,
    free: Vec<u32>,
    users: HashMap<UserId, Vec<u32>>,
}

#[derive(Default)]
struct Slot {
    generation: u32,
    occupant: Option<Occupant>,
}

struct Occupant {
    receiver: Rc<dyn Receiver>,
    user: Option<UserId>,
    liveness: Liveness,
}

impl Slots {
    pub fn new(shard: u16) -> Self {
        Self(RefCell::new(Table { shard, ..Table::default() }))
    }

    pub fn attach(&self, receiver: Rc<dyn Receiver>, transport: Transport) -> SessionKey {
        let mut table = self.0.borrow_mut();
        let place = table.free.pop().unwrap_or_else(|| {
            table.slots.push(Slot::default());
            (table.slots.len() - 1) as u32
        });
        let shard = table.shard;
        let occupant = Occupant { receiver, user: None, liveness: Liveness::new(transport) };
        let mut key = SessionKey { shard, slot: place, generation: 0 };
        if let Some(slot) = table.slots.get_mut(place as usize) {
            slot.occupant = Some(occupant);
            key.generation = slot.generation;
        }
        key
    }

    /// The session belongs to this user from now on.
    pub fn admit(&self, key: SessionKey, user: &UserId) {
        let mut table = self.0.borrow_mut();
        if let Some(occupant) = table.occupant(key) {
            occupant.user = Some(user.clone());
            table.users.entry(user.clone()).or_default().push(key.slot);
        }
    }

    /// Takes the session out; a second time it does nothing.
    pub fn detach(&self, key: SessionKey) {
        let mut table = self.0.borrow_mut();
        if table.occupant(key).is_none() {
            return;
        }
        let Some(slot) = table.slots.get_mut(key.slot as usize) else { return };
        slot.generation = slot.generation.wrapping_add(1);
        let occupant = slot.occupant.take();
        table.free.push(key.slot);
        let Some(user) = occupant.and_then(|occupant| occupant.user) else { return };
        if let Some(places) = table.users.get_mut(&user) {
            places.retain(|place| *place != key.slot);
            if places.is_empty() {
                table.users.remove(&user);
            }
        }
    }

    pub fn len(&self) -> usize {
        let table = self.0.borrow();
        table.slots.len() - table.free.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn with(&self, key: SessionKey, act: impl FnOnce(&dyn Receiver)) {
        if let Some(occupant) = self.0.borrow_mut().occupant(key) {
            act(occupant.receiver.as_ref());
        }
    }

    /// Every session of a user here, but for one.
    pub fn each_of(&self, user: &UserId, except: Option<SessionKey>, mut act: impl FnMut(&dyn Receiver)) {
        let table = self.0.borrow();
        for place in table.users.get(user).into_iter().flatten() {
            let Some(slot) = table.slots.get(*place as usize) else { continue };
            let key = SessionKey { shard: table.shard, slot: *place, generation: slot.generation };
            if let Some(occupant) = slot.occupant.as_ref().filter(|_| except != Some(key)) {
                act(occupant.receiver.as_ref());
            }
        }
    }

    /// Every session here, as long as `act` says to go on.
    pub fn each(&self, mut act: impl FnMut(&dyn Receiver) -> bool) {
        let table = self.0.borrow();
        for occupant in table.slots.iter().filter_map(|slot| slot.occupant.as_ref()) {
            if !act(occupant.receiver.as_ref()) {
                return;
            }
        }
    }

    /// Passes one tick for every session.
    pub fn tick(&self, policy: &LivenessPolicy, now: Timestamp) {
        let mut table = self.0.borrow_mut();
        for occupant in table.slots.iter_mut().filter_map(|slot| slot.occupant.as_mut()) {
            let receiver = &occupant.receiver;
            let mut pulse = receiver.pulse();
            pulse.is_flooding = occupant.liveness.is_line_due() && receiver.is_flooding();
            match occupant.liveness.judge(policy, now, pulse) {
                Fate::Live => {}
                Fate::Ping => receiver.ping(),
                Fate::End(code) => {
                    receiver.end(code);
                }
                Fate::Kill => receiver.kill(),
            }
        }
    }
}

impl Table {
    fn occupant(&mut self, key: SessionKey) -> Option<&mut Occupant> {
        let slot = self.slots.get_mut(key.slot as usize)?;
        if key.shard == self.shard && slot.generation == key.generation {
            slot.occupant.as_mut()
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[derive(Default)]
    struct Probe {
        rings: Cell<u32>,
    }

    impl Receiver for Probe {
        fn event(&self, _: Position, _: &Frame) {}
        fn ring(&self, _: Position) {
            self.rings.set(self.rings.get() + 1);
        }
        fn doubt(&self) {}
        fn hint(&self, _: &Frame) {}
        fn rooms_state(&self, _: RoomsState) {}
        fn answer(&self, _: RoomAnswer) {}
        fn pulse(&self) -> Pulse {
            Pulse::default()
        }
        fn ping(&self) {}
        fn end(&self, _: CloseCode) -> bool {
            true
        }
        fn is_meant(&self, _: &SessionFilter) -> Option<SessionId> {
            None
        }
        fn view(&self) -> Option<SessionView> {
            None
        }
        fn revoke(&self, _: &Revocation) {}
        fn is_flooding(&self) -> bool {
            false
        }
        fn kill(&self) {}
    }

    #[test]
    fn a_reused_slot_never_hears_what_was_for_its_last_session() {
        let slots = Slots::new(3);
        let (first, second) = (Rc::new(Probe::default()), Rc::new(Probe::default()));
        let (alice, bob): (UserId, UserId) = ("alice".parse().unwrap(), "bob".parse().unwrap());
        let first_key = slots.attach(first.clone(), Transport::WebSocket);
        slots.admit(first_key, &alice);
        slots.detach(first_key);
        slots.detach(first_key);
        let second_key = slots.attach(second.clone(), Transport::WebSocket);
        slots.admit(second_key, &bob);
        assert_eq!((first_key.slot, slots.len()), (second_key.slot, 1));

        slots.with(first_key, |receiver| receiver.ring(Position::START));
        slots.each_of(&alice, None, |receiver| receiver.ring(Position::START));
        slots.each_of(&bob, Some(second_key), |receiver| receiver.ring(Position::START));
        assert_eq!((first.rings.get(), second.rings.get()), (0, 0));
        slots.each_of(&bob, Some(first_key), |receiver| receiver.ring(Position::START));
        assert_eq!(second.rings.get(), 1);
    }
}
