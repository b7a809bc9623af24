//! Who is in a room, and types there, over two nodes (G14).

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    app::{App, DEADLINE},
    clients::{
        room::{EVERYWHERE, done, guest, guest_at, join, leave, member, say, until_said},
        ws::Ws,
    },
    cluster::{Cluster, PATIENT, Setup},
    scale::times,
    scene::text,
    traffic::Dice,
};

/// Within this the users of a dead node have left, with the lease of these tests.
const NODE_LOST: Duration = Duration::from_secs(30);

async fn presence(app: &App) -> Value {
    let answer = app.http(&app.token("reader", EVERYWHERE)).get("/v1/rooms/chat/presence").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Waits until every node says that these are in the room.
async fn until_present(cluster: &Cluster, users: &[&str]) {
    let deadline = Instant::now() + DEADLINE;
    for node in &cluster.nodes {
        loop {
            let found = presence(&node.app).await;
            if found["users"] == json!(users) {
                assert_eq!(found["user_count"], users.len());
                break;
            }
            assert!(Instant::now() < deadline, "{found} instead of {users:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What the room has heard of comings and goings up to now: (type, user).
async fn comings(ws: &mut Ws) -> Vec<(String, String)> {
    let now = say_now(ws).await;
    let heard = until_said(ws, &now).await;
    let told = heard.iter().filter(|event| event["user"].is_string());
    told.map(|event| (text(event, "type"), text(event, "user"))).collect()
}

/// Says something that nobody has said before, and answers with it.
async fn say_now(ws: &mut Ws) -> Value {
    static SAID: AtomicUsize = AtomicUsize::new(0);
    let now = json!(format!("now {}", SAID.fetch_add(1, Ordering::Relaxed)));
    ws.send(json!({ "type": "message", "room": "chat", "data": now })).await;
    now
}

fn pair(event_type: &str, user: &str) -> (String, String) {
    (event_type.to_owned(), user.to_owned())
}

#[actix_web::test]
async fn a_user_joins_with_the_first_session_and_leaves_with_the_last_on_whatever_node() {
    let cluster = Cluster::start_patient().await;
    let mut alice = member(cluster.app(0), "alice", &["chat"]).await;
    let mut carol = member(cluster.app(1), "carol", &["chat"]).await;
    until_present(&cluster, &["alice", "carol"]).await;
    let mut phone = member(cluster.app(0), "bob", &["chat"]).await;
    until_present(&cluster, &["alice", "bob", "carol"]).await;
    let mut laptop = guest(cluster.app(1), "bob").await;
    let ok = join(&mut laptop, "chat").await;
    assert_eq!((&ok["users"], &ok["user_count"]), (&json!(["alice", "bob", "carol"]), &json!(3)));
    assert_eq!(comings(&mut alice).await, [pair("user_joined", "carol"), pair("user_joined", "bob")]);
    assert_eq!(comings(&mut carol).await.last(), Some(&pair("user_joined", "bob")));

    // One of two goes, and the grace is over: the user is still there.
    phone.socket.close(None).await.unwrap();
    sleep(Duration::from_millis(1500)).await;
    until_present(&cluster, &["alice", "bob", "carol"]).await;
    assert_eq!(comings(&mut alice).await, []);
    leave(&mut laptop, "chat").await;
    until_present(&cluster, &["alice", "carol"]).await;
    for ws in [&mut alice, &mut carol] {
        assert_eq!(comings(ws).await, [pair("user_left", "bob")]);
    }
}

#[actix_web::test]
async fn whoever_changes_the_node_within_the_grace_was_never_away() {
    let settings = [("rooms.leave_grace", "3s"), PATIENT[0], PATIENT[1]];
    let cluster = Cluster::start_with(Setup { settings: &settings, ..Setup::default() }).await;
    let mut alice = member(cluster.app(0), "alice", &["chat"]).await;
    let mut bob = member(cluster.app(0), "bob", &["chat"]).await;
    until_present(&cluster, &["alice", "bob"]).await;
    comings(&mut alice).await;
    for node in [1, 0, 1] {
        bob.socket.close(None).await.unwrap();
        bob = guest_at(cluster.app(node), "bob", "?rooms=chat").await;
    }
    // Longer than the grace of those that went.
    sleep(Duration::from_secs(4)).await;
    assert_eq!(comings(&mut alice).await, []);
    until_present(&cluster, &["alice", "bob"]).await;
}

#[actix_web::test]
async fn the_users_of_a_killed_node_leave_once_each() {
    let mut cluster = Cluster::start_patient().await;
    let users: Vec<String> = (0..times(20, 200)).map(|n| format!("user{n:03}")).collect();
    let mut alice = member(cluster.app(0), "alice", &["chat"]).await;
    let gone = join_all(users.iter().map(|user| member(cluster.app(1), user, &["chat"]))).await;
    // One of them is on the other node, too.
    let _stays = member(cluster.app(0), &users[0], &["chat"]).await;
    let start = Instant::now();
    while presence(cluster.app(0)).await["user_count"] != users.len() + 1 {
        assert!(start.elapsed() < DEADLINE);
        sleep(Duration::from_millis(20)).await;
    }
    comings(&mut alice).await;
    let start = Instant::now();
    cluster.nodes[1].app.kill();
    let mut left = Vec::new();
    while left.len() < users.len() - 1 {
        let event = alice.next().await;
        assert_ne!(event["type"], "user_joined", "{event}");
        if event["type"] == "user_left" {
            left.push(event["user"].as_str().unwrap().to_owned());
        }
        assert!(start.elapsed() < NODE_LOST, "{} have left", left.len());
    }
    let took = start.elapsed();
    left.sort();
    assert_eq!(left, users[1..]);
    drop(gone);
    cluster.nodes[1].app.restart();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(comings(&mut alice).await, []);
    until_present(&cluster, &["alice", &users[0]]).await;
    println!("X5 kill -9 of a node: {} users, each left once, the last after {took:.1?}", left.len());
}

#[actix_web::test]
async fn the_users_of_a_node_that_stood_still_are_there_again() {
    let cluster = Cluster::start_patient().await;
    let mut alice = member(cluster.app(0), "alice", &["chat"]).await;
    let mut bob = member(cluster.app(1), "bob", &["chat"]).await;
    until_present(&cluster, &["alice", "bob"]).await;
    cluster.app(1).signal("-STOP");
    let start = Instant::now();
    while alice.next().await["type"] != "user_left" {
        assert!(start.elapsed() < NODE_LOST, "bob is still there");
    }
    cluster.app(1).signal("-CONT");
    cluster.bridges_are("ok").await;
    until_present(&cluster, &["alice", "bob"]).await;
    say(&mut alice, "chat", json!("again")).await;
    until_said(&mut bob, &json!("again")).await;
}

#[actix_web::test]
async fn a_killed_redis_forgets_everybody_and_is_told_again() {
    let mut cluster = Cluster::start_patient().await;
    let mut alice = member(cluster.app(0), "alice", &["chat"]).await;
    let _bob = member(cluster.app(1), "bob", &["chat"]).await;
    until_present(&cluster, &["alice", "bob"]).await;
    comings(&mut alice).await;
    cluster.redis().kill();
    cluster.bridges_are("degraded").await;
    cluster.redis().revive().await;
    cluster.bridges_are("ok").await;
    until_present(&cluster, &["alice", "bob"]).await;
}

#[actix_web::test]
async fn many_connections_that_come_and_go_leave_no_ghost() {
    let mut dice = Dice::new();
    let cluster = Cluster::start().await;
    let mut alice = member(cluster.app(0), "alice", &["chat"]).await;
    let connections = times(1000, 10_000);
    let churn = (0..20).map(|worker: usize| {
        let (mut dice, cluster) = (dice.fork(), &cluster);
        async move {
            for n in 0..connections / 20 {
                let user = format!("user{:02}", dice.below(40));
                let app = cluster.app((worker + n) % 2);
                let mut ws = guest_at(app, &user, "?rooms=chat").await;
                if dice.below(2) == 0 {
                    done(&mut ws, json!({ "type": "leave", "room": "chat" })).await;
                }
                if dice.below(2) == 0 {
                    ws.socket.close(None).await.unwrap();
                }
            }
        }
    });
    let churning = async {
        join_all(churn).await;
        say_to(&cluster, "over").await;
    };
    let listening = async {
        let mut there = std::collections::BTreeSet::new();
        loop {
            let event = alice.next().await;
            let user = event["user"].as_str().unwrap_or_default().to_owned();
            match event["type"].as_str().unwrap() {
                "message" => break there,
                "user_joined" => assert!(there.insert(user), "joined twice: {event}"),
                "user_left" => assert!(there.remove(&user), "left twice: {event}"),
                _ => {}
            }
        }
    };
    let ((), there) = futures_util::future::join(churning, listening).await;
    until_present(&cluster, &["alice"]).await;
    println!(
        "{connections} connections came and went, {} users were there at the end, 0 ghosts",
        there.len()
    );
}

async fn say_to(cluster: &Cluster, data: &str) {
    let app = cluster.app(1);
    let http = app.http(&app.token("speaker", EVERYWHERE));
    let answer = http.post("/v1/rooms/chat/messages", &json!({ "data": data })).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

#[actix_web::test]
async fn typing_is_told_on_the_other_node_and_ends() {
    let settings = [("rooms.typing_ttl", "3s"), PATIENT[0], PATIENT[1]];
    let cluster = Cluster::start_with(Setup { settings: &settings, ..Setup::default() }).await;
    let mut alice = member(cluster.app(0), "alice", &["chat"]).await;
    let mut bob = member(cluster.app(1), "bob", &["chat"]).await;
    until_present(&cluster, &["alice", "bob"]).await;
    let told = |users: Value| json!({ "type": "typing", "room": "chat", "users": users });
    for ends_by_itself in [true, false] {
        done(&mut bob, json!({ "type": "typing", "room": "chat" })).await;
        assert_eq!(alice.expect("typing").await, told(json!(["bob"])));
        assert_eq!(presence(cluster.app(0)).await["typing"], json!(["bob"]));
        if !ends_by_itself {
            done(&mut bob, json!({ "type": "typing", "room": "chat", "active": false })).await;
        }
        assert_eq!(alice.expect("typing").await, told(json!([])));
    }
    // Who types for longer is told once.
    for _ in 0..16 {
        done(&mut bob, json!({ "type": "typing", "room": "chat" })).await;
        sleep(Duration::from_millis(250)).await;
    }
    let now = say_now(&mut bob).await;
    let heard = until_said(&mut alice, &now).await;
    let typing: Vec<&Value> = heard.iter().filter(|event| event["type"] == "typing").collect();
    assert_eq!(typing, [&told(json!(["bob"]))]);
    // Both are named, wherever they are.
    done(&mut alice, json!({ "type": "typing", "room": "chat" })).await;
    let both = told(json!(["alice", "bob"]));
    while bob.expect("typing").await != both {}
}
