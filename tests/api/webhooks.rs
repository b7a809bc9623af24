//! Webhooks end to end: a receiver over TLS is told what happens, signed (PROTOCOL.md section 7).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::{
    app::{App, DEADLINE, until},
    clients::{http::Http, ws::Ws},
    database::Database,
    engines::push_service::{PushService, Received},
    tidy::reading::root,
};

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Where the receiver is told.
pub const PATH: &str = "hooks";

/// The settings by which a server tells this receiver, which is on this machine, with short times.
pub fn settings(receiver: &PushService) -> Vec<(&'static str, String)> {
    vec![
        ("webhooks.url", receiver.endpoint(PATH)),
        ("webhooks.secret", SECRET.to_owned()),
        ("webhooks.allowed_hosts", receiver.host()),
        ("webhooks.ca", receiver.authority.certificate.clone()),
        // On a machine that has much to do an attempt may have no answer in time.
        ("webhooks.retries", ["200ms"; 20].join(",")),
        ("rooms.leave_grace", "100ms".to_owned()),
        ("rooms.presence_ttl", "2s".to_owned()),
        ("shutdown.drain", "0s".to_owned()),
    ]
}

pub fn start(receiver: &PushService, settings: &[(&str, &str)]) -> App {
    let ours = self::settings(receiver);
    let ours = ours.iter().map(|(key, value)| (*key, value.as_str()));
    App::start_with(&ours.chain(settings.iter().copied()).collect::<Vec<_>>())
}

/// A WebSocket of this user in this room.
pub async fn enter(app: &App, user: &str, room: &str) -> Ws {
    let mut ws =
        Ws::connect(app.address, &format!("?rooms={room}"), &app.token(user, "join:* publish:*")).await;
    ws.expect("ok").await;
    ws
}

pub fn admin(app: &App) -> Http {
    app.http(&app.token("root", "admin"))
}

/// An event as it came, if the secret has signed it.
pub fn read(received: &Received) -> Value {
    let header = |name: &str| received.headers[name].as_str();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(timestamp.parse().unwrap()) < 60, "{timestamp}");
    let key = BASE64_STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let signed = [format!("{id}.{timestamp}.").as_bytes(), &received.body].concat();
    let expected = BASE64_STANDARD.encode(sign(&Key::new(HMAC_SHA256, &key), &signed));
    let signatures: Vec<&str> = header("webhook-signature").split(' ').collect();
    assert!(signatures.contains(&format!("v1,{expected}").as_str()), "{signatures:?}");
    assert_eq!(header("content-type"), "application/json");
    assert!(id.len() == 30 && id.starts_with("msg_"), "{id}");
    serde_json::from_slice(&received.body).unwrap()
}

/// What was told, each event once, by its number; what came twice came the same.
pub fn told(receiver: &PushService) -> Vec<Value> {
    let mut by_id: HashMap<String, Vec<u8>> = HashMap::new();
    let mut events = BTreeMap::new();
    for received in receiver.received(PATH) {
        let before = by_id.insert(received.headers["webhook-id"].clone(), received.body.clone());
        assert!(before.is_none_or(|before| before == received.body));
        let event = read(&received);
        events.insert(event["sequence"].as_i64().unwrap(), event);
    }
    assert_eq!(events.len(), by_id.len(), "each has a number of its own");
    events.into_values().collect()
}

/// Each type with the user or the room that it is about.
pub fn short(events: &[Value]) -> Vec<String> {
    let name = |data: &Value| data["user"].as_str().or(data["room"].as_str()).unwrap_or_default().to_owned();
    events
        .iter()
        .map(|event| format!("{} {}", event["type"].as_str().unwrap(), name(&event["data"])))
        .collect()
}

/// Waits until all of these were told; answers with all that was.
pub async fn expect(receiver: &PushService, expected: &[&str]) -> Vec<Value> {
    let is_whole = || {
        let events = told(receiver);
        let short = short(&events);
        let mut rest = short.clone();
        let all = expected.iter().all(|event| {
            let place = rest.iter().position(|told| told == event);
            place.map(|place| rest.remove(place)).is_some()
        });
        all.then_some(events)
    };
    until(&format!("{expected:?}"), is_whole).await
}

