//! A Redis that is killed, frozen, full, read-only or behind a login.

use std::time::Instant;

use super::{
    house::{Node, TIMEOUT, draft, load, options, room, user},
    server::Server,
};
use crate::{
    bridge::{
        BridgeLink, BusState,
        messages::{BusEvent, OpenRoom, Order, Purpose, RoomPublish},
    },
    domain::{Counters, Position},
    hub::messages::{InboxFact, RoomRefusal},
};

#[actix::test]
async fn what_is_ordered_while_the_bus_is_away_is_refused_at_once_and_it_comes_back() {
    let mut server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    a.order(vec![Order::FollowInbox(user("alice"))]);
    a.open("r", Position::START, &["alice"]).await;
    server.kill();
    a.until_away().await;
    assert_eq!(a.link.state(), BusState::Backoff);
    let asked = Instant::now();
    assert_eq!(a.published("r", "alice", draft("1")).await, Err(RoomRefusal::Unavailable));
    a.try_open("r", Position::START, &["alice"]).await.unwrap_err();
    assert!(asked.elapsed() < TIMEOUT, "{:?}", asked.elapsed());
    a.order(vec![Order::UnfollowInbox(user("alice")), Order::FollowInbox(user("bob"))]);
    server.revive().await;
    a.until_live().await;
    assert_eq!(a.link.state(), BusState::Live);
    a.open("r", Position::START, &["alice"]).await;
    a.publish("r", "alice", draft("1"));
    assert_eq!(a.said().await.position.offset, 1);
    // The inboxes are followed without being ordered again.
    let mut b = Node::start(&server.url()).await;
    let fact = |name| InboxFact::Changed {
        user: user(name),
        position: Position::START,
        counters: Counters::default(),
    };
    b.order(vec![Order::Announce { facts: vec![fact("alice"), fact("bob")], load: load() }]);
    b.published("r", "alice", draft("2")).await.unwrap();
    let facts = a
        .until(|event| match event {
            BusEvent::Facts(facts) => Some(facts),
            _ => None,
        })
        .await;
    assert_eq!(facts[0].user().as_str(), "bob");
}

#[actix::test]
async fn a_frozen_redis_is_noticed_and_orders_under_way_are_answered_in_time() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    server.signal("-STOP");
    let order = Order::OpenRoom(OpenRoom { room: room("r"), known: Position::START, purpose: Purpose::Look });
    a.order(vec![order]);
    for _ in 0..3 {
        a.publish("r", "alice", draft("1"));
    }
    let mut refused = 0;
    while refused < 4 {
        match a.next().await {
            BusEvent::Published { result: Err(RoomRefusal::Unavailable), .. }
            | BusEvent::RoomOpened { result: Err(RoomRefusal::Unavailable), .. } => refused += 1,
            BusEvent::Away => {}
            other => panic!("{other:?}"),
        }
    }
    server.signal("-CONT");
    a.until_live().await;
}

#[actix::test]
async fn what_is_to_be_followed_is_known_though_the_bus_is_lost_meanwhile() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    server.signal("-STOP");
    let publish = |id| {
        let (room, from) = (room("r"), user("alice"));
        Order::Publish(RoomPublish {
            id,
            room,
            from,
            draft: draft("1"),
            known: Position::START,
            load: load(),
        })
    };
    a.order((0..300).map(publish).chain([Order::FollowInbox(user("alice"))]).collect());
    a.until_away().await;
    server.signal("-CONT");
    a.until_live().await;
    let b = Node::start(&server.url()).await;
    let fact =
        InboxFact::Changed { user: user("alice"), position: Position::START, counters: Counters::default() };
    b.order(vec![Order::Announce { facts: vec![fact], load: load() }]);
    a.until(|event| matches!(event, BusEvent::Facts(_)).then_some(())).await;
}

#[actix::test]
async fn a_redis_that_is_silent_is_noticed_though_nothing_is_asked() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    server.signal("-STOP");
    a.until_away().await;
    server.signal("-CONT");
    a.until_live().await;
}

#[actix::test]
async fn each_of_the_connections_is_missed() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    for kind in ["PUBSUB", "NORMAL"] {
        // redis-cli is a normal one itself, and is skipped.
        server.ask(&["CLIENT", "KILL", "TYPE", kind]);
        a.until_away().await;
        a.until_live().await;
        a.published("r", "alice", draft("1")).await.unwrap();
    }
}

