//! A client that comes back gets exactly what it missed, or is told that it cannot (G4, G5, G6).

use std::{cell::Cell, fs, time::Duration};

use futures_util::future::{join, join_all};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::{
    app::App,
    clients::ws::Ws,
    database::Database,
    traffic::{Dice, Follower, draft, offset_of, publish},
};

const USERS: [&str; 2] = ["alice", "bob"];
const CLIENTS: usize = 20;
const RECONNECTS_EACH: usize = 10;

#[actix_web::test]
async fn two_hundred_reconnects_during_a_stream_of_500_a_second_lose_and_double_nothing() {
    let mut dice = Dice::new();
    let limits = [("limits.handshakes_per_second", "0"), ("limits.sessions_per_user", "0")];
    let app = App::start_with(&limits);
    let is_over = Cell::new(false);
    let mut clients: Vec<_> =
        (0..CLIENTS).map(|i| (Follower::from_start(USERS[i % USERS.len()]), dice.fork())).collect();
    let reconnecting = async {
        join_all(clients.iter_mut().map(|(client, dice)| reconnect(&app, client, dice))).await;
        is_over.set(true);
    };
    // Five publishers of 100/s; every publish goes to both users.
    let publishers = join_all((0..5).map(|_| stream(&app, &is_over)));
    join(reconnecting, publishers).await;

    for user in USERS {
        let stored = Database::open(&app.database()).inbox(user);
        for (client, _) in clients.iter_mut().filter(|(client, _)| client.user == user) {
            let mut ws = client.connect(&app).await;
            client.read_to(&mut ws, stored.len() as u64).await;
            assert_eq!(client.seen, stored);
        }
    }
}

/// Publishes a hundred times a second, or as often as it is answered.
async fn stream(app: &App, is_over: &Cell<bool>) {
    let http = app.http(&app.publisher());
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    for n in 0.. {
        ticks.tick().await;
        if is_over.get() {
            return;
        }
        publish(&http, &draft(&USERS, n, 0)).await;
    }
}

/// Follows for a while, is cut off at any instant, and comes back.
async fn reconnect(app: &App, client: &mut Follower, dice: &mut Dice) {
    for _ in 0..=RECONNECTS_EACH {
        let mut ws = client.connect(app).await;
        let end = Instant::now() + dice.millis(400);
        while let Ok(event) = timeout_at(end, ws.next()).await {
            client.take(&event);
        }
        if dice.below(2) == 0 {
            ws.socket.close(None).await.unwrap();
        }
    }
}

#[actix_web::test]
async fn a_position_of_another_epoch_is_told_as_a_gap_and_shows_nothing_of_others() {
    let app = App::start();
    let foreign = app.publish("bob", 1).await;
    let top = {
        app.publish("alice", 1).await;
        app.publish("alice", 2).await
    };
    let mut ws = app.ws_at("alice", &format!("?since=inbox@{foreign}")).await;
    assert_eq!(ws.welcome["resume"], "gap");
    expect_gap(&mut ws, "epoch", &foreign, &top).await;
    expect_next(&app, &mut ws, 3).await;
    list_and_go_on(&app, 3).await;
}

#[actix_web::test]
async fn a_database_restored_from_an_older_copy_is_told_as_a_gap_ahead() {
    let mut app = App::start();
    let copy = app.database().with_extension("copy");
    let top = app.publish("alice", 1).await;
    stop(&mut app).await;
    fs::copy(app.database(), &copy).unwrap();
    app.restart();
    app.publish("alice", 2).await;
    let ahead = app.publish("alice", 3).await;
    stop(&mut app).await;
    fs::rename(&copy, app.database()).unwrap();
    app.restart();

    let mut ws = app.ws_at("alice", &format!("?since=inbox@{ahead}")).await;
    assert_eq!(ws.welcome["resume"], "gap");
    expect_gap(&mut ws, "ahead", &ahead, &top).await;
    expect_next(&app, &mut ws, 2).await;
    list_and_go_on(&app, 2).await;
}

#[actix_web::test]
async fn a_position_below_what_was_pruned_is_told_as_a_gap_and_then_the_rest_follows() {
    let mut app = App::start();
    let mut positions = vec![];
    for n in 1..=6 {
        positions.push(app.publish("alice", n).await);
    }
    stop(&mut app).await;
    Database::open(&app.database()).execute(
        "DELETE FROM notifications WHERE \"offset\" <= 4;
         UPDATE inboxes SET pruned_offset = 4, unread = 2, unseen = 2, version = version + 1;",
    );
    app.restart();

    for lost in ["00000000.0", &positions[0], &positions[2]] {
        let mut ws = app.ws_at("alice", &format!("?since=inbox@{lost}")).await;
        assert_eq!(ws.welcome["resume"], "gap");
        expect_gap(&mut ws, "pruned", lost, &positions[3]).await;
        assert_eq!(ws.next_ns(2).await, [5, 6]);
    }
    let mut ws = app.ws_at("alice", &format!("?since=inbox@{}", positions[3])).await;
    assert_eq!(ws.welcome["resume"], "complete");
    assert_eq!(ws.next_ns(2).await, [5, 6]);
    list_and_go_on(&app, 6).await;
}

/// Ends the server as its operator does.
async fn stop(app: &mut App) {
    app.signal("-TERM");
    assert!(app.ended().await.success());
}

async fn expect_gap(ws: &mut Ws, reason: &str, from: &str, to: &str) {
    let gap = ws.next_numbered().await;
    let told = ["type", "stream", "reason", "from", "to"].map(|field| gap[field].as_str().unwrap());
    assert_eq!(told, ["gap", "inbox", reason, from, to]);
}

/// After the gap the session is live: the next publish comes with the next number.
async fn expect_next(app: &App, ws: &mut Ws, offset: u64) {
    let position = app.publish("alice", offset).await;
    assert_eq!(offset_of(&position), offset);
    assert_eq!(ws.next_numbered().await["position"], position.as_str());
}

/// The way out of a gap: list again, and go on from the answer's cursor, which stands at `top`.
async fn list_and_go_on(app: &App, top: u64) {
    let listed: Value = app.http(&app.token("alice", "")).get("/v1/notifications").await.json();
    let cursor = listed["cursor"].as_str().unwrap();
    let mut ws = app.ws_at("alice", &format!("?since={cursor}")).await;
    assert_eq!(ws.welcome["resume"], "complete");
    expect_next(app, &mut ws, top + 1).await;
}
