//! Rooms over two nodes: one numbering and one history, whoever publishes and wherever it is heard (G8).

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    app::App,
    clients::{
        room::{EVERYWHERE, guest, join, join_since, member, next_data, offset, say, until_said},
        ws::Ws,
    },
    cluster::Cluster,
    scale::times,
};

async fn history(app: &App, query: &str) -> Value {
    let http = app.http(&app.token("reader", EVERYWHERE));
    let answer = http.get(&format!("/v1/rooms/chat/messages{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Publishes as a back-end does, and answers with the position. Who says it over a socket may hear it before the answer.
async fn publish(app: &App, data: &str) -> String {
    let http = app.http(&app.token("speaker", EVERYWHERE));
    let answer = http.post("/v1/rooms/chat/messages", &json!({ "data": data })).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["position"].as_str().unwrap().to_owned()
}

/// The next `degraded`, `restored` or `gap`, or message; presence is passed over.
async fn next_of_room(ws: &mut Ws) -> Value {
    loop {
        let event = ws.next().await;
        if ["message", "gap", "skip", "degraded", "restored"].contains(&event["type"].as_str().unwrap()) {
            return event;
        }
    }
}

#[actix_web::test]
async fn messages_from_both_nodes_are_numbered_without_a_hole_and_heard_in_one_order() {
    let cluster = Cluster::start_patient().await;
    let messages = times(100, 2000);
    let mut listeners = Vec::new();
    for node in 0..2 {
        listeners
            .push(member(cluster.app(node), &format!("listener {node}").replace(' ', "-"), &["chat"]).await);
    }
    let speaking = (0..8).map(|speaker| {
        let app = cluster.app(speaker % 2);
        async move {
            let http = app.http(&app.token("speaker", EVERYWHERE));
            for n in 0..messages / 8 {
                let body = json!({ "data": format!("{speaker}-{n}") });
                let answer = http.post("/v1/rooms/chat/messages", &body).await;
                assert_eq!(answer.status, 201, "{}", answer.text());
            }
        }
    });
    join_all(speaking).await;
    let mut heard: Vec<Vec<Value>> = Vec::new();
    for ws in &mut listeners {
        let mut own = Vec::new();
        while own.len() < messages / 8 * 8 {
            own.push(next_of_room(ws).await);
        }
        heard.push(own);
    }
    assert_eq!(heard[0], heard[1]);
    let offsets: Vec<u64> = heard[0].iter().map(|event| offset(&event["position"])).collect();
    assert_eq!(offsets, (1..=offsets.len() as u64).collect::<Vec<_>>());
}

#[actix_web::test]
async fn what_was_said_on_one_node_is_read_and_resumed_on_the_other() {
    let cluster = Cluster::start_patient().await;
    let mut alice = member(cluster.app(0), "alice", &["chat"]).await;
    let mut positions = Vec::new();
    for n in 0..5 {
        positions.push(say(&mut alice, "chat", json!(n)).await);
    }
    for node in 0..2 {
        let page = history(cluster.app(node), "").await;
        let data: Vec<&Value> =
            page["messages"].as_array().unwrap().iter().map(|message| &message["data"]).collect();
        assert_eq!(json!(data), json!([0, 1, 2, 3, 4]));
        assert_eq!(page["position"], positions[4].as_str());
        let page = history(cluster.app(node), &format!("?since={}", positions[2])).await;
        assert_eq!((page["messages"].as_array().unwrap().len(), &page["resume"]), (2, &json!("complete")));
    }
    let mut bob = guest(cluster.app(1), "bob").await;
    let ok = join_since(&mut bob, "chat", &positions[1]).await;
    assert_eq!((&ok["resume"], &ok["position"]), (&json!("complete"), &json!(positions[4])));
    assert_eq!(next_data(&mut bob, 3).await, [2, 3, 4]);
    say(&mut bob, "chat", json!("live")).await;
    until_said(&mut alice, &json!("live")).await;
}

#[actix_web::test]
async fn a_room_outlives_all_its_nodes() {
    let mut cluster = Cluster::start_patient().await;
    let mut alice = member(cluster.app(0), "alice", &["chat"]).await;
    let position = say(&mut alice, "chat", json!(1)).await;
    for node in &mut cluster.nodes {
        node.app.kill();
        node.app.restart();
    }
    cluster.bridges_are("ok").await;
    let mut alice = guest(cluster.app(1), "alice").await;
    let ok = join_since(&mut alice, "chat", &position).await;
    assert_eq!((&ok["resume"], &ok["position"]), (&json!("complete"), &json!(position)));
}

#[actix_web::test]
async fn a_nonce_counts_on_every_node() {
    let cluster = Cluster::start_patient().await;
    let mut positions = Vec::new();
    for node in [0, 1, 0] {
        let app = cluster.app(node);
        let body = json!({ "data": 1, "nonce": "once" });
        let http = app.http(&app.token("alice", EVERYWHERE));
        let answer = http.post("/v1/rooms/chat/messages", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        positions.push(answer.json()["position"].clone());
    }
    assert!(positions.iter().all(|position| position == &positions[0]), "{positions:?}");
}

#[actix_web::test]
async fn a_flushed_redis_begins_rooms_anew_and_everybody_is_told_by_a_gap() {
    let mut cluster = Cluster::start_patient().await;
    let mut members =
        [member(cluster.app(0), "alice", &["chat"]).await, member(cluster.app(1), "bob", &["chat"]).await];
    let old = publish(cluster.app(0), "old").await;
    for ws in &mut members {
        while next_of_room(ws).await["data"] != "old" {}
    }
    cluster.redis().run::<()>(&["FLUSHALL"]);
    let new = publish(cluster.app(1), "new").await;
    assert_ne!(new[..8], old[..8]);
    for ws in &mut members {
        let gap = next_of_room(ws).await;
        assert_eq!(
            (&gap["type"], &gap["reason"], &gap["from"]),
            (&json!("gap"), &json!("epoch"), &json!(old))
        );
        let message = next_of_room(ws).await;
        assert_eq!((&message["data"], &message["position"]), (&json!("new"), &json!(new)));
    }
    // Who was away is told the same.
    for node in 0..2 {
        let mut carol = guest(cluster.app(node), "carol").await;
        assert_eq!(join_since(&mut carol, "chat", &old).await["resume"], "gap");
        assert_eq!(next_of_room(&mut carol).await["reason"], "epoch");
        assert_eq!(next_of_room(&mut carol).await["data"], "new");
    }
}

#[actix_web::test]
async fn while_redis_is_away_rooms_say_so_and_take_nothing() {
    let mut cluster = Cluster::start_patient().await;
    let mut members =
        [member(cluster.app(0), "alice", &["chat"]).await, member(cluster.app(1), "bob", &["chat"]).await];
    cluster.redis().kill();
    for ws in &mut members {
        let degraded = next_of_room(ws).await;
        assert_eq!((&degraded["type"], &degraded["what"]), (&json!("degraded"), &json!("rooms")));
        assert!(degraded["since"].is_string(), "{degraded}");
        let command = json!({ "type": "message", "room": "chat", "data": 1 });
        let refused = ws.ask(command).await;
        assert_eq!((&refused["code"], &refused["retryable"]), (&json!("unavailable"), &json!(true)));
        let refused = ws.ask(json!({ "type": "join", "room": "other" })).await;
        assert_eq!(refused["code"], "unavailable");
    }
    sleep(std::time::Duration::from_millis(200)).await;
    cluster.redis().revive().await;
    for ws in &mut members {
        let mut event = next_of_room(ws).await;
        // What was lost is told as it is found out.
        while event["type"] == "gap" {
            event = next_of_room(ws).await;
        }
        assert_eq!((&event["type"], &event["what"]), (&json!("restored"), &json!("rooms")));
        join(ws, "other").await;
    }
    let [alice, bob] = &mut members;
    say(alice, "chat", json!("again")).await;
    while next_of_room(bob).await["data"] != "again" {}
}

#[actix_web::test]
async fn who_begins_while_redis_is_away_is_told() {
    let mut cluster = Cluster::start_patient().await;
    cluster.redis().kill();
    cluster.bridges_are("degraded").await;
    let app = cluster.app(0);
    let http = app.http(&app.token("alice", EVERYWHERE));
    let requests = ["/v1/rooms/chat/messages", "/v1/rooms/chat/presence", "/v1/poll?rooms=chat&wait=0"]
        .map(|path| http.get(path));
    for answer in join_all(requests).await {
        answer.problem(503, "unavailable");
        assert!(answer.header("Retry-After").is_some());
    }
    app.publish("alice", 1).await;
}
