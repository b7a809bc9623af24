//! What a user does not want to hear of: stored, silent, counted nowhere, on every device.

use std::time::Instant;

use serde_json::{Value, json};

use crate::{
    app::{App, DEADLINE},
    clients::{http::Http, poll::Poll, sse::stream, ws::Ws},
    welcome::moved,
};

const EMPTY: Value = Value::Null;

async fn publish(app: &App, to: Value, event_type: &str, n: u64) -> Vec<String> {
    let body = json!({ "to": to, "type": event_type, "payload": { "n": n } });
    let answer = app.http(&app.publisher()).post("/v1/notifications", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let notifications = answer.json()["notifications"].as_array().unwrap().clone();
    notifications.iter().map(|receipt| receipt["position"].as_str().unwrap().to_owned()).collect()
}

async fn mute(user: &Http, pattern: &str, body: Value) -> Value {
    let path = format!("/v1/mutes/{pattern}");
    let answer = match body {
        Value::Null => user.send(user.request("PUT", &path), "").await,
        body => user.put(&format!("/v1/mutes/{pattern}"), &body).await,
    };
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn patterns(user: &Http) -> Vec<String> {
    let mutes = user.get("/v1/mutes").await.json();
    let mutes = mutes["mutes"].as_array().unwrap_or_else(|| panic!("{mutes}")).clone();
    mutes.iter().map(|mute| mute["pattern"].as_str().unwrap().to_owned()).collect()
}

fn skip(to: &str) -> Value {
    json!({ "type": "skip", "stream": "inbox", "from": moved(to, -1), "to": to })
}

fn soon(seconds: i64) -> String {
    jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() + seconds).unwrap().to_string()
}

async fn everything_until_an_echo(ws: &mut Ws) -> Vec<Value> {
    ws.send(json!({ "type": "echo", "data": "now" })).await;
    let mut heard = Vec::new();
    loop {
        match ws.next().await {
            event if event["data"] == "now" => return heard,
            event => heard.push(event),
        }
    }
}

#[actix_web::test]
async fn what_one_device_mutes_is_a_skip_on_all_and_counted_nowhere() {
    let app = App::start();
    let alice = app.user("alice");
    app.publish("alice", 1).await;
    let (mut phone, mut laptop, mut bob) =
        (app.ws("alice").await, app.ws("alice").await, app.ws("bob").await);
    mute(&alice, "comment.*", EMPTY).await;
    let before = app.unread("alice").await;
    let positions = publish(&app, json!(["bob", "alice"]), "comment.created", 2).await;
    assert_eq!(bob.next_ns(1).await, [2]);
    // Bob is told his counters; alice would have been told hers by then.
    assert_eq!(bob.expect("unread").await["counters"]["unread"], 1);
    for ws in [&mut phone, &mut laptop] {
        assert_eq!(everything_until_an_echo(ws).await, [skip(&positions[1])]);
    }
    assert_eq!(app.unread("alice").await, before);
    let listed = alice.get("/v1/notifications").await.json();
    assert_eq!(listed["notifications"].as_array().unwrap().len(), 1);
    assert_eq!(listed["cursor"], format!("inbox@{}", positions[1]));

    // What is of another type follows the skip; who comes back later is told the same.
    publish(&app, json!("alice"), "order.shipped", 3).await;
    for ws in [&mut phone, &mut laptop] {
        assert_eq!(ws.next_ns(1).await, [3]);
        assert_eq!(ws.expect("unread").await["counters"]["version"], 2);
    }
    let mut later = app.ws_at("alice", "?since=inbox@00000000.0").await;
    assert_eq!(later.welcome["resume"], "complete");
    assert_eq!(later.next_ns(1).await, [1]);
    assert_eq!(later.next_numbered().await, skip(&positions[1]));
    assert_eq!(later.next_ns(1).await, [3]);
}

#[actix_web::test]
async fn what_is_muted_is_a_skip_on_every_way() {
    let app = App::start();
    let mut streamed = stream(&app, "alice", "", "").await;
    let mut polled = Poll::start(&app, "alice", "", "").await;
    let before = polled.cursor.clone();
    mute(&app.user("alice"), "comment.*", EMPTY).await;
    let hidden = publish(&app, json!("alice"), "comment.created", 1).await.remove(0);
    let shown = publish(&app, json!("alice"), "order.shipped", 2).await.remove(0);

    assert_eq!(streamed.next().await, skip(&hidden));
    assert_eq!(streamed.last_id(), format!("inbox@{hidden}"));
    assert_eq!(streamed.next().await["position"], shown);
    let is_skip = |event: &Value| {
        assert_eq!((&event["type"], &event["to"]), (&json!("skip"), &json!(hidden)), "{event}");
        // Of somebody who never had any, nothing yet is the very start, too.
        assert!([json!("00000000.0"), json!(moved(&hidden, -1))].contains(&event["from"]), "{event}");
    };
    let told = polled.collect(2, |event| event["type"] != "unread").await;
    is_skip(&told[0]);
    assert_eq!(told[1]["position"], shown);
    // Who comes later is told the same.
    let mut later = stream(&app, "alice", "", &format!("?since={before}")).await;
    is_skip(&later.next().await);
    let later = Poll::at(&app, "alice", "", "", &before).next(0).await;
    is_skip(&later[0]);
    assert_eq!(later[1], told[1]);
}

#[actix_web::test]
async fn a_mute_is_put_listed_and_taken_back_and_is_its_users_own() {
    let app = App::start();
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    assert_eq!(alice.get("/v1/mutes").await.json(), json!({ "mutes": [] }));
    let first = mute(&alice, "order.shipped", EMPTY).await;
    assert_eq!((&first["pattern"], &first["until"]), (&json!("order.shipped"), &json!(null)));
    assert!(first["created_at"].is_string() && first.as_object().unwrap().len() == 3);
    let until = soon(3600);
    let star = mute(&alice, "%2A", json!({ "until": until })).await;
    assert_eq!(star["pattern"], "*");
    let told: jiff::Timestamp = star["until"].as_str().unwrap().parse().unwrap();
    assert_eq!(told, until.parse().unwrap());
    assert_eq!(alice.get("/v1/mutes").await.json(), json!({ "mutes": [star, first] }));
    let again = mute(&alice, "*", json!({ "until": null })).await;
    assert_eq!((&again["until"], &again["created_at"]), (&json!(null), &star["created_at"]));
    assert!(patterns(&bob).await.is_empty());

    assert_eq!(bob.delete("/v1/mutes/*").await.status, 204);
    for _ in 0..2 {
        let path = format!("/v1/mutes/{}", "*");
        assert_eq!(alice.delete(&path).await.status, 204, "also where there is none");
    }
    assert_eq!(patterns(&alice).await, ["order.shipped"]);
    assert_eq!(alice.delete(&format!("/v1/mutes/{}", "order.shipped")).await.status, 204);
    app.publish("alice", 1).await;
    assert_eq!(app.unread("alice").await["unread"], 1);
    app.anonymous().get("/v1/mutes").await.problem(401, "invalid_token");
    assert_eq!(alice.post("/v1/mutes", &json!({})).await.status, 405);
}

#[actix_web::test]
async fn a_mute_with_an_end_is_over_then() {
    let app = App::start();
    let alice = app.user("alice");
    let mut ws = app.ws("alice").await;
    mute(&alice, "*", json!({ "until": soon(5) })).await;
    let position = app.publish("alice", 1).await;
    assert_eq!(ws.next_numbered().await["to"], position);
    let deadline = Instant::now() + DEADLINE;
    while !patterns(&alice).await.is_empty() {
        assert!(Instant::now() < deadline, "it does not end");
    }
    app.publish("alice", 2).await;
    assert_eq!(ws.next_ns(1).await, [2]);
    // What was judged stays so.
    let listed = alice.get("/v1/notifications").await.json();
    assert_eq!(listed["notifications"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn the_201st_mute_is_a_conflict_and_the_limit_can_be_set() {
    let app = App::start();
    let alice = app.user("alice");
    for i in 0..200 {
        mute(&alice, &format!("a{i}.*"), EMPTY).await;
    }
    let path = format!("/v1/mutes/{}", "one.more");
    alice.put(&path, &json!({})).await.problem(409, "conflict");
    mute(&alice, "a7.*", json!({ "until": soon(60) })).await;
    assert_eq!(alice.delete("/v1/mutes/a8.*").await.status, 204);
    mute(&alice, "one.more", EMPTY).await;
    assert_eq!(patterns(&alice).await.len(), 200);
    mute(&app.user("bob"), "*", EMPTY).await;

    let app = App::start_with(&[("limits.mutes", "1")]);
    let alice = app.user("alice");
    mute(&alice, "a.*", EMPTY).await;
    alice.put(&path, &json!({})).await.problem(409, "conflict");
}

#[actix_web::test]
async fn what_is_no_mute_is_refused() {
    let mut app = App::start();
    let alice = app.user("alice");
    let long = format!("{}*", "a".repeat(128));
    for pattern in [
        "comment",
        "**",
        "*.created",
        "a.*.b",
        ".*",
        "a..*",
        "A.*",
        "a%20b.*",
        "%2E%2E%2Fadmin",
        "%00",
        "a.b%0d%0a",
        "a.b'%20OR%20'1'='1",
        "%C3%BC.*",
        "a.b;--",
        "%25",
        "%FF",
        &long,
    ] {
        let path = format!("/v1/mutes/{pattern}");
        alice.put(&path, &json!({})).await.problem(422, "validation");
        alice.delete(&path).await.problem(422, "validation");
    }
    assert_eq!(alice.put("/v1/mutes/a/b", &json!({})).await.status, 404);

    let path = format!("/v1/mutes/{}", "comment.*");
    for (body, faults) in [
        (json!({ "until": "2020-01-01T00:00:00Z" }), vec!["/until"]),
        (json!({ "until": "tomorrow" }), vec!["/until"]),
        (json!({ "until": 1_900_000_000 }), vec!["/until"]),
        (json!({ "until": soon(60), "for": "ever" }), vec!["/for"]),
        (json!({ "until": "1", "for": "ever" }), vec!["/until", "/for"]),
    ] {
        assert_eq!(alice.put(&path, &body).await.faults(), faults, "{body}");
    }
    alice.put(&path, &json!([])).await.problem(400, "bad_message");
    let typed =
        |content_type: &str| alice.request("PUT", &path).insert_header(("Content-Type", content_type));
    alice.send(typed("text/plain"), "{}").await.problem(415, "bad_message");
    alice.send(alice.request("PUT", &path), "{}").await.problem(415, "bad_message");
    assert!(patterns(&alice).await.is_empty());
    assert_eq!(alice.send(typed("application/json"), "").await.status, 200);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn mutes_outlive_the_process_and_what_they_hid_stays_hidden() {
    let mut app = App::start();
    mute(&app.user("alice"), "test.*", EMPTY).await;
    // The inbox was made by the mute, and nothing is in it yet.
    let welcome = app.ws("alice").await.welcome;
    let nothing_yet = welcome["inbox"]["position"].as_str().unwrap().to_owned();
    assert!(nothing_yet.ends_with(".0") && nothing_yet != "00000000.0");
    let mut early = app.ws_at("alice", "?since=inbox@00000000.0").await;
    let position = app.publish("alice", 1).await;
    assert_eq!(position, moved(&nothing_yet, 1));
    assert_eq!(early.next_numbered().await, skip(&position));

    app.kill();
    app.restart();
    assert_eq!(patterns(&app.user("alice")).await, ["test.*"]);
    app.publish("alice", 2).await;
    assert_eq!(app.user("alice").delete("/v1/mutes/test.*").await.status, 204);
    app.publish("alice", 3).await;
    for since in [nothing_yet.as_str(), "00000000.0"] {
        let mut ws = app.ws_at("alice", &format!("?since=inbox@{since}")).await;
        assert_eq!(ws.welcome["resume"], "complete");
        let told = ws.next_numbered().await;
        assert_eq!((&told["from"], &told["to"]), (&json!(nothing_yet), &json!(moved(&position, 1))));
        assert_eq!(ws.next_ns(1).await, [3]);
    }
}

/// B47 about what is muted: it is not there for marks either.
#[actix_web::test]
async fn b47_what_is_muted_is_no_single_notification_and_is_not_marked() {
    let mut app = App::start();
    let alice = app.user("alice");
    mute(&alice, "test.*", EMPTY).await;
    let body = json!({ "to": "alice", "type": "test.event", "payload": {} });
    let answer = app.http(&app.publisher()).post("/v1/notifications", &body).await.json();
    let id = answer["notifications"][0]["id"].as_str().unwrap();
    let before = app.unread("alice").await;
    for target in [json!({ "as": "read", "ids": [id] }), json!({ "as": "archived", "all": true })] {
        let counters = alice.post("/v1/notifications/mark", &target).await.json();
        assert_eq!((&counters["version"], &counters["marks_version"]), (&json!(0), &json!(0)));
    }
    let path = format!("/v1/notifications/{id}");
    alice.get(&path).await.problem(404, "not_found");
    alice.delete(&path).await.problem(404, "not_found");
    assert_eq!(app.unread("alice").await, before);
    app.expect_healthy().await;
}
