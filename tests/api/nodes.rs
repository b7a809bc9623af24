//! Several processes on one PostgreSQL database, without a bus: each tells what the others store, a second
//! later at most, and nothing twice (G7).

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    rc::Rc,
    time::{Duration, Instant},
};

use actix_web::rt;
use diesel::connection::SimpleConnection;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::{
    app::{App, SECRET, program, until},
    clients::{http::Http, ws::Ws},
    engines::{postgres::Server, redis::Redis},
};

/// How soon a node tells what another one has stored: a sweep comes every second, and a busy machine is late.
const SWEPT: Duration = Duration::from_secs(5);

/// With a bus the sweep comes every five seconds, and this is far below.
const LIVE: Duration = Duration::from_secs(3);

/// Two nodes on one database, which come one after the other.
async fn two_nodes() -> (Server, App, App) {
    let server = Server::start().await;
    let (a, b) = (server.app(), server.app());
    (server, a, b)
}

fn is_warning(record: &Value) -> bool {
    record["level"] == "warn"
        && record["message"].as_str().is_some_and(|message| message.contains("bridge.url is not set"))
}

/// What is told until an `unread` says that so many are unread: numbers of notifications, versions of counters.
async fn told_until(ws: &mut Ws, unread: u64) -> Vec<Value> {
    let mut told = Vec::new();
    loop {
        let event = ws.next().await;
        told.push(match event["type"].as_str().unwrap() {
            kind @ ("unread" | "marked") => {
                json!([kind, event["counters"]["version"], event["counters"]["marks_version"]])
            }
            "ping" => continue,
            _ => event["payload"]["n"].clone(),
        });
        if event["type"] == "unread" && event["counters"]["unread"] == unread {
            return told;
        }
    }
}

async fn mark_all_read(http: &Http) {
    let mark = json!({ "as": "read", "all": true });
    assert_eq!(http.post("/v1/notifications/mark", &mark).await.status, 200);
}

#[actix_web::test]
async fn what_one_node_stores_the_other_tells_within_the_sweep_and_in_order() {
    let (_server, a, b) = two_nodes().await;
    let mut ws = b.ws("alice").await;
    for n in 1..=3 {
        let before = Instant::now();
        a.publish("alice", n).await;
        assert_eq!(ws.next_ns(1).await, [n]);
        assert!(before.elapsed() < SWEPT, "{:?}", before.elapsed());
    }
}

/// X13. Each sweep finds all that has changed for 15 s, and so tells the hub the same again and again.
#[actix_web::test]
async fn no_sweep_tells_anything_twice() {
    let (_server, a, b) = two_nodes().await;
    let (mut here, mut there) = (a.ws("alice").await, b.ws("alice").await);
    for n in 1..=3 {
        a.publish("alice", n).await;
        for ws in [&mut here, &mut there] {
            assert_eq!(told_until(ws, n).await, [json!(n), json!(["unread", n, 0])]);
        }
    }
    mark_all_read(&a.user("alice")).await;
    // Where it was marked it is said what was marked; elsewhere that something was: the client lists again.
    let (marked, unread) = (json!(["marked", 4, 1]), json!(["unread", 4, 1]));
    assert_eq!(told_until(&mut here, 0).await, [marked, unread.clone()]);
    assert_eq!(told_until(&mut there, 0).await, [unread]);
    a.publish("alice", 4).await;
    for ws in [&mut here, &mut there] {
        assert_eq!(told_until(ws, 1).await, [json!(4), json!(["unread", 5, 1])]);
    }
}

