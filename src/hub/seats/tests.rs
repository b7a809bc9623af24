use proptest::prelude::*;

use super::*;
use crate::mailbox::Budget;

/// Remembers the offsets it hears.
struct Ear {
    key: SessionKey,
    heard: RefCell<Vec<u64>>,
}

impl Listener for Ear {
    fn session(&self) -> SessionKey {
        self.key
    }

    fn hear(&self, frame: &Frame) {
        self.heard.borrow_mut().push(frame.position().unwrap().offset);
    }

    fn ring(&self, position: Position) {
        self.heard.borrow_mut().push(position.offset);
    }
}

fn ear(slot: u32) -> Rc<Ear> {
    Rc::new(Ear { key: SessionKey { shard: 0, slot, generation: 0 }, heard: RefCell::default() })
}

fn room(name: &str) -> RoomName {
    name.parse().unwrap()
}

fn frame(room: &RoomName, offset: u64) -> Frame {
    Frame::message(room, Position::new("aaaaaaaa".parse().unwrap(), offset), &offset)
}

fn say(seats: &Seats, room: &RoomName, offset: u64, except: Option<SessionKey>) -> bool {
    let load = Budget::new(1).take(1).unwrap();
    seats.say(room, frame(room, offset), except, load)
}

impl Seats {
    /// Who sits in which room.
    pub(crate) fn members(&self) -> Vec<(RoomName, SessionKey)> {
        let halls = self.halls.borrow();
        let of = |(room, hall): (&RoomName, &Hall)| -> Vec<_> {
            hall.listeners.iter().map(|(_, seated)| (room.clone(), seated.listener.session())).collect()
        };
        halls.iter().flat_map(of).collect()
    }
}

#[test]
fn what_is_said_between_two_walks_is_heard_in_one_visit_in_order() {
    let (seats, chat) = (Seats::default(), room("chat"));
    let ears: Vec<_> = (0..3).map(ear).collect();
    for ear in &ears {
        seats.seat(&chat, ear.clone());
    }
    assert!(say(&seats, &chat, 1, None));
    assert!(!say(&seats, &chat, 2, Some(ears[1].key)));
    assert!(ears[0].heard.borrow().is_empty());
    let (cost, is_heard) = seats.walk(&chat, 1024);
    // One seat stands empty.
    assert!(is_heard && cost == 4 + 3 * (VISIT_COST + 2), "{cost}");
    assert_eq!(*ears[0].heard.borrow(), [1, 2]);
    assert_eq!(*ears[1].heard.borrow(), [1]);
}

#[test]
fn who_comes_later_does_not_hear_what_was_said_before() {
    let (seats, chat) = (Seats::default(), room("chat"));
    seats.seat(&chat, ear(0));
    say(&seats, &chat, 1, None);
    let late = ear(1);
    seats.seat(&chat, late.clone());
    say(&seats, &chat, 2, None);
    seats.walk(&chat, 1024);
    assert_eq!(*late.heard.borrow(), [2]);
}

#[test]
fn a_room_without_members_here_hears_nothing_and_keeps_nothing() {
    let (seats, chat, other) = (Seats::default(), room("chat"), room("other"));
    let one = ear(1);
    let seat = seats.seat(&chat, one.clone());
    assert!(!say(&seats, &other, 1, None));
    assert!(say(&seats, &chat, 1, None));
    seats.unseat(&chat, seat);
    assert_eq!(seats.walk(&chat, 1024), (0, true));
    assert!(one.heard.borrow().is_empty() && seats.halls.borrow().is_empty() && seats.waiting() == 0);
}

#[test]
fn a_room_larger_than_a_slice_is_walked_in_several() {
    let (seats, chat) = (Seats::default(), room("chat"));
    let ears: Vec<_> = (0..1000).map(ear).collect();
    for ear in &ears {
        seats.seat(&chat, ear.clone());
    }
    say(&seats, &chat, 1, None);
    let cost = 300 * (1 + VISIT_COST + 1);
    assert_eq!(seats.walk(&chat, cost), (cost, false));
    assert_eq!(ears.iter().filter(|ear| !ear.heard.borrow().is_empty()).count(), 300);
}

#[derive(Debug, Clone)]
enum Step {
    Say,
    Walk(usize),
    Seat,
    Unseat(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Say),
        (1..20usize).prop_map(Step::Walk),
        Just(Step::Seat),
        (0..64usize).prop_map(Step::Unseat),
    ]
}

proptest! {
    /// However the walk is cut, and whoever comes and goes meanwhile: who sat there when something was
    /// said, and still sits when all is heard, has heard it once and in order.
    #[test]
    fn who_stays_hears_everything_once_and_in_order(steps in proptest::collection::vec(step(), 1..120)) {
        let (seats, chat) = (Seats::default(), room("chat"));
        // Who sits, where, and what was last said before it came.
        let mut sitting: Vec<(Rc<Ear>, Seat, u64)> = Vec::new();
        let mut said = 0;
        for (place, step) in (0u32..).zip(steps) {
            match step {
                Step::Say if !sitting.is_empty() => {
                    said += 1;
                    say(&seats, &chat, said, None);
                }
                Step::Say => {}
                Step::Walk(seats_max) => {
                    seats.walk(&chat, seats_max * VISIT_COST);
                }
                Step::Seat => {
                    let ear = ear(place);
                    sitting.push((ear.clone(), seats.seat(&chat, ear), said));
                }
                Step::Unseat(index) if !sitting.is_empty() => {
                    let (_, seat, _) = sitting.swap_remove(index % sitting.len());
                    seats.unseat(&chat, seat);
                }
                Step::Unseat(_) => {}
            }
        }
        while !seats.walk(&chat, 7).1 {}
        prop_assert_eq!(seats.waiting(), 0);
        for (ear, _, before) in sitting {
            let heard = ear.heard.borrow();
            let owed: Vec<u64> = heard.iter().copied().filter(|offset| *offset > before).collect();
            prop_assert_eq!(owed, (before + 1..=said).collect::<Vec<_>>());
            prop_assert!(heard.iter().zip(heard.iter().skip(1)).all(|(one, next)| one < next), "{:?}", heard);
        }
    }
}

#[test]
fn a_ring_reaches_every_listener_of_the_room() {
    let (seats, listener, other) = (Seats::default(), ear(1), ear(2));
    seats.seat(&room("a"), listener.clone());
    seats.seat(&room("b"), other.clone());
    seats.ring(&room("a"), Position::new("aaaaaaaa".parse().unwrap(), 9));
    assert_eq!((listener.heard.take(), other.heard.take()), (vec![9], vec![]));
}
