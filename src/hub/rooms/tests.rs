mod bounds;
mod elsewhere;
pub(crate) mod known;
mod replica;

use std::cell::RefCell;

use tokio::sync::oneshot;

use super::*;
use crate::{
    domain::{Json, MessageDraft, Timestamp},
    hub::messages::PublishMessage,
    mailbox::Budget,
    protocol::Frame,
    stream::{GapReason, Item, PageLimit},
};

const LIMIT: PageLimit = PageLimit { rows: 100, bytes: 1 << 20 };
const SECOND: Duration = Duration::from_secs(1);

/// Workers that remember what they were told; 0 and 1 are there.
#[derive(Default)]
struct Told {
    fan_outs: RefCell<Vec<(u16, serde_json::Value, Option<SessionKey>)>>,
    answers: RefCell<Vec<(SessionKey, RoomAnswer)>>,
    rings: RefCell<Vec<(u16, Position)>>,
    states: RefCell<Vec<RoomsState>>,
    full: RefCell<Option<u16>>,
}

impl Shards for Told {
    fn has_capacity(&self, shard: u16, _: usize) -> bool {
        *self.full.borrow() != Some(shard)
    }

    fn fan_out(&self, shard: u16, _: &RoomName, frame: &Frame, except: Option<SessionKey>) -> bool {
        let event = serde_json::from_slice(frame.json()).unwrap();
        self.fan_outs.borrow_mut().push((shard, event, except));
        true
    }

    fn answer(&self, session: SessionKey, answer: RoomAnswer) {
        self.answers.borrow_mut().push((session, answer));
    }

    fn ring(&self, shard: u16, _: &RoomName, position: Position) {
        self.rings.borrow_mut().push((shard, position));
    }

    fn tell_state(&self, state: RoomsState) {
        self.states.borrow_mut().push(state);
    }
}

impl Told {
    /// The types of what was said since the last look, with the worker.
    fn said(&self) -> Vec<(u16, String)> {
        let said = self.fan_outs.take();
        said.into_iter()
            .map(|(shard, event, _)| (shard, event["type"].as_str().unwrap().to_owned()))
            .collect()
    }

    fn last_joined(&self) -> Result<Joined, RoomRefusal> {
        match self.answers.borrow_mut().pop() {
            Some((_, RoomAnswer::Joined { result, .. })) => result,
            other => panic!("{other:?}"),
        }
    }
}

fn policy() -> RoomPolicy {
    RoomPolicy {
        log: LogLimits { messages: 4, bytes: 1 << 20, age: 600 * SECOND },
        total_bytes: 1 << 30,
        position_ttl: 3600 * SECOND,
        leave_grace: 3 * SECOND,
        typing_ttl: 3 * SECOND,
        messages_per_second: 0,
        messages_burst: 0,
        occupied_max: 0,
    }
}

fn name(text: &str) -> RoomName {
    text.parse().unwrap()
}

fn session(shard: u16, slot: u32) -> SessionKey {
    SessionKey { shard, slot, generation: 0 }
}

struct House {
    rooms: Rooms,
    told: Told,
    now: Instant,
}

impl House {
    fn new(policy: RoomPolicy) -> Self {
        Self { rooms: Rooms::new(policy), told: Told::default(), now: Instant::now() }
    }

    fn enter(&mut self, key: SessionKey, user: &str, room: &str) -> Result<Joined, RoomRefusal> {
        self.rooms.admit(key, user.parse().unwrap(), Transport::WebSocket);
        self.join(key, room, None)
    }

    fn join(
        &mut self,
        session: SessionKey,
        room: &str,
        since: Option<Position>,
    ) -> Result<Joined, RoomRefusal> {
        let join = Join { session, room: name(room), since, limit: LIMIT };
        self.rooms.ask(&self.told, self.now, Question::Join(join));
        self.told.last_joined()
    }

    fn publish(&mut self, room: &str, nonce: Option<&str>) -> Result<Position, RoomRefusal> {
        let draft = MessageDraft {
            data: Json::parse("1").unwrap(),
            event: None,
            nonce: nonce.map(|nonce| nonce.to_owned().try_into().unwrap()),
        };
        let message = PublishMessage {
            room: name(room),
            from: "alice".parse().unwrap(),
            draft,
            load: Budget::new(1).take(1).unwrap(),
        };
        let (reply, mut answer) = oneshot::channel();
        let asker = Asker::Http(reply);
        self.rooms.publish(&self.told, self.now, Timestamp::from_secs(0), message, asker);
        answer.try_recv().unwrap()
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.rooms.tick(&self.told, self.now);
    }
}

#[test]
fn a_message_goes_once_to_each_worker_that_has_members() {
    let mut house = House::new(policy());
    house.enter(session(0, 1), "alice", "chat").unwrap();
    house.enter(session(0, 2), "alice", "chat").unwrap();
    house.told.said();
    house.publish("chat", None).unwrap();
    assert_eq!(house.told.said(), [(0, "message".to_owned())]);
    house.enter(session(1, 1), "bob", "chat").unwrap();
    house.told.said();
    house.publish("chat", None).unwrap();
    assert_eq!(house.told.said().len(), 2);
    house.publish("elsewhere", None).unwrap();
    assert!(house.told.said().is_empty());
}

