//! Nodes that share a bus: rooms and who is in them are the same on all, and `/ready` says how the bus is.

use serde_json::{Value, json};

use crate::{
    app::App,
    clients::room::{join, join_since, member, message, offset, say},
    engines::redis::Redis,
};

fn node(redis: &Redis) -> App {
    node_with(redis, &[])
}

fn node_with(redis: &Redis, settings: &[(&str, &str)]) -> App {
    let url = format!("redis+unix://{}", redis.socket().display());
    let own = [("bridge.url", url.as_str()), ("rooms.presence_ttl", "2s"), ("rooms.leave_grace", "100ms")];
    App::start_with(&[&own, settings].concat())
}

async fn bus_of(app: &App) -> Value {
    app.http("alice").get("/ready").await.json()["bridge"].clone()
}

#[actix_web::test]
async fn a_room_is_one_room_on_all_nodes() {
    let redis = Redis::start().await;
    let (a, b) = (node(&redis), node(&redis));
    let mut alice = member(&a, "alice", &["chat"]).await;
    let mut bob = member(&b, "bob", &[]).await;
    let ok = join(&mut bob, "chat").await;
    if ok["user_count"] == 1 {
        // She was let in, and the bus did not know it yet.
        assert_eq!(bob.expect("user_joined").await["user"], "alice");
    }
    assert_eq!(alice.expect("user_joined").await["user"], "bob");
    let first = say(&mut bob, "chat", json!(1)).await;
    let second = say(&mut alice, "chat", json!(2)).await;
    let third = say(&mut bob, "chat", json!(3)).await;
    assert_eq!([first, second, third].map(|position| offset(&json!(position))), [1, 2, 3]);
    let mut carol = member(&b, "carol", &[]).await;
    let ok = join_since(&mut carol, "chat", "00000000.0").await;
    assert_eq!((offset(&ok["position"]), &ok["user_count"]), (3, &json!(3)));
    for n in 1..=3 {
        assert_eq!(message(&mut carol).await["data"], n);
    }
    assert_eq!(bus_of(&a).await, "ok");
}

#[actix_web::test]
async fn users_of_a_node_that_stops_or_dies_are_gone_from_its_rooms() {
    let redis = Redis::start().await;
    let (mut a, mut b, c) = (node(&redis), node(&redis), node(&redis));
    let mut carol = member(&c, "carol", &["chat"]).await;
    let _alice = member(&a, "alice", &["chat"]).await;
    assert_eq!(carol.expect("user_joined").await["user"], "alice");
    let _bob = member(&b, "bob", &["chat"]).await;
    assert_eq!(carol.expect("user_joined").await["user"], "bob");
    b.kill();
    assert_eq!(carol.expect("user_left").await["user"], "bob");
    a.signal("-TERM");
    assert_eq!(carol.expect("user_left").await["user"], "alice");
    assert!(a.ended().await.success());
}

#[actix_web::test]
async fn a_bus_that_is_away_is_degraded_and_stops_nobody() {
    let mut redis = Redis::start().await;
    redis.kill();
    let app = node(&redis);
    app.logged(|record| record["level"] == "warn" && record["message"].to_string().contains("bridge.url"))
        .await;
    assert_eq!(bus_of(&app).await, "degraded");
    redis.revive().await;
    app.logged(|record| record["message"] == "the bus is live").await;
    assert_eq!(bus_of(&app).await, "ok");
    redis.kill();
    app.logged(|record| record["message"].to_string().contains("the bus is away")).await;
    assert_eq!((app.http("alice").get("/ready").await.status, bus_of(&app).await), (200, json!("degraded")));
}
