//! Who is here over all nodes, and what is told of it.

use std::{collections::HashSet, time::Instant};

use diesel::prelude::*;
use futures_util::future::join_all;

use super::*;
use crate::domain::{
    NodeId, SessionId, Transport, WebhookEvent,
    live::{LiveChange, LiveFact, LiveSession},
};

pub(super) fn rules() -> LedgerRules {
    LedgerRules {
        events: WebhookEvent::ALL.into_iter().collect(),
        lease: Duration::from_secs(30),
        grace: Duration::ZERO,
        return_grace: Duration::ZERO,
    }
}

/// What one instance says, as its task does.
struct Node<'a> {
    link: &'a StoreLink,
    id: NodeId,
    rules: LedgerRules,
    batch: i64,
}

impl<'a> Node<'a> {
    /// It has said that it is there.
    async fn start(store: &'a TestStore, id: &str) -> Self {
        let mut node = Self { link: &store.link, id: id.parse().unwrap(), rules: rules(), batch: 1 };
        assert_eq!(node.tell(true, &[]).await, Told::Kept);
        node
    }

    async fn tell(&mut self, is_first: bool, facts: &[LiveFact]) -> Told {
        self.batch += 1;
        self.tell_again(is_first, facts).await
    }

    async fn tell_again(&self, is_first: bool, facts: &[LiveFact]) -> Told {
        let (node, rules, batch) = (self.id, self.rules, self.batch);
        self.link.ask(TellLive { node, rules, batch, is_first, facts: facts.into() }).await.unwrap()
    }

    async fn say(&mut self, facts: &[LiveFact]) {
        assert_eq!(self.tell(false, facts).await, Told::Kept);
    }

    /// Looks for those that are gone until there are none.
    async fn look(&self) {
        while self.link.ask(TakeLost { node: self.id, rules: self.rules }).await.unwrap() {}
    }

    async fn drop_stale(&self, sessions: &[&LiveSession]) {
        let sessions: HashSet<SessionId> = sessions.iter().map(|session| session.id.clone()).collect();
        let drop = DropStale {
            node: self.id,
            rules: self.rules,
            sessions: sessions.into(),
            rooms: HashSet::new().into(),
            after: None,
        };
        assert_eq!(self.link.ask(drop).await.unwrap(), None);
    }
}

fn session(of: &str) -> LiveSession {
    LiveSession {
        id: SessionId::generate(),
        user: user(of),
        transport: Transport::WebSocket,
        opened_at: Instant::now(),
    }
}

fn fact(change: LiveChange) -> LiveFact {
    LiveFact { at: Instant::now(), change }
}

fn opened(session: &LiveSession) -> LiveFact {
    fact(LiveChange::Opened(session.clone()))
}

fn closed(session: &LiveSession) -> LiveFact {
    fact(LiveChange::Closed(session.clone(), "client"))
}

fn occupied(room: &str) -> LiveFact {
    fact(LiveChange::Occupied(room.parse().unwrap()))
}

fn vacated(room: &str) -> LiveFact {
    fact(LiveChange::Vacated(room.parse().unwrap()))
}

impl TestStore {
    /// What is to be told, in order: each type with its data.
    pub(super) fn events(&self) -> Vec<(String, serde_json::Value)> {
        use schema::webhook_jobs as j;
        let rows: Vec<(String, String)> = j::table
            .order(j::sequence)
            .select((j::type_, j::data))
            .load(&mut self.other_connection())
            .unwrap();
        rows.into_iter().map(|(event, data)| (event, serde_json::from_str(&data).unwrap())).collect()
    }

