//! The store on PostgreSQL when the server does not play along (X19 to X22): each test has a server of its
//! own, since it stops it, or makes it lie.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
    time::{Duration, Instant},
};

use actix_web::rt;
use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::{
    app::{App, until},
    clients::http::Http,
    engines::{postgres::Server, send},
};

/// How soon the store works again when the server does.
const HEALED: Duration = Duration::from_secs(15);

async fn publish(http: &Http, to: &[&str]) -> (u16, Vec<String>) {
    let body = json!({ "to": to, "type": "test.event", "payload": {} });
    let answer = http.post("/v1/notifications", &body).await;
    let answered = answer.json();
    let receipts = answered["notifications"].as_array().into_iter().flatten();
    (answer.status, receipts.map(|receipt| receipt["id"].as_str().unwrap().to_owned()).collect())
}

/// X19.
#[actix_web::test]
async fn a_server_that_restarts_loses_nothing_accepted_and_is_used_again_within_5_s() {
    let mut server = Server::start().await;
    let app = server.app();
    let mut ws = app.ws("alice").await;
    let is_over = Rc::new(Cell::new(false));
    let accepted = Rc::new(RefCell::new(BTreeSet::new()));
    let refused = Rc::new(Cell::new(0));
    let publishers: Vec<_> = (0..8)
        .map(|_| {
            let (http, is_over) = (app.http(&app.publisher()), is_over.clone());
            let (accepted, refused) = (accepted.clone(), refused.clone());
            rt::spawn(async move {
                while !is_over.get() {
                    match publish(&http, &["alice"]).await {
                        (201, ids) => accepted.borrow_mut().extend(ids),
                        (503, _) => refused.set(refused.get() + 1),
                        (status, _) => panic!("{status}"),
                    }
                }
            })
        })
        .collect();
    for signal in ["-INT", "-QUIT", "-INT", "-QUIT"] {
        let before = accepted.borrow().len();
        until("a publish is accepted", || (accepted.borrow().len() > before + 20).then_some(())).await;
        server.restart(signal).await;
        let (start, before) = (Instant::now(), accepted.borrow().len());
        until("a publish is accepted", || (accepted.borrow().len() > before).then_some(())).await;
        let list = app.user("alice").get("/v1/notifications").await;
        assert_eq!(list.status, 200, "{}", list.text());
        assert!(start.elapsed() < HEALED, "{:?}", start.elapsed());
    }
    is_over.set(true);
    for publisher in publishers {
        publisher.await.unwrap();
    }
    let stored = server.names("SELECT id AS name FROM notifications ORDER BY \"offset\"");
    let offsets = server.numbers("SELECT \"offset\" AS number FROM notifications ORDER BY \"offset\"");
    assert_eq!(offsets, (1..=i64::try_from(stored.len()).unwrap()).collect::<Vec<_>>());
    let distinct: BTreeSet<String> = stored.iter().cloned().collect();
    assert!(accepted.borrow().is_subset(&distinct));
    // What was refused may have been committed, but nothing twice.
    assert!(stored.len() <= accepted.borrow().len() + refused.get());
    for id in stored {
        assert_eq!(ws.next_numbered().await["id"], id);
    }
}

