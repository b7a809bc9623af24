//! A stream is taken over from the HTTP server behind the head of its answer: nothing is lost on the way, wherever on
//! a connection it begins.

use serde_json::Value;

use crate::{
    app::App,
    clients::raw::{Raw, field, frame},
};

/// More than the kernel takes for a client that does not read (64 KiB, which it doubles, and what the client takes).
const ANSWERS: usize = 63;

fn upgrade(app: &App, user: &str) -> String {
    let token = app.token(user, "join:chat");
    format!(
        "GET /v1/ws?rooms=chat HTTP/1.1\r\nHost: tidings\r\nAuthorization: Bearer {token}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// The next event that is of this type.
async fn event(raw: &mut Raw, name: &str) -> Value {
    loop {
        let (first, payload) = raw.read_frame().await;
        if first == 0x81 {
            let event: Value = serde_json::from_slice(&payload).unwrap();
            if event["type"] == name {
                return event;
            }
        }
    }
}

/// Many commands, with a name each.
fn commands(count: usize) -> Vec<u8> {
    let one = |n: usize| frame(0x81, format!(r#"{{"type":"ping","ref":"{n}"}}"#).as_bytes());
    (0..count).flat_map(one).collect()
}

#[actix_web::test]
async fn what_a_client_says_before_it_has_the_answer_is_heard_in_order() {
    let app = App::start_with(&[("session.messages_per_second", "100000")]);
    let mut raw = Raw::connect(app.address).await;
    // In one piece with the handshake, and more at once behind it.
    raw.write([upgrade(&app, "alice").as_bytes(), &commands(50)].concat()).await;
    raw.write(commands(50)).await;
    assert!(raw.read_head().await.starts_with("HTTP/1.1 101 "));
    event(&mut raw, "welcome").await;
    for n in (0..50).chain(0..50) {
        assert_eq!(event(&mut raw, "pong").await["ref"], n.to_string());
    }
}

#[actix_web::test]
async fn a_stream_follows_other_answers_on_its_connection_however_late_they_are_read() {
    let app = App::start();
    let token = app.token("alice", "join:chat");
    let document = "GET /openapi.json HTTP/1.1\r\nHost: tidings\r\n\r\n".repeat(ANSWERS);
    for request in [
        upgrade(&app, "alice"),
        format!("GET /v1/sse HTTP/1.1\r\nHost: tidings\r\nAuthorization: Bearer {token}\r\n\r\n"),
    ] {
        let mut raw = Raw::connect(app.address).await;
        raw.write([document.as_str(), &request].concat()).await;
        for _ in 0..ANSWERS {
            let head = raw.read_head().await;
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
            let body = raw.read_body(&head).await;
            assert!(serde_json::from_slice::<Value>(&body).is_ok());
        }
        let head = raw.read_head().await;
        if head.starts_with("HTTP/1.1 101 ") {
            raw.write(frame(0x81, br#"{"type":"ping","ref":"behind"}"#)).await;
            assert_eq!(event(&mut raw, "pong").await["ref"], "behind");
        } else {
            assert_eq!(field(&head, "Transfer-Encoding"), Some("chunked"), "{head}");
            let mut start = [0; 13];
            tokio::io::AsyncReadExt::read_exact(&mut raw.0, &mut start).await.unwrap();
            // A chunk, which begins with a comment.
            assert_eq!(&start[8..], b"\r\n:\n\n");
        }
    }
}

#[actix_web::test]
async fn a_session_takes_one_file() {
    let app = App::start();
    let files = || std::fs::read_dir(format!("/proc/{}/fd", app.pid())).unwrap().count();
    let mut sessions = vec![app.ws("alice").await];
    let before = files();
    for n in 0..20 {
        sessions.push(app.ws(&format!("user{n}")).await);
    }
    assert_eq!(files() - before, 20);
}