#[test]
fn a_message_that_a_worker_cannot_take_gets_no_number() {
    let mut house = House::new(policy());
    house.enter(session(0, 1), "alice", "chat").unwrap();
    house.enter(session(1, 1), "bob", "chat").unwrap();
    let first = house.publish("chat", None).unwrap();
    *house.told.full.borrow_mut() = Some(1);
    assert_eq!(house.publish("chat", None), Err(RoomRefusal::Unavailable));
    *house.told.full.borrow_mut() = None;
    assert_eq!(house.publish("chat", None).unwrap().offset, first.offset + 1);
}

#[test]
fn a_nonce_publishes_once_while_its_message_is_held() {
    let mut house = House::new(policy());
    house.enter(session(0, 1), "alice", "chat").unwrap();
    house.told.said();
    let first = house.publish("chat", Some("n")).unwrap();
    assert_eq!(house.publish("chat", Some("n")), Ok(first));
    assert_eq!(house.told.said().len(), 1);
    for _ in 0..4 {
        house.publish("chat", None).unwrap();
    }
    assert_eq!(house.publish("chat", Some("n")).unwrap().offset, first.offset + 5);
}

#[test]
fn a_user_has_left_when_the_grace_is_over_and_only_then() {
    let mut house = House::new(policy());
    house.enter(session(0, 1), "alice", "chat").unwrap();
    let joined = house.enter(session(0, 2), "bob", "chat").unwrap();
    assert_eq!((joined.user_count, joined.users.len()), (2, 2));
    assert_eq!(house.told.fan_outs.borrow()[0].2, Some(session(0, 1)));
    assert_eq!(house.told.said(), vec![(0, "user_joined".to_owned()); 2]);

    house.rooms.remove(session(0, 2), house.now);
    house.pass(2 * SECOND);
    house.enter(session(1, 2), "bob", "chat").unwrap();
    house.pass(2 * SECOND);
    assert!(house.told.said().is_empty(), "bob has come back in time");

    house.rooms.leave(house.now, &Leave { session: session(1, 2), room: name("chat") });
    house.pass(3 * SECOND);
    let said = house.told.fan_outs.take();
    assert_eq!((said.len(), &said[0].1["user_count"]), (1, &1.into()));
    assert_eq!(said[0].1["type"], "user_left");
}

#[test]
fn typing_is_told_when_the_set_changes_and_expires() {
    let mut house = House::new(policy());
    house.enter(session(0, 1), "alice", "chat").unwrap();
    house.told.said();
    let typing = SetTyping { session: session(0, 1), room: name("chat"), is_active: true };
    for _ in 0..50 {
        house.rooms.set_typing(&house.told, house.now, &typing);
    }
    assert_eq!(house.told.said().len(), 1);
    assert_eq!(house.rooms.presence(house.now, &ReadPresence { room: name("chat") }).typing.len(), 1);
    house.pass(2 * SECOND);
    assert!(house.told.said().is_empty());
    house.pass(SECOND);
    assert_eq!(house.told.said(), [(0, "typing".to_owned())]);
    assert!(house.rooms.presence(house.now, &ReadPresence { room: name("chat") }).typing.is_empty());
}

#[test]
fn a_session_that_is_not_in_the_room_neither_reads_nor_types_there() {
    let mut house = House::new(policy());
    house.enter(session(0, 1), "alice", "chat").unwrap();
    house.rooms.admit(session(0, 2), "mallory".parse().unwrap(), Transport::WebSocket);
    house.told.said();
    let typing = SetTyping { session: session(0, 2), room: name("chat"), is_active: true };
    house.rooms.set_typing(&house.told, house.now, &typing);
    let read = ReadRoom { session: session(0, 2), room: name("chat"), since: Position::START, limit: LIMIT };
    house.rooms.read(&house.told, house.now, read);
    assert!(house.told.said().is_empty() && house.told.answers.borrow().is_empty());
}

#[test]
fn a_join_behind_a_position_gets_what_is_held_and_is_told_what_is_lost() {
    let mut house = House::new(policy());
    let first = house.publish("chat", None).unwrap();
    for _ in 0..3 {
        house.publish("chat", None).unwrap();
    }
    house.rooms.admit(session(0, 1), "bob".parse().unwrap(), Transport::WebSocket);
    let joined = house.join(session(0, 1), "chat", Some(first)).unwrap();
    assert_eq!((joined.page.resume, joined.page.items.len()), (Resume::Complete, 3));
    house.publish("chat", None).unwrap();
    house.publish("chat", None).unwrap();
    house.rooms.admit(session(0, 2), "carol".parse().unwrap(), Transport::WebSocket);
    let joined = house.join(session(0, 2), "chat", Some(first)).unwrap();
    assert_eq!((joined.page.resume, joined.page.items.len()), (Resume::Gap, 5));
    assert!(
        matches!(&joined.page.items[0], Item::Gap(gap) if gap.reason == GapReason::Pruned && gap.to.offset == 2)
    );
}

#[test]
fn a_second_join_of_the_same_session_counts_once() {
    let mut house = House::new(policy());
    house.enter(session(0, 1), "alice", "chat").unwrap();
    house.join(session(0, 1), "chat", None).unwrap();
    house.rooms.leave(house.now, &Leave { session: session(0, 1), room: name("chat") });
    house.told.said();
    house.publish("chat", None).unwrap();
    assert!(house.told.said().is_empty());
    assert_eq!(house.rooms.table.occupied(), 0);
}
