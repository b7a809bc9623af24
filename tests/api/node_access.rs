//! Tickets, revocations, the ends of sessions, and what administrators see over several processes on one PostgreSQL
//! database, with a bus and without (G11).

use std::time::{Duration, Instant};

use diesel::{RunQueryDsl, sql_query, sql_types::Text};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    app::{App, DEADLINE},
    clients::{
        room::{EVERYWHERE, guest_at},
        ws::Ws,
    },
    engines::{postgres::Server, redis::Redis},
};

/// How soon what one node has revoked ends on another (G11): the table is read every second, or the bus tells it.
const TOLD: Duration = Duration::from_secs(2);

async fn revoke(app: &App, body: &Value) {
    let answer = app.http(&app.token("root", "admin")).post("/v1/admin/revocations", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[actix_web::test]
async fn a_ticket_is_good_once_over_all_nodes() {
    let server = Server::start().await;
    let (a, b) = (server.app(), server.app());
    let alice = a.user("alice");
    for _ in 0..5 {
        let answer = alice.send(alice.request("POST", "/v1/tickets"), "").await.json();
        let path = format!("/v1/me?ticket={}", answer["ticket"].as_str().unwrap());
        let nodes = [a.anonymous(), b.anonymous()];
        let answers = join_all((0..20).map(|i| nodes[i % 2].get(&path))).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!((statuses[0], statuses[1], statuses[19]), (200, 401, 401), "{statuses:?}");
    }
}

#[actix_web::test]
async fn what_one_node_revokes_ends_on_the_other_within_two_seconds_and_comes_in_no_more() {
    let server = Server::start().await;
    let (a, b) = (server.app(), server.app());
    let token = a.token("alice", "");
    let mut alice = Ws::connect(b.address, "", &token).await;
    let mut bob = b.ws("bob").await;
    let before = Instant::now();
    revoke(&a, &json!({"user": "alice"})).await;
    assert_eq!(alice.end().await, Some(4503));
    assert!(before.elapsed() < TOLD, "{:?}", before.elapsed());
    for app in [&a, &b] {
        app.http(&token).get("/v1/me").await.problem(401, "invalid_token");
    }
    assert_eq!(bob.ask(json!({"type": "echo", "data": 1})).await["type"], "ok");
    // Who comes later knows it from the start.
    let c = server.app();
    c.http(&token).get("/v1/me").await.problem(401, "invalid_token");
}

#[actix_web::test]
async fn a_session_is_ended_by_another_node_than_its_own() {
    let server = Server::start().await;
    let (a, b) = (server.app(), server.app());
    let mut alice = b.ws("alice").await;
    let path = format!("/v1/admin/sessions/{}", alice.welcome["session"].as_str().unwrap());
    let before = Instant::now();
    // Without a bus nobody knows where it is, or whether it is anywhere.
    assert_eq!(a.http(&a.token("root", "admin")).delete(&path).await.status, 204);
    assert_eq!(alice.end().await, Some(4503));
    assert!(before.elapsed() < TOLD, "{:?}", before.elapsed());
}

#[actix_web::test]
async fn a_user_who_is_erased_by_one_node_is_told_so_on_the_other() {
    let server = Server::start().await;
    let (a, b) = (server.app(), server.app());
    a.publish("alice", 1).await;
    let mut alice = b.ws("alice").await;
    assert_eq!(a.http(&a.token("root", "admin")).delete("/v1/admin/users/alice").await.status, 204);
    assert_eq!(alice.next_numbered().await["reason"], "epoch");
    assert_eq!(alice.expect("unread").await["counters"]["unread"], 0);
}

/// A commit that waited for its disk for a minute, and that nobody has been told of.
#[actix_web::test]
async fn what_was_revoked_by_a_late_commit_is_found_all_the_same() {
    let server = Server::start().await;
    let app = server.app();
    let mut alice = app.ws("alice").await;
    let late = "INSERT INTO revocations (kind, value, revoked_at)
        SELECT 'session', $1, (extract(epoch FROM now() - interval '1 minute') * 1000000)::bigint";
    sql_query(late)
        .bind::<Text, _>(alice.welcome["session"].as_str().unwrap())
        .execute(&mut server.connect())
        .unwrap();
    assert_eq!(alice.end().await, Some(4503));
}

/// Two nodes that know each other: one says so when it has heard of the other.
async fn two_on_a_bus(server: &Server, redis: &Redis) -> (App, App) {
    let url = format!("redis+unix://{}", redis.socket().display());
    let node = || {
        let settings = [
            ("store.url", server.url()),
            ("bridge.url", url.clone()),
            ("rooms.presence_ttl", "5s".to_owned()),
        ];
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
        App::start_with(&settings)
    };
    let (a, b) = (node(), node());
    for app in [&a, &b] {
        gathered(app, "/v1/admin/stats", |stats| {
            stats["complete"] == true && stats["nodes"].as_array().unwrap().len() == 2
        })
        .await;
    }
    (a, b)
}

/// Asks again and again until this holds of the answer.
async fn gathered(app: &App, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let http = app.http(&app.token("root", "admin"));
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = http.get(path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let answer = answer.json();
        if holds(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "{answer}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[actix_web::test]
async fn with_a_bus_any_node_shows_what_is_on_all_of_them_and_says_when_one_is_missing() {
    let (server, redis) = (Server::start().await, Redis::start().await);
    let (a, mut b) = two_on_a_bus(&server, &redis).await;
    let mut alice = guest_at(&a, "alice", "?rooms=chat").await;
    let mut bob = guest_at(&b, "bob", "?rooms=chat").await;
    for guest in [&mut alice, &mut bob] {
        guest.expect("ok").await;
    }
    let nodes = |answer: &Value| answer["nodes"].as_array().unwrap().len();
    let all = gathered(&a, "/v1/admin/sessions", |_| true).await;
    let shown: Vec<[&Value; 2]> =
        all["sessions"].as_array().unwrap().iter().map(|one| [&one["user"], &one["node"]]).collect();
    let expected = [[&json!("bob"), &bob.welcome["node"]], [&json!("alice"), &alice.welcome["node"]]];
    assert_eq!((shown, nodes(&all), &all["complete"]), (expected.to_vec(), 2, &json!(true)));
    let stats = gathered(&b, "/v1/admin/stats", |_| true).await;
    assert_eq!((&stats["sessions"]["websocket"], nodes(&stats)), (&json!(2), 2));
    let rooms = gathered(&b, "/v1/admin/rooms?prefix=ch", |_| true).await;
    let room = &rooms["rooms"][0];
    assert_eq!((&room["sessions"], &room["user_count"]), (&json!(2), &json!(2)));

    // One that stands still is missed, and one that is gone is not.
    b.signal("-STOP");
    let lame = gathered(&a, "/v1/admin/sessions", |answer| nodes(answer) == 1).await;
    assert_eq!(lame["complete"], false);
    b.signal("-CONT");
    b.kill();
    let alone = gathered(&a, "/v1/admin/stats", |answer| answer["complete"] == true && nodes(answer) == 1);
    assert_eq!(alone.await["sessions"]["websocket"], 1);
}

#[actix_web::test]
async fn with_a_bus_a_session_is_ended_where_it_is_and_nowhere_is_404() {
    let (server, redis) = (Server::start().await, Redis::start().await);
    let (a, b) = two_on_a_bus(&server, &redis).await;
    let mut alice = b.ws("alice").await;
    let path = format!("/v1/admin/sessions/{}", alice.welcome["session"].as_str().unwrap());
    let admin = a.http(&a.token("root", "admin"));
    let before = Instant::now();
    assert_eq!(admin.delete(&path).await.status, 204);
    assert_eq!(alice.end().await, Some(4503));
    assert!(before.elapsed() < TOLD, "{:?}", before.elapsed());
    admin.delete("/v1/admin/sessions/ses_01ARZ3NDEKTSV4RRFFQ69G5FAV").await.problem(404, "not_found");
}

/// The table is swept every five seconds then, so within two it is the bus that rings.
#[actix_web::test]
async fn with_a_bus_a_revocation_rings_on_the_other_node_and_without_it_the_table_tells() {
    let (server, mut redis) = (Server::start().await, Redis::start().await);
    let (a, b) = two_on_a_bus(&server, &redis).await;
    for user in ["alice", "bob", "carol"] {
        let token = b.token(user, EVERYWHERE);
        let mut ws = Ws::connect(b.address, "", &token).await;
        let before = Instant::now();
        revoke(&a, &json!({"user": user})).await;
        assert_eq!(ws.end().await, Some(4503));
        assert!(before.elapsed() < TOLD, "{:?}", before.elapsed());
        b.http(&token).get("/v1/me").await.problem(401, "invalid_token");
    }
    redis.kill();
    let mut zoe = b.ws("zoe").await;
    let before = Instant::now();
    revoke(&a, &json!({"user": "zoe"})).await;
    assert_eq!(zoe.end().await, Some(4503));
    assert!(before.elapsed() < Duration::from_secs(10), "{:?}", before.elapsed());
}
