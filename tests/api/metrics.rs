//! `GET /metrics`: numbers for operators (PROTOCOL.md section 6, T17).

use std::{collections::BTreeMap, time::Instant};

use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use crate::{
    app::{App, DEADLINE, until},
    clients::{
        http::Http,
        narrow::connect,
        room::{EVERYWHERE, guest_at, member, say},
        scrape::samples,
        sse::Sse,
        ws::Ws,
    },
    engines::redis::Redis,
    room_slow_readers::{open_with, speak},
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

/// Scrapes until this holds, within the deadline.
async fn until_scraped(app: &App, holds: impl Fn(&BTreeMap<String, f64>) -> bool) -> BTreeMap<String, f64> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let numbers = scrape(app).await;
        if holds(&numbers) {
            return numbers;
        }
        assert!(Instant::now() < deadline, "{numbers:?}");
    }
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

    // The log tells it a moment before the hub knows it.
    let numbers = until_scraped(&app, |numbers| numbers["tidings_users"] == 1.0).await;
    for (name, value) in [
        ("tidings_sessions{transport=\"sse\"}", 1.0),
        ("tidings_sessions{transport=\"websocket\"}", 0.0),
        ("tidings_sessions{transport=\"poll\"}", 0.0),
        ("tidings_users", 1.0),
        ("tidings_rooms", 0.0),
        ("tidings_notifications_accepted_total", 2.0),
        ("tidings_room_messages_accepted_total", 1.0),
        ("tidings_sessions_closed_total{transport=\"websocket\",reason=\"revoked\"}", 1.0),
        ("tidings_sessions_closed_total{transport=\"websocket\",reason=\"client\"}", 1.0),
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
    until_scraped(&app, |numbers| numbers["tidings_bus_rejected_total"] >= 4.0).await;
    let mut alice = member(&app, "alice", &["chat"]).await;
    say(&mut alice, "chat", json!(1)).await;
    redis.kill();
    app.logged(|record| record["message"].to_string().contains("the bus is away")).await;
    let numbers = scrape(&app).await;
    assert_eq!(numbers["tidings_bridge_state{state=\"backoff\"}"], 1.0);
    assert_eq!(numbers["tidings_bridge_losses_total"], 1.0);
    for count in ["tidings_bridge_round_trip_seconds_count", "tidings_bus_heard_total"] {
        assert!(numbers[count] > 0.0, "{count}");
    }
}