/// X7. With a bus all is told at once, and by the sweep again; while it is away, by the sweep alone.
#[actix_web::test]
async fn a_bus_that_comes_and_goes_makes_nothing_be_told_twice_or_not_at_all() {
    let (server, mut redis) = (Server::start().await, Redis::start().await);
    let bus = format!("redis+unix://{}", redis.socket().display());
    let node = || App::start_with(&[("store.url", &server.url()), ("bridge.url", &bus)]);
    let (a, b) = (node(), node());
    let (mut here, mut there) = (a.ws("alice").await, b.ws("alice").await);
    // What is said on the bus before it is followed is found by the sweep.
    a.publish("alice", 1).await;
    for ws in [&mut here, &mut there] {
        assert_eq!(told_until(ws, 1).await, [json!(1), json!(["unread", 1, 0])]);
    }
    b.publish("alice", 2).await;
    for ws in [&mut here, &mut there] {
        assert_eq!(told_until(ws, 2).await, [json!(2), json!(["unread", 2, 0])]);
    }
    mark_all_read(&a.user("alice")).await;
    for ws in [&mut here, &mut there] {
        assert_eq!(told_until(ws, 0).await, [json!(["marked", 3, 1]), json!(["unread", 3, 1])]);
    }
    redis.kill();
    b.logged(|record| record["message"].to_string().contains("the bus is away")).await;
    a.publish("alice", 3).await;
    for ws in [&mut here, &mut there] {
        assert_eq!(told_until(ws, 1).await, [json!(3), json!(["unread", 4, 1])]);
    }
    redis.revive().await;
    for node in [&a, &b] {
        until("the bus is there again", || {
            let lives = node.logs().into_iter().filter(|line| line.contains("the bus is live")).count();
            (lives == 2).then_some(())
        })
        .await;
    }
    a.publish("alice", 4).await;
    for ws in [&mut here, &mut there] {
        assert_eq!(told_until(ws, 2).await, [json!(4), json!(["unread", 5, 1])]);
    }
    assert!(![a, b].iter().any(|node| node.logs().iter().any(|line| line.contains("bridge.url is not set"))));
}

/// With a bus the sweep comes every 5 s only; what is stored while a user's first session connects does not wait
/// for it.
#[actix_web::test]
async fn who_connects_while_the_bus_is_asked_to_tell_misses_nothing() {
    let (server, redis) = (Server::start().await, Redis::start().await);
    let bus = format!("redis+unix://{}", redis.socket().display());
    let node = || App::start_with(&[("store.url", &server.url()), ("bridge.url", &bus)]);
    let (a, b) = (node(), node());
    for n in 0..40 {
        let user = format!("user{n}");
        let (mut ws, _) = join(b.ws(&user), a.publish(&user, n)).await;
        let connected = Instant::now();
        if ws.welcome["inbox"]["counters"]["unread"] == 0 {
            assert_eq!(ws.next_ns(1).await, [n]);
            assert!(connected.elapsed() < LIVE, "{n}: {:?}", connected.elapsed());
        }
    }
}

#[actix_web::test]
async fn who_shares_the_database_without_a_bus_says_so() {
    let (server, mut a, b) = two_nodes().await;
    for node in [&a, &b] {
        node.logged(is_warning).await;
    }
    drop(b);
    // One that was killed is not there any more.
    a.kill();
    a.restart();
    let mut ws = a.ws("alice").await;
    a.publish("alice", 1).await;
    while ws.expect("unread").await["counters"]["version"] != 1 {}
    let change = "UPDATE inboxes SET version = version + 1, changed_at = changed_at + 1";
    server.connect().batch_execute(change).unwrap();
    // By a sweep.
    assert_eq!(ws.expect("unread").await["counters"]["version"], 2);
    let records = a.logs().into_iter().map(|line| serde_json::from_str(&line).unwrap());
    assert!(!records.into_iter().any(|record| is_warning(&record)));
}

