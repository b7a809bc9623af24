//! Web Push as users and administrators meet it: subscriptions, what is withheld, and what is seen of it. What a
//! push service meets is in tests of their own.

use serde_json::{Value, json};

use crate::{
    app::{App, DEADLINE},
    clients::http::{Answer, Http},
};

/// Keys of a browser, from RFC 8291 section 5.
pub const KEYS: (&str, &str) = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "BTBZMqHH6r4Tts7J_aSIgg",
);

/// What a server is told that would push, if anything were ever due.
pub const PUSHING: [(&str, &str); 3] =
    [("push.enabled", "true"), ("push.subject", "mailto:ops@example.com"), ("push.grace", "1h")];

fn start() -> App {
    App::start_with(&PUSHING)
}

fn start_with(change: (&str, &str)) -> App {
    App::start_with(&[&PUSHING[..], &[change]].concat())
}

fn browser(name: &str) -> Value {
    json!({
        "endpoint": format!("https://updates.push.services.mozilla.com/wpush/v2/{name}"), "expirationTime": null,
        "keys": {"p256dh": KEYS.0, "auth": KEYS.1}
    })
}

async fn subscribe(user: &Http, name: &str) -> Answer {
    user.post("/v1/push/subscriptions", &browser(name)).await
}

async fn endpoints(user: &Http) -> Vec<String> {
    let list = user.get("/v1/push/subscriptions").await.json();
    let list = list["subscriptions"].as_array().unwrap_or_else(|| panic!("{list}")).clone();
    let name = |one: &Value| one["endpoint"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    list.iter().map(name).collect()
}

async fn publish(app: &App, body: Value) -> String {
    let answer = app.http(&app.publisher()).post("/v1/notifications", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["notifications"][0]["id"].as_str().unwrap().to_owned()
}

async fn trace(app: &App, id: &str) -> Value {
    let admin = app.http(&app.token("root", "admin"));
    admin.get(&format!("/v1/admin/notifications/{id}")).await.json()["push"].clone()
}

/// What became of it for the only subscription, when it waits no more.
async fn ended(app: &App, id: &str) -> Value {
    let deadline = std::time::Instant::now() + DEADLINE;
    loop {
        let push = trace(app, id).await;
        if push[0]["state"] != "waiting" {
            return push[0].clone();
        }
        assert!(std::time::Instant::now() < deadline, "{push}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// `DELETE /v1/push/subscriptions/{id}`.
#[actix_web::test]
async fn a_browser_is_kept_until_its_user_takes_it_back() {
    let app = start();
    let alice = app.user("alice");
    let key = alice.get("/v1/push/key").await.json()["key"].as_str().unwrap().to_owned();
    assert_eq!(key.len(), 87, "65 bytes in base64url");
    let first = subscribe(&alice, "a").await;
    assert_eq!(first.status, 201, "{}", first.text());
    let id = first.json()["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("psh_"));
    assert_eq!(subscribe(&alice, "a").await.json(), first.json(), "the same again");
    subscribe(&alice, "b").await;
    assert_eq!(endpoints(&alice).await, ["a", "b"]);
    assert_eq!(endpoints(&app.user("bob")).await, [""; 0]);
    let path = format!("/v1/push/subscriptions/{id}");
    app.user("bob").delete(&path).await.problem(404, "not_found");
    assert_eq!(alice.delete(&path).await.status, 204);
    for gone in [path.as_str(), "/v1/push/subscriptions/x"] {
        alice.delete(gone).await.problem(404, "not_found");
    }
    assert_eq!(endpoints(&alice).await, ["b"]);
    app.anonymous().get("/v1/push/key").await.problem(401, "invalid_token");
}

/// `POST /v1/push/subscriptions`: the 21st is refused, and a browser belongs to who uses it now.
#[actix_web::test]
async fn b56_one_subscription_too_many_and_one_of_another_user() {
    let mut app = start();
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    for i in 0..20 {
        assert_eq!(subscribe(&alice, &i.to_string()).await.status, 201);
    }
    subscribe(&alice, "20").await.problem(409, "conflict");
    assert_eq!(subscribe(&alice, "3").await.status, 201, "it is none more");
    assert_eq!(subscribe(&bob, "7").await.status, 201);
    assert_eq!(endpoints(&bob).await, ["7"]);
    assert_eq!(endpoints(&alice).await.len(), 19);
    assert_eq!(subscribe(&alice, "20").await.status, 201);
    app.expect_healthy().await;

    let app = start_with(("limits.push_subscriptions", "1"));
    let alice = app.user("alice");
    assert_eq!((subscribe(&alice, "a").await.status, subscribe(&alice, "b").await.status), (201, 409));
}

#[actix_web::test]
async fn what_is_no_subscription_is_refused_with_all_that_is_wrong() {
    let app = start();
    let alice = app.user("alice");
    let faults = async |body: Value| alice.post("/v1/push/subscriptions", &body).await.faults();
    assert_eq!(faults(json!({})).await, ["/endpoint", "/keys"]);
    let bad = json!({"endpoint": 1, "expirationTime": "never", "keys": {"p256dh": 1, "x": 1}, "y": 1});
    assert_eq!(
        faults(bad).await,
        ["/endpoint", "/expirationTime", "/keys/p256dh", "/keys/auth", "/keys/x", "/y"]
    );
    assert_eq!(faults(json!({"endpoint": "https://x", "keys": []})).await, ["/keys"]);
    let mut inside = browser("a");
    inside["endpoint"] = json!("https://127.0.0.1/");
    let answer = alice.post("/v1/push/subscriptions", &inside).await;
    answer.problem(422, "endpoint_not_allowed");
    assert_eq!(endpoints(&alice).await, [""; 0]);
    assert_eq!(alice.post_text("/v1/push/subscriptions", "[]").await.status, 400);
}

#[actix_web::test]
async fn where_web_push_is_off_nobody_can_subscribe() {
    let app = App::start();
    let alice = app.user("alice");
    alice.get("/v1/push/key").await.problem(404, "not_found");
    subscribe(&alice, "a").await.problem(404, "not_found");
    assert_eq!(endpoints(&alice).await, [""; 0]);
    let id = publish(&app, json!({"to": "alice", "type": "a.b", "payload": {}})).await;
    assert_eq!(trace(&app, &id).await, json!([]));
}

#[actix_web::test]
async fn the_key_stays_the_same_over_a_restart_and_is_the_one_that_is_set() {
    let key = async |app: &App| app.user("alice").get("/v1/push/key").await.json()["key"].clone();
    let mut app = start();
    let made = key(&app).await;
    app.kill();
    app.restart();
    assert_eq!(key(&app).await, made);
    let private = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
    let app = start_with(("push.vapid_private_key", private));
    assert_eq!(key(&app).await, KEYS.0, "the public one of that");
}

/// `POST /v1/notifications/ack` with `visible`, and what else withholds a push.
#[actix_web::test]
async fn what_was_seen_within_the_grace_is_not_pushed_and_the_trace_says_why() {
    let app = start_with(("push.grace", "5s"));
    let alice = app.user("alice");
    subscribe(&alice, "a").await;
    let body = json!({"to": "alice", "type": "a.b", "payload": {}});
    let answer = app.http(&app.publisher()).post("/v1/notifications", &body).await.json();
    let (shown, position) = (&answer["notifications"][0]["id"], &answer["notifications"][0]["position"]);
    let ack = json!({"up_to": position, "visible": true});
    assert_eq!(alice.post("/v1/notifications/ack", &ack).await.status, 204);
    let waiting = trace(&app, shown.as_str().unwrap()).await[0].clone();
    assert_eq!((&waiting["state"], &waiting["attempts"]), (&json!("waiting"), &json!(0)));
    assert!(waiting["due_at"].is_string() && waiting["ended_at"].is_null());

    let read = publish(&app, body.clone()).await;
    alice.post("/v1/notifications/mark", &json!({"as": "read", "ids": [read]})).await;
    let silent = publish(&app, json!({"to": "alice", "type": "a.b", "payload": {}, "push": false})).await;
    for (id, why) in [(shown.as_str().unwrap(), "attended"), (&read, "read")] {
        let push = ended(&app, id).await;
        assert_eq!(
            (&push["state"], &push["reason"], &push["attempts"]),
            (&json!("withheld"), &json!(why), &json!(0))
        );
    }
    assert_eq!(trace(&app, &silent).await, json!([]));
    let is_told = |line: &String| line.contains("wpush") || line.contains(KEYS.1);
    assert!(!app.logs().iter().any(is_told), "whoever knows the endpoint can push");
}

/// `POST /v1/admin/push/retry`.
#[actix_web::test]
async fn only_administrators_have_pushes_tried_again() {
    let app = start();
    let retry = "/v1/admin/push/retry";
    app.user("alice").post(retry, &json!({})).await.problem(403, "insufficient_scope");
    let admin = app.http(&app.token("root", "admin"));
    assert_eq!(
        admin.post(retry, &json!({"user": "alice"})).await.json(),
        json!({"retried": 0, "has_more": false})
    );
    assert_eq!(
        admin.send(admin.request("POST", retry), "").await.json(),
        json!({"retried": 0, "has_more": false})
    );
    assert_eq!(admin.post(retry, &json!({"user": "a b", "x": 1})).await.faults(), ["/user", "/x"]);
}
