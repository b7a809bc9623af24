//! Threats that no other file is about: forged tokens, SQL in text, what an error tells, and who comes again when.

use std::{collections::BTreeSet, net::TcpListener};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto::sign};
use serde_json::{Value, json};

use crate::{
    app::{App, SECRET},
    clients::{http::Answer, raw::Raw, ws::Ws},
};

/// A token with this header, signed with this secret whatever the header says.
fn forged(header: &Value, secret: &str) -> String {
    let exp = jiff::Timestamp::now().as_second() + 600;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(&json!({"sub": "alice", "exp": exp, "scope": "admin"})));
    let key = EncodingKey::from_secret(secret.as_bytes());
    format!("{text}.{}", sign(text.as_bytes(), &key, Algorithm::HS256).unwrap())
}

/// What a refusal says, without its name.
fn said(answer: &Answer) -> (u16, Option<String>, Vec<String>, Value) {
    let mut body = answer.json();
    body["request_id"].take();
    body["trace_id"].take();
    let names: BTreeSet<String> = answer.headers.keys().map(ToString::to_string).collect();
    (answer.status, answer.header("WWW-Authenticate").map(str::to_owned), names.into_iter().collect(), body)
}

#[actix_web::test]
async fn t2_a_key_that_a_token_brings_or_points_to_is_not_used_and_a_strange_kid_not_looked_up() {
    let mut app = App::start();
    let own = "a key of the attacker, of 32 bytes and more";
    let watch = TcpListener::bind("127.0.0.1:0").unwrap();
    watch.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys", watch.local_addr().unwrap());
    let mut headers = vec![
        json!({"alg": "HS256", "jwk": {"kty": "oct", "k": URL_SAFE_NO_PAD.encode(own)}}),
        json!({"alg": "HS256", "jku": url}),
        json!({"alg": "HS256", "x5u": url}),
        json!({"alg": "RS256"}),
        json!({"alg": "none"}),
        json!({"alg": ["HS256"]}),
    ];
    let long = "x".repeat(65);
    for kid in ["../../../dev/null", "/dev/null", "x' UNION SELECT 'key' --", "", &long] {
        headers.push(json!({"alg": "HS256", "kid": kid}));
    }
    let expected = said(&app.anonymous().get("/v1/me").await);
    assert_eq!((expected.0, &expected.3["code"]), (401, &json!("invalid_token")));
    for header in &headers {
        // An empty key is what a file without content would be.
        for secret in [own, "", "key"] {
            let answer = app.http(&forged(header, secret)).get("/v1/me").await;
            assert_eq!(said(&answer), expected, "{header}");
        }
    }
    assert!(watch.accept().is_err(), "the server asks nobody for a key");
    assert_eq!(app.http(&forged(&json!({"alg": "HS256"}), SECRET)).get("/v1/me").await.status, 200);

    let mut ws = Ws::open(app.address, "", &[]).await.unwrap();
    ws.send(json!({"type": "auth", "token": forged(&headers[0], own)})).await;
    assert_eq!(ws.end().await, Some(4500));
    app.expect_healthy().await;
}

#[actix_web::test]
async fn t8_sql_is_kept_as_the_text_that_it_is() {
    let mut app = App::start();
    let publisher = app.http(&app.publisher());
    app.publish("bob", 1).await;
    let sql = "x'); DELETE FROM notifications; --\" OR 1=1 /* \\ ; $1 ?1";
    let body = json!({
        "to": "alice", "type": "a.b", "payload": {"text": sql, sql: sql}, "key": sql, "push": {"title": sql},
    });
    let request = publisher.request("POST", "/v1/notifications").insert_header(("Idempotency-Key", sql));
    let request = request.insert_header(("Content-Type", "application/json"));
    let sent = publisher.send(request, body.to_string()).await;
    assert_eq!(sent.status, 201, "{}", sent.text());
    let alice = app.user("alice");
    let id = sent.json()["notifications"][0]["id"].as_str().unwrap().to_owned();
    let kept = alice.get(&format!("/v1/notifications/{id}")).await.json();
    assert_eq!((&kept["payload"], &kept["key"]), (&body["payload"], &body["key"]));
    let marked =
        alice.post("/v1/notifications/mark", &json!({"as": "read", "ids": [sql, "' OR '1'='1"]})).await;
    assert_eq!(marked.json()["unread"], 1);
    for query in ["before=x'--", "type=a.b'%20OR%20'1'='1", "state=all'--", "limit=1;--"] {
        let answer = alice.get(&format!("/v1/notifications?{query}")).await;
        assert!([400, 422].contains(&answer.status), "{query}: {}", answer.text());
    }
    alice.get("/v1/notifications/ntf_1'%20OR%20'1'='1").await.problem(404, "not_found");
    let wildcard = alice.send(alice.request("PUT", "/v1/mutes/%25"), "").await;
    wildcard.problem(422, "validation");
    assert_eq!(
        (app.unread("alice").await["unread"].clone(), app.unread("bob").await["unread"].clone()),
        (json!(1), json!(1))
    );
    app.expect_healthy().await;
}

