//! A client that sends as fast as it can: it is held back or ended, and costs next to nothing.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::{io::AsyncWriteExt, time::timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    app::{App, DEADLINE, until},
    clients::{
        raw::{Raw, frame},
        room::member,
    },
};

/// What the server may grow by for one flooding connection: buffers of a connection, and some slack.
const GROWTH_MAX: u64 = 16 << 20;

/// T11, T12. What is not yet worked off waits in the socket and not in memory.
#[actix_web::test]
async fn t12_a_flood_of_control_frames_ends_with_4009_and_memory_stays_flat() {
    let mut app = App::start();
    let mut raw = Raw::connect(app.address).await;
    let token = app.token("alice", "");
    raw.upgrade("/v1/ws", &format!("Authorization: Bearer {token}\r\n")).await;
    let before = app.memory();
    let pongs = frame(0x8A, b"").repeat(10_000);
    let (mut reader, mut writer) = tokio::io::split(raw.0);
    let flood = actix_web::rt::spawn(async move {
        let mut sent = 0_usize;
        while writer.write_all(&pongs).await.is_ok() {
            sent += pongs.len();
        }
        sent
    });
    let mut most = before;
    let ended = until("the flood is ended", || {
        most = most.max(app.memory());
        flood.is_finished().then_some(())
    });
    let mut said = Vec::new();
    // A reset ends it as a close does.
    let (_, _) = tokio::join!(ended, tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut said));
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains(r#""code":4009"#) && said.contains("rate_limited"), "{said}");
    assert!(flood.await.unwrap() > 0);
    assert!(most - before < GROWTH_MAX, "{} bytes more", most - before);
    app.expect_healthy().await;
}

/// Whoever guesses does not write the log.
#[actix_web::test]
async fn t12_a_flood_of_bad_credentials_is_refused_and_fills_no_log() {
    let mut app = App::start();
    let nobody = app.http("nonsense");
    let start = Instant::now();
    for _ in 0..600 {
        nobody.get("/v1/me").await.problem(401, "invalid_token");
    }
    let allowed = 201 + start.elapsed().as_secs() as usize * 10 + 10;
    app.expect_healthy().await;
    let told = || app.logs().iter().filter(|line| line.contains("auth refused")).count();
    until("what may be told is told", || (told() >= 200).then_some(())).await;
    assert!(told() <= allowed, "{} lines, {allowed} may be", told());
}

#[actix_web::test]
async fn t12_a_flood_of_typing_is_refused_and_then_ended() {
    let mut app = App::start();
    let mut ws = member(&app, "alice", &["chat"]).await;
    let (mut commands, mut events) = (&mut ws.socket).split();
    let typing = json!({ "type": "typing" }).to_string();
    // In pace with the server, so that its answers have a reader.
    let flood = async {
        let mut pace = tokio::time::interval(Duration::from_millis(10));
        loop {
            pace.tick().await;
            for _ in 0..5 {
                if commands.send(Message::text(typing.clone())).await.is_err() {
                    return;
                }
            }
        }
    };
    let reading = async {
        let mut refusals = 0;
        loop {
            match timeout(DEADLINE, events.next()).await.expect("nothing comes") {
                Some(Ok(Message::Text(text))) => refusals += usize::from(text.contains("rate_limited")),
                Some(Ok(Message::Close(frame))) => return (refusals, u16::from(frame.unwrap().code)),
                Some(Ok(_)) => {}
                end => panic!("{end:?}"),
            }
        }
    };
    let (refusals, code) = tokio::select! {
        ended = reading => ended,
        () = flood => panic!("it was ended without a close frame"),
    };
    assert!(refusals > 100 && code == 4009, "{refusals} refusals, {code}");
    app.expect_healthy().await;
}
