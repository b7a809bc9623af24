//! How event streams end: what the client is told, and that nothing of it stays. Over SSE a client that must
//! only wait is told so in a stream, since a browser gives up at any other answer (PROTOCOL.md section 4).

use std::{collections::BTreeSet, fs};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::{
    app::App,
    clients::{
        room::EVERYWHERE,
        sse::{Sse, stream},
        ws::Ws,
    },
    sse::{RETRY_MILLIS, expect_goodbye},
};

/// A stream that says only when to come back, and ends.
pub async fn expect_to_wait(sse: &mut Sse) -> Value {
    assert_eq!(sse.status, 200);
    assert_eq!(sse.header("Content-Type"), Some("text/event-stream"));
    assert_eq!(sse.header("Cache-Control"), Some("no-store"));
    let goodbye = sse.next().await;
    assert_eq!(goodbye["type"], "goodbye");
    assert!(sse.parser.retries.len() == 1 && RETRY_MILLIS.contains(&sse.parser.retries[0]));
    assert_eq!(sse.farewell().await, None);
    goodbye
}

async fn open(app: &App, user: &str) -> Sse {
    Sse::open(app.address, "", &[("Authorization", &format!("Bearer {}", app.token(user, "")))]).await
}

#[actix_web::test]
async fn a_token_that_expires_ends_its_stream_after_the_grace() {
    let app = App::start_with(&[("auth.expiry_grace", "1s")]);
    let sockets = app.idle_sockets().await;
    let mut sse = Sse::connect(app.address, "", &app.token_for("alice", "", 1)).await;
    expect_goodbye(&mut sse, 4001, "token_expired").await;
    assert_eq!(app.reason_of_close(&sse.welcome["session"]).await, "token_expired");
    drop(sse);
    app.expect_sockets(sockets).await;
}

/// T18: they come back at times of their own.
#[actix_web::test]
async fn a_stop_says_goodbye_to_every_stream_and_ends_with_success() {
    let mut app = App::start_with(&[("shutdown.drain", "1s")]);
    let mut streams = Vec::new();
    for n in 0..15 {
        streams.push(stream(&app, &format!("user{n}"), "", "").await);
    }
    app.signal("-TERM");
    join_all(streams.iter_mut().map(|sse| expect_goodbye(sse, 1012, "restart"))).await;
    assert_eq!(app.wait().code(), Some(0));
    let retries: BTreeSet<u64> = streams.iter().map(|sse| *sse.parser.retries.last().unwrap()).collect();
    assert!(retries.len() > 5, "{retries:?}");
    for sse in &streams {
        assert_eq!(app.reason_of_close(&sse.welcome["session"]).await, "restart");
    }
}

#[actix_web::test]
async fn a_server_that_is_about_to_stop_asks_to_come_again() {
    let app = App::start_with(&[("shutdown.drain", "10s")]);
    let mut streams = Vec::new();
    for n in 0..20 {
        streams.push(stream(&app, &format!("user{n}"), "", "").await);
    }
    app.signal("-TERM");
    app.logged(|line| line["message"] == "stopping").await;
    let goodbye = expect_to_wait(&mut open(&app, "alice").await).await;
    assert_eq!((&goodbye["code"], &goodbye["reason"]), (&json!(1012), &json!("restart")));
    // Who may not come in at all is told so now, too.
    assert_eq!(app.anonymous().get("/v1/sse").await.status, 401);
}

#[actix_web::test]
async fn a_full_server_asks_to_come_again() {
    let app = App::start_with(&[("limits.sessions", "2")]);
    let (ws, mut sse) = (app.ws("bob").await, stream(&app, "carol", "", "").await);
    for _ in 0..3 {
        expect_to_wait(&mut open(&app, "alice").await).await;
    }
    assert_eq!(app.anonymous().get("/v1/sse").await.status, 401);
    app.publish("carol", 1).await;
    assert_eq!(sse.next_ns(1).await, [1]);
    drop(ws);
    app.logged(|line| line["message"] == "session closed" && line["user"] == "bob").await;
    let mut sse = open(&app, "alice").await;
    assert_eq!(sse.next().await["type"], "welcome");
}

