//! Replicas of rooms whose truth is on the bus: opened for the first who is here, kept up by the delivery rule,
//! opened again where something is missing.
//!
//! What is open is as good as the truth, so joins and reads are answered from here. Who asks while a room is
//! being opened waits; while the bus is away nobody is let in, and nothing pretends.

use std::time::Instant;

use super::{
    Question, Rooms, RoomsState, Shards,
    bus::Stage,
    follow::{follow, keep, tell_numbered},
    room::Room,
    tell, tell_typing,
};
use crate::{
    bridge::messages::{BusEvent, OpenRoom, Order, Purpose, RoomMessage, RoomState},
    domain::{Epoch, Presence, RoomName, Timestamp, presence::Changes},
    hub::messages::RoomRefusal,
    stream::{Verdict, judge},
};

impl Rooms {
    /// Answers from the replica if it is up to date; opens it for who is the first to ask, or knows more.
    pub(super) fn answer_from_replica(&mut self, shards: &impl Shards, now: Instant, question: Question) {
        if self.bus.as_ref().is_none_or(|bus| !bus.is_live()) {
            return question.refuse(shards, RoomRefusal::Unavailable);
        }
        let name = question.room().clone();
        self.table.open(&name, now);
        let (is_join, since) = (matches!(question, Question::Join(_)), question.since());
        let mut question = Some(question);
        let purpose = self.table.update(&name, |room, _| {
            let head = room.log.head().position();
            let enter = || Purpose::Enter(room.presence.here());
            match &mut room.stage {
                Stage::Opening { late, .. } => {
                    late.extend(question.take());
                    None
                }
                // Looking at a room makes none.
                _ if is_join && head.epoch == Epoch::NONE => Some(enter()),
                Stage::Adrift => Some(Purpose::Look),
                // Whoever has seen more than there is here was on another node, which hears faster.
                Stage::Open => {
                    let is_behind = since.is_some_and(|since| judge(head, since) != Verdict::Drop);
                    is_behind.then_some(Purpose::Messages)
                }
            }
        });
        match (question, purpose.flatten()) {
            (Some(question), Some(purpose)) => self.open(&name, purpose, vec![question]),
            (Some(question), None) => self.answer(shards, now, question),
            (None, _) => {}
        }
    }

    /// Has a room read from the bus, from where the replica ends.
    fn open(&mut self, name: &RoomName, purpose: Purpose, waiting: Vec<Question>) {
        let Some(bus) = &mut self.bus else { return };
        let order = self.table.update(name, |room, _| {
            room.stage = Stage::Opening { waiting, late: Vec::new() };
            OpenRoom { room: name.clone(), known: room.log.head().position(), purpose }
        });
        if let Some(order) = order {
            bus.open(order);
        }
    }

    /// The same anew, with everybody who is in it here.
    fn reopen(&mut self, name: &RoomName, now: Instant) {
        let opened = self.table.update(name, |room, _| {
            room.touch(now);
            let waiting = match &mut room.stage {
                Stage::Opening { waiting, late } => waiting.drain(..).chain(late.drain(..)).collect(),
                Stage::Open | Stage::Adrift => Vec::new(),
            };
            (Purpose::Enter(room.presence.here()), waiting)
        });
        if let Some((purpose, waiting)) = opened {
            self.open(name, purpose, waiting);
        }
    }

    /// Opens what could not be opened before.
    pub(super) fn open_adrift(&mut self, now: Instant) {
        let Some(bus) = self.bus.as_mut().filter(|bus| bus.is_live()) else { return };
        for name in std::mem::take(&mut bus.adrift) {
            self.reopen(&name, now);
        }
    }

    /// Takes what the bus says of rooms.
    pub fn hear(&mut self, shards: &impl Shards, now: Instant, at: Timestamp, event: BusEvent) {
        match event {
            BusEvent::Live => self.bus_is_live(shards, now),
            BusEvent::Away => self.bus_is_away(shards, at),
            BusEvent::RoomOpened { room, result } => self.opened(shards, now, &room, result),
            BusEvent::Published { id, result } => self.published(shards, id, result),
            BusEvent::Said(message) => self.said(shards, now, message),
            BusEvent::Missed(room) => self.read_again(&room),
            BusEvent::Members { room, node, users } => {
                self.change(shards, now, &room, |presence| presence.settle(node, &users));
            }
            BusEvent::Entered { room, node, user } => {
                self.change(shards, now, &room, |presence| {
                    Changes::joined(presence.enter(node, &user), user)
                });
            }
            BusEvent::Exited { room, node, user } => {
                self.change(shards, now, &room, |presence| Changes::left(presence.exit(node, &user), user));
            }
            BusEvent::Typing { room: name, user, is_active, .. } => {
                self.table.update(&name, |room, _| {
                    room.typing.set_elsewhere(&user, is_active, now);
                    tell_typing(shards, &name, room, now);
                });
            }
            BusEvent::NodeLost(node) => {
                for name in self.table.names() {
                    self.change(shards, now, &name, |presence| Changes {
                        left: presence.lose(node),
                        ..Changes::default()
                    });
                }
            }
            // Not of rooms.
            BusEvent::Followed(_) | BusEvent::Facts(_) | BusEvent::Told { .. } => {}
        }
    }

