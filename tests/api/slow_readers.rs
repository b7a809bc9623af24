//! Clients that read late, slowly or never: what they are owed they get, what they cost is bounded, and
//! nobody else notices (G10).

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::{
    SinkExt, StreamExt,
    future::{join, join_all},
};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    app::{App, until},
    clients::{
        narrow::{address_of, connect},
        ws::Ws,
    },
    engines::kernel::server_end,
    traffic::{Follower, publish_all},
};

const MIB: u64 = 1 << 20;

/// What a client that does not read may cost, and what may come and go besides (G10).
pub fn bound(before: u64, clients: u64) -> u64 {
    before + clients * MIB * 5 / 4 + before / 10
}

#[actix_web::test]
async fn a_reader_that_stops_for_8_s_behind_5000_notifications_then_gets_1_to_5000_in_order() {
    const COUNT: u64 = 5000;
    const PAUSE: Duration = Duration::from_secs(8);
    let app = App::start();
    let mut reader = Follower::from_start("alice");
    let mut ws = connect(&app, "alice", &reader.query()).await;
    let reading = async {
        tokio::time::sleep(PAUSE).await;
        reader.read_to(&mut ws, COUNT).await;
    };
    let (accepted, ()) = join(publish_all(&app, &["alice"], COUNT, 300, 32), reading).await;
    assert_eq!(accepted.len() as u64, COUNT);
    assert_eq!(reader.seen.len() as u64, COUNT);
}

#[actix_web::test]
async fn a_reader_of_a_few_kib_a_second_gets_everything() {
    const COUNT: u64 = 2000;
    let app = App::start();
    let mut reader = Follower::from_start("alice");
    let mut ws = connect(&app, "alice", &reader.query()).await;
    let reading = async {
        // About 8 KiB/s; then at once what has piled up.
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        for _ in 0..100 {
            pace.tick().await;
            reader.take(&ws.next().await);
        }
        reader.read_to(&mut ws, COUNT).await;
    };
    join(publish_all(&app, &["alice"], COUNT, 300, 16), reading).await;
    assert_eq!(reader.seen.len() as u64, COUNT);
}

#[actix_web::test]
async fn readers_that_never_read_cost_bounded_memory_and_leave_no_socket_and_others_notice_nothing() {
    const CLIENTS: usize = 20;
    const COUNT: u64 = 200;
    const SLOW_TIMEOUT: Duration = Duration::from_secs(3);
    // Nobody reads the others while it is waited for the end of these: they are not asked meanwhile whether they are there.
    let app = App::start_with(&[("session.slow_timeout", "3s"), ("session.ping_interval", "10m")]);
    let users: Vec<String> = (0..CLIENTS).map(|i| format!("user{i}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();

    // Everybody reads: what the same traffic costs the server without slow readers.
    let mut others: Vec<(Follower, Ws)> = Vec::new();
    for user in &users {
        let follower = Follower::from_start(user);
        let ws = follower.connect(&app).await;
        others.push((follower, ws));
    }
    join(publish_all(&app, &users, COUNT, 8000, 4), read_all(&mut others, COUNT)).await;
    let before = app.memory();

    let mut frozen = Vec::new();
    for user in &users {
        frozen.push(connect(&app, user, "").await);
    }
    let start = Instant::now();
    join(publish_all(&app, &users, COUNT, 8000, 4), read_all(&mut others, 2 * COUNT)).await;
    let (full, after) = (Instant::now(), app.memory());
    assert!(after <= bound(before, CLIENTS as u64), "{before} bytes grew to {after}");

    let evicted = || (ended(&app, "slow_consumer") == CLIENTS).then(Instant::now);
    let gone = until("the readers are evicted", evicted).await;
    assert!(gone - start >= SLOW_TIMEOUT, "{:?}", gone - start);
    assert!(gone - full < SLOW_TIMEOUT + Duration::from_secs(4), "{:?}", gone - full);
    for ws in &frozen {
        forgotten_by_kernel(&app, address_of(ws)).await;
    }

    join(publish_all(&app, &users, 1, 8000, 1), read_all(&mut others, 2 * COUNT + 1)).await;
}

/// Each reads up to this offset, without a break in the numbers.
async fn read_all(readers: &mut [(Follower, Ws)], offset: u64) {
    join_all(readers.iter_mut().map(|(follower, ws)| follower.read_to(ws, offset))).await;
}

#[actix_web::test]
async fn clients_that_flood_echo_and_leave_the_answers_unread_cost_bounded_memory_and_are_ended() {
    const CLIENTS: usize = 10;
    let app = App::start_with(&[
        ("session.messages_per_second", "1000000"),
        ("session.ping_interval", "2s"),
        ("session.pong_timeout", "2s"),
    ]);
    let mut floods = Vec::new();
    for _ in 0..CLIENTS {
        floods.push(connect(&app, "mallory", "").await);
    }
    let before = app.memory();
    let large = json!({ "type": "echo", "data": "x".repeat(30_000) }).to_string();
    let small = json!({ "type": "echo", "data": 1 }).to_string();
    let peak = {
        let mut flooding = Box::pin(join_all(
            floods.iter_mut().enumerate().map(|(i, ws)| flood(ws, if i % 2 == 0 { &large } else { &small })),
        ));
        let mut peak = 0;
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        loop {
            tokio::select! {
                _ = &mut flooding => break peak,
                _ = looks.tick() => peak = peak.max(app.memory()),
            }
        }
    };
    assert!(peak <= bound(before, CLIENTS as u64), "{before} bytes grew to {peak}");
    until("the floods are ended", || (ended(&app, "no_pong") == CLIENTS).then_some(())).await;
    for ws in &floods {
        forgotten_by_kernel(&app, address_of(ws)).await;
    }
    let answer: Value = app.ws("alice").await.ask(json!({ "type": "echo", "data": "still here" })).await;
    assert_eq!(answer["data"], "still here");
}

/// Sends until the server ends the connection.
async fn flood(ws: &mut Ws, command: &str) {
    let (mut commands, _answers) = (&mut ws.socket).split();
    while commands.send(Message::text(command)).await.is_ok() {}
}

/// How many sessions have ended for this reason.
pub fn ended(app: &App, reason: &str) -> usize {
    let logs = app.logs().into_iter().map(|line| serde_json::from_str::<Value>(&line).unwrap());
    logs.filter(|record| record["message"] == "session closed" && record["reason"] == reason).count()
}

/// The kernel holds nothing for the server's end of this connection any more.
pub async fn forgotten_by_kernel(app: &App, client: SocketAddr) {
    until("the socket is gone", || server_end(app.address, client).is_none().then_some(())).await;
}
