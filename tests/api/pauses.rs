//! A server that is stopped, told to stop, or without its database for a while.

use std::{
    cell::{Cell, RefCell},
    fs,
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all, join3, select_all};
use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{http::Answer, raw::Raw, ws::Ws},
    database::Database,
    traffic::{Dice, draft, publish, receipts},
};

/// X4.
#[actix_web::test]
async fn a_server_that_was_frozen_for_longer_than_a_pong_may_take_sends_nobody_away() {
    const FROZEN: Duration = Duration::from_secs(5);
    let app = App::start_with(&[("session.ping_interval", "1s"), ("session.pong_timeout", "2s")]);
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(app.ws("alice").await);
    }
    let http = app.http(&app.publisher());
    let draft = draft(&["alice"], 1, 1);
    // The freeze begins when each has been asked for a pong.
    join_all(clients.iter_mut().map(|ws| ws.expect("ping"))).await;
    app.signal("-STOP");
    let freeze = async {
        tokio::time::sleep(FROZEN).await;
        app.signal("-CONT");
    };
    let judged = clients.iter_mut().map(|ws| async move {
        assert_eq!(ws.next_ns(1).await, [1]);
        // A verdict on the time of the freeze would fall before the next pings.
        for _ in 0..3 {
            ws.expect("ping").await;
        }
    });
    join3(publish(&http, &draft), freeze, join_all(judged)).await;
    println!("X4 a server frozen {FROZEN:?}: 4012 to 0 of {}, lost 0", clients.len());
}

#[actix_web::test]
async fn a_request_that_comes_while_the_server_is_frozen_is_answered_by_it() {
    let mut app = App::start_with(&[("http.head_timeout", "2s")]);
    let mut raws = Vec::new();
    for _ in 0..10 {
        raws.push(Raw::connect(app.address).await);
    }
    // Behind the others: they are accepted, and have asked nothing.
    app.expect_healthy().await;
    app.signal("-STOP");
    for raw in &mut raws {
        let head = format!("GET /health HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", app.address);
        raw.write(head.as_bytes()).await;
    }
    // Longer than a head may take.
    tokio::time::sleep(Duration::from_secs(3)).await;
    app.signal("-CONT");
    for mut raw in raws {
        let answer = String::from_utf8(raw.read_to_end().await).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

/// Publishes, some to one and some to many, until the server takes no more; what was accepted.
async fn publish_until_refused(app: &App, accepted: &RefCell<Vec<Value>>, mut dice: Dice) {
    let http = app.http(&app.publisher());
    for n in 0.. {
        let to = &["alice", "bob", "carol"][..=dice.below(3) as usize];
        let request = http.request("POST", "/v1/notifications");
        let request = request.insert_header(("Content-Type", "application/json"));
        match http.try_send(request, draft(to, n, 200).to_string()).await {
            Ok(answer) if answer.status == 201 => accepted.borrow_mut().push(answer.json()),
            Ok(answer) => return assert_eq!(answer.status, 503, "{}", answer.text()),
            Err(_) => return,
        }
    }
}

#[actix_web::test]
async fn a_graceful_stop_under_load_exits_0_in_time_and_keeps_every_accepted_notification() {
    const TIMEOUT: Duration = Duration::from_secs(15);
    let mut dice = Dice::new();
    let mut app = App::start_with(&[("shutdown.drain", "1s"), ("shutdown.timeout", "15s")]);
    let mut sessions: Vec<Ws> = Vec::new();
    for _ in 0..5 {
        sessions.push(app.ws("alice").await);
    }
    let accepted = RefCell::default();
    let publishers = join_all((0..8).map(|_| publish_until_refused(&app, &accepted, dice.fork())));
    let told_at = Cell::new(Instant::now());
    let after = Duration::from_millis(300) + dice.millis(300);
    let stop = async {
        tokio::time::sleep(after).await;
        app.signal("-TERM");
        told_at.set(Instant::now());
    };
    let closed = join_all(sessions.iter_mut().map(Ws::end));
    let (_, (closed, ())) = join(publishers, join(closed, stop)).await;
    assert_eq!(closed, vec![Some(1012); 5]);
    assert!(app.ended().await.success());
    assert!(told_at.get().elapsed() < TIMEOUT);

    app.restart();
    let mut accepted: Vec<_> = accepted.borrow().iter().flat_map(receipts).collect();
    accepted.sort_by_key(|receipt| receipt.offset);
    assert!(!accepted.is_empty());
    for user in ["alice", "bob", "carol"] {
        let mine = accepted.iter().filter(|receipt| receipt.user == user);
        let mine: Vec<_> = mine.map(|receipt| (receipt.offset, receipt.id.clone())).collect();
        // Neither lost nor stored without an answer: what was under way has been finished.
        assert_eq!(Database::open(&app.database()).inbox(user), mine);
    }
}

#[actix_web::test]
async fn a_second_signal_ends_the_server_at_once() {
    let mut app = App::start_with(&[("shutdown.drain", "60s"), ("shutdown.timeout", "90s")]);
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(app.ws("alice").await);
    }
    app.signal("-TERM");
    // The first session has heard of it; the others have a minute.
    let goodbye = select_all(sessions.iter_mut().map(|ws| Box::pin(ws.end()))).await;
    assert_eq!(goodbye.0, Some(1012));
    app.signal("-TERM");
    // Far sooner than the drain; `ended` has a deadline of its own.
    assert!(app.ended().await.success());
}

/// Asks for one publish, whatever the answer.
async fn try_publish(app: &App, n: u64) -> Answer {
    app.http(&app.publisher()).post("/v1/notifications", &draft(&["alice"], n, 0)).await
}

fn expect_retry_later(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.json()["code"], "unavailable");
    assert!(answer.header("Retry-After").unwrap().parse::<u32>().unwrap() > 0);
}