/// A session that ends alone is made anew, and what was under way in it is done or found.
#[actix_web::test]
async fn sessions_that_the_server_ends_one_by_one_refuse_nobody_and_lose_nothing() {
    let server = Server::start().await;
    let app = server.app();
    let mut ws = app.ws("alice").await;
    let is_over = Cell::new(false);
    let publishing = futures_util::future::join_all((0..8).map(|_| async {
        let http = app.http(&app.publisher());
        let mut accepted = BTreeSet::new();
        while !is_over.get() {
            let (status, ids) = publish(&http, &["alice", "bob"]).await;
            assert_eq!(status, 201);
            accepted.extend(ids);
        }
        accepted
    }));
    let ending = async {
        for turn in 0..40 {
            rt::time::sleep(Duration::from_millis(50)).await;
            let backends = server.backends();
            let end = format!(
                "SELECT pg_terminate_backend({})::int::bigint AS number",
                backends[turn % backends.len()]
            );
            server.numbers(&end);
        }
        is_over.set(true);
    };
    let (accepted, ()) = futures_util::future::join(publishing, ending).await;
    let accepted: BTreeSet<String> = accepted.into_iter().flatten().collect();
    let stored =
        server.names("SELECT id AS name FROM notifications WHERE user_id = 'alice' ORDER BY \"offset\"");
    let all = server.names("SELECT id AS name FROM notifications");
    assert_eq!(all.len(), accepted.len());
    assert!(all.into_iter().all(|id| accepted.contains(&id)));
    for id in stored {
        assert_eq!(ws.next_numbered().await["id"], id);
    }
}

/// X20.
#[actix_web::test]
async fn a_server_that_stands_still_refuses_work_within_5_s_and_keeps_the_sessions() {
    let server = Server::start().await;
    let mut app = server.app();
    let mut ws = app.ws("alice").await;
    let publisher = app.http(&app.publisher());
    assert_eq!(publish(&publisher, &["alice"]).await.0, 201);
    ws.next_numbered().await;
    let backends = server.backends();
    assert!(!backends.is_empty());
    backends.iter().for_each(|pid| send("-STOP", *pid));
    let start = Instant::now();
    let (refused, read) = futures_util::future::join(
        publish(&publisher, &["alice"]),
        app.user("alice").get("/v1/notifications"),
    )
    .await;
    assert_eq!((refused.0, read.status), (503, 503));
    assert!(start.elapsed() < HEALED, "{:?}", start.elapsed());
    app.expect_healthy().await;
    backends.iter().for_each(|pid| send("-CONT", *pid));
    let start = Instant::now();
    while publish(&publisher, &["alice"]).await.0 != 201 {}
    assert!(start.elapsed() < HEALED, "{:?}", start.elapsed());
    ws.next_numbered().await;
}

/// X22. One transaction has the row that the other wants next, and the other way round.
#[actix_web::test]
async fn a_transaction_that_is_ended_by_a_deadlock_is_tried_again() {
    let server = Server::start().await;
    // The server looks for it once, when somebody has waited so long: time enough for the other to cross.
    server.connect().batch_execute("ALTER DATABASE postgres SET deadlock_timeout = '2s'").unwrap();
    let app = App::start_with(&[("store.url", &server.url()), ("store.busy_timeout", "20s")]);
    let publisher = app.http(&app.publisher());
    assert_eq!(publish(&publisher, &["alice", "bob"]).await.0, 201);
    let mut other = server.connect();
    // Whoever waits for this long first gives way.
    other
        .batch_execute(
            "SET deadlock_timeout = '20s'; BEGIN; UPDATE inboxes SET mutes = 0 WHERE user_id = 'bob'",
        )
        .unwrap();
    let publishing = rt::spawn(async move { publish(&publisher, &["alice", "bob"]).await });
    let waiting = "SELECT count(*) AS number FROM pg_stat_activity
                   WHERE application_name = 'tidings' AND wait_event_type = 'Lock'";
    until("it waits for bob's row", || (server.numbers(waiting) == [1]).then_some(())).await;
    let crossing = rt::task::spawn_blocking(move || {
        other.batch_execute("UPDATE inboxes SET mutes = 0 WHERE user_id = 'alice'; COMMIT").unwrap();
    });
    crossing.await.unwrap();
    assert_eq!(publishing.await.unwrap().0, 201);
    // A session tells of it by its end at the latest.
    drop(app);
    let deadlocks = "SELECT deadlocks AS number FROM pg_stat_database WHERE datname = 'postgres'";
    // It may be tried again before the other is awake.
    until("the deadlock is counted", || (server.numbers(deadlocks) >= vec![1]).then_some(())).await;
    assert_eq!(server.numbers("SELECT last_offset AS number FROM inboxes"), [2, 2]);
    assert_eq!(server.numbers("SELECT count(*) AS number FROM notifications"), [4]);
}

