//! A real cluster of three servers.

use std::time::{Duration, Instant};

use super::{
    house::{Node, draft, load, room, user, with_nonce},
    server::{PATIENCE, Server, free_port},
};
use crate::{
    bridge::messages::{BusEvent, Order},
    domain::{Counters, Position},
    hub::messages::InboxFact,
};

const SLOTS: [(u16, u16); 3] = [(0, 5460), (5461, 10_922), (10_923, 16_383)];

/// Three servers that have met and share all slots.
async fn cluster() -> Vec<Server> {
    let mut servers = Vec::new();
    let mut buses = Vec::new();
    for (first, last) in SLOTS {
        let bus = free_port().to_string();
        let server = Server::start_with(&[
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            &bus,
            "--cluster-node-timeout",
            "1000",
        ])
        .await;
        server.ask(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
        servers.push(server);
        buses.push(bus);
    }
    for (server, bus) in servers.iter().zip(&buses) {
        servers[0].ask(&["CLUSTER", "MEET", "127.0.0.1", &server.port.to_string(), bus]);
    }
    let deadline = Instant::now() + PATIENCE;
    let is_whole = |server: &Server| {
        let info = server.ask(&["CLUSTER", "INFO"]);
        info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
    };
    while !servers.iter().all(is_whole) {
        assert!(Instant::now() < deadline, "the servers do not find each other");
        actix::clock::sleep(Duration::from_millis(20)).await;
    }
    servers
}

#[actix::test]
async fn a_cluster_carries_what_a_single_server_does_and_only_where_it_is_followed() {
    let servers = cluster().await;
    let (mut a, mut b) = (Node::start(&servers[0].url()).await, Node::start(&servers[1].url()).await);
    let names: Vec<String> = (0..30).map(|n| format!("room{n}")).collect();
    for name in &names {
        a.open(name, Position::START, &["alice"]).await;
        let state = b.open(name, Position::START, &["bob"]).await;
        assert_eq!(state.members.unwrap(), [(a.id, user("alice"))]);
    }
    for name in &names {
        for n in 1..=3 {
            b.publish(name, "bob", with_nonce("1", &n.to_string()));
        }
    }
    let mut heard = Vec::new();
    while heard.len() < 90 {
        let said = a.said().await;
        heard.push((said.room.to_string(), said.position.offset));
    }
    for name in &names {
        let offsets: Vec<u64> = heard.iter().filter(|(room, _)| room == name).map(|(_, n)| *n).collect();
        assert_eq!(offsets, [1, 2, 3], "{name}");
    }
    b.told();
    assert_eq!(b.published("room0", "bob", with_nonce("1", "2")).await.unwrap().offset, 2);

    // Each server has some of it, and none hears of all.
    for server in &servers {
        assert!(server.ask(&["KEYS", "tidings:*:meta"]).lines().count() > 1);
        let channels = server.ask(&["PUBSUB", "SHARDCHANNELS", "*"]).lines().count();
        assert!((2..31).contains(&channels), "{channels}");
        assert_eq!(server.ask(&["PUBSUB", "CHANNELS", "*"]), "");
    }

    a.order(vec![Order::FollowInbox(user("carol"))]);
    a.published("room1", "x", draft("1")).await.unwrap();
    let fact = |name| InboxFact::Changed {
        user: user(name),
        position: Position::START,
        counters: Counters::default(),
    };
    b.order(vec![Order::Announce { facts: vec![fact("dora"), fact("carol")], load: load() }]);
    let facts = a
        .until(|event| match event {
            BusEvent::Facts(facts) => Some(facts),
            _ => None,
        })
        .await;
    assert_eq!(facts[0].user().as_str(), "carol");

    a.order(vec![Order::CloseRoom(room("room5"))]);
    a.published("room5", "x", draft("1")).await.unwrap();
    let lost = b.id;
    drop(b);
    let lose = |event| matches!(event, BusEvent::NodeLost(node) if node == lost).then_some(());
    a.until(lose).await;
    assert!(a.open("room7", Position::START, &["alice"]).await.members.unwrap().is_empty());
}

#[actix::test]
async fn a_server_of_the_cluster_that_is_gone_is_missed_and_the_others_are_known() {
    let mut servers = cluster().await;
    let mut a = Node::start(&servers[0].url()).await;
    for n in 0..10 {
        a.published(&format!("room{n}"), "alice", draft("1")).await.unwrap();
    }
    // The one that the URL names.
    servers[0].kill();
    a.until_away().await;
    servers[0].revive().await;
    a.until_live().await;
    for n in 0..10 {
        a.open(&format!("room{n}"), Position::START, &["alice"]).await;
        a.publish(&format!("room{n}"), "alice", draft("1"));
        a.said().await;
    }
}

#[actix::test]
async fn a_slot_that_moves_to_another_server_is_followed_there() {
    let servers = cluster().await;
    let mut a = Node::start(&servers[0].url()).await;
    a.open("r", Position::START, &["alice"]).await;
    let slot = servers[0].ask(&["CLUSTER", "KEYSLOT", "{r}"]);
    let number: u16 = slot.parse().unwrap();
    let from = SLOTS.iter().position(|(first, last)| (*first..=*last).contains(&number)).unwrap();
    let to = (from + 1) % 3;
    let id = |at: usize| servers[at].ask(&["CLUSTER", "MYID"]);
    servers[to].ask(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)]);
    servers[from].ask(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to)]);
    let port = servers[to].port.to_string();
    for key in servers[from].ask(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"]).lines() {
        servers[from].ask(&["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]);
    }
    for at in [to, from, 3 - to - from] {
        servers[at].ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &id(to)]);
    }
    a.until_live().await;
    let state = a.open("r", Position::START, &["alice"]).await;
    a.publish("r", "alice", draft("1"));
    assert_eq!(a.said().await.position, Position::new(state.epoch, 1));
}