/// The session is the same and works.
async fn expect_live(app: &App, ws: &mut Ws, n: u64) {
    assert_eq!(ws.ask(json!({ "type": "echo", "data": n })).await["data"], n);
    publish(&app.http(&app.publisher()), &draft(&["alice"], n, 0)).await;
    assert_eq!(ws.next_ns(1).await, [n]);
}

#[actix_web::test]
async fn a_publish_waits_for_a_database_that_is_locked_for_a_second() {
    let app = App::start();
    let mut ws = app.ws("alice").await;
    let mut other = Database::open(&app.database());
    other.execute("BEGIN EXCLUSIVE");
    let is_released = Cell::new(false);
    let published = async {
        let answer = try_publish(&app, 1).await;
        assert!(is_released.get(), "{}", answer.text());
        assert_eq!(answer.status, 201, "{}", answer.text());
    };
    let release = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        is_released.set(true);
        other.execute("COMMIT");
    };
    join(published, release).await;
    assert_eq!(ws.next_ns(1).await, [1]);
}

#[actix_web::test]
async fn a_database_that_stays_locked_refuses_publishes_and_keeps_the_sessions() {
    let app = App::start_with(&[("store.busy_timeout", "500ms")]);
    let mut ws = app.ws("alice").await;
    let mut other = Database::open(&app.database());
    other.execute("BEGIN EXCLUSIVE");
    for answer in join_all((1..=3).map(|n| try_publish(&app, n))).await {
        expect_retry_later(&answer);
    }
    assert_eq!(ws.ask(json!({ "type": "echo", "data": 1 })).await["data"], 1);
    other.execute("COMMIT");
    expect_live(&app, &mut ws, 4).await;
    assert_eq!(Database::open(&app.database()).inbox("alice").len(), 1);
}

#[actix_web::test]
async fn a_database_file_that_is_gone_refuses_work_until_it_is_back() {
    let app = App::start();
    let mut ws = app.ws("alice").await;
    expect_live(&app, &mut ws, 1).await;
    let (pid, away) = (app.pid(), app.database().with_extension("away"));
    fs::rename(app.database(), &away).unwrap();
    expect_refused(&app).await;
    // Another file in its place is not it.
    fs::copy(&away, app.database()).unwrap();
    expect_refused(&app).await;
    fs::rename(&away, app.database()).unwrap();
    assert_eq!(app.http("").get("/ready").await.status, 200);
    expect_live(&app, &mut ws, 2).await;
    assert_eq!(app.pid(), pid);
    assert_eq!(Database::open(&app.database()).inbox("alice").len(), 2);
}

/// Nothing is written, read or promised; the process is well and says that it is not ready.
async fn expect_refused(app: &App) {
    expect_retry_later(&try_publish(app, 9).await);
    let http = app.http(&app.token("alice", ""));
    assert_eq!(http.get("/v1/notifications").await.status, 503);
    assert_eq!(http.get("/ready").await.status, 503);
    assert_eq!(http.get("/health").await.status, 200);
}

/// G12: whoever has read the line `listening` may stop the process in order.
#[actix_web::test]
async fn a_sigterm_right_after_listening_is_heard() {
    for _ in 0..10 {
        let mut app = App::start();
        app.signal("-TERM");
        assert_eq!(app.ended().await.code(), Some(0));
    }
}

/// A session whose inbox cannot be read is told to come again, and not left in silence (4010).
#[actix_web::test]
async fn a_session_that_cannot_be_told_what_it_missed_is_asked_to_come_again() {
    let app = App::start();
    app.publish("alice", 1).await;
    let away = app.database().with_extension("away");
    fs::rename(app.database(), &away).unwrap();
    let token = format!("Bearer {}", app.token("alice", ""));
    let mut ws =
        Ws::open(app.address, "?since=inbox@00000000.0", &[("authorization", &token)]).await.unwrap();
    let goodbye = ws.next().await;
    assert_eq!((&goodbye["type"], &goodbye["code"]), (&json!("goodbye"), &json!(4010)));
    assert!(goodbye["retry_after_ms"].is_u64(), "{goodbye}");
    assert_eq!(ws.end().await, Some(4010));

    fs::rename(&away, app.database()).unwrap();
    let mut ws = app.ws_at("alice", "?since=inbox@00000000.0").await;
    assert_eq!(ws.next_ns(1).await, [1]);
}
