//! Nodes that die, stop, or were away for long.

use std::time::{Duration, Instant};

use super::{
    house::{Node, draft, options, room, user},
    server::{PATIENCE, Server},
};
use crate::{
    bridge::{
        BridgeOptions,
        messages::{BusEvent, Order},
    },
    domain::{NodeId, Position},
};

impl Node {
    async fn until_lost(&mut self) -> NodeId {
        self.until(|event| match event {
            BusEvent::NodeLost(node) => Some(node),
            _ => None,
        })
        .await
    }
}

#[actix::test]
async fn a_node_that_dies_is_lost_in_time_and_its_users_are_taken_out() {
    let server = Server::start().await;
    let (mut a, mut b) = (Node::start(&server.url()).await, Node::start(&server.url()).await);
    let ttl = options("").presence_ttl;
    for name in ["open", "shut"] {
        b.open(name, Position::START, &["bob"]).await;
    }
    assert_eq!(a.open("open", Position::START, &[]).await.members.unwrap(), [(b.id, user("bob"))]);
    let died = Instant::now();
    let dead = b.id;
    drop(b);
    assert_eq!(a.until_lost().await, dead);
    // And a moment more where the machine is busy.
    assert!(died.elapsed() < 3 * ttl, "{:?}", died.elapsed());
    assert!(a.open("shut", Position::START, &[]).await.members.unwrap().is_empty());
    assert_eq!(server.ask(&["EXISTS", "tidings:{shut}:members"]), "0");
}

#[actix::test]
async fn a_node_that_stops_is_lost_when_the_grace_is_over() {
    let server = Server::start().await;
    // A lease that is longer than anybody waits here.
    let node = || BridgeOptions { presence_ttl: 5 * PATIENCE, ..options(&server.url()) };
    let (mut a, mut b) = (Node::start_with(node()).await, Node::start_with(node()).await);
    a.open("r", Position::START, &[]).await;
    b.open("r", Position::START, &["bob"]).await;
    // What was ordered before is done before.
    b.publish("r", "bob", draft("1"));
    b.link.stop().await;
    assert_eq!(a.said().await.position.offset, 1);
    assert_eq!(a.until_lost().await, b.id);
    assert!(b.link.is_alive());
    b.published("r", "bob", draft("2")).await.unwrap_err();
}

#[actix::test]
async fn a_node_whose_lease_had_lapsed_is_told_to_open_everything_again() {
    let server = Server::start().await;
    let (mut a, mut b) = (Node::start(&server.url()).await, Node::start(&server.url()).await);
    a.open("r", Position::START, &[]).await;
    b.open("r", Position::START, &["bob"]).await;
    server.ask(&["DEL", &format!("tidings:{{*}}:lease:{}", b.id)]);
    b.until_live().await;
    b.open("r", Position::START, &["bob"]).await;
    assert_eq!(a.open("r", Position::START, &[]).await.members.unwrap(), [(b.id, user("bob"))]);
}

#[actix::test]
async fn users_of_a_node_that_never_was_here_are_told_to_be_lost() {
    let server = Server::start().await;
    let (mut a, b) = (Node::start(&server.url()).await, Node::start(&server.url()).await);
    a.open("r", Position::START, &[]).await;
    server.ask(&["DEL", &format!("tidings:{{*}}:lease:{}", b.id)]);
    let ghost = NodeId::from_random(7);
    server.ask(&["HSET", "tidings:{r}:members", &format!("{ghost}/bob"), "1", "nonsense", "1"]);
    assert!(a.open("r", Position::START, &[]).await.members.unwrap().is_empty());
    assert_eq!(server.ask(&["HKEYS", "tidings:{r}:members"]), "nonsense");
    let said = format!("1 - {{\"entered\":{{\"node\":\"{ghost}\",\"user\":\"bob\"}}}}");
    server.ask(&["PUBLISH", "tidings:{r}:room", &said]);
    a.until(|event| matches!(event, BusEvent::Entered { .. }).then_some(())).await;
    while a.until_lost().await != ghost {}
}

#[actix::test]
async fn what_is_entered_last_counts_however_often_a_room_is_opened() {
    let server = Server::start().await;
    let (mut a, mut b) = (Node::start(&server.url()).await, Node::start(&server.url()).await);
    for _ in 0..20 {
        b.open("r", Position::START, &["bob"]).await;
        b.order(vec![Order::Exit { room: room("r"), user: user("bob") }]);
        // Read at the same time: whichever is first, in the end he is not there.
        let state = a.open("r", Position::START, &[]).await;
        if !state.members.unwrap().is_empty() {
            a.until(|event| matches!(event, BusEvent::Exited { .. }).then_some(())).await;
        }
    }
}

#[actix::test]
async fn whom_a_living_node_does_not_stand_for_is_believed_by_nobody() {
    let server = Server::start().await;
    let (mut a, mut b) = (Node::start(&server.url()).await, Node::start(&server.url()).await);
    b.open("r", Position::START, &["bob"]).await;
    // What an older copy of Redis still holds, or whose end was lost with the connection.
    let members = "tidings:{r}:members";
    server.ask(&["HSET", members, &format!("{}/ghost", b.id), "1234-1"]);
    assert_eq!(a.open("r", Position::START, &[]).await.members.unwrap(), [(b.id, user("bob"))]);
    assert_eq!(server.ask(&["HKEYS", members]), format!("{}/bob", b.id));
    // In another generation it has to be said again.
    server.ask(&["CLIENT", "KILL", "TYPE", "PUBSUB"]);
    for node in [&mut a, &mut b] {
        node.until_live().await;
    }
    while !a.open("r", Position::START, &[]).await.members.unwrap().is_empty() {
        // It did not know yet that the other one was cut off.
        a.until_live().await;
    }
    b.open("r", Position::START, &["bob"]).await;
    assert_eq!(a.open("r", Position::START, &[]).await.members.unwrap(), [(b.id, user("bob"))]);
}

#[actix::test]
async fn a_redis_that_was_emptied_says_nothing_about_who_is_lost() {
    let server = Server::start().await;
    let (mut a, mut b) = (Node::start(&server.url()).await, Node::start(&server.url()).await);
    a.open("r", Position::START, &[]).await;
    b.open("r", Position::START, &["bob"]).await;
    server.ask(&["FLUSHALL"]);
    for node in [&mut a, &mut b] {
        loop {
            match node.next().await {
                BusEvent::Live => break,
                BusEvent::NodeLost(lost) => panic!("{lost}"),
                _ => {}
            }
        }
    }
    b.open("r", Position::START, &["bob"]).await;
    assert_eq!(a.open("r", Position::START, &[]).await.members.unwrap(), [(b.id, user("bob"))]);
    assert!(!a.told().iter().chain(&b.told()).any(|event| matches!(event, BusEvent::NodeLost(_))));
}

#[actix::test]
async fn a_node_that_has_stopped_puts_no_lease_though_the_bus_comes_back() {
    let mut server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    server.kill();
    a.until_away().await;
    a.link.stop().await;
    server.revive().await;
    let mut b = Node::start(&server.url()).await;
    b.published("r", "bob", draft("1")).await.unwrap();
    // As long as a pause before the next try, and longer.
    actix::clock::sleep(Duration::from_secs(3)).await;
    assert_eq!(server.ask(&["SMEMBERS", "tidings:{*}:nodes"]), b.id.to_string());
}