/// Many ways to be refused, one for each part of the server.
async fn refusals(app: &App) -> Vec<Answer> {
    let (anonymous, alice) = (app.anonymous(), app.http(&app.token("alice", "join:a")));
    let (publisher, root) = (app.http(&app.publisher()), app.http(&app.token("root", "admin")));
    let mut answers = Vec::new();
    for path in [
        "/nowhere",
        "/v1/me",
        "/v1/ws",
        "/v1/ws?since=x",
        "/v1/sse",
        "/v1/poll",
        "/metrics",
        "/v1/me?ticket=x",
        "/v1/me?token=a.b.c",
    ] {
        answers.push(anonymous.get(path).await);
    }
    for path in [
        "/v1/notifications?limit=x",
        "/v1/notifications?before=x",
        "/v1/notifications?type=X",
        "/v1/notifications?nothing=1",
        "/v1/notifications?state=%ff",
        "/v1/notifications/%00",
        "/v1/notifications/unread?wait=x",
        "/v1/rooms/_a/messages",
        "/v1/rooms/b/messages",
        "/v1/rooms/a/messages?since=x",
        "/v1/rooms/a/presence?x=y",
        "/v1/sse?rooms=b",
        "/v1/sse?since=x",
        "/v1/poll?wait=x",
        "/v1/poll?rooms=_",
        "/v1/ws/a",
        "/v1/admin/stats",
        "/v1/admin/sessions?user=%27",
    ] {
        answers.push(alice.get(path).await);
    }
    for body in
        ["", "{", "[]", "{\"to\":1}", "{\"to\":\"a\",\"to\":\"b\"}", "{\"a\":1e999}", "{\"a\":\"\\ud800\"}"]
    {
        answers.push(publisher.post_text("/v1/notifications", body).await);
        answers.push(alice.post_text("/v1/notifications/mark", body).await);
        answers.push(alice.post_text("/v1/notifications/ack", body).await);
        answers.push(root.post_text("/v1/admin/revocations", body).await);
        let put = alice.request("PUT", "/v1/preferences").insert_header(("Content-Type", "application/json"));
        answers.push(alice.send(put, body).await);
    }
    for path in [
        "/v1/admin/unread?users=a,a",
        "/v1/admin/sessions?limit=0",
        "/v1/admin/notifications/x",
        "/v1/admin/rooms?prefix=%00",
    ] {
        answers.push(root.get(path).await);
    }
    answers.push(root.delete("/v1/admin/sessions/x").await);
    answers.push(root.delete("/v1/admin/users/%27").await);
    answers.push(anonymous.send(anonymous.request("PATCH", "/v1/me"), "").await);
    answers
}

#[actix_web::test]
async fn t16_no_error_tells_of_sql_paths_types_or_addresses() {
    let mut app = App::start();
    let folder = app.database().parent().unwrap().display().to_string();
    let inside = [
        "select ",
        "insert ",
        "sqlite",
        "diesel",
        "database is",
        "actix",
        "tokio",
        "serde",
        "::",
        ".rs",
        "panick",
        "127.0.0.1",
        "/home",
        "/tmp",
        "/usr",
        "os error",
        "errno",
        "struct ",
        "enum ",
        "option<",
    ];
    for answer in refusals(&app).await {
        let text = answer.text();
        let is_refused = answer.status >= 400 && answer.status != 500;
        assert!(
            is_refused || answer.json()["sessions"].is_array() || answer.json()["rooms"].is_array(),
            "{text}"
        );
        let members = answer.json();
        if is_refused {
            answer.problem(answer.status, members["code"].as_str().unwrap());
        }
        let words = text.to_ascii_lowercase();
        for word in inside.iter().copied().chain([folder.as_str()]) {
            assert!(!words.contains(word), "{word:?} is in {text}");
        }
        for name in ["server", "x-powered-by"] {
            assert!(answer.header(name).is_none(), "{name}");
        }
    }
    app.expect_healthy().await;
}

/// When a refusal says to come again, in seconds.
fn retry_after(head: &str) -> u64 {
    let line =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("retry-after: ").map(str::to_owned));
    line.unwrap_or_else(|| panic!("no Retry-After in {head}")).trim().parse().unwrap()
}

async fn head(app: &App, path: &str, headers: &str) -> String {
    let mut raw = Raw::connect(app.address).await;
    let token = app.token("alice", "publish:* join:*");
    raw.write(format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n{headers}\r\n"))
        .await;
    raw.read_head().await
}

const HANDSHAKE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Asks twenty times, and answers with the times that were told.
async fn times_told(app: &App, path: &str, headers: &str, status: u16) -> BTreeSet<u64> {
    let mut times = BTreeSet::new();
    for _ in 0..20 {
        let head = head(app, path, headers).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {head}");
        times.insert(retry_after(&head));
    }
    times
}

#[actix_web::test]
async fn t18_whoever_is_refused_for_now_is_told_when_to_come_and_not_all_the_same() {
    let app = App::start_with(&[
        ("limits.sessions", "1"),
        ("limits.tickets", "1"),
        ("limits.room_messages_per_second", "1"),
        ("limits.room_messages_burst", "1"),
        ("shutdown.drain", "20s"),
    ]);
    let _only = app.ws("bob").await;
    let mut told =
        vec![times_told(&app, "/v1/ws", HANDSHAKE, 503).await, times_told(&app, "/v1/poll", "", 503).await];
    // A ticket that nobody uses is in the way for 30 s.
    for (path, body, most) in [("/v1/tickets", "", 35), ("/v1/rooms/a/messages", r#"{"data":1}"#, 5)] {
        let mut times = BTreeSet::new();
        let alice = app.http(&app.token("alice", "publish:*"));
        while times.len() < 2 {
            let answer = alice.post_text(path, body).await;
            if answer.status != 201 {
                answer.problem(429, "rate_limited");
                let seconds: u64 = answer.header("Retry-After").unwrap().parse().unwrap();
                assert!((1..=most).contains(&seconds), "{path}: {seconds}");
                times.insert(seconds);
            }
        }
    }
    app.signal("-TERM");
    app.logged(|line| line["message"] == "stopping").await;
    told.push(times_told(&app, "/ready", "", 503).await);
    told.push(times_told(&app, "/v1/ws", HANDSHAKE, 503).await);
    for times in told {
        assert!(times.len() > 1 && times.iter().all(|seconds| (1..=5).contains(seconds)), "{times:?}");
    }
}