    /// Only the types, with the name of user or room.
    fn told(&self) -> Vec<String> {
        let name = |data: &serde_json::Value| {
            data["user"].as_str().or(data["room"].as_str()).unwrap_or_default().to_owned()
        };
        self.events().into_iter().map(|(event, data)| format!("{event} {}", name(&data))).collect()
    }

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
async fn a_user_is_online_with_the_first_session_and_offline_after_the_last_on_whatever_node() {
    let store = TestStore::new();
    let mut here = Node::start(&store, "aaaaaaaa").await;
    let (first, second) = (session("alice"), session("alice"));
    here.say(&[opened(&first), occupied("general")]).await;
    here.say(&[opened(&second)]).await;
    here.say(&[closed(&first)]).await;
    here.look().await;
    let online = [
        "session.opened alice",
        "user.online alice",
        "room.occupied general",
        "session.opened alice",
        "session.closed alice",
    ];
    assert_eq!(store.told(), online);
    here.say(&[closed(&second), vacated("general")]).await;
    here.look().await;
    let mut gone = store.told().split_off(online.len());
    gone[1..].sort();
    assert_eq!(gone, ["session.closed alice", "room.vacated general", "user.offline alice"]);
    let (_, data) = store.events().remove(4);
    assert_eq!((&data["session"], &data["reason"]), (&first.id.as_str().into(), &"client".into()));
    assert_eq!((&data["transport"], &data["node"]), (&"websocket".into(), &"aaaaaaaa".into()));
    // A look at those who are gone takes nobody else's place, and tells it once.
    here.look().await;
    assert_eq!(store.told().len(), online.len() + 3);
}

#[actix::test]
async fn what_comes_and_goes_within_a_batch_is_told_and_a_room_that_is_entered_again_is_not_vacated() {
    let store = TestStore::new();
    let mut node = Node::start(&store, "aaaaaaaa").await;
    let short = session("alice");
    node.say(&[opened(&short), closed(&short)]).await;
    node.say(&[occupied("a"), vacated("a"), occupied("a")]).await;
    node.look().await;
    let told = [
        "session.opened alice",
        "user.online alice",
        "session.closed alice",
        "room.occupied a",
        "user.offline alice",
    ];
    assert_eq!(store.told(), told);
    node.say(&[vacated("a"), occupied("a"), vacated("a")]).await;
    node.look().await;
    assert_eq!(store.told()[told.len()..], ["room.vacated a"]);
}

#[actix::test]
async fn who_comes_back_within_the_grace_is_neither_offline_nor_online_again() {
    let store = TestStore::new();
    let mut node = Node::start(&store, "aaaaaaaa").await;
    node.rules.grace = Duration::from_secs(3600);
    let (before, after) = (session("alice"), session("alice"));
    node.say(&[opened(&before)]).await;
    node.say(&[closed(&before)]).await;
    node.look().await;
    node.say(&[opened(&after)]).await;
    store.execute("UPDATE ledger_subjects SET due_at = due_at - 7200000000");
    node.look().await;
    let told = ["session.opened alice", "user.online alice", "session.closed alice", "session.opened alice"];
    assert_eq!(store.told(), told);
    node.say(&[closed(&after)]).await;
    node.look().await;
    assert_eq!(store.told()[told.len()..], ["session.closed alice"], "before the grace is over");
    store.execute("UPDATE ledger_subjects SET due_at = due_at - 7200000000");
    node.look().await;
    assert_eq!(store.told().last().unwrap(), "user.offline alice");
}

#[actix::test]
async fn a_batch_whose_answer_was_lost_is_taken_in_once() {
    let store = TestStore::new();
    let mut node = Node::start(&store, "aaaaaaaa").await;
    let short = session("alice");
    let facts = [opened(&short), closed(&short), occupied("a")];
    node.say(&facts).await;
    assert_eq!(node.tell_again(false, &facts).await, Told::Kept);
    assert_eq!(store.told().len(), 4);
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

/// Only what is chosen is told, and all the rest is known all the same.
#[actix::test]
async fn what_is_not_chosen_is_not_told() {
    let store = TestStore::new();
    let mut node = Node::start(&store, "aaaaaaaa").await;
    node.rules.events = [WebhookEvent::UserOffline].into_iter().collect();
    let alice = session("alice");
    node.say(&[opened(&alice), occupied("a")]).await;
    node.say(&[closed(&alice), vacated("a")]).await;
    node.look().await;
    assert_eq!(store.told(), ["user.offline alice"]);
}

/// Nodes that tell of the same users and rooms at once: each comes and goes in turn.
#[actix::test]
async fn at_once_each_user_comes_and_goes_in_turn() {
    const ROUNDS: usize = 12;
    let store = TestStore::new();
    // A file has one process.
    let nodes = if store.other_connection().is_shared() { 4 } else { 1 };
    let say = async |number: usize| {
        let mut node = Node::start(&store, &format!("node000{number}")).await;
        for round in 0..ROUNDS {
            let sessions: Vec<LiveSession> =
                (0..6).map(|n| session(&format!("user{}", (n + number + round) % 8))).collect();
            let mut facts: Vec<LiveFact> = sessions.iter().map(opened).collect();
            facts.extend((0..4).map(|n| occupied(&format!("room{}", (n + round) % 5))));
            node.say(&facts).await;
            node.look().await;
            let mut facts: Vec<LiveFact> = sessions.iter().map(closed).collect();
            facts.extend((0..4).map(|n| vacated(&format!("room{}", (n + round) % 5))));
            node.say(&facts).await;
            node.look().await;
        }
    };
    within(join_all((0..nodes).map(say))).await;
    Node::start(&store, "zzzzzzzz").await.look().await;
    let told = store.told();
    for (come, go) in [("user.online", "user.offline"), ("room.occupied", "room.vacated")] {
        for n in 0..8 {
            let name = if come == "user.online" { format!("user{n}") } else { format!("room{n}") };
            let of_name = told.iter().filter_map(|event| event.split_once(' ')).filter(|(_, of)| *of == name);
            let turns: Vec<&str> =
                of_name.map(|(event, _)| event).filter(|event| [come, go].contains(event)).collect();
            assert!(turns.chunks(2).all(|pair| pair == [come, go]), "{name}: {turns:?}");
        }
    }
    let count = |event: &str| told.iter().filter(|told| told.starts_with(event)).count();
    assert_eq!(count("session.opened"), nodes * ROUNDS * 6);
    assert_eq!(count("session.closed"), nodes * ROUNDS * 6);
    let rows = |table: &str| -> i64 {
        let query = diesel::dsl::sql::<diesel::sql_types::BigInt>(table);
        diesel::select(query).get_result(&mut store.other_connection()).unwrap()
    };
    assert_eq!(rows("(SELECT count(*) FROM ledger_entries)"), 0);
    assert_eq!(rows("(SELECT count(*) FROM ledger_subjects)"), 0);
}
