//! Read, seen, archived, deleted: the rules, the counters, and who is told (PROTOCOL.md section 3, "Marks").

use serde_json::{Value, json};

use crate::{app::App, clients::ws::Ws, database::Database, welcome::moved};

/// Publishes `1..=count` to alice; their ids, oldest first, and the position of the last.
async fn publish(app: &App, count: u64) -> (Vec<Value>, String) {
    let mut top = String::new();
    for n in 1..=count {
        top = app.publish("alice", n).await;
    }
    let list = app.http(&app.token("alice", "")).get("/v1/notifications").await.json();
    let newest_first = list["notifications"].as_array().unwrap();
    (newest_first.iter().rev().map(|notification| notification["id"].clone()).collect(), top)
}

async fn fetch(app: &App, id: &Value) -> Value {
    let path = format!("/v1/notifications/{}", id.as_str().unwrap());
    app.http(&app.token("alice", "")).get(&path).await.json()
}

/// Marks, and answers with `unread` and `unseen`.
async fn mark(ws: &mut Ws, mark_as: &str, target: (&str, Value)) -> (u64, u64) {
    let answer = ws.ask(json!({ "type": "mark", "as": mark_as, target.0: target.1 })).await;
    assert_eq!(answer["type"], "ok", "{answer}");
    let count = |name: &str| answer["counters"][name].as_u64().unwrap();
    (count("unread"), count("unseen"))
}

/// The next event that is about marks: neither numbered nor counters alone.
async fn marked(ws: &mut Ws) -> Value {
    ws.expect("marked").await
}

#[actix_web::test]
async fn read_implies_seen_and_archived_implies_both() {
    let app = App::start();
    let (ids, _) = publish(&app, 3).await;
    let mut ws = app.ws("alice").await;
    assert_eq!(mark(&mut ws, "seen", ("ids", json!([ids[0]]))).await, (3, 2));
    assert_eq!(mark(&mut ws, "read", ("ids", json!([ids[1]]))).await, (2, 1));
    assert_eq!(mark(&mut ws, "archived", ("ids", json!([ids[2]]))).await, (1, 0));
    let states = [(true, false, false), (true, true, false), (true, true, true)];
    for (id, (seen, read, archived)) in ids.iter().zip(states) {
        let notification = fetch(&app, id).await;
        let is = |name: &str| notification[name].is_string();
        assert_eq!(
            (is("seen_at"), is("read_at"), is("archived_at")),
            (seen, read, archived),
            "{notification}"
        );
    }
}

#[actix_web::test]
async fn unread_clears_read_and_takes_out_of_the_archive() {
    let app = App::start();
    let (ids, _) = publish(&app, 2).await;
    let mut ws = app.ws("alice").await;
    assert_eq!(mark(&mut ws, "read", ("ids", json!([ids[0]]))).await, (1, 1));
    assert_eq!(mark(&mut ws, "archived", ("ids", json!([ids[1]]))).await, (0, 0));
    assert_eq!(mark(&mut ws, "unread", ("ids", json!(ids))).await, (2, 0));
    for id in &ids {
        let notification = fetch(&app, id).await;
        assert!(notification["read_at"].is_null() && notification["archived_at"].is_null(), "{notification}");
        assert!(notification["seen_at"].is_string(), "{notification}");
    }
}

#[actix_web::test]
async fn a_mark_up_to_a_position_leaves_what_lies_beyond() {
    let app = App::start();
    let (_, top) = publish(&app, 5).await;
    let mut ws = app.ws("alice").await;
    assert_eq!(mark(&mut ws, "read", ("up_to", json!(moved(&top, -2)))).await, (2, 2));
    assert_eq!(mark(&mut ws, "seen", ("up_to", json!(top))).await, (2, 0));
    assert_eq!(mark(&mut ws, "read", ("all", json!(true))).await, (0, 0));
    assert_eq!(mark(&mut ws, "unread", ("up_to", json!("00000000.0"))).await, (0, 0));
}

