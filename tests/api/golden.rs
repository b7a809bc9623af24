//! The samples of tests/golden are what the server says and takes.

use std::{fmt, fs, path::PathBuf};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, json, value::RawValue};

use crate::{app::App, clients::ws::Ws};

/// Fields whose values differ from run to run; their types and forms do not.
const VOLATILE: [&str; 16] = [
    "id",
    "ids",
    "session",
    "node",
    "position",
    "from",
    "to",
    "up_to",
    "since",
    "token",
    "at",
    "created_at",
    "expires_at",
    "read_at",
    "seen_at",
    "retry_after_ms",
];

/// An object with its keys in their order.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Every letter and digit as the kind that it is: what a volatile text has in common with its sample.
fn form(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let kind = |c: char| if c.is_ascii_alphanumeric() { 'x' } else { c };
            text.chars().map(kind).collect()
        }
        Value::Array(items) => items.iter().map(form).collect::<Vec<_>>().join(","),
        Value::Number(_) => "a number".to_owned(),
        other => other.to_string(),
    }
}

/// Fails unless two objects have the same keys in the same order and equal values where they are not volatile.
fn compare(sample: &str, real: &str, path: &str) {
    let (Fields(sample), Fields(real)) =
        (serde_json::from_str(sample).unwrap(), serde_json::from_str(real).unwrap());
    let keys =
        |fields: &[(String, Box<RawValue>)]| fields.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&sample), keys(&real), "{path}");
    for ((key, sample), (_, real)) in sample.iter().zip(&real) {
        let path = format!("{path}.{key}");
        let value = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).unwrap();
        match (value(sample), value(real)) {
            (Value::Object(_), Value::Object(_)) => compare(sample.get(), real.get(), &path),
            (sample, real) if VOLATILE.contains(&key.as_str()) => {
                assert_eq!(form(&sample), form(&real), "{path}")
            }
            (sample, real) => assert_eq!(sample, real, "{path}"),
        }
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn sample(name: &str) -> String {
    fs::read_to_string(folder().join(name).with_extension("json"))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The samples that have been held against the server.
#[derive(Default)]
struct Checked(Vec<String>);

impl Checked {
    /// Reads on to the next event of the sample's type and holds it against the sample.
    async fn event(&mut self, ws: &mut Ws, name: &str) -> Value {
        let sample = sample(name);
        let wanted: Value = serde_json::from_str(&sample).unwrap();
        loop {
            let text = ws.next_text().await;
            let event: Value = serde_json::from_str(&text).unwrap();
            if event["type"] == wanted["type"] && event["ref"] == wanted["ref"] {
                compare(&sample, &text, name);
                self.0.push(name.to_owned());
                return event;
            }
        }
    }

    /// Sends a command as it stands in its file, but for these fields.
    async fn command(&mut self, ws: &mut Ws, name: &str, fields: Value) {
        let mut command: Value = serde_json::from_str(&sample(name)).unwrap();
        for (key, value) in fields.as_object().unwrap() {
            assert!(VOLATILE.contains(&key.as_str()));
            command[key] = value.clone();
        }
        ws.send(command).await;
        self.0.push(name.to_owned());
    }
}

/// Publishes to alice, with the payload of this sample as it is written there.
async fn publish(app: &App, sample: &str, more: &str) -> Value {
    let Fields(fields) = serde_json::from_str(sample).unwrap();
    let published: Vec<String> = fields
        .iter()
        .filter(|(key, _)| ["type", "v", "payload", "key"].contains(&key.as_str()))
        .map(|(key, value)| format!("\"{key}\":{value}"))
        .collect();
    let http = app.http(&app.publisher());
    let request =
        http.request("POST", "/v1/notifications").insert_header(("Content-Type", "application/json"));
    let answer = http.send(request, format!(r#"{{"to":"alice",{}{more}}}"#, published.join(","))).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["notifications"][0].clone()
}

/// Alice comes to bob, says something and leaves; then bob may no longer be there.
async fn check_rooms(checked: &mut Checked) {
    let app = App::start_with(&[("rooms.leave_grace", "100ms")]);
    let scopes = "join:chat:* publish:chat:*";
    let mut bob = Ws::connect(app.address, "", &app.token("bob", scopes)).await;
    let mut alice = Ws::connect(app.address, "", &app.token("alice", scopes)).await;
    let room = "chat:general";
    assert_eq!(bob.ask(json!({ "type": "join", "room": room })).await["type"], "ok");

    checked.command(&mut alice, "command_join", json!({})).await;
    checked.event(&mut alice, "ok_join").await;
    checked.event(&mut bob, "user_joined").await;
    checked.command(&mut alice, "command_typing", json!({})).await;
    checked.event(&mut alice, "ok_typing").await;
    checked.event(&mut bob, "typing").await;
    checked.command(&mut alice, "command_message", json!({})).await;
    checked.event(&mut alice, "ok_message").await;
    checked.event(&mut bob, "message_full").await;
    bob.send(json!({ "type": "message", "room": room, "data": "Good" })).await;
    checked.event(&mut bob, "message").await;

    checked.command(&mut alice, "command_leave", json!({})).await;
    checked.event(&mut alice, "ok_leave").await;
    checked.event(&mut bob, "user_left").await;
    alice.send(json!({ "type": "leave", "room": room, "ref": "l1" })).await;
    checked.event(&mut alice, "error_not_joined").await;
    bob.send(json!({ "type": "auth", "token": app.token("bob", "") })).await;
    checked.event(&mut bob, "left").await;
}

#[actix_web::test]
async fn the_server_says_and_takes_what_the_samples_show() {
    let mut app = App::start();
    let mut checked = Checked::default();
    let live = sample("notification");
    let first = publish(&app, &sample("notification_full"), r#","expires_in":86400"#).await;
    let second = publish(&app, &live, "").await;
    publish(&app, &live, "").await;

    let token = app.token("alice", "join:chat:*");
    let authorization = format!("Bearer {token}");
    let mut phone = Ws::open(app.address, "", &[("authorization", &authorization)]).await.unwrap();
    checked.event(&mut phone, "welcome").await;

    let fourth = publish(&app, &live, "").await;
    checked.event(&mut phone, "notification").await;
    checked.event(&mut phone, "unread").await;

    let mut laptop = app.ws("alice").await;
    checked.command(&mut laptop, "command_mark_ids", json!({ "ids": [first["id"]] })).await;
    checked.event(&mut phone, "marked_ids").await;
    checked.command(&mut laptop, "command_mark_up_to", json!({ "up_to": second["position"] })).await;
    checked.event(&mut phone, "marked_up_to").await;
    let path = format!("/v1/notifications/{}", second["id"].as_str().unwrap());
    assert_eq!(app.http(&app.token("alice", "")).delete(&path).await.status, 204);
    checked.event(&mut phone, "marked_deleted").await;
    checked.command(&mut laptop, "command_mark_all", json!({})).await;
    checked.event(&mut laptop, "ok_mark").await;
    checked.event(&mut phone, "marked_all").await;

    checked.command(&mut phone, "command_resume", json!({})).await;
    checked.event(&mut phone, "ok_resume").await;
    checked.event(&mut phone, "notification_full").await;
    checked.event(&mut phone, "skip").await;
    phone.send(json!({ "type": "resume", "since": "zzzzzzzz.9" })).await;
    checked.event(&mut phone, "gap").await;
    phone.send(json!({ "type": "resume", "since": "nonsense", "ref": "x1" })).await;
    checked.event(&mut phone, "error").await;
    phone.send(json!({ "type": "nonsense", "ref": 9 })).await;
    checked.event(&mut phone, "error_unknown_type").await;

    checked.command(&mut laptop, "command_auth", json!({ "token": token })).await;
    checked.event(&mut laptop, "ok_auth").await;
    checked.command(&mut laptop, "command_ack", json!({ "up_to": fourth["position"] })).await;
    checked.event(&mut laptop, "ok_ack").await;
    checked.command(&mut laptop, "command_pong", json!({})).await;
    checked.command(&mut laptop, "command_ping", json!({})).await;
    checked.event(&mut laptop, "pong").await;
    checked.command(&mut phone, "command_echo", json!({})).await;
    checked.event(&mut phone, "ok_echo").await;

    app.signal("-TERM");
    checked.event(&mut phone, "goodbye").await;
    assert_eq!(app.wait().code(), Some(0));

    let strict = App::start_with(&[
        ("session.ping_interval", "250ms"),
        ("session.messages_per_second", "1"),
        ("session.messages_burst", "1"),
    ]);
    let mut ws = strict.ws("alice").await;
    checked.event(&mut ws, "ping").await;
    for _ in 0..5 {
        ws.send(json!({ "type": "echo", "data": 1, "ref": "e2" })).await;
    }
    while ws.next().await["type"] != "ok" {}
    checked.event(&mut ws, "error_rate_limited").await;

    check_rooms(&mut checked).await;

    let mut files: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    files.sort();
    checked.0.sort();
    assert_eq!(checked.0, files, "a sample that is held against nothing");
}
