//! How much a room, a session and the node take, and what is said beyond it (guarantees: Limits, B29, B38).

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{
        http::{Answer, Http},
        room::{
            EVERYWHERE, done, guest, join, keys, leave, member, message, next_data, offset, refused, say,
        },
    },
    welcome::moved,
};

const FAST: [(&str, &str); 2] =
    [("session.messages_per_second", "100000"), ("session.messages_burst", "100000")];
const PATH: &str = "/v1/rooms/chat/messages";

fn publisher(app: &App) -> Http {
    app.http(&app.token("publisher", EVERYWHERE))
}

async fn post(http: &Http, data: Value) -> Answer {
    http.post(PATH, &json!({ "data": data })).await
}

fn message_command(room: &str, data: Value) -> Value {
    json!({ "type": "message", "room": room, "data": data })
}

/// Within seconds the room takes a message again; not all who were refused come at the same time (T18).
fn expect_later(answer: &Answer) {
    answer.problem(429, "rate_limited");
    let seconds: u64 = answer.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=5).contains(&seconds), "{seconds}");
}

#[actix_web::test]
async fn b29_a_session_may_be_in_a_hundred_rooms() {
    let mut app = App::start_with(&FAST);
    let mut alice = guest(&app, "alice").await;
    for n in 0..100 {
        join(&mut alice, &format!("room{n}")).await;
    }
    let error = alice.ask(json!({ "type": "join", "room": "room100" })).await;
    assert_eq!(
        (&error["code"], &error["room"], &error["retryable"]),
        (&json!("room_limit"), &json!("room100"), &json!(false))
    );
    // One that is joined is no new one, and one that is left makes room.
    join(&mut alice, "room7").await;
    leave(&mut alice, "room7").await;
    join(&mut alice, "room100").await;
    assert_eq!(refused(&mut alice, json!({ "type": "join", "room": "room7" })).await, "room_limit");
    // To publish takes no place.
    say(&mut alice, "room7", json!(1)).await;
    // Another session of the user has places of its own.
    join(&mut guest(&app, "alice").await, "room7").await;
    app.expect_healthy().await;
}

#[actix_web::test]
async fn the_rooms_of_a_session_can_be_limited() {
    let app = App::start_with(&[("session.rooms", "1")]);
    let mut alice = guest(&app, "alice").await;
    assert_eq!(alice.welcome["limits"]["rooms"], 1);
    join(&mut alice, "a").await;
    assert_eq!(refused(&mut alice, json!({ "type": "join", "room": "b" })).await, "room_limit");
}

/// Ten of these would end the session if they counted as errors.
#[actix_web::test]
async fn beyond_the_rate_of_a_room_a_message_is_refused_and_no_number_is_used() {
    let limits = [("limits.room_messages_per_second", "1"), ("limits.room_messages_burst", "3")];
    let app = App::start_with(&limits);
    let mut alice = guest(&app, "alice").await;
    let mut bob = member(&app, "bob", &["chat"]).await;
    let nonce = json!({ "type": "message", "room": "chat", "data": 0, "nonce": "n" });
    let mut top = done(&mut alice, nonce.clone()).await["position"].clone();
    let mut refusals = 0;
    let mut said = 1;
    while refusals < 12 {
        let answer = alice.ask(message_command("chat", json!("x"))).await;
        if answer["type"] == "ok" {
            assert_eq!(answer["position"], moved(top.as_str().unwrap(), 1));
            top = answer["position"].clone();
            said += 1;
            continue;
        }
        refusals += 1;
        assert_eq!(
            keys(&answer),
            ["code", "command", "message", "ref", "retry_after_ms", "retryable", "room", "type"]
        );
        assert_eq!(
            (&answer["code"], &answer["room"], &answer["retryable"]),
            (&json!("rate_limited"), &json!("chat"), &json!(true))
        );
        assert!(answer["retry_after_ms"].as_u64().is_some_and(|wait| (1..=1000).contains(&wait)), "{answer}");
    }
    // It is the room's rate: whoever publishes, by whatever way. A repetition publishes nothing.
    assert_eq!(offset(&done(&mut alice, nonce).await["position"]), 1);
    let answer = post(&publisher(&app), json!("x")).await;
    if answer.status != 201 {
        expect_later(&answer);
    } else {
        said += 1;
    }
    say(&mut alice, "other", json!(1)).await;
    for n in 1..=said {
        assert_eq!(offset(&message(&mut bob).await["position"]), n);
    }
}

