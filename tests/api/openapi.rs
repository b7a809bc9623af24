//! The document of the API is valid, whole, and true (PROTOCOL.md section 6).

use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::{Value, json};
use tidings::{documents, http::Listener};
use tokio_tungstenite::tungstenite::Error;

use crate::{
    app::App,
    clients::{
        http::{Answer, Http},
        room::{EVERYWHERE, guest_at},
        ws::Ws,
    },
    push::{KEYS, PUSHING},
    tidy::reading::root,
    webhooks::SECRET,
};

/// What a server is told that would tell an application, which is nowhere.
const TELLING: [(&str, &str); 2] =
    [("webhooks.url", "https://nowhere.invalid/hooks"), ("webhooks.secret", SECRET)];

async fn document(app: &App) -> Value {
    let answer = app.anonymous().get("/openapi.json").await;
    assert_eq!((answer.status, answer.header("Content-Type")), (200, Some("application/json")));
    answer.json()
}

/// A judge of values by one schema of the document, which may refer to others.
fn judge(document: &Value, schema: &Value) -> Validator {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

fn check(document: &Value, schema: &Value, value: &Value, what: &str) {
    let faults: Vec<String> = judge(document, schema).iter_errors(value).map(|e| e.to_string()).collect();
    assert!(faults.is_empty(), "{what}: {faults:?} in {value}");
}

/// Each operation: method, path, and what the document says of it.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    operations
}

#[actix_web::test]
async fn the_document_has_every_route_and_no_other() {
    let app = App::start();
    let document = document(&app).await;
    let documented: BTreeSet<(String, String)> =
        operations(&document).into_iter().map(|(method, path, _)| (path, method)).collect();
    let mut routed = BTreeSet::new();
    for endpoint in documents::all_endpoints(Listener::Only) {
        // `HEAD` is said of all of them at once.
        let methods = endpoint.methods().iter().filter(|method| **method != "HEAD");
        routed.extend(methods.map(|method| (endpoint.path().to_owned(), (*method).to_owned())));
    }
    assert_eq!(documented, routed);
}

#[actix_web::test]
async fn every_operation_of_the_document_is_answered_as_it_says() {
    let app = App::start_with(&[&PUSHING[..], &TELLING[..]].concat());
    let document = document(&app).await;
    let user = app.user("alice");
    for (method, path, operation) in operations(&document) {
        let id = "ntf_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let address = path
            .replace("{id}", id)
            .replace("{user}", "bob")
            .replace("{room}", "a")
            .replace("{pattern}", "a.*");
        for http in [&user, &app.anonymous()] {
            // An event stream has no end of its own; nobody who accepts none gets one.
            let request = http.request(&method, &address).insert_header(("Accept", "application/json"));
            let answer = http.send(request, "").await;
            let status = answer.status.to_string();
            assert!(operation["responses"].get(&status).is_some(), "{method} {path}: {}", answer.text());
            let is_named =
                status != "404" || answer.text().contains("there is nothing here") && path.contains("{id}");
            assert!(is_named && status != "405", "{method} {path}: {}", answer.text());
        }
    }
}

#[actix_web::test]
async fn the_document_is_kept_until_the_server_is_another_one() {
    let app = App::start();
    let http = app.anonymous();
    let first = http.get("/openapi.json").await;
    assert_eq!(first.header("Cache-Control"), Some("no-cache"));
    let tag = first.header("ETag").unwrap();
    assert!(tag.starts_with('"'), "{tag}");
    let request = http.request("GET", "/openapi.json").insert_header(("If-None-Match", tag));
    let again = http.send(request, "").await;
    assert_eq!((again.status, again.body.len(), again.header("ETag")), (304, 0, Some(tag)));
    assert_eq!(App::start().anonymous().get("/openapi.json").await.header("ETag"), Some(tag));
}

