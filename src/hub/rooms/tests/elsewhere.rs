//! Who is there and who types on other nodes.

use super::{replica::*, *};
use crate::{
    bridge::messages::{BusEvent, RoomState},
    domain::presence::DOUBT,
};

#[test]
fn a_user_is_there_as_long_as_on_any_node() {
    let mut house = House::with_alice(3);
    let bob: UserId = "bob".parse().unwrap();
    let (room, user) = (name("chat"), bob.clone());
    house.hear(BusEvent::Entered { room: room.clone(), node: node(1), user: user.clone() });
    house.hear(BusEvent::Entered { room: room.clone(), node: node(2), user: user.clone() });
    assert_eq!(house.told.said(), [(0, "user_joined".to_owned())]);
    house.hear(BusEvent::Exited { room, node: node(1), user });
    house.hear(BusEvent::NodeLost(node(3)));
    assert!(house.told.said().is_empty());
    house.hear(BusEvent::NodeLost(node(2)));
    let said = house.told.fan_outs.take();
    assert_eq!(
        (said.len(), &said[0].1["type"], &said[0].1["user_count"]),
        (1, &"user_left".into(), &1.into())
    );
}

#[test]
fn who_is_on_another_node_is_not_told_to_have_left_because_the_bus_was_emptied() {
    let mut house = House::with_alice(3);
    let room = name("chat");
    for user in ["bob", "carol"] {
        house.hear(BusEvent::Entered { room: room.clone(), node: node(1), user: user.parse().unwrap() });
    }
    house.told.said();
    house.hear(BusEvent::Away);
    house.hear(BusEvent::Live);
    house.opened(RoomState { epoch: Epoch::from_random(9), members: Some(vec![]), ..empty() });
    assert!(house.told.said().is_empty());
    house.hear(BusEvent::Members { room, node: node(1), users: vec!["bob".parse().unwrap()] });
    assert_eq!(house.told.said(), [(0, "user_left".to_owned())]);
    house.pass(DOUBT + SECOND);
    assert!(house.told.said().is_empty());
}

#[test]
fn typing_is_told_to_other_nodes_and_heard_from_them() {
    let mut house = House::with_alice(3);
    let mut typing = SetTyping { session: session(0, 1), room: name("chat"), is_active: true };
    for _ in 0..50 {
        house.rooms.set_typing(&house.told, house.now, &typing);
    }
    assert_eq!(house.ordered(), ["type alice true"]);
    typing.is_active = false;
    house.rooms.set_typing(&house.told, house.now, &typing);
    assert_eq!(house.ordered(), ["type alice false"]);
    house.pass(SECOND);
    house.pass(SECOND);
    house.told.said();
    let heard = |is_active| BusEvent::Typing {
        room: name("chat"),
        node: node(1),
        user: "bob".parse().unwrap(),
        is_active,
    };
    house.hear(heard(true));
    assert_eq!(house.told.fan_outs.take()[0].1["users"], serde_json::json!(["bob"]));
    house.pass(SECOND);
    house.hear(heard(false));
    assert_eq!(house.told.fan_outs.take()[0].1["users"], serde_json::json!([]));
}

#[test]
fn typing_that_ends_by_itself_ends_on_the_other_nodes_too() {
    let mut house = House::with_alice(3);
    let typing = SetTyping { session: session(0, 1), room: name("chat"), is_active: true };
    house.rooms.set_typing(&house.told, house.now, &typing);
    house.ordered();
    house.pass(3 * SECOND);
    assert_eq!(house.ordered(), ["type alice false"]);
}

#[test]
fn who_comes_while_a_room_is_read_may_know_more_than_is_read() {
    let mut house = House::shared();
    house.ask_to_join(session(0, 1), "alice", None);
    house.ask_to_join(session(0, 2), "bob", Some(at(4)));
    house.ordered();
    house.opened(state(at(3), 1..=3, &[]));
    house.told.last_joined().unwrap();
    assert_eq!(house.ordered()[1..], [format!("open behind {} for Messages", at(3))]);
    house.opened(state(at(4), 4..=4, &[]));
    assert_eq!(house.told.last_joined().unwrap().page.resume, Resume::Complete);
}