#[actix_web::test]
async fn nodes_that_start_at_once_make_the_tables_once() {
    let server = Server::start().await;
    let settings =
        ["http.listen=127.0.0.1:0", &format!("auth.secret={SECRET}"), &format!("store.url={}", server.url())];
    let start = || {
        let mut command = program();
        command.current_dir(server.folder.path()).arg("serve");
        command.args(settings.iter().flat_map(|setting| ["--set", setting]));
        command.stderr(Stdio::piped()).spawn().unwrap()
    };
    let nodes: Vec<Child> = (0..4).map(|_| start()).collect();
    for mut node in nodes {
        let mut said = BufReader::new(node.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(said.any(|line| line.contains("\"listening\"")));
        node.kill().unwrap();
        node.wait().unwrap();
    }
}

/// G2.
#[actix_web::test]
async fn publishers_on_two_nodes_to_one_user_give_one_order() {
    const PUBLISHERS: u64 = 32;
    const EACH: u64 = 5;
    let (server, a, b) = two_nodes().await;
    let (a, b) = (Rc::new(a), Rc::new(b));
    let (mut here, mut there) = (a.ws("alice").await, b.ws("alice").await);
    let publishing: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let app = if publisher % 2 == 0 { a.clone() } else { b.clone() };
            rt::spawn(async move {
                for n in 0..EACH {
                    app.publish("alice", publisher * EACH + n).await;
                }
            })
        })
        .collect();
    for published in join_all(publishing).await {
        published.unwrap();
    }
    let count = PUBLISHERS * EACH;
    let offsets = server.numbers("SELECT \"offset\" AS number FROM notifications ORDER BY \"offset\"");
    assert!(offsets.into_iter().eq(1..=i64::try_from(count).unwrap()));
    let ids = server.names("SELECT id AS name FROM notifications ORDER BY \"offset\"");
    for ws in [&mut here, &mut there] {
        for id in &ids {
            assert_eq!(ws.next_numbered().await["id"], *id);
        }
        while ws.expect("unread").await["counters"]["unread"] != count {}
    }
}

/// X4.
#[actix_web::test]
async fn a_node_that_stood_still_tells_all_that_was_stored_meanwhile() {
    let (_server, a, b) = two_nodes().await;
    let mut ws = b.ws("alice").await;
    a.publish("alice", 0).await;
    assert_eq!(ws.next_ns(1).await, [0]);
    b.signal("-STOP");
    let stopped = Instant::now();
    let mut n = 0;
    while stopped.elapsed() < Duration::from_secs(4) {
        n += 1;
        a.publish("alice", n).await;
    }
    b.signal("-CONT");
    let ns = ws.next_ns(n.try_into().unwrap()).await;
    assert!(ns.into_iter().eq(1..=n));
    while ws.expect("unread").await["counters"]["unread"] != n + 1 {}
}

#[actix_web::test]
async fn a_cursor_of_one_node_is_good_at_the_other() {
    let (_server, a, b) = two_nodes().await;
    let mut ws = a.ws("alice").await;
    a.publish("alice", 1).await;
    b.publish("alice", 2).await;
    let position = ws.next_numbered().await["position"].clone();
    assert_eq!(ws.next_ns(1).await, [2]);
    drop(ws);
    b.publish("alice", 3).await;
    let since = format!("?since=inbox@{}", position.as_str().unwrap());
    let mut ws = b.ws_at("alice", &since).await;
    assert_eq!((ws.next_ns(2).await, ws.welcome["resume"].as_str()), (vec![2, 3], Some("complete")));
    // What it has been told there, the first one does not tell again.
    a.publish("alice", 4).await;
    assert_eq!(ws.next_ns(1).await, [4]);
}

#[actix_web::test]
async fn a_mute_set_at_one_node_silences_what_the_other_stores() {
    let (_server, a, b) = two_nodes().await;
    let mut ws = b.ws("alice").await;
    let alice = a.user("alice");
    assert_eq!(alice.put("/v1/mutes/test.*", &json!({})).await.status, 200);
    b.publish("alice", 1).await;
    assert_eq!(ws.next_numbered().await["type"], "skip");
    assert_eq!(b.unread("alice").await["unread"], 0);
    assert_eq!(alice.delete("/v1/mutes/test.*").await.status, 204);
    b.publish("alice", 2).await;
    assert_eq!(ws.next_ns(1).await, [2]);
}