#[actix_web::test]
async fn beyond_the_limit_of_a_user_the_oldest_websocket_goes_for_a_stream() {
    let app = App::start_with(&[("limits.sessions_per_user", "3")]);
    let mut oldest = stream(&app, "alice", "", "").await;
    let (mut first, mut second) = (app.ws("alice").await, app.ws("alice").await);
    let mut newest = stream(&app, "alice", "", "").await;
    assert_eq!(first.end().await, Some(4504));
    app.publish("alice", 1).await;
    assert_eq!((oldest.next_ns(1).await, newest.next_ns(1).await), (vec![1], vec![1]));
    assert_eq!(second.next_ns(1).await, [1]);
}

#[actix_web::test]
async fn beyond_the_limit_of_a_user_with_streams_alone_the_new_one_waits() {
    let app = App::start_with(&[("limits.sessions_per_user", "2")]);
    let (mut first, mut second) = (stream(&app, "alice", "", "").await, stream(&app, "alice", "", "").await);
    let mut third = open(&app, "alice").await;
    let goodbye = expect_to_wait(&mut third).await;
    assert_eq!((&goodbye["code"], &goodbye["reason"]), (&json!(4009), &json!("rate_limited")));
    assert!(goodbye["retry_after_ms"].is_u64());
    // A browser's WebSocket cannot be told to wait before it is open.
    let bearer = format!("Bearer {}", app.token("alice", ""));
    let mut ws = Ws::open(app.address, "", &[("authorization", &bearer)]).await.unwrap();
    assert_eq!(ws.end().await, Some(4009));
    let mut bob = stream(&app, "bob", "", "").await;
    app.publish("alice", 1).await;
    app.publish("bob", 2).await;
    for (sse, n) in [(&mut first, 1), (&mut second, 1), (&mut bob, 2)] {
        assert_eq!(sse.next_ns(1).await, [n]);
    }
    let session = first.welcome["session"].clone();
    drop(first);
    app.reason_of_close(&session).await;
    let mut again = open(&app, "alice").await;
    assert_eq!(again.next().await["type"], "welcome");
}

#[actix_web::test]
async fn a_client_that_is_gone_is_noticed_before_anything_is_said_to_it() {
    let app = App::start();
    let sockets = app.idle_sockets().await;
    for ending in ["close", "reset", "half"] {
        let mut sse = stream(&app, "alice", EVERYWHERE, "?rooms=chat").await;
        let session = sse.welcome["session"].clone();
        match ending {
            "reset" => sse.stream.set_zero_linger().unwrap(),
            "half" => sse.stream.shutdown().await.unwrap(),
            _ => {}
        }
        let kept = (ending == "half").then_some(sse);
        assert_eq!(app.reason_of_close(&session).await, "gone", "{ending}");
        drop(kept);
        app.expect_sockets(sockets).await;
    }
}

/// As over a WebSocket: nobody is left in silence behind an inbox that cannot be read.
#[actix_web::test]
async fn a_stream_that_cannot_be_told_what_it_missed_is_asked_to_come_again() {
    let app = App::start();
    app.publish("alice", 1).await;
    let away = app.database().with_extension("away");
    fs::rename(app.database(), &away).unwrap();
    let mut sse = open(&app, "alice").await;
    assert_eq!(sse.status, 200);
    sse.heartbeat().await;
    expect_goodbye(&mut sse, 4010, "resync").await;
    fs::rename(&away, app.database()).unwrap();
    let mut sse = stream(&app, "alice", "", "?since=inbox@00000000.0").await;
    assert_eq!(sse.next_ns(1).await, [1]);
}