/// What a validator of OpenAPI would look at, as far as generators trip over it.
#[actix_web::test]
async fn the_document_is_complete_in_itself() {
    let app = App::start();
    let document = document(&app).await;
    assert_eq!(document["openapi"], "3.1.0");
    // It is for people who do not read the source.
    assert!(!document.to_string().contains("[`") && !document.to_string().contains("::"));
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let tags: Vec<&Value> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let what = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{what}");
        assert!(operation["summary"].is_string(), "{what}");
        assert!(operation["tags"].as_array().unwrap().iter().all(|tag| tags.contains(&tag)), "{what}");
        let named = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
        let in_path: Vec<&str> = in_path.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        assert_eq!(in_path, named.collect::<Vec<_>>(), "{what}");
        for parameter in &parameters {
            assert!(parameter["description"].is_string(), "{what}: {parameter}");
            check_examples(&document, parameter, &what);
        }
        let bodies = operation["requestBody"]["content"].as_object().cloned().unwrap_or_default();
        for content in bodies.values() {
            check_examples(&document, content, &what);
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            let what = format!("{what} {status}");
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{what}");
            for (kind, content) in response["content"].as_object().cloned().unwrap_or_default() {
                let is_refusal = status == "default" || status.as_str() >= "400";
                assert_eq!(kind == "application/problem+json", is_refusal, "{what}");
                check_examples(&document, &content, &what);
            }
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for example in
            schema.get("example").into_iter().chain(schema["examples"].as_array().into_iter().flatten())
        {
            check(&document, schema, example, name);
        }
        assert!(jsonschema::meta::is_valid(schema), "{name}");
    }
}

fn check_examples(document: &Value, content: &Value, what: &str) {
    if let Some(example) = content.get("example") {
        check(document, &content["schema"], example, what);
    }
}

/// Holds an answer against what the document says of its operation and status.
fn check_answer(document: &Value, method: &str, path: &str, answer: &Answer) {
    let what = format!("{method} {path} {}: {}", answer.status, answer.text());
    let response = &document["paths"][path][method]["responses"][answer.status.to_string()];
    let response =
        if response.is_null() { &document["paths"][path][method]["responses"]["default"] } else { response };
    assert!(response.is_object(), "{what}");
    let Some(contents) = response["content"].as_object() else {
        assert!(answer.body.is_empty(), "{what}");
        return;
    };
    let kind = answer.header("Content-Type").unwrap();
    let value = if kind.contains("json") { answer.json() } else { json!(answer.text()) };
    check(document, &contents[kind]["schema"], &value, &what);
    for name in response["headers"].as_object().into_iter().flatten().map(|(name, _)| name) {
        let is_optional =
            ["Link", "Idempotent-Replayed", "Preference-Applied", "RateLimit", "RateLimit-Policy"]
                .contains(&name.as_str());
        assert!(is_optional || answer.header(name).is_some(), "{what} lacks {name}");
    }
}

/// Sends it, holds the answer against the document, and hands it on.
struct Walk<'a> {
    document: &'a Value,
    http: Http,
}

impl Walk<'_> {
    async fn send(
        &self,
        method: &str,
        path: &str,
        address: &str,
        body: Option<&Value>,
        status: u16,
    ) -> Value {
        let request = self.http.request(&method.to_uppercase(), address);
        let answer = match body {
            Some(body) => {
                let request = request.insert_header(("Content-Type", "application/json"));
                self.http.send(request, body.to_string()).await
            }
            None => self.http.send(request, "").await,
        };
        assert_eq!(answer.status, status, "{method} {address}: {}", answer.text());
        check_answer(self.document, method, path, &answer);
        if let Some(body) = body {
            let content = &self.document["paths"][path][method]["requestBody"]["content"]["application/json"];
            let is_good = judge(self.document, &content["schema"]).is_valid(body);
            assert_eq!(is_good, status < 400, "{method} {path} takes {body}");
        }
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    async fn get(&self, path: &str, address: &str) -> Value {
        self.send("get", path, address, None, 200).await
    }

    async fn post(&self, path: &str, body: Value, status: u16) -> Value {
        self.send("post", path, path, Some(&body), status).await
    }
}

