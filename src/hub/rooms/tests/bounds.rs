//! How much all rooms together may take.

use super::*;

#[test]
fn beyond_the_limit_of_rooms_with_members_a_new_one_is_unavailable() {
    let mut house = House::new(RoomPolicy { occupied_max: 1, ..policy() });
    house.enter(session(0, 1), "alice", "one").unwrap();
    assert_eq!(house.enter(session(0, 2), "bob", "two").unwrap_err(), RoomRefusal::Unavailable);
    house.enter(session(0, 3), "carol", "one").unwrap();
    house.publish("three", None).unwrap();
    house.rooms.remove(session(0, 1), house.now);
    house.rooms.remove(session(0, 3), house.now);
    house.join(session(0, 2), "two", None).unwrap();
}

#[test]
fn all_rooms_together_stay_within_their_bytes_and_the_least_used_history_goes_first() {
    let mut house = House::new(RoomPolicy { total_bytes: 20_000, ..policy() });
    let old = house.publish("old", None).unwrap();
    for i in 0..200 {
        house.publish(&format!("room-{i}"), None).unwrap();
        assert!(house.rooms.table.bytes() <= 20_000, "{}", house.rooms.table.bytes());
    }
    assert!(house.rooms.table.len() < 30);
    assert_eq!(house.rooms.table.due(), house.rooms.table.len());
    house.rooms.admit(session(0, 1), "bob".parse().unwrap(), Transport::WebSocket);
    assert_eq!(house.join(session(0, 1), "old", Some(old)).unwrap().page.resume, Resume::Gap);
    let read = ReadMessages { room: name("room-199"), since: None, limit: LIMIT };
    assert_eq!(house.rooms.messages(house.now, &read).messages.len(), 1);
}

#[test]
fn an_empty_room_keeps_its_numbering_for_its_time_and_is_then_forgotten() {
    let mut house = House::new(policy());
    house.enter(session(0, 1), "alice", "chat").unwrap();
    let position = house.publish("chat", None).unwrap();
    house.rooms.remove(session(0, 1), house.now);
    house.pass(3599 * SECOND);
    // Its history is too old by now, its numbering is not.
    assert_eq!(house.publish("chat", None).unwrap(), Position { offset: 2, ..position });
    house.pass(3599 * SECOND);
    assert_eq!(house.rooms.table.len(), 1);
    house.pass(2 * SECOND);
    assert_eq!((house.rooms.table.len(), house.rooms.table.bytes(), house.rooms.table.due()), (0, 0, 0));
    assert_ne!(house.publish("chat", None).unwrap().epoch, position.epoch);
}

#[test]
fn numbering_kept_shorter_than_the_grace_of_a_member_ends_with_the_grace() {
    let mut house = House::new(RoomPolicy { position_ttl: Duration::ZERO, ..policy() });
    house.enter(session(0, 1), "alice", "chat").unwrap();
    house.rooms.remove(session(0, 1), house.now);
    house.pass(SECOND);
    assert_eq!(house.rooms.table.len(), 1);
    house.pass(2 * SECOND);
    assert_eq!(house.rooms.table.len(), 0);
}

#[test]
fn a_crowd_is_told_as_far_as_the_rate_allows_and_counted_in_full() {
    let mut house = House::new(policy());
    for i in 0..1500 {
        let joined = house.enter(session(0, i), &format!("user{i}"), "chat").unwrap();
        assert_eq!(joined.user_count, i as usize + 1);
    }
    assert_eq!(house.told.said().len(), 1000);
    house.pass(SECOND);
    house.enter(session(0, 1500), "late", "chat").unwrap();
    assert_eq!(house.told.fan_outs.borrow()[0].1["user_count"], 1501);
}

#[test]
fn a_question_makes_no_room() {
    let mut house = House::new(policy());
    let read = |since| ReadMessages { room: name("chat"), since, limit: LIMIT };
    assert_eq!(house.rooms.messages(house.now, &read(None)).resume, Resume::Fresh);
    let other = "aaaaaaaa.5".parse().ok();
    assert_eq!(house.rooms.messages(house.now, &read(other)).resume, Resume::Gap);
    assert_eq!(house.rooms.presence(house.now, &ReadPresence { room: name("chat") }).user_count, 0);
    assert!(house.rooms.table.len() == 0);
}