/// Waits until an event is in this state.
pub async fn expect_state(app: &App, id: &str, state: &str) -> Value {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let trace = admin(app).get(&format!("/v1/admin/webhooks/{id}")).await.json();
        if trace["state"] == state {
            return trace;
        }
        assert!(Instant::now() < deadline, "{trace}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Has an event sent that tells of nothing.
pub async fn test_event(app: &App) -> String {
    let answer = admin(app).post("/v1/admin/webhooks/test", &json!({})).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn a_receiver_is_told_who_comes_and_goes_and_what_is_read_signed_and_in_order() {
    let receiver = PushService::start().await;
    let app = start(&receiver, &[]);
    let ws = enter(&app, "alice", "general").await;
    expect(&receiver, &["session.opened alice", "user.online alice", "room.occupied general"]).await;
    // Who polls comes and goes with each request, and is told of to nobody.
    app.user("bob").get("/v1/poll").await;
    app.publish("alice", 1).await;
    let mark = json!({"as": "read", "all": true});
    assert_eq!(app.user("alice").post("/v1/notifications/mark", &mark).await.status, 200);
    let session = ws.welcome["session"].clone();
    drop(ws);
    let events = expect(&receiver, &["user.offline alice", "room.vacated general"]).await;
    let order: Vec<String> = short(&events);
    let place = |event: &str| order.iter().position(|told| told == event).unwrap();
    assert_eq!(events.len(), 7, "{order:?}");
    for (before, after) in [
        ("session.opened alice", "user.online alice"),
        ("user.online alice", "notification.read alice"),
        ("notification.read alice", "session.closed alice"),
        ("session.closed alice", "user.offline alice"),
        ("room.occupied general", "room.vacated general"),
    ] {
        assert!(place(before) < place(after), "{order:?}");
    }
    let closed = &events[place("session.closed alice")];
    let data = &closed["data"];
    assert_eq!((&data["session"], &data["reason"]), (&session, &json!("gone")), "{data}");
    assert_eq!(data["transport"], "websocket");
    assert!(data["opened_at"].as_str().unwrap() < closed["timestamp"].as_str().unwrap(), "{closed}");
    let offline = &events[place("user.offline alice")];
    assert_eq!(offline["timestamp"], closed["timestamp"], "since the last session went");
    let read = &events[place("notification.read alice")]["data"];
    assert_eq!(
        (&read["all"], &read["count"], &read["counters"]["unread"]),
        (&json!(true), &json!(1), &json!(0))
    );
    let ids: BTreeSet<String> =
        receiver.received(PATH).iter().map(|received| received.headers["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), 7);
}

/// The npm package `standardwebhooks`, and both examples of docs/webhooks.md.
#[actix_web::test]
async fn what_is_told_is_verified_by_a_library_that_is_not_ours_and_by_the_examples() {
    let receiver = PushService::start().await;
    let previous = format!("whsec_{}", "QUFB".repeat(8));
    let app = start(&receiver, &[("webhooks.previous_secret", &previous)]);
    let id = test_event(&app).await;
    expect_state(&app, &id, "sent").await;
    let received = receiver.received(PATH).remove(0);
    let event = read(&received);
    assert_eq!((&event["type"], &event["data"]), (&json!("webhook.test"), &json!({})));
    let body = String::from_utf8(received.body.clone()).unwrap();
    let input =
        json!({ "secrets": [SECRET, previous], "headers": received.headers, "body": body }).to_string();

    let paper = fs::read_to_string(root().join("docs/webhooks.md")).unwrap();
    let example = |language: &str| {
        let (_, rest) = paper.split_once(&format!("```{language}\n")).unwrap();
        rest.split_once("```").unwrap().0.to_owned()
    };
    let folder = tempfile::tempdir().unwrap();
    let (js, py) = (folder.path().join("verify.mjs"), folder.path().join("verify.py"));
    fs::write(&js, example("js")).unwrap();
    fs::write(&py, example("python")).unwrap();
    let nodes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
    assert!(nodes.join("node_modules").exists(), "make setup installs what this test needs");
    let mut node = Command::new("node");
    node.current_dir(nodes).arg("read_webhook.mjs").arg(&js);
    assert_eq!(run(&mut node, &input), format!("{body}{body}"), "by both secrets");
    let mut python = Command::new("python3");
    let script = "import json, sys; from verify import verify; said = json.load(sys.stdin)
later = int(said['headers']['webhook-timestamp']) + 301
body = said['body'].encode()
for secret in said['secrets']:
    print(*[verify(secret, said['headers'], *more) for more in ((body,), (body + b' ',), (body, later))])";
    python.current_dir(folder.path()).args(["-c", script]);
    assert_eq!(run(&mut python, &input), "True False False\nTrue False False\n");
}

fn run(command: &mut Command, input: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success());
    String::from_utf8(ended.stdout).unwrap()
}

#[actix_web::test]
async fn only_what_is_chosen_is_told() {
    let receiver = PushService::start().await;
    let app = start(&receiver, &[("webhooks.events", "room.vacated,user.online")]);
    drop(enter(&app, "alice", "general").await);
    let events = expect(&receiver, &["user.online alice", "room.vacated general"]).await;
    assert_eq!(events.len(), 2, "{events:?}");
}

/// Where nobody wants to be told, nothing is written and nothing is there.
#[actix_web::test]
async fn webhooks_that_are_off_cost_no_row() {
    let app = App::start();
    app.publish("alice", 1).await;
    let ws = enter(&app, "alice", "general").await;
    let mark = json!({"as": "read", "all": true});
    assert_eq!(app.user("alice").post("/v1/notifications/mark", &mark).await.status, 200);
    let session = ws.welcome["session"].clone();
    drop(ws);
    app.reason_of_close(&session).await;
    let mut database = Database::open(&app.database());
    for table in ["webhook_jobs", "webhook_endpoints", "ledger_nodes", "ledger_entries", "ledger_subjects"] {
        assert_eq!(database.count(table, "TRUE"), 0, "{table}");
    }
    admin(&app).get("/v1/admin/webhooks").await.problem(404, "not_found");
}
