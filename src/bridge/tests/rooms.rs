//! Rooms that several nodes share: numbering, nonces, rates, and who is in them.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;

use super::{
    house::{Node, draft, options, room, user, with_nonce},
    server::Server,
};
use crate::{
    bridge::messages::{BusEvent, OpenRoom, Order, Purpose},
    domain::Position,
    hub::messages::RoomRefusal,
};

#[actix::test]
async fn a_message_has_its_number_and_is_heard_by_all_who_follow_its_author_too() {
    let server = Server::start().await;
    let (mut a, mut b) = (Node::start(&server.url()).await, Node::start(&server.url()).await);
    let state = a.open("r", Position::START, &["alice"]).await;
    assert!(state.last == 0 && state.messages.is_empty() && state.members.unwrap().is_empty());
    let position = b.published("r", "bob", with_nonce(r#"{"a":1.10}"#, "n 1")).await.unwrap();
    assert_eq!(position, Position::new(state.epoch, 1));
    let said = a.said().await;
    assert_eq!((said.position, said.from.as_str()), (position, "bob"));
    assert_eq!((said.draft.data.as_str(), said.age), (r#"{"a":1.10}"#, Duration::ZERO));
    assert_eq!(said.draft.nonce.unwrap().as_str(), "n 1");
    a.publish("r", "alice", draft("2"));
    assert_eq!(a.said().await.position, Position::new(state.epoch, 2));
}

#[actix::test]
async fn three_nodes_at_once_number_without_a_hole_and_all_hear_the_same() {
    let server = Server::start().await;
    let mut nodes = Vec::new();
    for _ in 0..3 {
        let mut node = Node::start(&server.url()).await;
        node.open("r", Position::START, &[]).await;
        nodes.push(node);
    }
    for node in &mut nodes {
        for n in 0..300 {
            node.publish("r", "alice", draft(&n.to_string()));
        }
    }
    let heard = join_all(nodes.iter_mut().map(async |node| {
        let (mut heard, mut published) = (Vec::new(), BTreeSet::new());
        while heard.len() < 900 || published.len() < 300 {
            match node.next().await {
                BusEvent::Said(message) => heard.push((message.position.offset, message.draft.data)),
                BusEvent::Published { result, .. } => _ = published.insert(result.unwrap().offset),
                other => panic!("{other:?}"),
            }
        }
        (heard, published)
    }))
    .await;
    let offsets: Vec<u64> = heard[0].0.iter().map(|(offset, _)| *offset).collect();
    assert_eq!(offsets, (1..=900).collect::<Vec<_>>());
    assert!(heard.iter().all(|(other, _)| *other == heard[0].0));
    let given: BTreeSet<u64> = heard.iter().flat_map(|(_, published)| published.clone()).collect();
    assert_eq!(given.len(), 900);
}

#[actix::test]
async fn a_nonce_is_answered_with_the_first_position_on_any_node_and_only_to_its_author() {
    let server = Server::start().await;
    let (mut a, mut b) = (Node::start(&server.url()).await, Node::start(&server.url()).await);
    let first = a.published("r", "alice", with_nonce("1", "n")).await.unwrap();
    assert_eq!(b.published("r", "alice", with_nonce("2", "n")).await, Ok(first));
    assert_eq!(b.published("r", "bob", with_nonce("3", "n")).await.unwrap().offset, 2);
    let state = b.open("r", Position::START, &[]).await;
    let kept: Vec<&str> = state.messages.iter().map(|message| message.draft.data.as_str()).collect();
    assert_eq!(kept, ["1", "3"]);
}

#[actix::test]
async fn the_rate_of_a_room_is_one_over_all_nodes() {
    let server = Server::start().await;
    let limited = || {
        let mut options = options(&server.url());
        (options.rooms.messages_per_second, options.rooms.messages_burst) = (2, 4);
        options
    };
    let (mut a, mut b) = (Node::start_with(limited()).await, Node::start_with(limited()).await);
    for node in [&mut a, &mut b] {
        node.published("r", "alice", draft("1")).await.unwrap();
        node.published("r", "alice", draft("1")).await.unwrap();
    }
    for node in [&mut a, &mut b] {
        match node.published("r", "alice", draft("1")).await {
            Err(RoomRefusal::RateLimited(wait)) => assert!(wait <= Duration::from_millis(500), "{wait:?}"),
            other => panic!("{other:?}"),
        }
    }
    a.published("elsewhere", "alice", draft("1")).await.unwrap();
    let Err(RoomRefusal::RateLimited(wait)) = a.published("r", "alice", draft("1")).await else { panic!() };
    actix::clock::sleep(wait).await;
    assert_eq!(a.published("r", "alice", draft("1")).await.unwrap().offset, 5);
}

#[actix::test]
async fn who_is_in_a_room_is_known_on_all_nodes() {
    let server = Server::start().await;
    let (mut a, mut b) = (Node::start(&server.url()).await, Node::start(&server.url()).await);
    a.open("r", Position::START, &["alice"]).await;
    let state = b.open("r", Position::START, &["bob", "carol"]).await;
    assert_eq!(state.members.unwrap(), [(a.id, user("alice"))]);
    let members = a
        .until(|event| match event {
            BusEvent::Members { node, users, .. } => Some((node, users)),
            _ => None,
        })
        .await;
    assert_eq!(members, (b.id, vec![user("bob"), user("carol")]));
    b.order(vec![
        Order::Exit { room: room("r"), user: user("bob") },
        Order::Type { room: room("r"), user: user("carol"), is_active: true },
        Order::Enter { room: room("r"), user: user("dora") },
    ]);
    let mut changes = Vec::new();
    while changes.len() < 3 {
        changes.push(match a.next().await {
            BusEvent::Exited { node, user, .. } if node == b.id => format!("-{user}"),
            BusEvent::Typing { node, user, is_active: true, .. } if node == b.id => format!("~{user}"),
            BusEvent::Entered { node, user, .. } if node == b.id => format!("+{user}"),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(changes, ["-bob", "~carol", "+dora"]);
    // Opened again it is what is said now, and no more.
    b.open("r", Position::START, &["dora"]).await;
    let state = a.open("r", Position::START, &["alice"]).await;
    assert_eq!(state.members.unwrap(), [(b.id, user("dora"))]);
    assert!(b.told().iter().all(|event| !matches!(event, BusEvent::Entered { node, .. } if *node == b.id)));
}

#[actix::test]
async fn a_crowd_is_said_in_parts_and_told_as_a_whole() {
    let server = Server::start().await;
    let (mut a, mut b) = (Node::start(&server.url()).await, Node::start(&server.url()).await);
    b.open("r", Position::START, &[]).await;
    let crowd: Vec<String> = (0..1234).map(|n| format!("user{n:04}")).collect();
    let names: Vec<&str> = crowd.iter().map(String::as_str).collect();
    a.open("r", Position::START, &names).await;
    // However often the room is opened again, nobody is ever left out.
    a.open("r", Position::START, &names).await;
    for _ in 0..2 {
        let BusEvent::Members { users, .. } = b.next().await else { panic!("not told as a whole") };
        assert_eq!(users.iter().map(ToString::to_string).collect::<Vec<_>>(), crowd);
    }
    assert_eq!(b.open("r", Position::START, &[]).await.members.unwrap().len(), crowd.len());
}

#[actix::test]
async fn a_room_that_is_closed_is_heard_no_more() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    a.open("r", Position::START, &[]).await;
    a.order(vec![Order::CloseRoom(room("r"))]);
    a.published("r", "alice", draft("1")).await.unwrap();
    let state = a.open("r", Position::START, &[]).await;
    assert_eq!(state.last, 1);
    a.publish("r", "alice", draft("2"));
    assert_eq!(a.said().await.position.offset, 2);
}

#[actix::test]
async fn of_many_orders_to_open_a_room_the_last_is_carried_out_and_all_are_answered() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    let open = |member: &str| {
        let members = vec![user(member)];
        Order::OpenRoom(OpenRoom {
            room: room("r"),
            known: Position::START,
            purpose: Purpose::Enter(members),
        })
    };
    let users: Vec<String> = (0..500).map(|n| format!("user{n}")).collect();
    a.order(users.iter().map(|name| open(name)).collect());
    let mut opened = Vec::new();
    while opened.len() < users.len() {
        if let BusEvent::RoomOpened { result, .. } = a.next().await {
            opened.push(result.is_ok());
        }
    }
    let done = opened.iter().filter(|is_ok| **is_ok).count();
    assert!(opened.last() == Some(&true) && done <= 2, "{done}");
    assert_eq!(server.ask(&["HKEYS", "tidings:{r}:members"]), format!("{}/user499", a.id));
}

#[actix::test]
async fn who_only_looks_makes_nothing_and_who_misses_messages_hears_of_no_members() {
    let server = Server::start().await;
    let (mut a, mut b) = (Node::start(&server.url()).await, Node::start(&server.url()).await);
    let state = a.open_for("r", Position::START, Purpose::Look).await.unwrap();
    assert_eq!((Position::new(state.epoch, state.last), state.members), (Position::START, Some(Vec::new())));
    assert_eq!(server.ask(&["KEYS", "tidings:{r}:*"]), "");

    b.open("r", Position::START, &["bob"]).await;
    let first = b.published("r", "bob", draft("1")).await.unwrap();
    let state = a.open_for("r", Position::START, Purpose::Look).await.unwrap();
    assert_eq!((state.messages.len(), state.members), (1, Some(vec![(b.id, user("bob"))])));
    b.published("r", "bob", draft("2")).await.unwrap();
    let state = a.open_for("r", first, Purpose::Messages).await.unwrap();
    assert_eq!((state.messages.len(), state.members), (1, None));
    assert!(b.told().iter().all(|event| !matches!(event, BusEvent::Members { .. })));
}

#[actix::test]
async fn what_is_not_believed_in_a_room_is_known_to_be_missed() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    a.open("r", Position::START, &[]).await;
    let large = format!("abcdefgh.1 1 1 - {}", "x".repeat(1 << 20));
    for said in ["abcdefgh.1 1 2 - {}", &large] {
        let mut stranger = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
        let () = redis::cmd("PUBLISH").arg("tidings:{r}:room").arg(said).query(&mut stranger).unwrap();
        a.until(|event| matches!(event, BusEvent::Missed(_)).then_some(())).await;
    }
    assert_eq!(a.link.rejected(), 2);
}
