//! Counters, idempotency keys and expiries where several processes write to one database.

use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::{
    app::{App, until},
    clients::http::{Answer, Http},
    engines::postgres::Server,
};

const PATH: &str = "/v1/notifications/unread";

/// How old an answer may be of a user who has no session on the node.
const AGE_MAX: Duration = Duration::from_secs(5);

/// What is added where it is measured from outside.
const LATITUDE: Duration = Duration::from_secs(2);

async fn unless(http: &Http, known: &str) -> Answer {
    http.send(http.request("GET", PATH).insert_header(("If-None-Match", known)), "").await
}

async fn tag(http: &Http) -> String {
    http.get(PATH).await.header("ETag").unwrap().to_owned()
}

#[actix_web::test]
async fn a_poll_is_at_most_5_s_behind_what_another_node_has_stored() {
    let server = Server::start().await;
    let (a, b) = (server.app(), server.app());
    a.publish("alice", 1).await;
    let alice = b.user("alice");
    let known = tag(&alice).await;
    for n in 2..4 {
        assert_eq!(unless(&alice, &known).await.status, if n == 2 { 304 } else { 200 });
        let known = tag(&alice).await;
        let before = Instant::now();
        a.publish("alice", n).await;
        let answer = loop {
            let answer = unless(&alice, &known).await;
            if answer.status == 200 {
                break answer;
            }
            assert_eq!(answer.status, 304);
            assert!(before.elapsed() < AGE_MAX + LATITUDE, "{:?}", before.elapsed());
            actix_web::rt::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(answer.json()["unread"], n);
    }
}

/// While the server stands still only what is in memory can be answered.
#[actix_web::test]
async fn a_poll_of_a_user_who_has_a_session_there_reads_no_database_however_old_the_counters_are() {
    let server = Server::start().await;
    let (a, b) = (server.app(), server.app());
    a.publish("alice", 1).await;
    let mut ws = b.ws("alice").await;
    let (alice, bob) = (b.user("alice"), b.user("bob"));
    let (_, of_bob) = (tag(&alice).await, tag(&bob).await);
    a.publish("alice", 2).await;
    assert_eq!(ws.expect("unread").await["counters"]["unread"], 2);
    let known = tag(&alice).await;
    let read = Instant::now();
    until("they have become old", || (read.elapsed() > AGE_MAX).then_some(())).await;
    server.freeze();
    let answer = unless(&alice, &known).await;
    assert_eq!(answer.status, 304);
    assert_eq!(unless(&bob, &of_bob).await.status, 503);
    server.thaw();
}

/// What wakes a poll is not ahead of the counters that it is answered with.
#[actix_web::test]
async fn a_poll_that_waits_is_answered_with_what_another_node_has_stored() {
    let server = Server::start().await;
    let (a, b) = (server.app(), server.app());
    let position = a.publish("alice", 1).await;
    let alice = b.user("alice");
    tag(&alice).await;
    let path = format!("/v1/poll?since=inbox@{position}&wait=20");
    let (answer, _) = join(alice.get(&path), a.publish("alice", 2)).await;
    let events = answer.json()["events"].clone();
    assert_eq!((&events[0]["payload"]["n"], &events[1]["counters"]["unread"]), (&json!(2), &json!(2)));
    let waiting = alice.request("GET", &format!("{PATH}?wait=20"));
    let known = tag(&alice).await;
    let waiting = alice.send(waiting.insert_header(("If-None-Match", known)), "");
    let (answer, _) = join(waiting, a.publish("alice", 3)).await;
    assert_eq!((answer.status, &answer.json()["unread"]), (200, &json!(3)));
}

async fn publish(http: &Http, key: &str, body: &Value) -> Answer {
    let request = http.request("POST", "/v1/notifications").insert_header(("Idempotency-Key", key));
    http.send(request.insert_header(("Content-Type", "application/json")), body.to_string()).await
}

/// G3.
#[actix_web::test]
async fn a_publish_that_is_repeated_at_another_node_happens_once() {
    let server = Server::start().await;
    let (a, b) = (server.app(), server.app());
    let (at_a, at_b) = (a.http(&a.publisher()), b.http(&b.publisher()));
    let body = json!({ "to": ["alice", "bob"], "type": "a.b", "payload": {} });
    let publishing = (0..40).map(|n| {
        let (key, body) = (n.to_string(), &body);
        let (at_a, at_b) = (&at_a, &at_b);
        async move { join(publish(at_a, &key, body), publish(at_b, &key, body)).await }
    });
    for (one, other) in join_all(publishing).await {
        assert_eq!((one.status, other.status), (201, 201), "{} {}", one.text(), other.text());
        assert_eq!(one.text(), other.text());
        let replays = [&one, &other].map(|answer| answer.header("Idempotent-Replayed"));
        assert_eq!(replays.iter().flatten().count(), 1, "{replays:?}");
    }
    assert_eq!(server.numbers("SELECT last_offset AS number FROM inboxes"), [40, 40]);
    let other = json!({ "to": "carol", "type": "a.b", "payload": {} });
    publish(&at_b, "1", &other).await.problem(422, "conflict");
}

#[actix_web::test]
async fn what_expires_is_deleted_once_by_whichever_node() {
    let server = Server::start().await;
    let apps = [server.app(), server.app(), server.app()];
    let mut ws = apps[2].ws("user1").await;
    let users: Vec<String> = (0..20).map(|n| format!("user{n}")).collect();
    let publisher = apps[0].http(&apps[0].publisher());
    let expiring = json!({ "to": users, "type": "a.b", "payload": {}, "expires_in": 1 });
    let lasting = json!({ "to": users, "type": "a.b", "payload": {} });
    for n in 0..60 {
        let answer =
            publisher.post("/v1/notifications", if n % 20 == 0 { &lasting } else { &expiring }).await;
        assert_eq!(answer.status, 201);
    }
    let left = "SELECT count(*) AS number FROM notifications";
    until("only those that last are left", || (server.numbers(left) == [60]).then_some(())).await;
    let counters = server.numbers("SELECT unread * 1000 + unseen AS number FROM inboxes");
    assert_eq!(counters, [3003; 20]);
    while ws.expect("unread").await["counters"]["unread"] != 3 {}
    let failed = |app: &App| app.logs().into_iter().find(|line| line.contains("a transaction failed"));
    assert_eq!(apps.iter().find_map(failed), None);
}