/// X21. Who reads by a number that is given before the commit would pass over the late ones.
#[actix_web::test]
async fn commits_that_come_late_are_told_and_read_in_order_and_none_is_passed_over() {
    const PUBLISHERS: usize = 32;
    let server = Server::start().await;
    let app = server.app();
    let late = "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql
                AS 'BEGIN PERFORM pg_sleep(random() / 50); RETURN NEW; END';
                CREATE TRIGGER late BEFORE INSERT ON notifications FOR EACH ROW EXECUTE FUNCTION late()";
    server.connect().batch_execute(late).unwrap();
    let mut ws = app.ws("alice").await;
    let publisher = app.http(&app.publisher());
    let publishing = (0..PUBLISHERS).map(|_| async {
        for _ in 0..5 {
            assert_eq!(publish(&publisher, &["alice"]).await.0, 201);
        }
    });
    futures_util::future::join_all(publishing).await;
    let stored = server.names("SELECT id AS name FROM notifications ORDER BY \"offset\"");
    assert_eq!(stored.len(), PUBLISHERS * 5);
    let mut follower = crate::traffic::Follower::from_start("alice");
    let mut again = follower.connect(&app).await;
    follower.read_to(&mut again, stored.len() as u64).await;
    assert_eq!(follower.seen.into_iter().map(|(_, id)| id).collect::<Vec<_>>(), stored);
    for id in stored {
        assert_eq!(ws.next_numbered().await["id"], id);
    }
}

#[actix_web::test]
async fn a_row_that_stays_locked_refuses_the_publish_and_nothing_is_stored_later() {
    let server = Server::start().await;
    let app = server.app();
    let publisher = app.http(&app.publisher());
    assert_eq!(publish(&publisher, &["alice"]).await.0, 201);
    let mut other = server.connect();
    other.batch_execute("BEGIN; UPDATE inboxes SET mutes = 0").unwrap();
    let start = Instant::now();
    assert_eq!(publish(&publisher, &["alice"]).await.0, 503);
    assert!(start.elapsed() < HEALED, "{:?}", start.elapsed());
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(publish(&publisher, &["alice"]).await.0, 201);
    assert_eq!(server.numbers("SELECT last_offset AS number FROM inboxes"), [2]);
}

/// As if the clock of the server were an hour ahead of the node's: all nodes go by the server's.
#[actix_web::test]
async fn what_is_stored_has_the_time_of_the_server_and_ends_by_it() {
    let server = Server::start().await;
    let ahead = "CREATE FUNCTION public.transaction_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
                 AS $$ SELECT pg_catalog.transaction_timestamp() + interval '1 hour' $$";
    server.connect().batch_execute(ahead).unwrap();
    let url = format!("{}&options=-csearch_path%3Dpublic,pg_catalog", server.url());
    let app = App::start_with(&[("store.url", &url)]);
    let alice = app.user("alice");
    app.publish("alice", 1).await;
    let list = alice.get("/v1/notifications").await.json();
    let created: jiff::Timestamp = list["notifications"][0]["created_at"].as_str().unwrap().parse().unwrap();
    let ahead = created.duration_since(jiff::Timestamp::now());
    assert!((3590..3610).contains(&ahead.as_secs()), "{created}");
    let expiring = json!({ "to": "alice", "type": "a.b", "payload": {}, "expires_in": 1 });
    assert_eq!(app.http(&app.publisher()).post("/v1/notifications", &expiring).await.status, 201);
    assert_eq!(app.unread("alice").await["unread"], 2);
    let deadline = Instant::now() + HEALED * 2;
    while app.unread("alice").await["unread"] == 2 {
        assert!(Instant::now() < deadline, "it does not expire");
    }
    assert_eq!(app.unread("alice").await["unread"], 1);
}
