//! Several processes on one PostgreSQL database, without a bus: each tells what the others store, a second
//! later at most, and nothing twice (G7).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{app::App, engines::postgres::Server};

/// How soon a node tells what another one has stored: a sweep comes every second.
const SWEPT: Duration = Duration::from_secs(2);

/// Two nodes, the second one started after the first.
async fn two_nodes(server: &Server) -> (App, App) {
    (server.app(), server.app())
}

fn is_warning(record: &Value) -> bool {
    record["message"].as_str().is_some_and(|message| message.contains("bridge.url is not set"))
}

#[actix_web::test]
async fn what_one_node_stores_the_other_tells_within_the_sweep_and_in_order() {
    let server = Server::start().await;
    let (a, b) = two_nodes(&server).await;
    let mut ws = b.ws("alice").await;
    for n in 1..=3 {
        let before = Instant::now();
        a.publish("alice", n).await;
        assert_eq!(ws.next_ns(1).await, [n]);
        assert!(before.elapsed() < SWEPT, "{:?}", before.elapsed());
        assert_eq!(ws.expect("unread").await["counters"]["unread"], n);
    }
}

#[actix_web::test]
async fn who_starts_beside_others_without_a_bus_says_so() {
    let server = Server::start().await;
    let (mut a, b) = two_nodes(&server).await;
    b.logged(|record| is_warning(record) && record["level"] == "warn").await;
    drop(b);
    // One that was killed is not there any more.
    a.kill();
    a.restart();
    a.publish("alice", 1).await;
    let records = a.logs().into_iter().map(|line| serde_json::from_str(&line).unwrap_or(json!(null)));
    assert!(!records.into_iter().any(|record| is_warning(&record)));
}
