//! A stream is taken over from the HTTP server behind the head of its answer: nothing is lost on the way, wherever on
//! a connection it begins.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    time::timeout,
};

use crate::{
    app::{App, DEADLINE},
    clients::raw::{Raw, field, frame},
};

/// More than the kernel takes for a client that does not read.
const ANSWERS: usize = 63;

/// Of a notification.
const PAYLOAD_BYTES: usize = 1000;

/// Notifications that nobody reads, from fewer than the kernel takes for a client up to more than that and what the
/// server gathers for it.
const UNREAD: [usize; 10] = [60, 80, 90, 100, 110, 120, 130, 140, 160, 200];

/// Whoever is to have nothing more is let go within this: a second of patience and five for the last words.
const LET_GO: Duration = Duration::from_secs(20);

const MIB: usize = 1 << 20;

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
async fn much_that_a_client_says_before_it_has_the_answer_is_heard_to_its_end() {
    let app =
        App::start_with(&[("session.messages_per_second", "1000000"), ("session.messages_burst", "1000000")]);
    let (reader, mut writer) = Raw::connect(app.address).await.0.into_split();
    let mut said = upgrade(&app, "alice").into_bytes();
    // More than the server reads ahead.
    said.extend(commands(10_000));
    let writing = actix_web::rt::spawn(async move { writer.write_all(&said).await.map(|()| writer) });
    let mut events = tokio::io::BufReader::new(reader);
    let mut text = Vec::new();
    while !text.windows(12).any(|bytes| bytes == b"\"ref\":\"9999\"") {
        text.drain(..text.len().saturating_sub(64));
        let read = timeout(DEADLINE, events.read_buf(&mut text)).await.expect("it is heard to its end");
        assert_ne!(read.unwrap(), 0, "it stays");
    }
    drop(writing.await.unwrap().unwrap());
}

/// A client whose kernel takes in little ahead of it.
async fn narrow(app: &App) -> Raw {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    Raw(timeout(DEADLINE, socket.connect(app.address)).await.unwrap().unwrap())
}

/// Users who are told so many notifications each, and their names.
async fn users(app: &App) -> Vec<String> {
    let users: Vec<String> = UNREAD.iter().map(|count| format!("user{count}")).collect();
    let publisher = app.http(&app.publisher());
    for n in 0..200 {
        let to: Vec<&String> =
            users.iter().zip(UNREAD).filter(|(_, count)| n < *count).map(|(user, _)| user).collect();
        let draft =
            json!({ "to": to, "type": "test.event", "payload": { "text": "x".repeat(PAYLOAD_BYTES) } });
        assert_eq!(publisher.post("/v1/notifications", &draft).await.status, 201);
    }
    users
}

#[actix_web::test]
async fn who_says_goodbye_and_does_not_read_the_rest_is_let_go() {
    // One whose goodbye is behind what it does not read is not heard, and misses its pong.
    let app = App::start_with(&[("session.ping_interval", "1s"), ("session.pong_timeout", "1s")]);
    let before = app.idle_sockets().await;
    let mut clients = Vec::new();
    for name in users(&app).await {
        let mut raw = narrow(&app).await;
        let since = "?since=inbox@00000000.0&";
        raw.write(upgrade(&app, &name).replace("?", since)).await;
        clients.push(raw);
    }
    for client in &mut clients {
        // All that is told has had the time to be on its way.
        assert!(client.read_head().await.starts_with("HTTP/1.1 101 "));
        client.write(frame(0x88, &1000_u16.to_be_bytes())).await;
    }
    timeout(LET_GO, app.expect_sockets(before)).await.expect("all are gone");
}

#[actix_web::test]
async fn who_goes_on_speaking_before_it_has_taken_its_answers_costs_no_memory() {
    let app = App::start();
    let users = users(&app).await;
    let before = app.memory();
    for name in &users {
        let mut raw = narrow(&app).await;
        let list = format!(
            "GET /v1/notifications?limit=100 HTTP/1.1\r\nHost: tidings\r\nAuthorization: Bearer {}\r\n\r\n",
            app.token(name, "")
        );
        raw.write([list, upgrade(&app, name)].concat()).await;
        // Held back, or cut off.
        let flood = async { while raw.0.write_all(&[0x81; 4096]).await.is_ok() {} };
        let _ = timeout(Duration::from_millis(700), flood).await;
        let grown = app.memory().saturating_sub(before) as usize / MIB;
        assert!(grown < 16, "{grown} MiB");
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
            timeout(DEADLINE, raw.0.read_exact(&mut start)).await.unwrap().unwrap();
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
