//! Tickets, revocations and the ends of sessions over several processes on one PostgreSQL database, without a bus
//! (G11).

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::{app::App, clients::ws::Ws, engines::postgres::Server};

/// How soon what one node has revoked ends on another: the table is read every second.
const SWEPT: Duration = Duration::from_secs(2);

async fn revoke(app: &App, body: &serde_json::Value) {
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
    assert!(before.elapsed() < SWEPT, "{:?}", before.elapsed());
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
    assert!(before.elapsed() < SWEPT, "{:?}", before.elapsed());
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