#[actix_web::test]
async fn a_message_that_was_refused_may_be_published_when_the_answer_says() {
    let limits = [("limits.room_messages_per_second", "2"), ("limits.room_messages_burst", "1")];
    let app = App::start_with(&limits);
    let mut alice = member(&app, "alice", &["chat"]).await;
    let mut answer = done(&mut alice, message_command("chat", json!(1))).await;
    while answer["type"] == "ok" {
        answer = alice.ask(message_command("chat", json!(1))).await;
    }
    tokio::time::sleep(Duration::from_millis(answer["retry_after_ms"].as_u64().unwrap())).await;
    say(&mut alice, "chat", json!(2)).await;
}

#[actix_web::test]
async fn over_http_beyond_the_rate_is_429_with_retry_after() {
    let limits = [("limits.room_messages_per_second", "1"), ("limits.room_messages_burst", "2")];
    let app = App::start_with(&limits);
    let http = publisher(&app);
    let mut answers = Vec::new();
    while answers.last().is_none_or(|answer: &Answer| answer.status == 201) {
        answers.push(post(&http, json!(answers.len())).await);
    }
    let refused = answers.pop().unwrap();
    expect_later(&refused);
    assert!(answers.len() >= 2);
    let held = http.get(PATH).await.json();
    assert_eq!(held["messages"].as_array().unwrap().len(), answers.len());
}

#[actix_web::test]
async fn beyond_the_rooms_of_the_node_a_join_is_unavailable_until_one_is_empty() {
    let app = App::start_with(&[("limits.rooms", "2")]);
    let mut alice = member(&app, "alice", &["a", "b"]).await;
    let mut bob = guest(&app, "bob").await;
    let error = bob.ask(json!({ "type": "join", "room": "c" })).await;
    assert_eq!(
        (&error["code"], &error["room"], &error["retryable"]),
        (&json!("unavailable"), &json!("c"), &json!(true))
    );
    for _ in 0..12 {
        assert_eq!(refused(&mut bob, json!({ "type": "join", "room": "c" })).await, "unavailable");
    }
    // Rooms that have members take more, and a room without any may be published to.
    join(&mut bob, "a").await;
    say(&mut bob, "c", json!(1)).await;
    leave(&mut alice, "b").await;
    // The hub hears of the leave before it is asked on the same way.
    join(&mut alice, "c").await;
    say(&mut bob, "c", json!(2)).await;
    assert_eq!(next_data(&mut alice, 1).await, [2]);
    assert_eq!(refused(&mut bob, json!({ "type": "join", "room": "b" })).await, "unavailable");
}