#[actix_web::test]
async fn what_is_answered_fits_the_schemas_of_the_document() {
    let app = App::start();
    let document = document(&app).await;
    let of = |scope: &str| Walk { document: &document, http: app.http(&app.token("alice", scope)) };
    let (walk, publisher) = (of(EVERYWHERE), of("notify"));

    let all = json!({"to": "alice", "type": "a.b", "payload": {"z": [1, null]}, "v": 2, "key": "k", "expires_in": 60,
        "push": {"title": "t", "urgency": "very-low"}});
    publisher.post("/v1/notifications", all, 201).await;
    let two = json!({"to": ["alice", "bob"], "type": "a.b", "payload": {}, "push": false});
    publisher.post("/v1/notifications", two, 201).await;
    for bad in [
        json!({}),
        json!({"to": [], "type": "a", "payload": 1, "v": 0, "key": "", "expires_in": 0, "push": 1, "x": 1}),
    ] {
        publisher.post("/v1/notifications", bad, 422).await;
    }
    publisher.send("post", "/v1/send/{user}", "/v1/send/alice?title=t", None, 422).await;

    let list = walk.get("/v1/notifications", "/v1/notifications?limit=1").await;
    let id = list["notifications"][0]["id"].as_str().unwrap();
    let (one, path) = (format!("/v1/notifications/{id}"), "/v1/notifications/{id}");
    for mark in [
        json!({"as": "archived", "ids": [id]}),
        json!({"as": "seen", "all": true}),
        json!({"as": "read", "up_to": "00000000.0"}),
    ] {
        walk.post("/v1/notifications/mark", mark, 200).await;
    }
    for bad in [
        json!({"as": "read", "ids": [], "all": true}),
        json!({"as": "read", "all": false}),
        json!({"all": true}),
    ] {
        walk.post("/v1/notifications/mark", bad, 422).await;
    }
    walk.post("/v1/notifications/ack", json!({"up_to": "00000000.0", "visible": true}), 204).await;
    walk.post("/v1/notifications/ack", json!({"up_to": "x"}), 400).await;
    walk.get(path, &one).await;
    walk.get("/v1/notifications", "/v1/notifications?state=archived").await;
    walk.get("/v1/notifications/unread", "/v1/notifications/unread").await;
    walk.get("/v1/poll", "/v1/poll").await;
    walk.get("/v1/poll", "/v1/poll?since=inbox@aaaaaaaa.9,inbox2@aaaaaaaa.1").await;
    let polled = walk.get("/v1/poll", "/v1/poll?since=inbox@00000000.0&rooms=a").await;
    assert_eq!(polled["events"].as_array().unwrap().len(), 3, "{polled}");
    walk.send("delete", path, &one, None, 204).await;
    walk.send("get", path, &one, None, 404).await;

    let room = "/v1/rooms/{room}/messages";
    for body in [json!({"data": null}), json!({"data": {}, "event": "update", "nonce": "1"})] {
        walk.send("post", room, "/v1/rooms/a/messages", Some(&body), 201).await;
    }
    let bad = json!({"event": "A", "nonce": "", "from": "bob"});
    walk.send("post", room, "/v1/rooms/a/messages", Some(&bad), 422).await;
    walk.send("get", room, "/v1/rooms/_a/messages", None, 422).await;
    walk.get(room, "/v1/rooms/a/messages").await;
    let mut guest = guest_at(&app, "bob", "?rooms=a").await;
    guest.expect("ok").await;
    walk.get("/v1/rooms/{room}/presence", "/v1/rooms/a/presence").await;

    let preferences = "/v1/preferences";
    let night = json!({"quiet": {"zone": "Europe/Berlin", "from": "22:00", "to": "07:00"}});
    walk.send("put", preferences, preferences, Some(&night), 200).await;
    walk.get(preferences, preferences).await;
    let bad = json!({"quiet": {"zone": "UTC", "from": "24:00"}, "sound": 1});
    walk.send("put", preferences, preferences, Some(&bad), 422).await;
    walk.send("get", "/v1/push/key", "/v1/push/key", None, 404).await;
    push(&document).await;
    webhooks(&document).await;
    let mute = "/v1/mutes/{pattern}";
    for body in [json!({"until": "2036-12-24T18:00:00Z"}), json!({"until": null}), json!({})] {
        walk.send("put", mute, "/v1/mutes/a.*", Some(&body), 200).await;
    }
    walk.send("put", mute, "/v1/mutes/*", None, 200).await;
    walk.send("put", mute, "/v1/mutes/*", Some(&Value::Null), 400).await;
    for body in [json!({"until": 1}), json!({"for": "ever"})] {
        walk.send("put", mute, "/v1/mutes/a.*", Some(&body), 422).await;
    }
    walk.get("/v1/mutes", "/v1/mutes").await;
    walk.send("delete", mute, "/v1/mutes/*", None, 204).await;
    walk.send("delete", mute, "/v1/mutes/x", None, 422).await;
    walk.get("/v1/me", "/v1/me").await;
    walk.send("post", "/v1/tickets", "/v1/tickets", None, 201).await;
    administrate(&app, &document, id).await;
    for path in ["/health", "/ready", "/openapi.json", "/asyncapi.json"] {
        walk.get(path, path).await;
    }
    let nobody = Walk { document: &document, http: app.anonymous() };
    nobody.send("get", "/v1/me", "/v1/me", None, 401).await;
}

