//! Rooms whose truth is on a bus, which the tests play.

use super::*;
use crate::{
    bridge::messages::{BusEvent, RoomMessage, RoomState},
    domain::NodeId,
};

const EPOCH: u64 = 7;

pub fn at(offset: u64) -> Position {
    Position::new(Epoch::from_random(EPOCH), offset)
}

pub fn node(number: u64) -> NodeId {
    NodeId::from_random(number)
}

fn message(position: Position) -> RoomMessage {
    RoomMessage {
        room: name("chat"),
        position,
        from: "alice".parse().unwrap(),
        draft: MessageDraft { data: Json::parse("1").unwrap(), event: None, nonce: None },
        at: Timestamp::from_secs(0),
        age: Duration::ZERO,
    }
}

/// A room up to `last` of which the bus holds these.
pub fn state(last: Position, held: std::ops::RangeInclusive<u64>, members: &[(NodeId, &str)]) -> RoomState {
    RoomState {
        epoch: last.epoch,
        last: last.offset,
        messages: held.map(|offset| message(Position { offset, ..last })).collect(),
        members: Some(members.iter().map(|(node, user)| (*node, user.parse().unwrap())).collect()),
    }
}

pub fn empty() -> RoomState {
    RoomState { epoch: Epoch::from_random(EPOCH), last: 0, messages: vec![], members: None }
}

impl House {
    /// One node among others, whose bus is there.
    pub fn shared() -> Self {
        let mut house = Self { rooms: Rooms::shared(policy()), ..Self::new(policy()) };
        house.hear(BusEvent::Live);
        house
    }

    pub fn hear(&mut self, event: BusEvent) {
        self.rooms.hear(&self.told, self.now, Timestamp::from_secs(0), event);
    }

    pub fn opened(&mut self, state: RoomState) {
        self.hear(BusEvent::RoomOpened { room: name("chat"), result: Ok(state) });
    }

    pub fn ask_to_join(&mut self, key: SessionKey, user: &str, since: Option<Position>) {
        self.rooms.admit(key, user.parse().unwrap(), Transport::WebSocket);
        let join = Join { session: key, room: name("chat"), since, limit: LIMIT };
        self.rooms.ask(&self.told, self.now, Question::Join(join));
    }

    /// Alice is in the room, in which so much was said.
    pub fn with_alice(last: u64) -> Self {
        let mut house = Self::shared();
        house.ask_to_join(session(0, 1), "alice", None);
        house.opened(state(at(last), 1..=last, &[]));
        house.told.last_joined().unwrap();
        house.rooms.take_orders();
        house.told.said();
        house
    }

    /// What was ordered since the last look, in words.
    pub fn ordered(&mut self) -> Vec<String> {
        let word = |order: Order| match order {
            Order::OpenRoom(open) => format!("open behind {} for {:?}", open.known, open.purpose),
            Order::CloseRoom(_) => "close".to_owned(),
            Order::Enter { user, .. } => format!("enter {}", user.as_str()),
            Order::Exit { user, .. } => format!("exit {}", user.as_str()),
            Order::Type { user, is_active, .. } => format!("type {} {is_active}", user.as_str()),
            Order::Publish(publish) => format!("publish {}", publish.id),
            other => panic!("{other:?}"),
        };
        self.rooms.take_orders().into_iter().map(word).collect()
    }
}

#[test]
fn a_room_is_opened_once_for_all_who_come_first_and_they_are_answered_when_it_is_there() {
    let mut house = House::shared();
    house.ask_to_join(session(0, 1), "alice", Some(at(2)));
    house.ask_to_join(session(1, 2), "bob", None);
    assert!(house.told.answers.borrow().is_empty());
    assert_eq!(house.ordered(), ["open behind 00000000.0 for Enter([])"]);
    house.opened(state(at(5), 1..=5, &[(node(1), "carol")]));
    let bob = house.told.last_joined().unwrap();
    let alice = house.told.last_joined().unwrap();
    assert_eq!((alice.page.resume, alice.page.items.len(), alice.user_count), (Resume::Complete, 3, 2));
    assert_eq!((bob.page.reached, bob.user_count, bob.users.len()), (at(5), 3, 3));
    assert_eq!(house.ordered(), ["enter alice", "enter bob"]);
}