#[actix_web::test]
async fn data_over_its_limit_is_too_large() {
    let app = App::start();
    let (mut alice, http) = (member(&app, "alice", &["chat"]).await, publisher(&app));
    // With its quotes exactly the limit, and then one more.
    let data = "x".repeat(32 * 1024 - 2);
    alice.send(message_command("chat", json!(data))).await;
    assert_eq!(message(&mut alice).await["data"], data);
    assert_eq!(post(&http, json!(data)).await.status, 201);
    assert_eq!(message(&mut alice).await["data"], data);
    let larger = json!(format!("{data}x"));
    let error = alice.ask(message_command("chat", larger.clone())).await;
    assert_eq!(
        (&error["code"], &error["room"], &error["retryable"]),
        (&json!("too_large"), &json!("chat"), &json!(false))
    );
    post(&http, larger).await.problem(413, "too_large");
    // Spaces count as they were written, and of a message all of it.
    let spaces = format!(r#"{{"data":[{}]}}"#, " ".repeat(32 * 1024));
    http.post_text(PATH, spaces).await.problem(413, "too_large");
    say(&mut alice, "chat", json!("end")).await;
    assert_eq!(offset(&http.get(PATH).await.json()["position"]), 3);
}

#[actix_web::test]
async fn the_limit_of_data_can_be_set() {
    let app = App::start_with(&[("session.data_bytes", "16")]);
    let (mut alice, http) = (guest(&app, "alice").await, publisher(&app));
    let data = json!("x".repeat(14));
    say(&mut alice, "chat", data.clone()).await;
    assert_eq!(post(&http, data).await.status, 201);
    let larger = json!("x".repeat(15));
    assert_eq!(refused(&mut alice, message_command("chat", larger.clone())).await, "too_large");
    post(&http, larger).await.problem(413, "too_large");
}

/// B38, B43: what is no message over HTTP.
#[actix_web::test]
async fn b38_b43_a_body_that_is_no_message_says_why_and_publishes_nothing() {
    let mut app = App::start();
    let http = publisher(&app);
    for bad in [
        &b""[..],
        b"{",
        b"[]",
        b"5",
        b"null",
        b"{} {}",
        b"{\"data\":\"\xff\"}",
        br#"{"data":1,"data":2}"#,
        br#"{"data":1e400}"#,
    ] {
        http.post_text(PATH, bad).await.problem(400, "bad_message");
    }
    let nested = |depth: usize| format!(r#"{{"data":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    http.post_text(PATH, nested(200)).await.problem(400, "bad_message");
    http.post_text(PATH, " ".repeat(257 * 1024)).await.problem(413, "too_large");
    http.send(http.request("POST", PATH), r#"{"data":1}"#).await.problem(415, "bad_message");
    for (body, pointers) in [
        (json!({}), vec!["/data"]),
        (json!({ "data": 1, "room": "chat" }), vec!["/room"]),
        (json!({ "data": 1, "from": "bob" }), vec!["/from"]),
        (json!({ "data": 1, "event": "message" }), vec!["/event"]),
        (json!({ "data": 1, "event": "a.b" }), vec!["/event"]),
        (json!({ "data": 1, "nonce": "x".repeat(65) }), vec!["/nonce"]),
        (json!({ "event": 5, "nonce": 5, "type": "message" }), vec!["/data", "/event", "/nonce", "/type"]),
    ] {
        assert_eq!(http.post(PATH, &body).await.faults(), pointers, "{body}");
    }
    assert_eq!(http.get(PATH).await.json()["position"], "00000000.0");
    app.expect_healthy().await;
}

/// B43 over a socket.
#[actix_web::test]
async fn b43_data_that_would_harm_its_readers_is_a_bad_message() {
    let mut app = App::start();
    let mut alice = guest(&app, "alice").await;
    for data in [
        format!("{}{}", "[".repeat(200), "]".repeat(200)),
        "1e400".to_owned(),
        r#"{"a":1,"a":2}"#.to_owned(),
        r#""\ud800""#.to_owned(),
    ] {
        alice.send_text(&format!(r#"{{"type":"message","room":"chat","data":{data}}}"#)).await;
        assert_eq!(alice.next().await["code"], "bad_message", "{data}");
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_message_over_http_is_heard_like_any_other_and_its_nonce_counts_the_same() {
    let app = App::start();
    let mut bob = member(&app, "bob", &["chat"]).await;
    let http = publisher(&app);
    let body = json!({ "data": { "text": "hi" }, "event": "update", "nonce": "n1" });
    let answer = http.post(PATH, &body).await;
    assert_eq!((answer.status, answer.header("Cache-Control")), (201, Some("no-store")));
    let position = answer.json();
    assert_eq!((keys(&position), offset(&position["position"])), (vec!["position"], 1));
    let event = message(&mut bob).await;
    assert_eq!((&event["from"], &event["position"]), (&json!("publisher"), &position["position"]));
    assert_eq!(
        (&event["data"], &event["event"], &event["nonce"]),
        (&body["data"], &body["event"], &body["nonce"])
    );

    let again = http.post(PATH, &body).await;
    assert_eq!((again.status, again.json()), (201, position.clone()));
    let mut over_ws = guest(&app, "publisher").await;
    let command = json!({ "type": "message", "room": "chat", "data": "other", "nonce": "n1" });
    assert_eq!(done(&mut over_ws, command).await["position"], position["position"]);
    assert_eq!(post(&http, json!("end")).await.status, 201);
    assert_eq!(next_data(&mut bob, 1).await, ["end"]);
}

/// Commands of rooms count towards the rate of the session, but for `typing`.
#[actix_web::test]
async fn messages_count_towards_the_rate_of_their_session() {
    let app = App::start_with(&[("session.messages_per_second", "1"), ("session.messages_burst", "2")]);
    let mut alice = guest(&app, "alice").await;
    join(&mut alice, "chat").await;
    let mut answer = done(&mut alice, message_command("chat", json!(1))).await;
    while answer["type"] == "ok" {
        alice.send(json!({ "type": "typing", "room": "chat" })).await;
        answer = alice.ask(message_command("chat", json!(2))).await;
    }
    // The room's own limit is a hundred times as high.
    assert_eq!((&answer["code"], &answer["room"]), (&json!("rate_limited"), &json!("chat")), "{answer}");
}
