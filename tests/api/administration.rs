//! What administrators see and erase (PROTOCOL.md section 6).

use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{
        http::{Answer, Http},
        room::{EVERYWHERE, guest_at},
        ws::Ws,
    },
    database::Database,
};

fn admin(app: &App) -> Http {
    app.http(&app.token("root", "admin"))
}

async fn get(app: &App, path: &str) -> Value {
    let answer = admin(app).get(path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    answer.json()
}

/// Whether an instance without a bus knows that it is the only one: a database file is one process's own.
fn is_complete() -> bool {
    std::env::var("TIDINGS_TEST_POSTGRES").is_err()
}

fn echo() -> Value {
    json!({"type": "echo", "data": 1})
}

#[actix_web::test]
async fn counters_of_many_users_come_in_order_and_again_only_when_one_has_changed() {
    let app = App::start();
    app.publish("alice", 1).await;
    let path = "/v1/admin/unread?users=bob,alice";
    let first = admin(&app).get(path).await;
    let zero = json!({"unread": 0, "unseen": 0, "version": 0, "marks_version": 0});
    let one = json!({"unread": 1, "unseen": 1, "version": 1, "marks_version": 0});
    let expected = json!({"users": [{"user": "bob", "counters": zero}, {"user": "alice", "counters": one}]});
    assert_eq!(first.json(), expected);
    let again = async |first: &Answer| {
        let tag = first.header("ETag").unwrap();
        let http = admin(&app);
        http.send(http.request("GET", path).insert_header(("If-None-Match", tag)), "").await
    };
    assert_eq!((again(&first).await.status, again(&first).await.body.len()), (304, 0));
    app.publish("bob", 1).await;
    assert_eq!(again(&first).await.status, 200);
    let names = |count: usize| (0..count).map(|i| format!("u{i}")).collect::<Vec<_>>().join(",");
    assert_eq!(admin(&app).get(&format!("/v1/admin/unread?users={}", names(200))).await.status, 200);
    let too_many = admin(&app).get(&format!("/v1/admin/unread?users={}", names(201))).await;
    too_many.problem(422, "validation");
}

#[actix_web::test]
async fn sessions_are_shown_with_their_rooms_and_where_they_stand() {
    let app = App::start();
    let position = app.publish("alice", 1).await;
    let mut alice = guest_at(&app, "alice", "?rooms=a,b").await;
    let (first, second) = (alice.expect("ok").await, alice.expect("ok").await);
    assert_eq!((&first["room"], &second["room"]), (&json!("a"), &json!("b")));
    let bob = app.ws("bob").await;
    assert_eq!(alice.ask(json!({"type": "ack", "up_to": position, "visible": true})).await["type"], "ok");

    let all = get(&app, "/v1/admin/sessions").await;
    let users: Vec<&Value> = all["sessions"].as_array().unwrap().iter().map(|one| &one["user"]).collect();
    assert_eq!((users, &all["complete"]), (vec![&json!("bob"), &json!("alice")], &json!(is_complete())));
    let one = &get(&app, "/v1/admin/sessions?user=alice&room=b").await["sessions"][0];
    assert_eq!(one["rooms"], json!(["a", "b"]));
    assert_eq!((&one["transport"], &one["room_count"]), (&json!("websocket"), &json!(2)));
    assert_eq!((&one["position"], &one["acked"]), (&json!(position), &json!(position)));
    assert_eq!(one["session"], alice.welcome["session"]);
    assert_eq!(all["nodes"], json!([bob.welcome["node"]]));
    assert_eq!(get(&app, "/v1/admin/sessions?limit=1").await["sessions"].as_array().unwrap().len(), 1);
    for none in ["?user=zoe", "?room=c", "?user=bob&room=a"] {
        assert_eq!(get(&app, &format!("/v1/admin/sessions{none}")).await["sessions"], json!([]));
    }
}

#[actix_web::test]
async fn the_numbers_and_the_rooms_are_those_of_now() {
    let app = App::start();
    let mut alice = guest_at(&app, "alice", "?rooms=chat:a,chat:b,other").await;
    let mut bob = guest_at(&app, "bob", "?rooms=chat:a").await;
    for (guest, joins) in [(&mut alice, 3), (&mut bob, 1)] {
        for _ in 0..joins {
            guest.expect("ok").await;
        }
    }
    let said = bob.ask(json!({"type": "message", "room": "chat:a", "data": 1})).await;
    let rooms = get(&app, "/v1/admin/rooms?prefix=chat:").await;
    let expected = json!({"room": "chat:a", "sessions": 2, "user_count": 2, "position": said["position"]});
    assert_eq!(rooms["rooms"][0], expected);
    assert_eq!((rooms["rooms"].as_array().unwrap().len(), &rooms["complete"]), (2, &json!(is_complete())));
    assert_eq!(get(&app, "/v1/admin/rooms?limit=1").await["rooms"][0]["room"], "chat:a");

    let stats = get(&app, "/v1/admin/stats").await;
    let node = &stats["nodes"][0];
    assert_eq!(node["sessions"], json!({"websocket": 2, "sse": 0, "poll": 0}));
    assert_eq!((&node["users"], &node["rooms"]), (&json!(2), &json!(3)));
    assert_eq!((&node["version"], &node["node"]), (&json!(env!("CARGO_PKG_VERSION")), &bob.welcome["node"]));
    assert_eq!((&stats["sessions"], &stats["complete"]), (&node["sessions"], &json!(is_complete())));
}

/// `GET /v1/admin/notifications/{id}`.
#[actix_web::test]
async fn what_became_of_a_notification_is_told_as_far_as_it_is_known() {
    let app = App::start();
    let body = json!({"to": "alice", "type": "a.b", "payload": {}});
    let answer = app.http(&app.publisher()).post("/v1/notifications", &body).await.json();
    let (id, position) = (&answer["notifications"][0]["id"], &answer["notifications"][0]["position"]);
    let path = format!("/v1/admin/notifications/{}", id.as_str().unwrap());
    let trace = get(&app, &path).await;
    assert_eq!((&trace["user"], &trace["notification"]["id"]), (&json!("alice"), id));
    assert_eq!(
        (&trace["acked"], &trace["muted"], &trace["sent"]),
        (&json!(false), &json!(false), &json!([]))
    );

    let mut alice = app.ws_at("alice", "?since=inbox@00000000.0").await;
    assert_eq!(&alice.next_numbered().await["id"], id);
    alice.ask(json!({"type": "ack", "up_to": position, "visible": true})).await;
    alice.ask(json!({"type": "mark", "as": "read", "ids": [id]})).await;
    let trace = get(&app, &path).await;
    assert_eq!((&trace["acked"], &trace["push"]), (&json!(true), &json!([])));
    assert_eq!(trace["complete"], is_complete());
    assert!(trace["notification"]["read_at"].is_string());
    let sent = json!([{"session": alice.welcome["session"], "node": alice.welcome["node"], "transport": "websocket"}]);
    assert_eq!(trace["sent"], sent);

    // One that nobody is shown is traced all the same.
    app.user("alice").put("/v1/mutes/c.*", &json!({})).await;
    let muted = json!({"to": "alice", "type": "c.d", "payload": {}});
    let answer = app.http(&app.publisher()).post("/v1/notifications", &muted).await.json();
    let id = answer["notifications"][0]["id"].as_str().unwrap();
    let trace = get(&app, &format!("/v1/admin/notifications/{id}")).await;
    assert_eq!((&trace["muted"], &trace["sent"]), (&json!(true), &json!([])));
    admin(&app).get("/v1/admin/notifications/x").await.problem(404, "not_found");
}

/// The same publish to alice each time.
async fn repeatable(app: &App) -> Answer {
    let http = app.http(&app.publisher());
    let request = http.request("POST", "/v1/notifications").insert_header(("Idempotency-Key", "repeated"));
    let body = json!({"to": ["alice", "bob"], "type": "a.b", "payload": {}}).to_string();
    let answer = http.send(request.insert_header(("Content-Type", "application/json")), body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer
}

/// `DELETE /v1/admin/users/{user}`.
#[actix_web::test]
async fn nothing_is_left_of_a_user_who_is_erased_and_devices_hear_of_a_gap() {
    let app = App::start();
    for n in 1..=3 {
        app.publish("alice", n).await;
    }
    app.publish("bob", 1).await;
    let first = repeatable(&app).await;
    let last = first.json()["notifications"][0]["position"].as_str().unwrap().to_owned();
    let alice = app.http(&app.token("alice", "notify"));
    alice.put("/v1/mutes/x.*", &json!({})).await;
    alice.put("/v1/preferences", &json!({"push": false})).await;
    let ticket = alice.send(alice.request("POST", "/v1/tickets"), "").await.json();
    let publish = alice.request("POST", "/v1/notifications").insert_header(("Idempotency-Key", "k"));
    let body = json!({"to": "zoe", "type": "a.b", "payload": {}}).to_string();
    let publish = publish.insert_header(("Content-Type", "application/json"));
    assert_eq!(alice.send(publish, body).await.status, 201);
    let mut device = app.ws("alice").await;
    let before = device.welcome["inbox"]["counters"].clone();

    assert_eq!(admin(&app).delete("/v1/admin/users/alice").await.status, 204);
    let gap = device.next_numbered().await;
    assert_eq!((&gap["type"], &gap["from"], &gap["reason"]), (&json!("gap"), &json!(last), &json!("epoch")));
    let after = device.expect("unread").await["counters"].clone();
    assert_eq!((&after["unread"], &after["unseen"]), (&json!(0), &json!(0)));
    for version in ["version", "marks_version"] {
        assert!(after[version].as_u64() > before[version].as_u64(), "{before} {after}");
    }
    let list = alice.get("/v1/notifications").await.json();
    assert_eq!((&list["notifications"], &list["counters"]), (&json!([]), &after));
    assert_eq!(alice.get("/v1/mutes").await.json(), json!({"mutes": []}));
    assert_eq!(alice.get("/v1/preferences").await.json(), json!({"quiet": null, "push": true}));
    let path = format!("/v1/me?ticket={}", ticket["ticket"].as_str().unwrap());
    app.anonymous().get(&path).await.problem(401, "invalid_token");
    let mut database = Database::open(&app.database());
    assert_eq!((database.inbox("alice").len(), database.inbox("bob").len()), (0, 2));
    for table in ["notifications", "mutes", "preferences", "tickets"] {
        assert_eq!(database.count(table, "user_id = 'alice'"), 0, "{table}");
    }
    assert_eq!(database.count("idempotency_keys", "publisher = 'alice'"), 0);
    // The answer to another publisher is kept, and names nobody.
    assert_eq!(database.count("idempotency_keys", "receipts LIKE '%alice%'"), 0);
    let again = repeatable(&app).await;
    assert_eq!((again.header("Idempotent-Replayed"), again.text()), (Some("true"), first.text()));

    // The new life is numbered from one, live and for who comes back.
    let position = app.publish("alice", 4).await;
    assert!(position.ends_with(".1"), "{position}");
    assert_eq!(device.next_numbered().await["position"], position);
    let mut late = Ws::connect(app.address, &format!("?since=inbox@{last}"), &app.token("alice", "")).await;
    assert_eq!(late.next_numbered().await["reason"], "epoch");
    assert_eq!(device.ask(echo()).await["type"], "ok");
    // Who was never there is erased, too.
    assert_eq!(admin(&app).delete("/v1/admin/users/nobody").await.status, 204);
}

#[actix_web::test]
async fn a_large_inbox_is_erased_part_by_part_while_others_publish() {
    let app = App::start();
    app.publish("alice", 0).await;
    let mut database = Database::open(&app.database());
    let many = "INSERT INTO notifications (user_id, \"offset\", id, \"type\", v, created_at, payload)
        SELECT 'alice', n, 'ntf_' || substr('00000000000000000000000000', 1, 26 - length('' || n)) || n, 'a.b', 1, 1900000000000000, '{}' FROM numbers";
    database.execute(&format!(
        "CREATE TABLE numbers (n BIGINT); INSERT INTO numbers WITH RECURSIVE c(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM c WHERE n < 1800) SELECT n FROM c;
         {many}; DROP TABLE numbers; UPDATE inboxes SET last_offset = 1800, unread = 1800, unseen = 1800"
    ));
    let http = admin(&app);
    let erase = http.delete("/v1/admin/users/alice");
    let publish = app.publish("bob", 1);
    let (erased, _) = futures_util::future::join(erase, publish).await;
    assert_eq!(erased.status, 204);
    assert_eq!((database.inbox("alice").len(), database.inbox("bob").len()), (0, 1));
    assert_eq!(app.unread("alice").await["unread"], 0);
}

#[actix_web::test]
async fn who_is_no_administrator_is_told_nothing_and_erases_nobody() {
    let app = App::start();
    app.publish("alice", 1).await;
    for (http, status, code) in [
        (app.anonymous(), 401, "invalid_token"),
        (app.http(&app.token("alice", EVERYWHERE)), 403, "insufficient_scope"),
    ] {
        for path in ["unread?users=alice", "stats", "sessions", "rooms", "notifications/x"] {
            http.get(&format!("/v1/admin/{path}")).await.problem(status, code);
        }
        http.delete("/v1/admin/users/alice").await.problem(status, code);
    }
    assert_eq!(app.unread("alice").await["unread"], 1);
    let everybody = App::start_with(&[("auth.default_scopes", "join:*")]);
    everybody.user("alice").get("/v1/admin/stats").await.problem(403, "insufficient_scope");
    // A session that has ended is not there any more.
    let mut ws = app.ws("alice").await;
    let path = format!("/v1/admin/sessions/{}", ws.welcome["session"].as_str().unwrap());
    ws.socket.close(None).await.unwrap();
    ws.expect_cut().await;
    while get(&app, "/v1/admin/sessions?user=alice").await["sessions"] != json!([]) {}
    let answer = admin(&app).delete(&path).await;
    assert_eq!(answer.status, if is_complete() { 404 } else { 204 }, "{}", answer.text());
}

#[actix_web::test]
async fn a_call_with_a_query_that_it_does_not_know_does_nothing() {
    let app = App::start();
    app.publish("alice", 1).await;
    let admin = admin(&app);
    for path in
        ["/v1/admin/users/alice?dry_run=1", "/v1/admin/sessions/ses_01M80RGBFJAPQ3ZKRMXZC4KYHX?force=1"]
    {
        let answer = admin.send(admin.request("DELETE", path), "").await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
    }
    assert_eq!(admin.get("/metrics?verbose=1").await.status, 400);
    assert_eq!(app.unread("alice").await["unread"], 1);
}
