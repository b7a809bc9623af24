//! Every way in which a connection can end: the client hears why where it can, and nothing of it stays.

use std::time::Duration;

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::{
    app::App,
    clients::{
        raw::{Raw, frame},
        ws::Ws,
    },
};

/// A welcomed WebSocket without a client library, and the name of its session.
async fn raw_session(app: &App, query: &str) -> (Raw, Value) {
    let mut raw = Raw::connect(app.address).await;
    let authorization = format!("Authorization: Bearer {}\r\n", app.token("alice", ""));
    let head = raw.upgrade(&format!("/v1/ws{query}"), &authorization).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let (first, welcome) = raw.read_frame().await;
    assert_eq!(first, 0x81);
    let welcome: Value = serde_json::from_slice(&welcome).unwrap();
    (raw, welcome["session"].clone())
}

#[actix_web::test]
async fn a_close_frame_is_answered_with_its_code_and_the_socket_is_closed() {
    let app = App::start();
    let sockets = app.idle_sockets().await;
    for code in [1000, 1001, 3000, 4999] {
        let mut ws = app.ws("alice").await;
        let close = CloseFrame { code: CloseCode::from(code), reason: "done".into() };
        ws.socket.send(Message::Close(Some(close))).await.unwrap();
        assert_eq!(ws.end().await, Some(code));
        ws.expect_cut().await;
        assert_eq!(app.reason_of_close(&ws.welcome["session"]).await, "client");
    }
    app.expect_sockets(sockets).await;
}

#[actix_web::test]
async fn a_close_frame_without_a_code_is_answered_with_none() {
    let app = App::start();
    let (mut raw, session) = raw_session(&app, "").await;
    raw.write(frame(0x88, b"")).await;
    assert_eq!(raw.read_frame().await, (0x88, Vec::new()));
    assert_eq!(raw.read_to_end().await, b"");
    assert_eq!(app.reason_of_close(&session).await, "client");
}

#[actix_web::test]
async fn a_reset_ends_the_session() {
    let app = App::start();
    let sockets = app.idle_sockets().await;
    let (raw, session) = raw_session(&app, "").await;
    raw.0.set_zero_linger().unwrap();
    drop(raw);
    assert_eq!(app.reason_of_close(&session).await, "gone");
    app.expect_sockets(sockets).await;
}

#[actix_web::test]
async fn a_client_that_shuts_its_side_down_is_gone() {
    let app = App::start();
    let sockets = app.idle_sockets().await;
    let (mut raw, session) = raw_session(&app, "").await;
    raw.0.shutdown().await.unwrap();
    assert_eq!(app.reason_of_close(&session).await, "gone");
    raw.read_to_end().await;
    app.expect_sockets(sockets).await;
}

