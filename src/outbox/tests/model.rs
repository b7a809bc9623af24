//! Many senders and a reader of any pace against what the reader must be able to rely on.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::{
    rooms::{message, room, typing},
    *,
};
use crate::{
    domain::{Epoch, Position},
    outbox::queue::{Amount, Entry, Tally},
    stream::{Gap, GapReason},
};

#[derive(Debug, Clone)]
enum Step {
    /// The next message of a room.
    Message {
        room: usize,
        bytes: usize,
    },
    /// The room goes on elsewhere: its history has lost something, or a new life begins.
    Jump {
        room: usize,
        epoch: u64,
        by: u64,
    },
    Typing {
        room: usize,
    },
    Other {
        class: Class,
        bytes: usize,
    },
    Read {
        count: usize,
    },
    /// The session leaves the room and joins it again, live.
    Rejoin {
        room: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // No larger than half the bound, so that the bound in bytes holds to the byte.
    let bytes = || 100..500_usize;
    let class = prop_oneof![Just(Class::Inbox), Just(Class::Hint), Just(Class::Reply)];
    let step = prop_oneof![
        12 => (0..3_usize, bytes()).prop_map(|(room, bytes)| Step::Message { room, bytes }),
        1 => (0..3_usize, 1..3_u64, 1..5_u64).prop_map(|(room, epoch, by)| Step::Jump { room, epoch, by }),
        2 => (0..3_usize).prop_map(|room| Step::Typing { room }),
        2 => (class, bytes()).prop_map(|(class, bytes)| Step::Other { class, bytes }),
        4 => (1..6_usize).prop_map(|count| Step::Read { count }),
        1 => (0..3_usize).prop_map(|room| Step::Rejoin { room }),
    ];
    proptest::collection::vec(step, 1..200)
}

struct RoomModel {
    name: RoomName,
    /// The last position that the outbox took.
    taken: Position,
    /// Where the reader stands.
    seen: Position,
}

struct Model {
    outbox: Outbox,
    rooms: Vec<RoomModel>,
    /// What was taken of everything that is never dropped, and not read yet.
    lasting: VecDeque<Frame>,
    /// The last that was taken of all rooms, unless something was refused since, for its sender to read
    /// again.
    newest: Option<Frame>,
}

impl Model {
    fn new(limits: OutboxLimits) -> Self {
        let start = Position::new(Epoch::from_random(0), 0);
        let rooms = ["a", "b", "c"].map(|name| RoomModel { name: room(name), taken: start, seen: start });
        Self {
            outbox: Outbox::new(limits, OutboxPool::default()),
            rooms: rooms.into(),
            lasting: VecDeque::new(),
            newest: None,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Message { room, bytes } => {
                let RoomModel { name, taken, .. } = &self.rooms[room];
                let frame = message(name, Position::new(taken.epoch, taken.offset + 1), bytes);
                self.push(room, frame);
            }
            Step::Jump { room, epoch, by } => {
                let RoomModel { name, taken: from, .. } = &self.rooms[room];
                let to = Position::new(Epoch::from_random(epoch), from.offset + by);
                let frame = Frame::gap(name, Gap { from: *from, to, reason: GapReason::Epoch });
                self.push(room, frame);
            }
            Step::Typing { room } => {
                let was_overflowed = self.outbox.is_overflowed();
                assert_eq!(self.outbox.push(typing(&self.rooms[room].name)), Ok(()));
                assert_eq!(self.outbox.is_overflowed(), was_overflowed);
            }
            Step::Other { class, bytes } => {
                let frame = frame(class, bytes);
                match self.outbox.push(frame.clone()) {
                    Ok(()) => self.lasting.push_back(frame),
                    Err(Full) => assert_ne!(class, Class::Reply),
                }
            }
            Step::Read { count } => {
                for _ in 0..count {
                    self.read();
                }
            }
            Step::Rejoin { room } => {
                let room = &mut self.rooms[room];
                self.outbox.forget(&room.name);
                room.seen = room.taken;
                self.newest.take_if(|newest| newest.room() == Some(&room.name));
            }
        }
    }

    fn push(&mut self, room: usize, frame: Frame) {
        let taken = self.outbox.push(frame.clone()).is_ok();
        if taken {
            self.rooms[room].taken = frame.position().unwrap();
        }
        self.newest = taken.then_some(frame);
    }

    fn read(&mut self) -> bool {
        let Some(Outgoing::Frame(frame)) = take(&self.outbox) else { return false };
        let Some(name) = frame.room() else {
            assert_eq!(self.lasting.pop_front().unwrap().websocket(), frame.websocket());
            return true;
        };
        if frame.class() == Class::Room {
            let room = self.rooms.iter_mut().find(|room| room.name == *name).unwrap();
            let event: Value = serde_json::from_slice(frame.json()).unwrap();
            let to = frame.position().unwrap();
            if event["type"] == "gap" {
                assert_eq!((&event["from"], &event["to"]), (&json!(room.seen), &json!(to)));
            } else {
                assert_eq!(to, Position::new(room.seen.epoch, room.seen.offset + 1));
                assert_eq!(event["position"], json!(to));
            }
            room.seen = to;
            self.newest.take_if(|newest| newest.websocket() == frame.websocket());
        }
        true
    }

    /// The bounds hold, and the counts are those of what waits.
    fn check(&self, limits: OutboxLimits) {
        let state = self.outbox.0.borrow();
        let mut counted = Tally::default();
        let mut beyond = Amount::default();
        for entry in &state.queue.entries {
            counted.add(entry);
            match entry {
                Entry::Frame(frame) if frame.class() == Class::Reply => {
                    beyond.events += 1;
                    beyond.bytes += frame.cost();
                }
                Entry::Frame(_) => {}
                Entry::Gap(_) => beyond.events += 1,
            }
        }
        assert_eq!(counted, state.queue.tally);
        assert!(counted.all.events <= limits.events + beyond.events);
        assert!(counted.all.bytes <= limits.bytes + beyond.bytes);
        assert!(!state.is_overflowed || state.was_above_half);
    }
}

proptest! {
    /// What is read of a room rises by one, or a gap covers exactly what is missing. Nothing else that
    /// was taken is lost, the newest of the rooms arrives, and memory stays bounded.
    #[test]
    fn a_slow_reader_knows_what_it_missed(events in 1..20_usize, steps in steps()) {
        let limits = OutboxLimits { events, bytes: 1000 };
        let mut model = Model::new(limits);
        for step in steps {
            let is_reading = matches!(step, Step::Read { .. });
            let was_overflowed = model.outbox.is_overflowed();
            model.step(step);
            prop_assert!(is_reading || !was_overflowed || model.outbox.is_overflowed());
            model.check(limits);
        }
        while model.read() {}
        prop_assert!(model.newest.is_none() && model.lasting.is_empty());
        prop_assert!(model.rooms.iter().all(|room| room.seen == room.taken));
        prop_assert!(!model.outbox.is_overflowed() && model.outbox.has_room());
    }
}
