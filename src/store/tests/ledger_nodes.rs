//! Nodes that are gone, stand still or stop, and what they have said.

use futures_util::future::join_all;

use super::{
    ledger::{Node, closed, occupied, opened, session},
    *,
};

impl TestStore {
    /// As if this node had held its lease for long, and the other one had let it go.
    fn lose(&self, lost: &Node<'_>, others: &Node<'_>) {
        self.execute(&format!(
            "UPDATE ledger_nodes SET held_since = 0 WHERE node = '{}';
             UPDATE ledger_nodes SET lease_until = 1 WHERE node = '{}'",
            others.id, lost.id
        ));
    }
}

#[actix::test]
async fn what_a_lost_node_has_said_is_ended_once_and_told_by_another_or_the_next_start() {
    let store = TestStore::new();
    let mut lost = Node::start(&store, "aaaaaaaa").await;
    let (alice, bob) = (session("alice"), session("bob"));
    lost.say(&[opened(&alice), opened(&bob), occupied("general"), occupied("own")]).await;
    let mut other = Node::start(&store, "bbbbbbbb").await;
    let elsewhere = session("alice");
    other.say(&[opened(&elsewhere), occupied("general")]).await;
    let before = store.told().len();
    if store.other_connection().is_shared() {
        other.look().await;
        assert_eq!(store.told().len(), before, "its lease has not ended");
    }
    store.lose(&lost, &other);
    if store.other_connection().is_shared() {
        // One that has come just now does not judge, and those that look at the same time tell it once.
        let third = Node::start(&store, "cccccccc").await;
        third.look().await;
        assert_eq!(store.told().len(), before);
        join_all([other.look(), third.look(), other.look()]).await;
    }
    other.look().await;
    let mut told = store.told().split_off(before);
    told.sort();
    let expected = ["room.vacated own", "session.closed alice", "session.closed bob", "user.offline bob"];
    assert_eq!(told, expected);
    let reasons =
        store.events().into_iter().filter_map(|(_, data)| data["reason"].as_str().map(str::to_owned));
    assert!(reasons.into_iter().all(|reason| reason == "node_lost"));
}

#[actix::test]
async fn a_node_that_was_taken_for_dead_is_told_so_and_says_everything_anew() {
    let store = TestStore::new();
    let mut frozen = Node::start(&store, "aaaaaaaa").await;
    let (alice, bob) = (session("alice"), session("bob"));
    frozen.say(&[opened(&alice), opened(&bob)]).await;
    let other = Node::start(&store, "bbbbbbbb").await;
    store.lose(&frozen, &other);
    other.look().await;
    let before = store.told().len();
    assert_eq!(frozen.tell(false, &[closed(&bob)]).await, Told::Lost);
    assert_eq!(frozen.tell(true, &[]).await, Told::Kept);
    frozen.say(&[opened(&alice)]).await;
    frozen.drop_stale(&[&alice]).await;
    assert_eq!(store.told()[before..], ["session.opened alice", "user.online alice"]);
    // Said again, with one that is not so any more.
    let gone = session("carol");
    frozen.say(&[opened(&gone)]).await;
    frozen.say(&[opened(&alice)]).await;
    frozen.drop_stale(&[&alice]).await;
    frozen.look().await;
    let told = ["session.opened carol", "user.online carol", "session.closed carol", "user.offline carol"];
    assert_eq!(store.told()[before + 2..], told);
    assert_eq!(store.events()[before + 4].1["reason"], "unknown");
}

#[actix::test]
async fn after_the_database_was_away_nobody_is_taken_for_dead_before_a_lease_has_passed() {
    let store = TestStore::new();
    if !store.other_connection().is_shared() {
        // A file has one process, and whatever others have said in it is over.
        return;
    }
    let mut late = Node::start(&store, "aaaaaaaa").await;
    late.say(&[opened(&session("alice"))]).await;
    let mut early = Node::start(&store, "bbbbbbbb").await;
    let before = store.told().len();
    store.execute("UPDATE ledger_nodes SET lease_until = 1, held_since = 0");
    early.say(&[]).await;
    early.look().await;
    assert_eq!(late.tell(false, &[]).await, Told::Kept);
    assert_eq!(store.told().len(), before);
}

#[actix::test]
async fn a_node_that_stops_leaves_nobody_behind() {
    let store = TestStore::new();
    let mut node = Node::start(&store, "aaaaaaaa").await;
    node.say(&[opened(&session("alice")), occupied("a")]).await;
    let leave = || LeaveLive { node: node.id, rules: node.rules };
    while store.link.ask(leave()).await.unwrap() {}
    assert!(!store.link.ask(leave()).await.unwrap());
    let next = Node::start(&store, "bbbbbbbb").await;
    next.look().await;
    let mut told = store.told().split_off(3);
    told.sort();
    assert_eq!(told, ["room.vacated a", "session.closed alice", "user.offline alice"]);
    assert_eq!(store.events()[3].1["reason"], "restart");
}
