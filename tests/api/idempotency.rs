//! `Idempotency-Key` (G3): a publish that is repeated happens once.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{
        http::{Answer, Http},
        raw::Raw,
    },
};

fn body(n: u64) -> Value {
    json!({"to": ["alice", "bob"], "type": "a.b", "payload": {"n": n}})
}

async fn post(http: &Http, key: &str, body: &Value) -> Answer {
    let request = http.request("POST", "/v1/notifications").insert_header(("Idempotency-Key", key));
    http.send(request.insert_header(("Content-Type", "application/json")), body.to_string()).await
}

fn is_replay(answer: &Answer) -> bool {
    answer.header("Idempotent-Replayed") == Some("true")
}

#[actix_web::test]
async fn t19_a_repeated_publish_is_answered_byte_for_byte_and_happens_once_even_across_kill_9() {
    let mut app = App::start();
    let token = app.publisher();
    let first = post(&app.http(&token), "k", &body(1)).await;
    assert_eq!((first.status, first.header("Idempotent-Replayed")), (201, None));
    let again = post(&app.http(&token), "k", &body(1)).await;
    assert!(again.status == 201 && again.body == first.body && is_replay(&again));
    app.kill();
    app.restart();
    let after = post(&app.http(&token), "k", &body(1)).await;
    assert!(after.status == 201 && after.body == first.body && is_replay(&after));
    for user in ["alice", "bob"] {
        assert_eq!(app.unread(user).await["unread"], 1);
    }
}

#[actix_web::test]
async fn b45_a_key_stands_for_one_body_and_one_path() {
    let mut app = App::start();
    let http = app.http(&app.publisher());
    assert_eq!(post(&http, "k", &body(1)).await.status, 201);
    post(&http, "k", &body(2)).await.problem(422, "conflict");
    let send = |user: &'static str, text: &'static str| {
        let request = http.request("POST", &format!("/v1/send/{user}"));
        http.send(request.insert_header(("Idempotency-Key", "text")), text)
    };
    assert_eq!(send("alice", "one").await.status, 201);
    assert!(is_replay(&send("alice", "one").await));
    send("bob", "one").await.problem(422, "conflict");
    send("alice", "two").await.problem(422, "conflict");
    assert_eq!(app.unread("alice").await["unread"], 2);
    assert_eq!(app.unread("bob").await["unread"], 1);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b45_a_key_is_one_printable_text_of_255_characters_at_most() {
    let mut app = App::start();
    let http = app.http(&app.publisher());
    for bad in ["", &"x".repeat(256), &"x".repeat(300), "a\tb", "schlüssel"] {
        post(&http, bad, &body(1)).await.problem(400, "bad_message");
    }
    let request = http.request("POST", "/v1/notifications").append_header(("Idempotency-Key", "a"));
    let twice = request.append_header(("Idempotency-Key", "b"));
    let twice = twice.insert_header(("Content-Type", "application/json"));
    http.send(twice, body(1).to_string()).await.problem(400, "bad_message");

    let text = body(1).to_string();
    let mut raw = Raw::connect(app.address).await;
    raw.write(format!(
        "POST /v1/notifications HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nIdempotency-Key: a\x01b\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
        app.address,
        app.publisher(),
        text.len()
    ))
    .await;
    let head = raw.read_head().await;
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    assert_eq!(app.unread("alice").await["version"], 0);

    assert_eq!(post(&http, &"x".repeat(255), &body(1)).await.status, 201);
    assert_eq!(post(&http, "a b!~", &body(2)).await.status, 201);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn twenty_at_once_with_one_key_publish_once_and_none_fails() {
    let app = App::start();
    let http = app.http(&app.publisher());
    let publish = body(1);
    let answers = join_all((0..20).map(|_| post(&http, "k", &publish))).await;
    let (created, waiting): (Vec<&Answer>, Vec<&Answer>) =
        answers.iter().partition(|answer| answer.status == 201);
    waiting.iter().for_each(|answer| drop(answer.problem(409, "conflict")));
    assert_eq!(created.iter().filter(|answer| !is_replay(answer)).count(), 1);
    assert!(created.iter().all(|answer| answer.body == created[0].body));
    assert_eq!(app.unread("alice").await["unread"], 1);
    assert!(is_replay(&post(&http, "k", &publish).await));
}

#[actix_web::test]
async fn a_key_is_its_publishers_own() {
    let app = App::start();
    let (shop, forum) = (app.http(&app.token("shop", "notify")), app.http(&app.token("forum", "notify")));
    let first = post(&shop, "k", &body(1)).await;
    let other = post(&forum, "k", &body(2)).await;
    assert_eq!((first.status, other.status), (201, 201));
    assert!(!is_replay(&other) && other.body != first.body);
    let again = post(&app.http(&app.token("shop", "notify:a.*")), "k", &body(1)).await;
    assert!(is_replay(&again) && again.body == first.body);
}

#[actix_web::test]
async fn a_refused_publish_leaves_its_key_free() {
    let app = App::start();
    let http = app.http(&app.publisher());
    let narrow = app.http(&app.token("backend", "notify:order.*"));
    assert_eq!(post(&http, "k", &json!({"to": "alice"})).await.faults(), ["/type", "/payload"]);
    post(&http, "k", &json!([])).await.problem(400, "bad_message");
    post(&http, "k", &json!({"x": "x".repeat(257 * 1024)})).await.problem(413, "too_large");
    post(&narrow, "k", &body(1)).await.problem(403, "insufficient_scope");
    let answer = post(&http, "k", &body(1)).await;
    assert!(answer.status == 201 && !is_replay(&answer));
}

#[actix_web::test]
async fn a_key_is_forgotten_after_its_time() {
    let app = App::start_with(&[("retention.idempotency", "1s")]);
    let http = app.http(&app.publisher());
    assert_eq!(post(&http, "k", &body(1)).await.status, 201);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let answer = post(&http, "k", &body(2)).await;
    assert!(answer.status == 201 && !is_replay(&answer));
    assert_eq!(app.unread("alice").await["unread"], 2);
}