/// What browsers ask that want to be told.
async fn push(document: &Value) {
    let app = App::start_with(&PUSHING);
    let walk = Walk { document, http: app.user("alice") };
    walk.get("/v1/push/key", "/v1/push/key").await;
    let (subscriptions, (p256dh, auth)) = ("/v1/push/subscriptions", KEYS);
    let endpoint = "https://fcm.googleapis.com/fcm/send/a";
    let browser =
        json!({"endpoint": endpoint, "expirationTime": null, "keys": {"p256dh": p256dh, "auth": auth}});
    let kept = walk.post(subscriptions, browser, 201).await;
    for bad in [json!({}), json!({"endpoint": 1, "keys": {"auth": 1}, "x": 1})] {
        walk.post(subscriptions, bad, 422).await;
    }
    walk.get(subscriptions, subscriptions).await;
    let publisher = Walk { document, http: app.http(&app.publisher()) };
    let published =
        publisher.post("/v1/notifications", json!({"to": "alice", "type": "a.b", "payload": {}}), 201).await;
    let admin = Walk { document, http: app.http(&app.token("root", "admin")) };
    let id = published["notifications"][0]["id"].as_str().unwrap();
    let trace = admin.get("/v1/admin/notifications/{id}", &format!("/v1/admin/notifications/{id}")).await;
    assert_eq!(trace["push"][0]["state"], "waiting");
    let retry = "/v1/admin/push/retry";
    for body in [json!({}), json!({"user": "alice"})] {
        admin.post(retry, body, 200).await;
    }
    admin.send("post", retry, retry, None, 200).await;
    admin.post(retry, json!({"user": 1, "x": 1}), 422).await;
    let one = format!("{subscriptions}/{}", kept["id"].as_str().unwrap());
    for status in [204, 404] {
        walk.send("delete", "/v1/push/subscriptions/{id}", &one, None, status).await;
    }
}

/// What administrators ask about webhooks.
async fn webhooks(document: &Value) {
    let app = App::start_with(&TELLING);
    let walk = Walk { document, http: app.http(&app.token("root", "admin")) };
    let (stand, one) = ("/v1/admin/webhooks", "/v1/admin/webhooks/{id}");
    let test = walk.send("post", "/v1/admin/webhooks/test", "/v1/admin/webhooks/test", None, 202).await;
    walk.get(one, &format!("{stand}/{}", test["id"].as_str().unwrap())).await;
    walk.send("get", one, "/v1/admin/webhooks/msg_01ARZ3NDEKTSV4RRFFQ69G5FAV", None, 404).await;
    walk.get(stand, stand).await;
    walk.send("post", "/v1/admin/webhooks/retry", "/v1/admin/webhooks/retry", None, 200).await;
    walk.send("post", "/v1/admin/webhooks/enable", "/v1/admin/webhooks/enable", None, 204).await;
    walk.send("get", stand, "/v1/admin/webhooks?x=1", None, 400).await;
}

/// A bucket fills by one a second, so one of a few who come is too many.
async fn is_ever_too_many(mut is_refused: impl AsyncFnMut() -> bool) -> bool {
    for _ in 0..50 {
        if is_refused().await {
            return true;
        }
    }
    false
}