#[actix_web::test]
async fn a_cut_in_the_middle_of_a_frame_ends_the_session() {
    let app = App::start();
    let sockets = app.idle_sockets().await;
    let (mut raw, session) = raw_session(&app, "").await;
    let command = frame(0x81, br#"{"type":"ping"}"#);
    raw.write(&command[..command.len() / 2]).await;
    drop(raw);
    assert_eq!(app.reason_of_close(&session).await, "gone");
    app.expect_sockets(sockets).await;
}

#[actix_web::test]
async fn a_silent_client_is_told_no_pong_and_its_socket_is_gone() {
    let app = App::start_with(&[("session.ping_interval", "250ms"), ("session.pong_timeout", "500ms")]);
    let sockets = app.idle_sockets().await;
    let (mut raw, session) = raw_session(&app, "").await;
    assert_eq!(raw.read_close().await, Some(4012));
    // Not even the close frame is answered.
    raw.read_to_end().await;
    assert_eq!(app.reason_of_close(&session).await, "no_pong");
    app.expect_sockets(sockets).await;
}

#[actix_web::test]
async fn a_heartbeat_is_an_event_and_a_control_ping_in_one_write() {
    let app = App::start_with(&[("session.ping_interval", "250ms")]);
    let (mut raw, _) = raw_session(&app, "").await;
    assert_eq!(raw.read_frame().await, (0x81, br#"{"type":"ping"}"#.to_vec()));
    assert_eq!(raw.read_frame().await, (0x89, Vec::new()));
}

#[actix_web::test]
async fn a_client_may_ask_for_control_pings_alone() {
    let app = App::start_with(&[("session.ping_interval", "250ms")]);
    let (mut raw, _) = raw_session(&app, "?ping=control").await;
    for _ in 0..3 {
        assert_eq!(raw.read_frame().await, (0x89, Vec::new()));
        raw.write(frame(0x8A, b"")).await;
    }
}

/// With each of the answers that a heartbeat may get, a session outlives three times its patience.
#[actix_web::test]
async fn a_client_that_answers_in_any_way_lives_on() {
    let app = App::start_with(&[("session.ping_interval", "500ms"), ("session.pong_timeout", "5s")]);
    let answers = [frame(0x8A, b""), frame(0x81, br#"{"type":"pong"}"#), frame(0x89, b"hello")];
    let clients = answers.map(|answer| {
        let app = &app;
        async move {
            let (mut raw, _) = raw_session(app, "").await;
            for _ in 0..3 {
                while raw.read_frame().await != (0x89, Vec::new()) {}
                raw.write(&answer).await;
            }
            raw.write(frame(0x81, br#"{"type":"echo","data":"alive"}"#)).await;
            loop {
                let (first, payload) = raw.read_frame().await;
                assert_ne!(first, 0x88);
                if String::from_utf8_lossy(&payload).contains("alive") {
                    break;
                }
            }
        }
    });
    futures_util::future::join_all(clients).await;
}

#[actix_web::test]
async fn t4_a_token_that_expires_ends_its_session_after_the_grace() {
    let app = App::start_with(&[("auth.expiry_grace", "1s")]);
    let sockets = app.idle_sockets().await;
    let mut ws = Ws::connect(app.address, "", &app.token_for("alice", "", 1)).await;
    let (goodbye, code, reason) = ws.farewell().await;
    let goodbye = goodbye.unwrap();
    assert_eq!((code, reason.as_str()), (4001, "token_expired"));
    assert_eq!((&goodbye["code"], &goodbye["reason"]), (&json!(4001), &json!("token_expired")));
    ws.expect_cut().await;
    assert_eq!(app.reason_of_close(&ws.welcome["session"]).await, "token_expired");
    app.expect_sockets(sockets).await;
}

#[actix_web::test]
async fn beyond_the_limit_of_a_user_the_oldest_session_goes_and_the_newest_stays() {
    let app = App::start_with(&[("limits.sessions_per_user", "2")]);
    let (mut first, mut second) = (app.ws("alice").await, app.ws("alice").await);
    let mut bob = app.ws("bob").await;
    let mut third = app.ws("alice").await;
    let (goodbye, code, reason) = first.farewell().await;
    assert_eq!((code, reason.as_str()), (4504, "connection_limit"));
    assert_eq!(goodbye.unwrap()["code"], 4504);
    first.expect_cut().await;
    assert_eq!(app.reason_of_close(&first.welcome["session"]).await, "connection_limit");
    app.publish("alice", 1).await;
    app.publish("bob", 2).await;
    for (ws, n) in [(&mut second, 1), (&mut third, 1), (&mut bob, 2)] {
        assert_eq!(ws.next_ns(1).await, [n]);
    }
}

#[actix_web::test]
async fn a_stop_says_goodbye_to_every_session_and_ends_with_success() {
    let mut app = App::start_with(&[("shutdown.drain", "1s")]);
    let mut sessions = Vec::new();
    for n in 0..15 {
        sessions.push(app.ws(&format!("user{n}")).await);
    }
    app.signal("-TERM");
    let farewells = sessions.iter_mut().map(|ws| async {
        let (goodbye, code, reason) = ws.farewell().await;
        ws.expect_cut().await;
        let goodbye = goodbye.unwrap();
        assert_eq!((code, reason.as_str()), (1012, "restart"));
        assert_eq!((&goodbye["code"], &goodbye["reason"]), (&json!(1012), &json!("restart")));
        let wait = goodbye["retry_after_ms"].as_u64().unwrap();
        assert!(wait <= Duration::from_secs(1).as_millis() as u64, "{wait}");
    });
    futures_util::future::join_all(farewells).await;
    assert_eq!(app.wait().code(), Some(0));
    for ws in &sessions {
        assert_eq!(app.reason_of_close(&ws.welcome["session"]).await, "restart");
    }
}

#[actix_web::test]
async fn a_stop_does_not_wait_for_a_client_that_answers_nothing() {
    let mut app = App::start_with(&[("shutdown.drain", "250ms")]);
    let (mut raw, session) = raw_session(&app, "").await;
    app.signal("-TERM");
    assert_eq!(raw.read_close().await, Some(1012));
    raw.read_to_end().await;
    assert_eq!(app.wait().code(), Some(0));
    assert_eq!(app.reason_of_close(&session).await, "restart");
}

#[actix_web::test]
async fn while_it_stops_the_next_answer_on_a_connection_is_its_last() {
    let mut app = App::start();
    let (_silent, _) = raw_session(&app, "").await;
    let mut publisher = Raw::connect(app.address).await;
    app.signal("-TERM");
    while {
        publisher.write("HEAD /health HTTP/1.1\r\nHost: test\r\n\r\n").await;
        let head = publisher.read_head().await.to_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        !head.contains("connection: close")
    } {}
    publisher.read_to_end().await;
    assert_eq!(app.wait().code(), Some(0));
}