#[actix_web::test]
async fn orders_that_wait_for_a_bus_that_stands_still_are_shown_until_they_are_refused() {
    const WAITING: &str = "tidings_bridge_orders_waiting";
    let redis = Redis::start().await;
    let url = format!("redis+unix://{}", redis.socket().display());
    let app = App::start_with(&[("bridge.url", &url), ("bridge.timeout", "2s")]);
    app.logged(|record| record["message"] == "the bus is live").await;
    let mut alice = member(&app, "alice", &["chat"]).await;
    assert_eq!(scrape(&app).await[WAITING], 0.0);
    redis.signal("-STOP");
    let deadline = Instant::now() + DEADLINE;
    while scrape(&app).await[WAITING] == 0.0 {
        assert!(Instant::now() < deadline);
        alice.send(json!({"type": "message", "room": "chat", "data": 1})).await;
    }
    app.logged(|record| record["message"].to_string().contains("the bus is away")).await;
    until_scraped(&app, |numbers| numbers[WAITING] == 0.0).await;
    redis.signal("-CONT");
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
async fn what_a_rate_turns_away_is_counted_under_its_name() {
    let app = App::start_with(&[
        ("session.messages_per_second", "5"),
        ("session.messages_burst", "5"),
        ("limits.handshakes_per_second", "1"),
        ("limits.handshakes_burst", "2"),
        ("limits.requests_per_second", "1"),
        ("limits.requests_burst", "1"),
        ("limits.publishes_per_second", "1"),
        ("limits.room_messages_per_second", "1"),
        ("limits.room_messages_burst", "1"),
    ]);
    let mut alice = guest_at(&app, "alice", "").await;
    for n in 0..20 {
        alice.send(json!({"type": "message", "room": "chat", "data": n})).await;
    }
    let (user, publisher) = (app.user("alice"), app.http(&app.publisher()));
    let draft = json!({"to": "alice", "type": "a.b", "payload": {}});
    // Who publishes may ask as often as they like.
    let scraper = app.http(&app.token("prometheus", "admin notify"));
    let refused = async |limit: &str| {
        let numbers = samples(&scraper.get("/metrics").await);
        numbers[&format!("tidings_limits_exceeded_total{{limit=\"{limit}\"}}")] > 0.0
    };
    let deadline = Instant::now() + DEADLINE;
    for limit in ["messages", "room_messages", "requests", "publishes", "handshakes"] {
        while !refused(limit).await {
            assert!(Instant::now() < deadline, "{limit}");
            match limit {
                "requests" => drop(user.get("/v1/me").await),
                "publishes" => drop(publisher.post("/v1/notifications", &draft).await),
                // Of a stream nobody waits for more than its head.
                "handshakes" => drop(Sse::open(app.address, "", &[]).await),
                _ => {}
            }
        }
    }
}

/// A sample, and what it must be.
fn expect(numbers: &BTreeMap<String, f64>, expected: &[(&str, f64)]) {
    for (name, value) in expected {
        assert_eq!(numbers.get(*name), Some(value), "{name}");
    }
}

#[actix_web::test]
async fn what_is_sent_is_counted_by_transport_and_type_and_how_long_it_took() {
    let app = App::start();
    let mut alice = guest_at(&app, "alice", "?rooms=chat").await;
    alice.expect("ok").await;
    let mut stream = Sse::connect(app.address, "", &app.token("alice", "")).await;
    for n in 1..=3 {
        app.publish("alice", n).await;
        alice.expect("test.event").await;
        stream.expect("test.event").await;
    }
    alice.send(json!({"type": "message", "room": "chat", "data": "x".repeat(2000)})).await;
    alice.expect("message").await;
    alice.ask(json!({"type": "nonsense"})).await;
    // What is read again was not delivered now.
    let mut again = app.ws_at("alice", "?since=inbox@00000000.0").await;
    again.next_ns(3).await;
    let polled = app.http(&app.token("alice", "")).get("/v1/poll?since=inbox@00000000.0").await.json();
    assert_eq!(
        polled["events"].as_array().unwrap().iter().filter(|event| event.get("id").is_some()).count(),
        3
    );

    let numbers = scrape(&app).await;
    expect(
        &numbers,
        &[
            ("tidings_messages_sent_total{transport=\"websocket\",type=\"notification\"}", 6.0),
            ("tidings_messages_sent_total{transport=\"websocket\",type=\"message\"}", 1.0),
            ("tidings_messages_sent_total{transport=\"websocket\",type=\"welcome\"}", 2.0),
            ("tidings_messages_sent_total{transport=\"websocket\",type=\"error\"}", 1.0),
            ("tidings_messages_sent_total{transport=\"sse\",type=\"notification\"}", 3.0),
            ("tidings_messages_sent_total{transport=\"poll\",type=\"notification\"}", 3.0),
            ("tidings_delivery_latency_seconds_count{transport=\"websocket\",stream=\"inbox\"}", 3.0),
            ("tidings_delivery_latency_seconds_count{transport=\"websocket\",stream=\"room\"}", 1.0),
            ("tidings_delivery_latency_seconds_count{transport=\"sse\",stream=\"inbox\"}", 3.0),
            ("tidings_delivery_latency_seconds_count{transport=\"poll\",stream=\"inbox\"}", 0.0),
            ("tidings_messages_received_total{transport=\"websocket\",type=\"message\"}", 1.0),
            ("tidings_messages_received_total{transport=\"websocket\",type=\"unknown\"}", 1.0),
            ("tidings_message_size_bytes_count{direction=\"in\"}", 2.0),
        ],
    );
    // And what begins an inbox is read, for each who is there.
    assert!(numbers["tidings_replay_events_sum{stream=\"inbox\"}"] >= 6.0);
    let sent =
        |le: &str| numbers[&format!("tidings_message_size_bytes_bucket{{le=\"{le}\",direction=\"out\"}}")];
    assert_eq!(sent("4096.0") - sent("1024.0"), 1.0);
    // S0-5, S0-6: whether most are told within these times can be read off.
    for (transport, bound) in [("websocket", "0.05"), ("sse", "0.1")] {
        let name = format!(
            "tidings_delivery_latency_seconds_bucket{{le=\"{bound}\",transport=\"{transport}\",stream=\"inbox\"}}"
        );
        assert!(numbers.contains_key(&name), "{name}");
    }
}

#[actix_web::test]
async fn sessions_are_counted_with_how_long_they_last_and_how_they_come_back() {
    let app = App::start();
    let position = app.publish("alice", 1).await;
    for since in [String::new(), format!("?since=inbox@{position}"), "?since=inbox@aaaaaaaa.7".to_owned()] {
        let mut ws = app.ws_at("alice", &since).await;
        ws.socket.close(None).await.unwrap();
        ws.expect_cut().await;
    }
    let stream = Sse::connect(app.address, "?rooms=chat", &app.token("alice", EVERYWHERE)).await;
    app.user("alice").get(&format!("/v1/poll?since=inbox@{position}&wait=0")).await;
    until("all are closed", || {
        let closed = app.logs().iter().filter(|line| line.contains("\"session closed\"")).count();
        (closed == 3).then_some(())
    })
    .await;
    expect(
        &scrape(&app).await,
        &[
            ("tidings_sessions_opened_total{transport=\"websocket\"}", 3.0),
            ("tidings_sessions_opened_total{transport=\"sse\"}", 1.0),
            ("tidings_sessions_opened_total{transport=\"poll\"}", 1.0),
            ("tidings_session_duration_seconds_count{transport=\"websocket\"}", 3.0),
            ("tidings_session_duration_seconds_count{transport=\"sse\"}", 0.0),
            ("tidings_resumes_total{transport=\"websocket\",stream=\"inbox\",result=\"fresh\"}", 1.0),
            ("tidings_resumes_total{transport=\"websocket\",stream=\"inbox\",result=\"complete\"}", 1.0),
            ("tidings_resumes_total{transport=\"websocket\",stream=\"inbox\",result=\"gap\"}", 1.0),
            ("tidings_resumes_total{transport=\"sse\",stream=\"room\",result=\"fresh\"}", 1.0),
            ("tidings_resumes_total{transport=\"poll\",stream=\"inbox\",result=\"complete\"}", 1.0),
            ("tidings_gaps_total{stream=\"inbox\",reason=\"epoch\"}", 1.0),
        ],
    );
    drop(stream);
}

#[actix_web::test]
async fn what_a_slow_reader_loses_is_counted_and_told_to_the_log() {
    let app = open_with(("session.slow_timeout", "2s"));
    let reader = connect(&app, "bob", "?rooms=busy").await;
    let mut speaker = guest_at(&app, "alice", "?rooms=busy").await;
    speaker.expect("ok").await;
    speak(&mut speaker, 1, 600, 4000).await;
    let full = app.logged(|line| line["message"] == "outbox full").await;
    assert_eq!(full["session"], reader.welcome["session"]);
    assert!(full["waiting_bytes"].as_u64().unwrap() > 0, "{full}");
    assert_eq!(app.reason_of_close(&reader.welcome["session"]).await, "slow_consumer");
    let numbers = scrape(&app).await;
    expect(
        &numbers,
        &[("tidings_sessions_closed_total{transport=\"websocket\",reason=\"slow_consumer\"}", 1.0)],
    );
    for lost in [
        "tidings_messages_dropped_total{reason=\"outbox_full\"}",
        "tidings_messages_dropped_total{reason=\"cut_off\"}",
        "tidings_outbox_overflows_total",
    ] {
        assert!(numbers[lost] >= 1.0, "{lost}");
    }
}

#[actix_web::test]
async fn requests_are_counted_by_the_template_of_their_route_and_the_store_by_what_it_does() {
    let app = App::start();
    let (alice, anonymous) = (app.user("alice"), app.anonymous());
    app.publish("alice", 1).await;
    for id in ["ntf_01M80RGBFJAPQ3ZKRMXZC4KYHW", "ntf_01M80RGBFJAPQ3ZKRMXZC4KYHV"] {
        alice.get(&format!("/v1/notifications/{id}")).await.problem(404, "not_found");
    }
    alice.get("/v1/notifications").await;
    anonymous.get("/v1/me").await.problem(401, "invalid_token");
    anonymous.get("/no/address/of/ours").await.problem(404, "not_found");
    let made_up = anonymous.request("PROPFIND", "/v1/me");
    assert_eq!(anonymous.send(made_up, "").await.status, 405);
    let numbers = scrape(&app).await;
    expect(
        &numbers,
        &[
            ("tidings_http_requests_total{method=\"POST\",route=\"/v1/notifications\",status=\"2xx\"}", 1.0),
            ("tidings_http_requests_total{method=\"GET\",route=\"/v1/notifications\",status=\"2xx\"}", 1.0),
            (
                "tidings_http_requests_total{method=\"GET\",route=\"/v1/notifications/{id}\",status=\"4xx\"}",
                2.0,
            ),
            ("tidings_http_requests_total{method=\"GET\",route=\"none\",status=\"4xx\"}", 1.0),
            ("tidings_http_requests_total{method=\"other\",route=\"/v1/me\",status=\"4xx\"}", 1.0),
            ("tidings_http_request_duration_seconds_count{route=\"/v1/notifications/{id}\"}", 2.0),
            ("tidings_http_problems_total{code=\"invalid_token\"}", 1.0),
            ("tidings_http_problems_total{code=\"not_found\"}", 4.0),
            ("tidings_store_requests_total{operation=\"read\",result=\"refused\"}", 2.0),
            ("tidings_mailbox_messages{mailbox=\"store\"}", 0.0),
            ("tidings_store_readers_busy", 0.0),
            ("tidings_ready", 1.0),
            (concat!("tidings_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1.0),
        ],
    );
    for name in [
        "tidings_store_requests_total{operation=\"write\",result=\"ok\"}",
        "tidings_store_request_duration_seconds_count{operation=\"read\"}",
        "tidings_store_transaction_duration_seconds_count",
        "tidings_store_batch_writes_sum",
        "tidings_store_readers",
        "tidings_mailbox_limit_bytes{mailbox=\"workers\"}",
        "process_open_fds",
        "process_threads",
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
    ] {
        assert!(numbers[name] > 0.0, "{name}");
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((now - 60.0..=now).contains(&numbers["process_start_time_seconds"]));
    assert!(numbers["process_open_fds"] < numbers["process_max_fds"]);
}

#[actix_web::test]
async fn t17_only_who_may_administrate_is_shown_the_numbers() {
    let app = App::start();
    app.anonymous().get("/metrics").await.problem(401, "invalid_token");
    app.http(&app.token("alice", "notify join:*")).get("/metrics").await.problem(403, "insufficient_scope");
}