#[test]
fn a_message_is_published_by_the_bus_and_heard_when_it_comes_back_with_its_number() {
    let mut house = House::with_alice(3);
    let (reply, mut answer) = oneshot::channel();
    let draft = MessageDraft { data: Json::parse("1").unwrap(), event: None, nonce: None };
    let load = Budget::new(1).take(1).unwrap();
    let publish = PublishMessage { room: name("chat"), from: "alice".parse().unwrap(), draft, load };
    house.rooms.publish(&house.told, house.now, Timestamp::from_secs(0), publish, Asker::Http(reply));
    assert_eq!(house.ordered(), ["publish 1"]);
    assert!(house.told.said().is_empty() && answer.try_recv().is_err());
    house.hear(BusEvent::Said(message(at(4))));
    assert_eq!(house.told.said(), [(0, "message".to_owned())]);
    house.hear(BusEvent::Published { id: 1, result: Ok(at(4)) });
    assert_eq!(answer.try_recv().unwrap(), Ok(at(4)));
}

#[test]
fn what_comes_twice_or_late_is_dropped_and_what_is_missing_is_read() {
    let mut house = House::with_alice(3);
    for offset in [3, 4, 4, 2] {
        house.hear(BusEvent::Said(message(at(offset))));
    }
    assert_eq!(house.told.said().len(), 1);
    house.hear(BusEvent::Said(message(at(6))));
    assert_eq!(house.ordered(), [format!("open behind {} for Messages", at(4))]);
    house.hear(BusEvent::Said(message(at(6))));
    house.opened(state(at(6), 5..=6, &[]));
    house.hear(BusEvent::Said(message(at(6))));
    house.hear(BusEvent::Said(message(at(7))));
    assert_eq!((house.told.said().len(), house.ordered().len()), (3, 0));
    assert!(house.told.rings.borrow().is_empty());
}

#[test]
fn a_new_life_of_the_room_is_rung_and_read_by_those_who_are_in_it() {
    let mut house = House::with_alice(3);
    let new = Position::new(Epoch::from_random(8), 2);
    house.hear(BusEvent::Said(message(new)));
    house.opened(state(new, 1..=2, &[]));
    assert!(house.told.said().is_empty());
    assert_eq!(house.told.rings.take(), [(0, new)]);
    let read = ReadRoom { session: session(0, 1), room: name("chat"), since: at(3), limit: LIMIT };
    house.rooms.read(&house.told, house.now, read);
    let Some((_, RoomAnswer::Page { page, .. })) = house.told.answers.borrow_mut().pop() else { panic!() };
    assert_eq!((page.resume, page.items.len(), page.reached), (Resume::Gap, 3, new));
}

#[test]
fn what_the_bus_has_forgotten_meanwhile_is_a_gap() {
    let mut house = House::with_alice(3);
    house.hear(BusEvent::Away);
    house.hear(BusEvent::Live);
    house.opened(state(at(9), 8..=9, &[]));
    assert_eq!(house.told.rings.take(), [(0, at(9))]);
    let read = ReadRoom { session: session(0, 1), room: name("chat"), since: at(3), limit: LIMIT };
    house.rooms.read(&house.told, house.now, read);
    let Some((_, RoomAnswer::Page { page, .. })) = house.told.answers.borrow_mut().pop() else { panic!() };
    assert!(matches!(&page.items[0], Item::Gap(gap) if gap.reason == GapReason::Pruned && gap.to == at(7)));
}

#[test]
fn while_the_bus_is_away_nobody_is_let_in_and_members_are_told() {
    let mut house = House::with_alice(3);
    house.ask_to_join(session(0, 2), "bob", None);
    house.told.last_joined().unwrap();
    house.hear(BusEvent::Away);
    assert!(matches!(house.told.states.borrow_mut().pop(), Some(RoomsState::Degraded { .. })));
    house.ask_to_join(session(0, 3), "carol", None);
    assert_eq!(house.told.last_joined().unwrap_err(), RoomRefusal::Unavailable);
    assert_eq!(house.publish("chat", None), Err(RoomRefusal::Unavailable));
    house.ordered();
    house.rooms.remove(session(0, 2), house.now);
    house.pass(10 * SECOND);
    assert!(house.ordered().is_empty());

    house.hear(BusEvent::Live);
    assert_eq!(house.ordered().len(), 1);
    assert!(house.told.states.borrow().is_empty());
    house.told.said();
    house.opened(state(at(4), 4..=4, &[]));
    assert_eq!(house.told.said(), [(0, "message".to_owned())]);
    assert!(matches!(house.told.states.borrow_mut().pop(), Some(RoomsState::Restored)));
}

#[test]
fn who_waits_when_the_bus_goes_away_is_refused() {
    let mut house = House::shared();
    house.ask_to_join(session(0, 1), "alice", None);
    house.hear(BusEvent::Away);
    assert_eq!(house.told.last_joined().unwrap_err(), RoomRefusal::Unavailable);
    house.hear(BusEvent::RoomOpened { room: name("chat"), result: Err(RoomRefusal::Unavailable) });
    house.hear(BusEvent::Live);
    house.opened(empty());
    house.ask_to_join(session(0, 1), "alice", None);
    house.told.last_joined().unwrap();
}

