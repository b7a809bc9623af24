//! Web Push end to end: a push service over TLS takes what the program sends, a browser reads it (PROTOCOL.md section
//! 6; T10).

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};

use crate::{
    app::{App, DEADLINE},
    clients::{browser::Browser, http::Http},
    engines::push_service::{Plan, PushService, Received},
};

/// A server that pushes to this service at once, with settings over these.
pub fn start(service: &PushService, settings: &[(&str, &str)]) -> App {
    let ours = service.settings();
    let ours = ours.iter().map(|(key, value)| (*key, value.as_str()));
    App::start_with(&ours.chain(settings.iter().copied()).collect::<Vec<_>>())
}

/// Registers a browser of this user, known to the service by this name.
pub async fn subscribe(app: &App, service: &PushService, user: &str, device: &str) -> Browser {
    let browser = Browser::new();
    let answer = register(&app.user(user), &browser.subscription(&service.endpoint(device))).await;
    assert_eq!(answer.0, 201, "{}", answer.1);
    browser
}

pub async fn register(http: &Http, subscription: &Value) -> (u16, Value) {
    let answer = http.post("/v1/push/subscriptions", subscription).await;
    (answer.status, answer.json())
}

/// Publishes to one user; answers with the id.
pub async fn publish(app: &App, user: &str, more: Value) -> String {
    let mut body = json!({"to": user, "type": "comment.created", "payload": {"title": "Ada commented"}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = app.http(&app.publisher()).post("/v1/notifications", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["notifications"][0]["id"].as_str().unwrap().to_owned()
}

/// What administrators see of each push of a notification.
pub async fn traces(app: &App, id: &str) -> Vec<Value> {
    let answer = app.http(&app.token("root", "admin")).get(&format!("/v1/admin/notifications/{id}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["push"].as_array().unwrap().clone()
}

/// Waits until the only push of a notification is in this state.
pub async fn expect_state(app: &App, id: &str, state: &str) -> Value {
    let looking = async {
        loop {
            let traces = traces(app, id).await;
            if traces.len() == 1 && traces[0]["state"] == state {
                return traces[0].clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(DEADLINE, looking).await {
        Ok(trace) => trace,
        Err(_) => panic!("{:?}", traces(app, id).await),
    }
}

/// What `Authorization` claims, if the key signed it.
fn claims(received: &Received, key: &str) -> Value {
    let (token, k) = received.headers["authorization"]
        .strip_prefix("vapid t=")
        .and_then(|rest| rest.split_once(", k="))
        .unwrap_or_else(|| panic!("{}", received.headers["authorization"]));
    assert_eq!(k, key);
    let point = BASE64_URL_SAFE_NO_PAD.decode(key).unwrap();
    let [x, y] = [&point[1..33], &point[33..]].map(|coordinate| BASE64_URL_SAFE_NO_PAD.encode(coordinate));
    let public = DecodingKey::from_ec_components(&x, &y).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_aud = false;
    decode::<Value>(token, &public, &validation).unwrap().claims
}

#[actix_web::test]
async fn t10_a_closed_browser_is_told_encrypted_and_signed() {
    let service = PushService::start().await;
    let app = start(&service, &[("http.public_url", "https://example.com/app")]);
    let browser = subscribe(&app, &service, "alice", "laptop").await;
    let more = json!({"key": "order/1", "expires_in": 3600, "payload": {"title": "Ada commented", "text": "Well done", "url": "/orders/1"},
                      "push": {"urgency": "high"}});
    let id = publish(&app, "alice", more).await;
    let received = service.expect("laptop", 1).await.remove(0);

    let header = |name: &str| received.headers[name].as_str();
    assert_eq!((header("content-encoding"), header("urgency")), ("aes128gcm", "high"));
    let ttl: u64 = header("ttl").parse().unwrap();
    assert!((3590..=3600).contains(&ttl), "the notification's own end: {ttl}");
    let topic = header("topic");
    let is_topic =
        topic.len() <= 32 && topic.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    assert!(is_topic && !topic.contains("order"), "{topic}");

    let key = app.user("alice").get("/v1/push/key").await.json()["key"].as_str().unwrap().to_owned();
    let claims = claims(&received, &key);
    assert_eq!(claims["aud"], format!("https://{}", service.host()));
    assert_eq!(claims["sub"], "mailto:ops@example.com");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(claims["exp"].as_u64().unwrap() <= now + 24 * 3600);

    let told = browser.read(&received.body);
    assert_eq!((&told["web_push"], &told["app_badge"]), (&json!(8030), &json!(1)));
    let notification = &told["notification"];
    assert_eq!(notification["title"], "Ada commented");
    assert_eq!(notification["body"], "Well done");
    assert_eq!(notification["navigate"], "https://example.com/orders/1");
    assert_eq!(
        (&notification["data"]["id"], &notification["data"]["type"]),
        (&json!(id), &json!("comment.created"))
    );

    let trace = expect_state(&app, &id, "sent").await;
    assert_eq!((&trace["status"], &trace["attempts"]), (&json!(201), &json!(1)));
}

/// The npm package `http_ece`; `make webpush` has the same read by two libraries of Python.
#[actix_web::test]
async fn t10_what_is_pushed_is_read_by_a_library_that_is_not_ours() {
    let service = PushService::start().await;
    let app = start(&service, &[]);
    let browser = subscribe(&app, &service, "alice", "laptop").await;
    for title in ["x", "é🙂\"\\", &"long ".repeat(1000)] {
        publish(&app, "alice", json!({"payload": {"title": title, "text": title}})).await;
    }
    for received in service.expect("laptop", 3).await {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
        assert!(folder.join("node_modules").exists(), "make setup installs what this test needs");
        let mut node = Command::new("node")
            .current_dir(folder)
            .args(["read_push.mjs", &browser.private_key(), &browser.keys().1])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        node.stdin.take().unwrap().write_all(&received.body).unwrap();
        let read = node.wait_with_output().unwrap();
        assert!(read.status.success());
        assert_eq!(serde_json::from_slice::<Value>(&read.stdout).unwrap(), browser.read(&received.body));
    }
}

#[actix_web::test]
async fn what_has_been_shown_and_dealt_with_elsewhere_is_told_with_the_next_push() {
    let service = PushService::start().await;
    let app = start(&service, &[]);
    let browser = subscribe(&app, &service, "alice", "laptop").await;
    let first = publish(&app, "alice", json!({})).await;
    expect_state(&app, &first, "sent").await;
    let marked =
        app.user("alice").post("/v1/notifications/mark", &json!({"as": "read", "ids": [first]})).await;
    assert_eq!(marked.status, 200);
    let second = publish(&app, "alice", json!({})).await;
    expect_state(&app, &second, "sent").await;
    publish(&app, "alice", json!({})).await;
    let received = service.expect("laptop", 3).await;
    let told: Vec<Value> = received.iter().map(|received| browser.read(&received.body)).collect();
    let shown = &told[0]["notification"];
    assert_eq!(told[1]["close"], json!({shown["tag"].as_str().unwrap(): shown["data"]["position"]}));
    assert!(told[0].get("close").is_none() && told[2].get("close").is_none(), "told once: {told:?}");
}

/// Whoever knows the endpoint can push there, and what is pushed is the user's.
#[actix_web::test]
async fn t15_neither_endpoints_nor_what_is_pushed_are_in_the_log() {
    let service = PushService::start().await;
    let app = start(&service, &[("log.level", "trace")]);
    let browser = subscribe(&app, &service, "alice", "a-marked-device").await;
    service.plan("a-marked-device", [Plan::Status(400), Plan::Status(410)]);
    for state in ["dead", "gone"] {
        let id = publish(&app, "alice", json!({"payload": {"title": "a marked title"}})).await;
        expect_state(&app, &id, state).await;
    }
    app.logged(|record| record["message"].to_string().contains("pushes are given up")).await;
    let log = app.logs().join("\n");
    for secret in ["marked", &browser.keys().0, &browser.keys().1, "vapid t="] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

/// A stop waits for what is on its way, so that it is recorded, and sent once.
#[actix_web::test]
async fn a_stop_waits_for_the_answers_of_push_services() {
    let service = PushService::start().await;
    let mut app = start(&service, &[("shutdown.drain", "0s")]);
    subscribe(&app, &service, "alice", "laptop").await;
    let answered = std::sync::Arc::new(tokio::sync::Notify::new());
    service.plan("laptop", [Plan::Hold(answered.clone(), 201)]);
    let id = publish(&app, "alice", json!({})).await;
    service.expect("laptop", 1).await;
    app.signal("-TERM");
    app.logged(|record| record["message"] == "stopping").await;
    answered.notify_one();
    assert!(app.ended().await.success());
    app.restart();
    expect_state(&app, &id, "sent").await;
    assert_eq!(service.received("laptop").len(), 1);
}