#[actix_web::test]
async fn each_call_that_may_be_one_too_many_says_so_and_no_other() {
    let app = App::start_with(&[
        ("limits.requests_per_second", "1"),
        ("limits.requests_burst", "1"),
        ("limits.publishes_per_second", "1"),
        ("limits.handshakes_per_second", "1"),
        ("limits.handshakes_burst", "1"),
    ]);
    let document = document(&app).await;
    let (alice, backend, anonymous) = (app.user("alice"), app.http(&app.publisher()), app.anonymous());
    for (method, path, operation) in operations(&document) {
        let what = format!("{method} {path}");
        let address = path.replace("{user}", "bob").replace("{room}", "a").replace("{pattern}", "a.*");
        let address = address.replace("{id}", "ntf_01ARZ3NDEKTSV4RRFFQ69G5FAV");
        let is_handshake = operation["tags"] == json!(["Follow"]) && path != "/v1/poll";
        if path.starts_with("/v1/ws") {
            let is_refused = async || match Ws::handshake(app.address, &address, &[]).await {
                Err(Error::Http(answer)) => answer.status().as_u16() == 429,
                _ => false,
            };
            assert!(is_ever_too_many(is_refused).await, "{what}");
            assert!(operation["responses"]["429"].is_object(), "{what}");
            continue;
        }
        let http = match is_handshake {
            true => &anonymous,
            false if operation["tags"] == json!(["Publish"]) => &backend,
            false => &alice,
        };
        let is_refused = async || {
            let answer = http.send(http.request(&method, &address), "").await;
            if answer.status == 429 {
                check_answer(&document, &method.to_lowercase(), &path, &answer);
                let policy = answer.header("RateLimit-Policy").unwrap();
                assert_eq!(policy.starts_with("\"handshakes\""), is_handshake, "{what}: {policy}");
            }
            answer.status == 429
        };
        assert_eq!(is_ever_too_many(is_refused).await, operation["responses"]["429"].is_object(), "{what}");
    }
}

/// What administrators ask; the notification is gone.
async fn administrate(app: &App, document: &Value, gone: &str) {
    let walk = Walk { document, http: app.http(&app.token("root", "admin")) };
    let list = Walk { document, http: app.user("bob") }.get("/v1/notifications", "/v1/notifications").await;
    let id = list["notifications"][0]["id"].as_str().unwrap();
    let trace = "/v1/admin/notifications/{id}";
    walk.get(trace, &format!("/v1/admin/notifications/{id}")).await;
    walk.send("get", trace, &format!("/v1/admin/notifications/{gone}"), None, 404).await;
    let unread = "/v1/admin/unread";
    walk.get(unread, "/v1/admin/unread?users=alice,nobody").await;
    walk.send("get", unread, unread, None, 422).await;
    walk.get("/v1/admin/stats", "/v1/admin/stats").await;
    walk.get("/metrics", "/metrics").await;
    let sessions = walk.get("/v1/admin/sessions", "/v1/admin/sessions?user=bob&room=a").await;
    let session = sessions["sessions"][0]["session"].as_str().unwrap();
    walk.send("get", "/v1/admin/sessions", "/v1/admin/sessions?room=_a", None, 422).await;
    walk.get("/v1/admin/rooms", "/v1/admin/rooms?prefix=a&limit=1").await;
    walk.send("get", "/v1/admin/rooms", "/v1/admin/rooms?limit=0", None, 400).await;
    let end = "/v1/admin/sessions/{id}";
    walk.send("delete", end, &format!("/v1/admin/sessions/{session}"), None, 204).await;
    walk.send("delete", end, "/v1/admin/sessions/x", None, 404).await;
    for body in [json!({"user": "zoe"}), json!({"jti": "a"}), json!({"user": "zoe", "jti": "b"})] {
        walk.post("/v1/admin/revocations", body, 200).await;
    }
    for bad in [json!({}), json!({"user": 1}), json!({"jti": "", "x": 1})] {
        walk.post("/v1/admin/revocations", bad, 422).await;
    }
    walk.send("delete", "/v1/admin/users/{user}", "/v1/admin/users/bob", None, 204).await;
    walk.send("delete", "/v1/admin/users/{user}", "/v1/admin/users/a%20b", None, 422).await;
    let user = Walk { document, http: app.user("alice") };
    user.send("get", "/v1/admin/stats", "/v1/admin/stats", None, 403).await;
}

/// The events of a poll are those of every transport.
#[actix_web::test]
async fn the_events_of_the_protocol_fit_their_schemas() {
    let app = App::start();
    let document = document(&app).await;
    let golden = |name: &str| -> Value {
        let file = root().join(format!("tests/golden/{name}.json"));
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    };
    let schemas = &document["components"]["schemas"];
    let files = [
        ("notification", "Notification"),
        ("notification_full", "Notification"),
        ("message", "Message"),
        ("message_full", "Message"),
        ("skip", "Skip"),
        ("gap", "Gap"),
        ("unread", "Unread"),
    ];
    for (file, name) in files {
        check(&document, &schemas[name], &golden(file), file);
        let others = files.iter().filter(|(_, other)| other != &name);
        for (other, _) in others {
            assert!(!judge(&document, &schemas[name]).is_valid(&golden(other)), "{other} is no {name}");
        }
    }
}
