//! `GET /metrics`: numbers for operators (PROTOCOL.md section 6, T17).

use std::{collections::BTreeMap, time::Instant};

use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use crate::{
    app::{App, DEADLINE, until},
    clients::{
        http::Http,
        room::{EVERYWHERE, guest_at},
        scrape::samples,
        sse::Sse,
        ws::Ws,
    },
    engines::redis::Redis,
    sse_ends::expect_to_wait,
};

/// What is scraped; it names nobody.
async fn scrape(app: &App) -> BTreeMap<String, f64> {
    let answer = scraper(app).get("/metrics").await;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(
        (answer.header("Content-Type"), answer.header("Cache-Control")),
        (Some(kind), Some("no-store"))
    );
    for name in ["alice", "bob", "chat"] {
        assert!(!answer.text().contains(name), "{name} in {}", answer.text());
    }
    samples(&answer)
}

fn scraper(app: &App) -> Http {
    app.http(&app.token("prometheus", "admin"))
}

#[actix_web::test]
async fn t17_the_numbers_are_those_of_now_and_of_what_has_happened_and_name_nobody() {
    let app = App::start();
    let mut alice = guest_at(&app, "alice", "?rooms=chat").await;
    alice.expect("ok").await;
    let sse = Sse::connect(app.address, "", &app.token("alice", EVERYWHERE)).await;
    let mut bob = app.ws("bob").await;
    let body = json!({"to": ["alice", "bob"], "type": "a.b", "payload": {}}).to_string();
    for _ in 0..2 {
        // The second one is the first one again.
        let http = app.http(&app.publisher());
        let request = http.request("POST", "/v1/notifications").insert_header(("Idempotency-Key", "k"));
        let request = request.insert_header(("Content-Type", "application/json"));
        assert_eq!(http.send(request, body.clone()).await.status, 201);
    }
    alice.ask(json!({"type": "message", "room": "chat", "data": 1})).await;
    bob.socket.close(None).await.unwrap();
    bob.expect_cut().await;
    let http = app.http(&app.token("root", "admin"));
    http.delete(&format!("/v1/admin/sessions/{}", alice.welcome["session"].as_str().unwrap())).await;
    alice.end().await;
    until("both are closed", || {
        let closed = app.logs().iter().filter(|line| line.contains("\"session closed\"")).count();
        (closed == 2).then_some(())
    })
    .await;
    drop(alice);

    let numbers = scrape(&app).await;
    for (name, value) in [
        ("tidings_sessions{transport=\"sse\"}", 1.0),
        ("tidings_sessions{transport=\"websocket\"}", 0.0),
        ("tidings_sessions{transport=\"poll\"}", 0.0),
        ("tidings_users", 1.0),
        ("tidings_rooms", 0.0),
        ("tidings_notifications_accepted_total", 2.0),
        ("tidings_room_messages_accepted_total", 1.0),
        ("tidings_sessions_closed_total{reason=\"revoked\"}", 1.0),
        ("tidings_sessions_closed_total{reason=\"client\"}", 1.0),
        ("tidings_bridge_state{state=\"off\"}", 1.0),
        ("tidings_bridge_state{state=\"live\"}", 0.0),
        ("tidings_bus_rejected_total", 0.0),
    ] {
        assert_eq!(numbers.get(name), Some(&value), "{name} in {numbers:?}");
    }
    // The event stream, and the one that asks.
    assert!(numbers["tidings_connections"] >= 2.0, "{numbers:?}");
    assert!(numbers["tidings_allocated_bytes"] > 100_000.0, "{numbers:?}");
    drop(sse);
}

/// X14.
#[actix_web::test]
async fn t6_the_bus_shows_how_it_is_and_what_was_not_believed() {
    let mut redis = Redis::start().await;
    let url = format!("redis+unix://{}", redis.socket().display());
    let app = App::start_with(&[("bridge.url", &url)]);
    app.logged(|record| record["message"] == "the bus is live").await;
    assert_eq!(scrape(&app).await["tidings_bridge_state{state=\"live\"}"], 1.0);
    for garbage in ["", "1", "1 - {}", r#"1 - {"told":{"node":"aaaaaaaa","to":null,"kind":"rm","body":""}}"#]
    {
        redis.run::<i64>(&["PUBLISH", "tidings:nodes", garbage]);
    }
    let deadline = Instant::now() + DEADLINE;
    while scrape(&app).await["tidings_bus_rejected_total"] < 4.0 {
        assert!(Instant::now() < deadline);
    }
    redis.kill();
    app.logged(|record| record["message"].to_string().contains("the bus is away")).await;
    assert_eq!(scrape(&app).await["tidings_bridge_state{state=\"backoff\"}"], 1.0);
}

#[actix_web::test]
async fn what_a_limit_on_sessions_turns_away_is_counted_under_its_name() {
    let app = App::start_with(&[("limits.sessions", "3"), ("limits.sessions_per_user", "1")]);
    let mut first = app.ws("alice").await;
    let mut here = vec![app.ws("alice").await];
    assert_eq!(first.end().await, Some(4504));
    let wait = Sse::connect(app.address, "", &app.token("bob", "")).await;
    let authorization = format!("Bearer {}", app.token("bob", ""));
    let mut told = Sse::open(app.address, "", &[("Authorization", &authorization)]).await;
    expect_to_wait(&mut told).await;
    for n in 0.. {
        assert!(n < 3, "the node is never full");
        let token = format!("Bearer {}", app.token(&format!("user{n}"), ""));
        match Ws::open(app.address, "", &[("authorization", &token)]).await {
            Ok(ws) => here.push(ws),
            Err(Error::Http(refused)) => {
                assert_eq!(refused.status().as_u16(), 503);
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    let numbers = scrape(&app).await;
    assert_eq!(numbers["tidings_limits_exceeded_total{limit=\"sessions_per_user\"}"], 2.0, "{numbers:?}");
    assert_eq!(numbers["tidings_limits_exceeded_total{limit=\"sessions\"}"], 1.0, "{numbers:?}");
    drop((here, wait));
}

#[actix_web::test]
async fn t17_only_who_may_administrate_is_shown_the_numbers() {
    let app = App::start();
    app.anonymous().get("/metrics").await.problem(401, "invalid_token");
    app.http(&app.token("alice", "notify join:*")).get("/metrics").await.problem(403, "insufficient_scope");
}