/// G13, B47.
#[actix_web::test]
async fn b47_a_mark_that_changes_nothing_changes_no_version_and_is_told_to_nobody() {
    let mut app = App::start();
    let (ids, _) = publish(&app, 2).await;
    app.publish("bob", 1).await;
    let foreign =
        app.http(&app.token("bob", "")).get("/v1/notifications").await.json()["notifications"][0]["id"]
            .clone();
    let (mut phone, mut laptop) = (app.ws("alice").await, app.ws("alice").await);
    mark(&mut phone, "read", ("ids", json!([ids[0]]))).await;
    assert_eq!(marked(&mut laptop).await["ids"], json!([ids[0]]));
    let before = app.unread("alice").await;
    mark(&mut phone, "read", ("ids", json!([ids[0]]))).await;
    mark(&mut phone, "read", ("ids", json!([foreign, "ntf_01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense"]))).await;
    mark(&mut phone, "read", ("ids", json!([]))).await;
    assert_eq!(app.unread("alice").await, before);
    assert_eq!(app.unread("bob").await["unread"], 1);
    // What comes next is the next change: nothing was told in between.
    mark(&mut phone, "read", ("ids", json!([ids[0], foreign, ids[1]]))).await;
    assert_eq!(marked(&mut laptop).await["ids"], json!([ids[1]]));
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_mark_reaches_the_other_sessions_and_not_the_one_that_made_it() {
    let app = App::start();
    let (ids, top) = publish(&app, 3).await;
    let (mut phone, mut laptop, mut bob) =
        (app.ws("alice").await, app.ws("alice").await, app.ws("bob").await);
    for (mark_as, target) in [
        ("seen", ("ids", json!([ids[0]]))),
        ("read", ("up_to", json!(moved(&top, -1)))),
        ("archived", ("all", json!(true))),
        ("unread", ("ids", json!([ids[2]]))),
    ] {
        // Everybody is told the counters, the one that marked too: before it has its answer, or behind that.
        let mark = json!({ "type": "mark", "as": mark_as, target.0: target.1, "ref": "mark" });
        phone.send(mark).await;
        let (mut counters, mut told) = (Value::Null, Vec::new());
        while counters.is_null() || !told.contains(&counters) {
            let event = phone.next().await;
            match event["type"].as_str().unwrap() {
                "ok" => counters = event["counters"].clone(),
                "unread" => told.push(event["counters"].clone()),
                other => assert!(other != "marked" && other != "error", "{event}"),
            }
        }
        assert_eq!(
            marked(&mut laptop).await,
            json!({ "type": "marked", "as": mark_as, target.0: target.1, "counters": counters })
        );
        while laptop.expect("unread").await["counters"] != counters {}
    }
    let heard = everything_until_an_echo(&mut phone).await;
    assert!(heard.iter().all(|event| event["type"] != "marked"), "{heard:?}");
    let heard = everything_until_an_echo(&mut bob).await;
    assert!(heard.is_empty(), "{heard:?}");
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
async fn a_mark_over_http_reaches_every_session() {
    let app = App::start();
    let (ids, _) = publish(&app, 1).await;
    let (mut phone, mut laptop) = (app.ws("alice").await, app.ws("alice").await);
    let http = app.http(&app.token("alice", ""));
    let counters = http.post("/v1/notifications/mark", &json!({ "as": "read", "ids": ids })).await.json();
    assert_eq!(counters, json!({ "unread": 0, "unseen": 0, "version": 2, "marks_version": 1 }));
    for ws in [&mut phone, &mut laptop] {
        let told = marked(ws).await;
        assert_eq!((&told["as"], &told["ids"], &told["counters"]), (&json!("read"), &json!(ids), &counters));
        assert_eq!(ws.expect("unread").await["counters"], counters);
    }
}

#[actix_web::test]
async fn an_ack_over_http_is_the_one_of_the_command() {
    let app = App::start();
    let (_, top) = publish(&app, 3).await;
    let http = app.user("alice");
    let ack = async |body: Value| http.post("/v1/notifications/ack", &body).await;
    let acked = || Database::open(&app.database()).acked("alice");
    for (by, visible, expected) in [(-1, json!({"visible": true}), 2), (-2, json!({}), 2), (5, json!({}), 3)]
    {
        let mut body = visible;
        body["up_to"] = json!(moved(&top, by));
        let answer = ack(body).await;
        assert_eq!((answer.status, answer.body.len(), acked()), (204, 0, expected));
    }
    for body in [json!({"up_to": "zzzzzzzz.1"}), json!({"up_to": "abc"}), json!({"up_to": 1})] {
        ack(body).await.problem(400, "bad_cursor");
    }
    assert_eq!(ack(json!({})).await.faults(), ["/up_to"]);
    assert_eq!(ack(json!({"up_to": top, "visible": 1})).await.faults(), ["/visible"]);
    assert_eq!(ack(json!({"up_to": top, "type": "ack", "x": 1})).await.faults(), ["/type", "/x"]);
    app.anonymous().post("/v1/notifications/ack", &json!({"up_to": top})).await.problem(401, "invalid_token");
}

#[actix_web::test]
async fn a_deletion_reaches_every_session_as_deleted() {
    let app = App::start();
    let (ids, _) = publish(&app, 2).await;
    let (mut phone, mut laptop) = (app.ws("alice").await, app.ws("alice").await);
    let path = format!("/v1/notifications/{}", ids[0].as_str().unwrap());
    let http = app.http(&app.token("alice", ""));
    assert_eq!(http.delete(&path).await.status, 204);
    for ws in [&mut phone, &mut laptop] {
        let told = marked(ws).await;
        assert_eq!((&told["as"], &told["ids"]), (&json!("deleted"), &json!([ids[0]])));
        assert_eq!(told["counters"], json!({ "unread": 1, "unseen": 1, "version": 3, "marks_version": 1 }));
    }
    assert_eq!(http.delete(&path).await.status, 404);
    assert_eq!(http.get(&path).await.status, 404);
}

#[actix_web::test]
async fn archived_and_deleted_ones_replay_as_skip() {
    let app = App::start();
    let (ids, top) = publish(&app, 6).await;
    let mut ws = app.ws("alice").await;
    mark(&mut ws, "archived", ("ids", json!([ids[1], ids[5]]))).await;
    let path = format!("/v1/notifications/{}", ids[2].as_str().unwrap());
    assert_eq!(app.http(&app.token("alice", "")).delete(&path).await.status, 204);
    mark(&mut ws, "read", ("ids", json!([ids[3]]))).await;

    let mut fresh = app.ws_at("alice", "?since=inbox@00000000.0").await;
    assert_eq!(fresh.next_ns(1).await, [1]);
    let skip = |from: i64, to: i64| json!({ "type": "skip", "stream": "inbox", "from": moved(&top, from - 6), "to": moved(&top, to - 6) });
    assert_eq!(fresh.next_numbered().await, skip(1, 3));
    let read = fresh.next_numbered().await;
    assert!(
        read["payload"]["n"] == 4 && read["read_at"].is_string() && read["seen_at"].is_string(),
        "{read}"
    );
    assert_eq!(fresh.next_ns(1).await, [5]);
    assert_eq!(fresh.next_numbered().await, skip(5, 6));
    app.publish("alice", 7).await;
    assert_eq!(fresh.next_ns(1).await, [7]);

    mark(&mut ws, "unread", ("ids", json!([ids[1]]))).await;
    let mut again = app.ws_at("alice", "?since=inbox@00000000.0").await;
    assert_eq!(again.next_ns(2).await, [1, 2]);
}

/// G13: versions rise and never go back, whatever is told when; many changes may become one `unread`.
#[actix_web::test]
async fn counters_rise_in_version_and_end_at_the_truth() {
    let app = App::start();
    let (mut phone, mut laptop) = (app.ws("alice").await, app.ws("alice").await);
    for n in 1..=20 {
        app.publish("alice", n).await;
        if n % 4 == 0 {
            mark(&mut laptop, "read", ("all", json!(true))).await;
        }
    }
    let truth = app.unread("alice").await;
    assert_eq!(
        (&truth["unread"], &truth["version"], &truth["marks_version"]),
        (&json!(0), &json!(25), &json!(5))
    );
    let (mut version, mut marks_version, mut told) = (0, 0, 0);
    while version < 25 {
        let event = phone.next().await;
        if event["type"] != "unread" {
            continue;
        }
        let counters = &event["counters"];
        let (next, next_marks) =
            (counters["version"].as_u64().unwrap(), counters["marks_version"].as_u64().unwrap());
        assert!(next > version && next_marks >= marks_version, "{event} after {version}, {marks_version}");
        (version, marks_version, told) = (next, next_marks, told + 1);
    }
    assert!(told <= 25 && marks_version == 5);
}

#[actix_web::test]
async fn a_burst_of_changes_is_told_in_few_unread_events() {
    let app = App::start();
    let mut ws = app.ws("alice").await;
    let to_alice = json!({ "to": "alice", "type": "test.event", "payload": { "n": 1 } });
    let publisher = app.http(&app.publisher());
    let posts = (0..100).map(|_| publisher.post("/v1/notifications", &to_alice));
    let answers = futures_util::future::join_all(posts).await;
    assert!(answers.iter().all(|answer| answer.status == 201));
    let mut told = 0;
    loop {
        told += 1;
        if ws.expect("unread").await["counters"]["unread"] == 100 {
            break;
        }
    }
    assert!(told < 100, "every change was told by itself");
}