    /// Everything may have been missed: all that is held here is read on.
    fn bus_is_live(&mut self, shards: &impl Shards, now: Instant) {
        let Some(bus) = &mut self.bus else { return };
        bus.live();
        for name in self.table.names() {
            self.reopen(&name, now);
        }
        self.tell_if_restored(shards);
    }

    fn bus_is_away(&mut self, shards: &impl Shards, at: Timestamp) {
        let Some(bus) = &mut self.bus else { return };
        let since = bus.away(at);
        for name in self.table.names() {
            let stage = self.table.update(&name, |room, _| std::mem::replace(&mut room.stage, Stage::Adrift));
            refuse_waiting(shards, stage);
        }
        if let Some(bus) = self.bus.as_mut().filter(|bus| !bus.is_degradation_told) {
            bus.is_degradation_told = true;
            shards.tell_state(RoomsState::Degraded { since });
        }
    }

    fn tell_if_restored(&mut self, shards: &impl Shards) {
        if let Some(bus) = self.bus.as_mut().filter(|bus| bus.is_degradation_told && bus.is_whole()) {
            bus.is_degradation_told = false;
            shards.tell_state(RoomsState::Restored);
        }
    }

    fn opened(
        &mut self,
        shards: &impl Shards,
        now: Instant,
        name: &RoomName,
        result: Result<RoomState, RoomRefusal>,
    ) {
        // An answer from before the bus went away is nobody's, and of two only the later counts.
        let Some(bus) = self.bus.as_mut() else { return };
        if !bus.opened(name) {
            return;
        }
        let Ok(state) = result else {
            let stage = self.table.update(name, |room, _| std::mem::replace(&mut room.stage, Stage::Adrift));
            if self.table.get(name).is_some_and(Room::is_inhabited) {
                bus.adrift.insert(name.clone());
            } else {
                self.table.close(name);
                bus.order(Order::CloseRoom(name.clone()));
            }
            refuse_waiting(shards, stage);
            return self.tell_if_restored(shards);
        };
        let stage = self.table.update(name, |room, policy| {
            let joined = follow(shards, now, name, room, policy, state);
            tell_changes(shards, now, name, room, &Changes { joined, ..Changes::default() });
            std::mem::replace(&mut room.stage, Stage::Open)
        });
        self.table.forget_beyond_total();
        let Some(Stage::Opening { waiting, late }) = stage else { return };
        for question in waiting {
            self.answer(shards, now, question);
        }
        for question in late {
            self.answer_from_replica(shards, now, question);
        }
        self.tell_if_restored(shards);
    }

    fn said(&mut self, shards: &impl Shards, now: Instant, message: RoomMessage) {
        let (name, position) = (message.room.clone(), message.position);
        let verdict = self.table.update(&name, |room, policy| {
            // What comes before it is read is read with it; what came after, the bridge tells after.
            if !matches!(room.stage, Stage::Open) {
                return Verdict::Drop;
            }
            let verdict = judge(room.log.head().position(), position);
            if verdict == Verdict::Deliver {
                let frame = keep(now, room, policy, &message);
                tell_numbered(shards, &name, room, &frame);
            }
            verdict
        });
        match verdict {
            Some(Verdict::Deliver) => self.table.forget_beyond_total(),
            Some(Verdict::Behind) => self.open(&name, Purpose::Messages, Vec::new()),
            Some(Verdict::Drop) | None => {}
        }
    }

    /// Finds out what of the room is missing here, which may be nothing.
    fn read_again(&mut self, name: &RoomName) {
        if self.table.get(name).is_some_and(|room| matches!(room.stage, Stage::Open)) {
            self.open(name, Purpose::Messages, Vec::new());
        }
    }

    /// Takes note of who came and who left on another node.
    fn change(
        &mut self,
        shards: &impl Shards,
        now: Instant,
        name: &RoomName,
        act: impl FnOnce(&mut Presence) -> Changes,
    ) {
        self.table.update(name, |room, _| {
            let changes = act(&mut room.presence);
            tell_changes(shards, now, name, room, &changes);
        });
    }
}

fn refuse_waiting(shards: &impl Shards, stage: Option<Stage>) {
    if let Some(Stage::Opening { waiting, late }) = stage {
        waiting
            .into_iter()
            .chain(late)
            .for_each(|question| question.refuse(shards, RoomRefusal::Unavailable));
    }
}

/// Tells who came and who left.
fn tell_changes(shards: &impl Shards, now: Instant, name: &RoomName, room: &mut Room, changes: &Changes) {
    for user in &changes.joined {
        if let Some(frame) = room.joined(name, user, now) {
            tell(shards, name, room, &frame, None);
        }
    }
    for frame in room.left(name, &changes.left, now) {
        tell(shards, name, room, &frame, None);
    }
    tell_typing(shards, name, room, now);
}