#[test]
fn a_room_that_cannot_be_opened_is_tried_again_for_those_who_are_in_it_and_by_those_who_ask() {
    let mut house = House::shared();
    let failure = || BusEvent::RoomOpened { room: name("chat"), result: Err(RoomRefusal::Unavailable) };
    house.ask_to_join(session(0, 1), "alice", None);
    house.hear(failure());
    assert_eq!(house.told.last_joined().unwrap_err(), RoomRefusal::Unavailable);
    assert_eq!((house.ordered().len(), house.rooms.table.len()), (2, 0));

    let mut house = House::with_alice(3);
    house.hear(BusEvent::Said(message(at(9))));
    house.hear(failure());
    assert_eq!(house.ordered().len(), 1);
    house.pass(SECOND);
    assert_eq!(house.ordered().len(), 1);
    house.opened(state(at(9), 4..=9, &[]));
    assert_eq!(house.told.said().len(), 6);
}

#[test]
fn a_replica_that_nobody_here_needs_is_given_up() {
    let mut house = House::with_alice(3);
    house.hear(BusEvent::Entered { room: name("chat"), node: node(1), user: "bob".parse().unwrap() });
    house.rooms.remove(session(0, 1), house.now);
    house.pass(3 * SECOND);
    assert_eq!(house.ordered(), ["exit alice"]);
    house.pass(3 * SECOND);
    assert_eq!(house.ordered(), ["close"]);
    assert_eq!((house.rooms.table.len(), house.rooms.table.due()), (0, 0));
}

#[test]
fn a_question_over_http_opens_the_room_for_a_while() {
    let mut house = House::shared();
    let (reply, mut answer) = oneshot::channel();
    let read = ReadPresence { room: name("chat") };
    house.rooms.ask(&house.told, house.now, Question::Presence(read, reply));
    house.opened(RoomState { members: Some(vec![(node(1), "bob".parse().unwrap())]), ..empty() });
    assert_eq!(answer.try_recv().unwrap().unwrap().user_count, 1);
    house.pass(6 * SECOND);
    assert_eq!(house.ordered()[1..], ["close"]);
}

#[test]
fn who_has_seen_more_than_there_is_here_was_on_a_node_that_hears_faster() {
    let mut house = House::with_alice(3);
    house.ask_to_join(session(0, 2), "bob", Some(at(5)));
    assert_eq!(house.ordered().len(), 1);
    house.opened(state(at(6), 4..=6, &[]));
    let bob = house.told.last_joined().unwrap();
    assert_eq!((bob.page.resume, bob.page.items.len()), (Resume::Complete, 1));
    house.ask_to_join(session(0, 3), "carol", Some(at(99)));
    house.opened(RoomState { last: 6, ..empty() });
    assert_eq!(house.told.last_joined().unwrap().page.resume, Resume::Gap);
}

#[test]
fn looking_at_a_room_makes_none_and_the_first_to_join_does() {
    let mut house = House::shared();
    let (reply, mut answer) = oneshot::channel();
    let read = ReadMessages { room: name("chat"), since: None, limit: LIMIT };
    house.rooms.ask(&house.told, house.now, Question::Messages(read, reply));
    assert_eq!(house.ordered(), ["open behind 00000000.0 for Look"]);
    house.opened(RoomState { epoch: Epoch::NONE, members: Some(vec![]), ..empty() });
    assert_eq!(answer.try_recv().unwrap().unwrap().position, Position::START);
    house.ask_to_join(session(0, 1), "alice", None);
    assert_eq!(house.ordered(), ["open behind 00000000.0 for Enter([])"]);
    house.opened(empty());
    assert_eq!(house.told.last_joined().unwrap().page.reached, at(0));
}

#[test]
fn rooms_are_restored_too_when_the_last_of_them_is_given_up() {
    let mut house = House::with_alice(3);
    house.ask_to_join(session(0, 2), "bob", None);
    let other = Join { session: session(0, 1), room: name("other"), since: None, limit: LIMIT };
    house.rooms.ask(&house.told, house.now, Question::Join(other));
    house.hear(BusEvent::RoomOpened { room: name("other"), result: Ok(empty()) });
    house.rooms.leave(house.now, &Leave { session: session(0, 1), room: name("other") });
    house.pass(4 * SECOND);
    house.hear(BusEvent::Away);
    house.hear(BusEvent::Live);
    house.opened(RoomState { last: 3, ..empty() });
    house.told.states.take();
    house.hear(BusEvent::RoomOpened { room: name("other"), result: Err(RoomRefusal::Unavailable) });
    assert!(matches!(house.told.states.borrow_mut().pop(), Some(RoomsState::Restored)));
}
