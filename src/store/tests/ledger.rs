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
pub(super) struct Node<'a> {
    pub(super) link: &'a StoreLink,
    pub(super) id: NodeId,
    pub(super) rules: LedgerRules,
    batch: i64,
}

impl<'a> Node<'a> {
    /// It has said that it is there.
    pub(super) async fn start(store: &'a TestStore, id: &str) -> Self {
        let mut node = Self { link: &store.link, id: id.parse().unwrap(), rules: rules(), batch: 1 };
        assert_eq!(node.tell(true, &[]).await, Told::Kept);
        node
    }

    pub(super) async fn tell(&mut self, is_first: bool, facts: &[LiveFact]) -> Told {
        self.batch += 1;
        self.tell_again(is_first, facts).await
    }

    async fn tell_again(&self, is_first: bool, facts: &[LiveFact]) -> Told {
        let (node, rules, batch) = (self.id, self.rules, self.batch);
        self.link.ask(TellLive { node, rules, batch, is_first, facts: facts.into() }).await.unwrap()
    }

    pub(super) async fn say(&mut self, facts: &[LiveFact]) {
        assert_eq!(self.tell(false, facts).await, Told::Kept);
    }

    /// Looks for those that are gone until there are none.
    pub(super) async fn look(&self) {
        while self.link.ask(TakeLost { node: self.id, rules: self.rules }).await.unwrap() {}
    }

    pub(super) async fn drop_stale(&self, sessions: &[&LiveSession]) {
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

pub(super) fn session(of: &str) -> LiveSession {
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

pub(super) fn opened(session: &LiveSession) -> LiveFact {
    fact(LiveChange::Opened(session.clone()))
}

pub(super) fn closed(session: &LiveSession) -> LiveFact {
    fact(LiveChange::Closed(session.clone(), "client"))
}

pub(super) fn occupied(room: &str) -> LiveFact {
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
    pub(super) fn told(&self) -> Vec<String> {
        let name = |data: &serde_json::Value| {
            data["user"].as_str().or(data["room"].as_str()).unwrap_or_default().to_owned()
        };
        self.events().into_iter().map(|(event, data)| format!("{event} {}", name(&data))).collect()
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
