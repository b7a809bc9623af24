//! Facts about inboxes, from node to node.

use super::{
    house::{Node, draft, load, user},
    server::Server,
};
use crate::{
    bridge::messages::{BusEvent, Order},
    domain::{Counters, Position},
    hub::messages::InboxFact,
};

fn changed(name: &str, version: u64) -> InboxFact {
    let counters = Counters { version, ..Counters::default() };
    InboxFact::Changed { user: user(name), position: Position::START, counters }
}

fn announce(facts: Vec<InboxFact>) -> Order {
    Order::Announce { facts, load: load() }
}

#[actix::test]
async fn who_follows_an_inbox_hears_what_other_nodes_say_of_it_and_nothing_else() {
    let server = Server::start().await;
    let (mut a, mut b) = (Node::start(&server.url()).await, Node::start(&server.url()).await);
    a.order(vec![Order::FollowInbox(user("alice"))]);
    b.order(vec![Order::FollowInbox(user("alice"))]);
    for node in [&mut a, &mut b] {
        let followed = |event| match event {
            BusEvent::Followed(users) => Some(users),
            _ => None,
        };
        assert_eq!(node.until(followed).await, [user("alice")]);
    }

    b.order(vec![announce(vec![changed("bob", 1), changed("alice", 2), changed("alice", 3)])]);
    for expected in [2, 3] {
        let version = a
            .until(|event| match event {
                BusEvent::Facts(facts) => match facts.as_slice() {
                    [InboxFact::Changed { user, counters, .. }] if user.as_str() == "alice" => {
                        Some(counters.version)
                    }
                    other => panic!("{other:?}"),
                },
                _ => None,
            })
            .await;
        assert_eq!(version, expected);
    }
    b.published("r", "x", draft("1")).await.unwrap();
    assert!(b.told().is_empty());
}