#[actix::test]
async fn a_storm_of_reconnects_leaves_nothing_behind() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    let connections = || server.ask(&["CLIENT", "LIST"]).lines().count();
    let before = connections();
    for _ in 0..6 {
        server.ask(&["CLIENT", "KILL", "TYPE", "PUBSUB"]);
        a.until_live().await;
    }
    assert_eq!(connections(), before);
}

#[actix::test]
async fn a_full_redis_refuses_rooms_and_stays_the_bus_of_inboxes() {
    let server = Server::start().await;
    let (mut a, mut b) = (Node::start(&server.url()).await, Node::start(&server.url()).await);
    a.order(vec![Order::FollowInbox(user("alice"))]);
    a.open("r", Position::START, &[]).await;
    server.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(b.published("r", "bob", draft("1")).await, Err(RoomRefusal::Unavailable));
    // The room can be read, though nobody can be put into it.
    b.open("r", Position::START, &["bob"]).await;
    let fact =
        InboxFact::Changed { user: user("alice"), position: Position::START, counters: Counters::default() };
    b.order(vec![Order::Announce { facts: vec![fact], load: load() }]);
    a.until(|event| matches!(event, BusEvent::Facts(_)).then_some(())).await;
    server.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(b.published("r", "bob", draft("1")).await.unwrap().offset, 1);
    assert_eq!(a.said().await.position.offset, 1);
    // What was refused is said again.
    b.until_live().await;
    b.open("r", Position::START, &["bob"]).await;
    assert_eq!(a.open("r", Position::START, &[]).await.members.unwrap(), [(b.id, user("bob"))]);
}

#[actix::test]
async fn a_redis_that_takes_nothing_is_away() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    server.ask(&["REPLICAOF", "127.0.0.1", "1"]);
    a.until_away().await;
    assert_eq!(a.published("r", "alice", draft("1")).await, Err(RoomRefusal::Unavailable));
    server.ask(&["REPLICAOF", "NO", "ONE"]);
    a.until_live().await;
}

#[actix::test]
async fn user_password_database_and_socket_are_taken_from_the_url() {
    let server = Server::start_with(&["--unixsocket", "redis.sock"]).await;
    server.ask(&["ACL", "SETUSER", "app", "on", ">hunter2", "~tidings:*", "&tidings:*", "+@all"]);
    let socket =
        format!("redis+unix://{}/redis.sock?db=3&user=app&pass=hunter2", server.folder.path().display());
    let mut a = Node::start(&format!("redis://app:hunter2@127.0.0.1:{}/3", server.port)).await;
    let mut b = Node::start(&socket).await;
    a.published("r", "alice", draft("1")).await.unwrap();
    assert_eq!(b.published("r", "alice", draft("1")).await.unwrap().offset, 2);
    assert_eq!(server.ask(&["-n", "3", "EXISTS", "tidings:{r}:meta"]), "1");
    let stranger = Node::launch(options(&format!("redis://app:wrong@127.0.0.1:{}/", server.port))).await;
    assert!(!stranger.link.is_live_soon().await);
}

#[actix::test]
async fn what_is_no_url_of_a_redis_is_refused_and_not_repeated() {
    for url in ["", "hunter2", "http://hunter2@x", "redis://", "redis://x:hunter2:3", "redis://h/hunter2"] {
        let error = BridgeLink::start(options(url)).err().unwrap_or_else(|| panic!("{url}")).to_string();
        assert!(error.contains("is expected") && !error.contains("hunter2"), "{error}");
    }
}

#[actix::test]
async fn two_nodes_may_ask_much_of_a_bus_at_once() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    let publish = |id| {
        let (room, from) = (room(&format!("r{}", id % 100)), user("alice"));
        Order::Publish(RoomPublish {
            id,
            room,
            from,
            draft: draft("1"),
            known: Position::START,
            load: load(),
        })
    };
    a.order((0..5000).map(publish).collect());
    for _ in 0..5000 {
        a.until(|event| match event {
            BusEvent::Published { result, .. } => Some(result.unwrap()),
            _ => None,
        })
        .await;
    }
}
