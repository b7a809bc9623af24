//! What a room keeps, what is read of it, and how its numbering begins anew.

use std::time::Duration;

use super::{
    house::{Node, draft, options, with_nonce},
    server::Server,
};
use crate::{
    bridge::{RoomBounds, messages::RoomState},
    domain::{Epoch, Position},
};

fn offsets(state: &RoomState) -> Vec<u64> {
    state.messages.iter().map(|message| message.position.offset).collect()
}

async fn node_with(server: &Server, bound: impl Fn(&mut RoomBounds)) -> Node {
    let mut options = options(&server.url());
    bound(&mut options.rooms);
    Node::start_with(options).await
}

#[actix::test]
async fn what_lies_behind_the_known_position_is_read_and_nothing_else() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    for n in 1..=5 {
        a.published("r", "alice", draft(&n.to_string())).await.unwrap();
    }
    let state = a.open("r", Position::START, &[]).await;
    assert_eq!((offsets(&state), state.last), (vec![1, 2, 3, 4, 5], 5));
    assert!(state.messages.windows(2).all(|pair| pair[0].at <= pair[1].at && pair[0].age >= pair[1].age));
    let state = a.open("r", Position::new(state.epoch, 3), &[]).await;
    assert_eq!(offsets(&state), [4, 5]);
    let state = a.open("r", Position::new(state.epoch, 5), &[]).await;
    assert!(offsets(&state).is_empty() && state.last == 5);
    // Of another life nothing is known.
    let state = a.open("r", Position::new(Epoch::from_random(1), 99), &[]).await;
    assert_eq!(offsets(&state), [1, 2, 3, 4, 5]);
}

#[actix::test]
async fn a_long_history_is_read_in_pages_and_is_whole() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    let data = format!("\"{}\"", "x".repeat(10_000));
    for _ in 0..90 {
        a.published("r", "alice", draft(&data)).await.unwrap();
    }
    let state = a.open("r", Position::START, &[]).await;
    assert_eq!(offsets(&state), (1..=90).collect::<Vec<_>>());
}

#[actix::test]
async fn a_history_is_bounded_in_messages_in_bytes_and_in_age() {
    let server = Server::start().await;
    let mut few = node_with(&server, |rooms| rooms.history_size = 3).await;
    for n in 1..=5 {
        few.published("few", "alice", with_nonce("1", &n.to_string())).await.unwrap();
    }
    assert_eq!(offsets(&few.open("few", Position::START, &[]).await), [3, 4, 5]);
    // The nonce of what is no longer kept is forgotten with it.
    assert_eq!(few.published("few", "alice", with_nonce("1", "3")).await.unwrap().offset, 3);
    assert_eq!(few.published("few", "alice", with_nonce("1", "1")).await.unwrap().offset, 6);

    let mut none = node_with(&server, |rooms| rooms.history_size = 0).await;
    none.published("none", "alice", with_nonce("1", "n")).await.unwrap();
    assert_eq!(none.published("none", "alice", with_nonce("1", "n")).await.unwrap().offset, 2);
    let state = none.open("none", Position::START, &[]).await;
    assert!(state.messages.is_empty() && state.last == 2);

    let mut small = node_with(&server, |rooms| rooms.history_bytes = 4096).await;
    let data = format!("\"{}\"", "x".repeat(1000));
    for _ in 0..9 {
        small.published("small", "alice", draft(&data)).await.unwrap();
    }
    assert_eq!(offsets(&small.open("small", Position::START, &[]).await), [7, 8, 9]);

    let mut brief = node_with(&server, |rooms| rooms.history_ttl = Duration::from_secs(2)).await;
    brief.published("brief", "alice", with_nonce("1", "n")).await.unwrap();
    actix::clock::sleep(Duration::from_millis(1500)).await;
    brief.published("brief", "alice", draft("1")).await.unwrap();
    actix::clock::sleep(Duration::from_millis(800)).await;
    let state = brief.open("brief", Position::START, &[]).await;
    assert_eq!(offsets(&state), [2]);
    assert_eq!(brief.published("brief", "alice", with_nonce("1", "n")).await.unwrap().offset, 3);
    actix::clock::sleep(Duration::from_millis(2300)).await;
    let state = brief.open("brief", Position::START, &[]).await;
    assert!(state.messages.is_empty() && state.last == 3);
    assert_eq!(server.ask(&["EXISTS", "tidings:{brief}:log", "tidings:{brief}:nonces"]), "0");
}

#[actix::test]
async fn the_numbering_of_a_room_that_nobody_uses_ends_and_of_one_that_is_followed_does_not() {
    let server = Server::start().await;
    let brief = |rooms: &mut RoomBounds| rooms.position_ttl = Duration::from_secs(3);
    let (mut a, mut b) = (node_with(&server, brief).await, node_with(&server, brief).await);
    let unused = a.published("unused", "alice", draft("1")).await.unwrap();
    let followed = a.published("followed", "alice", draft("1")).await.unwrap();
    b.open("followed", Position::START, &["bob"]).await;
    actix::clock::sleep(Duration::from_millis(5000)).await;
    let position = a.published("unused", "alice", draft("1")).await.unwrap();
    assert!(position.epoch != unused.epoch && position.offset == 1);
    let state = a.open("followed", Position::START, &[]).await;
    assert_eq!((state.epoch, state.last, state.members.unwrap().len()), (followed.epoch, 1, 1));
}

