//! Collapse keys: a notification takes the place of the older unread one with its key, on every device.

use serde_json::{Value, json};

use crate::{app::App, clients::ws::Ws, welcome::moved};

async fn publish(app: &App, to: Value, key: &str, n: u64) -> Value {
    let body = json!({ "to": to, "type": "build.done", "payload": { "n": n }, "key": key });
    let answer = app.http(&app.publisher()).post("/v1/notifications", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["notifications"][0].clone()
}

/// The next event that is not about counters alone.
async fn next_but_unread(ws: &mut Ws) -> Value {
    loop {
        let event = ws.next().await;
        if event["type"] != "unread" {
            return event;
        }
    }
}

#[actix_web::test]
async fn the_older_one_is_archived_behind_the_new_one_on_every_device() {
    let app = App::start();
    let (mut phone, mut laptop) = (app.ws("alice").await, app.ws("alice").await);
    let first = publish(&app, json!("alice"), "build:7", 1).await;
    let other = publish(&app, json!("alice"), "build:8", 2).await;
    for ws in [&mut phone, &mut laptop] {
        assert_eq!(ws.next_ns(2).await, [1, 2]);
        while ws.expect("unread").await["counters"]["unread"] != 2 {}
    }
    let second = publish(&app, json!(["alice", "bob"]), "build:7", 3).await;
    let counters = json!({ "unread": 2, "unseen": 2, "version": 4, "marks_version": 1 });
    for ws in [&mut phone, &mut laptop] {
        let event = next_but_unread(ws).await;
        assert_eq!((&event["payload"]["n"], &event["key"]), (&json!(3), &json!("build:7")));
        assert_eq!(
            next_but_unread(ws).await,
            json!({ "type": "marked", "as": "archived", "ids": [first["id"]], "counters": counters })
        );
        assert_eq!(ws.expect("unread").await["counters"], counters);
    }

    let alice = app.user("alice");
    let ids = |listing: Value| -> Vec<Value> {
        listing["notifications"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
    };
    let unread = ids(alice.get("/v1/notifications?state=unread").await.json());
    assert_eq!(unread, [second["id"].clone(), other["id"].clone()]);
    assert_eq!(ids(alice.get("/v1/notifications?state=archived").await.json()), [first["id"].clone()]);
    let mut later = app.ws_at("alice", "?since=inbox@00000000.0").await;
    assert_eq!(later.next_numbered().await["type"], "skip");
    assert_eq!(later.next_ns(2).await, [2, 3]);
    assert_eq!(app.unread("bob").await["unread"], 1);
}

#[actix_web::test]
async fn what_was_read_stays_and_a_repeated_publish_changes_nothing() {
    let app = App::start();
    let alice = app.user("alice");
    let first = publish(&app, json!("alice"), "k", 1).await;
    let read = json!({ "as": "read", "all": true });
    assert_eq!(alice.post("/v1/notifications/mark", &read).await.status, 200);
    let publisher = app.http(&app.publisher());
    let body = json!({ "to": "alice", "type": "build.done", "payload": { "n": 2 }, "key": "k" }).to_string();
    let once = || {
        let request = publisher.request("POST", "/v1/notifications");
        publisher.send(
            request
                .insert_header(("Content-Type", "application/json"))
                .insert_header(("Idempotency-Key", "once")),
            body.clone(),
        )
    };
    let accepted = once().await;
    assert_eq!(accepted.status, 201);
    let path = format!("/v1/notifications/{}", first["id"].as_str().unwrap());
    assert!(alice.get(&path).await.json()["archived_at"].is_null());

    publish(&app, json!("alice"), "k", 3).await;
    let before = app.unread("alice").await;
    let repeated = once().await;
    assert_eq!((repeated.status, repeated.text()), (201, accepted.text()));
    assert_eq!(app.unread("alice").await, before);
    assert_eq!((&before["unread"], &before["marks_version"]), (&json!(1), &json!(2)));
}

#[actix_web::test]
async fn a_muted_one_takes_nobodys_place() {
    let app = App::start();
    let alice = app.user("alice");
    let first = publish(&app, json!("alice"), "k", 1).await;
    assert_eq!(alice.put("/v1/mutes/build.*", &json!({})).await.status, 200);
    let muted = publish(&app, json!("alice"), "k", 2).await;
    assert_eq!(muted["position"], moved(first["position"].as_str().unwrap(), 1));
    let unread = app.unread("alice").await;
    assert_eq!(
        (&unread["unread"], &unread["version"], &unread["marks_version"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!(alice.delete("/v1/mutes/build.*").await.status, 204);
    publish(&app, json!("alice"), "k", 3).await;
    let unread = app.unread("alice").await;
    assert_eq!((&unread["unread"], &unread["marks_version"]), (&json!(1), &json!(1)));
}