#[actix::test]
async fn a_redis_that_was_emptied_begins_anew() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    let before = a.published("r", "alice", with_nonce("1", "n")).await.unwrap();
    assert_eq!(server.ask(&["FLUSHALL"]), "OK");
    let after = a.published("r", "alice", with_nonce("1", "n")).await.unwrap();
    assert!(after.epoch != before.epoch && after.offset == 1);
    let state = a.open("r", before, &[]).await;
    assert_eq!((state.epoch, offsets(&state)), (after.epoch, vec![1]));
}

#[actix::test]
async fn a_redis_that_was_restored_from_an_older_copy_begins_anew() {
    let mut server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    a.published("r", "alice", draft("1")).await.unwrap();
    server.ask(&["SAVE"]);
    let known = a.published("r", "alice", with_nonce("2", "n")).await.unwrap();
    server.kill();
    a.until_away().await;
    server.revive().await;
    a.until_live().await;
    let state = a.open("r", known, &[]).await;
    assert!(state.epoch != known.epoch && state.last == 0 && state.messages.is_empty());
    assert_eq!(a.published("r", "alice", with_nonce("2", "n")).await, Ok(Position::new(state.epoch, 1)));
}

#[actix::test]
async fn a_redis_that_has_run_anew_begins_anew_though_it_may_have_lost_nothing() {
    let mut server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    let before = a.published("r", "alice", draft("1")).await.unwrap();
    server.ask(&["SAVE"]);
    server.kill();
    a.until_away().await;
    server.revive().await;
    a.until_live().await;
    let after = a.published("r", "alice", draft("2")).await.unwrap();
    assert!(after.epoch != before.epoch && after.offset == 1);
    let state = a.open("r", before, &[]).await;
    assert_eq!((state.epoch, offsets(&state)), (after.epoch, vec![1]));
}

#[actix::test]
async fn who_publishes_and_knows_more_than_redis_begins_anew() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    for _ in 0..3 {
        a.published("r", "alice", draft("1")).await.unwrap();
    }
    let known = a.published("r", "alice", draft("1")).await.unwrap();
    let same = a.published_knowing("r", known).await.unwrap();
    assert_eq!(same, Position::new(known.epoch, 5));
    // As after a failover to a server that was behind.
    server.ask(&["HSET", "tidings:{r}:meta", "offset", "2"]);
    server.ask(&["DEL", "tidings:{r}:log"]);
    let after = a.published_knowing("r", same).await.unwrap();
    assert!(after.epoch != known.epoch && after.offset == 1);
}

#[actix::test]
async fn a_message_of_the_future_is_new() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    let position = a.published("r", "alice", draft("1")).await.unwrap();
    let sealed = r#"1 - {"message":{"id":1,"from":"bob","event":null,"nonce":null,"data":2}}"#;
    server.ask(&["HSET", "tidings:{r}:meta", "offset", "2"]);
    let future = "4000000000000000";
    server.ask(&["XADD", "tidings:{r}:log", "2-0", "at", future, "nonce", "", "sealed", sealed]);
    let state = a.open("r", position, &[]).await;
    assert_eq!((offsets(&state), state.messages[0].age), (vec![2], Duration::ZERO));
    assert_eq!(state.messages[0].at.as_micros().to_string(), future);
}

#[actix::test]
async fn a_history_that_is_not_ours_refuses_its_room_and_no_other() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    let data = format!("\"{}\"", "x".repeat(30_000));
    for _ in 0..9 {
        a.published("r", "alice", draft(&data)).await.unwrap();
    }
    // On a later page.
    server.ask(&["XADD", "tidings:{r}:log", "10-0", "at", "1.5e16", "nonce", "", "sealed", "x"]);
    a.try_open("r", Position::START, &[]).await.unwrap_err();
    a.open("other", Position::START, &[]).await;
}

#[actix::test]
async fn what_is_missing_in_the_middle_makes_the_older_part_lost_and_never_a_hole() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    for n in 1..=5 {
        a.published("r", "alice", draft(&n.to_string())).await.unwrap();
    }
    server.ask(&["XDEL", "tidings:{r}:log", "3-0"]);
    assert_eq!(offsets(&a.open("r", Position::START, &[]).await), [4, 5]);
    server.ask(&["XDEL", "tidings:{r}:log", "5-0"]);
    let state = a.open("r", Position::START, &[]).await;
    assert!(state.messages.is_empty() && state.last == 5);
}

#[actix::test]
async fn scripts_that_redis_has_forgotten_are_given_again() {
    let server = Server::start().await;
    let mut a = Node::start(&server.url()).await;
    a.published("r", "alice", draft("1")).await.unwrap();
    server.ask(&["SCRIPT", "FLUSH"]);
    for offset in 2..=3 {
        assert_eq!(a.published("r", "alice", draft("1")).await.unwrap().offset, offset);
    }
}
