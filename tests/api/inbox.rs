//! The inbox over HTTP: list, one, delete, mark (PROTOCOL.md section 6).

use std::fs;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    app::{App, DEADLINE},
    clients::http::Http,
};

const PATH: &str = "/v1/notifications";

/// Publishes `{"n": n}` for each of these numbers; answers with the ids.
async fn publish(app: &App, user: &str, event_type: &str, ns: std::ops::RangeInclusive<u64>) -> Vec<String> {
    let publisher = app.http(&app.publisher());
    let mut ids = Vec::new();
    for n in ns {
        let body = json!({"to": user, "type": event_type, "payload": {"n": n, "of": user}});
        let answer = publisher.post(PATH, &body).await.json();
        ids.push(answer["notifications"][0]["id"].as_str().unwrap().to_owned());
    }
    ids
}

async fn list(http: &Http, query: &str) -> Value {
    let answer = http.get(&format!("{PATH}{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    answer.json()
}

fn ns(listing: &Value) -> Vec<u64> {
    let items = listing["notifications"].as_array().unwrap();
    items.iter().map(|item| item["payload"]["n"].as_u64().unwrap()).collect()
}

async fn mark(http: &Http, body: Value) -> Value {
    let answer = http.post(&format!("{PATH}/mark"), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn counts(counters: &Value) -> (u64, u64) {
    (counters["unread"].as_u64().unwrap(), counters["unseen"].as_u64().unwrap())
}

#[actix_web::test]
async fn a_list_is_newest_first_and_says_where_it_stands() {
    let app = App::start();
    let alice = app.user("alice");
    let empty = list(&alice, "").await;
    assert_eq!((&empty["notifications"], &empty["next_before"]), (&json!([]), &Value::Null));
    assert_eq!(empty["cursor"], "inbox@00000000.0");

    publish(&app, "alice", "a.b", 1..=3).await;
    let listing = list(&alice, "").await;
    assert_eq!(ns(&listing), [3, 2, 1]);
    let keys: Vec<&String> = listing.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["counters", "cursor", "next_before", "notifications"]);
    let top = listing["notifications"][0]["position"].as_str().unwrap();
    assert_eq!(listing["cursor"], format!("inbox@{top}"));
    assert_eq!(counts(&listing["counters"]), (3, 3));
    assert_eq!(listing["next_before"], Value::Null);
}

#[actix_web::test]
async fn a_list_shows_one_state_or_one_type() {
    let app = App::start();
    let alice = app.user("alice");
    let ids = publish(&app, "alice", "a.b", 1..=4).await;
    publish(&app, "alice", "c.d", 5..=5).await;
    mark(&alice, json!({"as": "read", "ids": [ids[0]]})).await;
    mark(&alice, json!({"as": "archived", "ids": [ids[1]]})).await;
    assert_eq!(ns(&list(&alice, "?state=unread").await), [5, 4, 3]);
    let archived = list(&alice, "?state=archived").await;
    assert_eq!(ns(&archived), [2]);
    assert_eq!(counts(&archived["counters"]), (3, 3));
    assert_eq!(list(&alice, "?state=all").await, list(&alice, "").await);
    assert_eq!(ns(&list(&alice, "?type=c.d").await), [5]);
    assert_eq!(ns(&list(&alice, "?type=a.b&state=unread").await), [4, 3]);
    assert!(ns(&list(&alice, "?type=x.y").await).is_empty());
    let read = alice.get(&format!("{PATH}/{}", ids[0])).await.json();
    assert!(read["read_at"].is_string() && read["seen_at"].is_string(), "{read}");
}

#[actix_web::test]
async fn pages_follow_each_other_without_loss_while_new_ones_arrive() {
    let app = App::start();
    let alice = app.user("alice");
    publish(&app, "alice", "a.b", 1..=7).await;
    let (mut seen, mut path) = (Vec::new(), format!("{PATH}?limit=3&type=a.b&state=unread"));
    loop {
        let answer = alice.get(&path).await;
        let page = answer.json();
        seen.extend(ns(&page));
        let Some(before) = page["next_before"].as_str() else {
            assert_eq!(answer.header("Link"), None);
            break;
        };
        let link = answer.header("Link").unwrap();
        path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
        assert!(path.contains(&format!("before={before}")), "{path}");
        publish(&app, "alice", "a.b", 8..=8).await;
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
}

#[actix_web::test]
async fn b48_a_query_that_cannot_be_meant_is_refused_and_a_large_limit_is_clamped() {
    let mut app = App::start();
    let alice = app.user("alice");
    let to = |n: usize| (0..n).map(|_| json!({"to": "alice", "type": "a.b", "payload": {"n": 1}}));
    let publisher = app.http(&app.publisher());
    futures_util::future::join_all(to(201).map(|body| {
        let publisher = publisher.clone();
        async move { assert_eq!(publisher.post(PATH, &body).await.status, 201) }
    }))
    .await;
    for bad in ["limit=0", "limit=-5", "limit=1e3", "limit=", "state=new", "sort=up", "limit=1&limit=2"] {
        alice.get(&format!("{PATH}?{bad}")).await.problem(400, "bad_message");
    }
    alice.get(&format!("{PATH}?type=ping")).await.problem(422, "validation");
    for forged in
        ["abc", "aaaaaaaa.1", "", "k3x9q2ab.-1", "inbox%40k3x9q2ab.1", "k3x9q2ab.9223372036854775808"]
    {
        alice.get(&format!("{PATH}?before={forged}")).await.problem(400, "bad_cursor");
    }
    assert_eq!(ns(&list(&alice, "?limit=100000").await).len(), 200);
    assert_eq!(ns(&list(&alice, "").await).len(), 50);
    let first = list(&alice, "?limit=200").await["next_before"].clone();
    let rest = list(&alice, &format!("?before={}", first.as_str().unwrap())).await;
    assert_eq!(ns(&rest).len(), 1);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_session_continues_where_a_list_ended() {
    let app = App::start();
    let alice = app.user("alice");
    for from in [1, 4] {
        let cursor = list(&alice, "").await["cursor"].as_str().unwrap().to_owned();
        publish(&app, "alice", "a.b", from..=from + 2).await;
        let mut ws = app.ws_at("alice", &format!("?since={cursor}")).await;
        assert_eq!(ws.welcome["resume"], "complete");
        assert_eq!(ws.next_ns(3).await, [from, from + 1, from + 2]);
    }
}

#[actix_web::test]
async fn t5_b46_what_is_not_ones_own_is_not_there() {
    let mut app = App::start();
    let id = publish(&app, "bob", "a.b", 1..=1).await.remove(0);
    let alice = app.user("alice");
    let unknown = "ntf_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for id in [&id, unknown, "ntf_1", "x", "%27", "%2e%2e"] {
        let path = format!("{PATH}/{id}");
        let mut problems = vec![alice.get(&path).await.problem(404, "not_found")];
        problems.push(alice.delete(&path).await.problem(404, "not_found"));
        assert!(problems.iter().all(|problem| problem["detail"] == problems[0]["detail"]));
    }
    assert_eq!(app.user("bob").get(&format!("{PATH}/{id}")).await.status, 200);
    assert_eq!(app.unread("bob").await["unread"], 1);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_deleted_notification_is_gone_everywhere() {
    let app = App::start();
    let alice = app.user("alice");
    let ids = publish(&app, "alice", "a.b", 1..=2).await;
    let mut ws = app.ws("alice").await;
    let before = ws.welcome["inbox"]["counters"].clone();
    let path = format!("{PATH}/{}", ids[0]);
    let answer = alice.delete(&path).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    alice.get(&path).await.problem(404, "not_found");
    alice.delete(&path).await.problem(404, "not_found");
    assert_eq!(ns(&list(&alice, "").await), [2]);
    let marked = ws.expect("marked").await;
    assert_eq!((&marked["as"], &marked["ids"]), (&json!("deleted"), &json!([ids[0]])));
    let counters = app.unread("alice").await;
    assert_eq!(counts(&counters), (1, 1));
    assert_eq!(marked["counters"]["version"], counters["version"]);
    assert!(counters["version"].as_u64() > before["version"].as_u64());
    assert!(counters["marks_version"].as_u64() > before["marks_version"].as_u64());
    let mut again = app.ws_at("alice", "?since=inbox@00000000.0").await;
    assert_eq!(again.next_numbered().await["type"], "skip");
    assert_eq!(again.next_ns(1).await, [2]);
}

#[actix_web::test]
async fn a_mark_over_http_counts_and_reaches_every_session() {
    let app = App::start();
    let alice = app.user("alice");
    let ids = publish(&app, "alice", "a.b", 1..=4).await;
    let mut ws = app.ws("alice").await;
    let third = alice.get(&format!("{PATH}/{}", ids[2])).await.json()["position"].clone();
    for (body, expected) in [
        (json!({"as": "seen", "ids": [ids[0]]}), (4, 3)),
        (json!({"as": "read", "ids": [ids[1], ids[0]]}), (2, 2)),
        (json!({"as": "unread", "ids": [ids[0]]}), (3, 2)),
        (json!({"as": "archived", "up_to": third}), (1, 1)),
        (json!({"as": "read", "all": true}), (0, 0)),
        (json!({"as": "unread", "all": true}), (4, 0)),
    ] {
        let counters = mark(&alice, body.clone()).await;
        assert_eq!(counts(&counters), expected, "{body}");
        let marked = ws.expect("marked").await;
        assert_eq!((&marked["as"], &marked["counters"]), (&body["as"], &counters));
        let unread = app.unread("alice").await;
        for name in ["unread", "unseen", "version", "marks_version"] {
            assert_eq!(unread[name], counters[name], "{name} after {body}");
        }
        assert_eq!(mark(&alice, body.clone()).await, counters, "the second {body}");
    }
}

#[actix_web::test]
async fn b47_a_mark_of_what_is_not_there_changes_nothing() {
    let mut app = App::start();
    let alice = app.user("alice");
    publish(&app, "alice", "a.b", 1..=1).await;
    let foreign = publish(&app, "bob", "a.b", 1..=1).await.remove(0);
    let bobs = app.user("bob").get(&format!("{PATH}/{foreign}")).await.json()["position"].clone();
    let before = list(&alice, "").await["counters"].clone();
    for ids in [json!([foreign]), json!(["ntf_01ARZ3NDEKTSV4RRFFQ69G5FAV", "x", ""]), json!([])] {
        for _ in 0..2 {
            assert_eq!(mark(&alice, json!({"as": "read", "ids": ids})).await, before);
        }
    }
    assert_eq!(app.unread("bob").await["unread"], 1);

    let post = async |body: Value| alice.post(&format!("{PATH}/mark"), &body).await;
    for up_to in [json!("abc"), json!("aaaaaaaa.1"), bobs, json!(1), json!("")] {
        post(json!({"as": "read", "up_to": up_to})).await.problem(400, "bad_cursor");
    }
    let many: Vec<String> = (0..501).map(|n| format!("ntf_{n}")).collect();
    for (body, pointer) in [
        (json!({"as": "read", "ids": [], "all": true}), ""),
        (json!({"as": "read"}), ""),
        (json!({"as": "read", "all": false}), "/all"),
        (json!({"as": "deleted", "all": true}), "/as"),
        (json!({"all": true}), "/as"),
        (json!({"as": "read", "ids": many}), "/ids"),
        (json!({"as": "read", "all": true, "user": "bob"}), "/user"),
    ] {
        assert_eq!(post(body.clone()).await.faults(), [pointer], "{body}");
    }
    assert_eq!(list(&alice, "").await["counters"], before);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn an_expired_notification_is_not_there() {
    let app = App::start();
    let body = json!({"to": "alice", "type": "a.b", "payload": {}, "expires_in": 1});
    let answer = app.http(&app.publisher()).post(PATH, &body).await.json();
    let path = format!("{PATH}/{}", answer["notifications"][0]["id"].as_str().unwrap());
    let alice = app.user("alice");
    let deadline = std::time::Instant::now() + DEADLINE;
    while alice.get(&path).await.status == 200 {
        assert!(std::time::Instant::now() < deadline, "it does not expire");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    alice.get(&path).await.problem(404, "not_found");
    alice.delete(&path).await.problem(404, "not_found");
    assert_eq!(list(&alice, "").await["notifications"], json!([]));
}

/// A pool that had a thread more now and then would have hundreds in a day.
#[actix_web::test]
async fn reads_take_a_thread_for_each_connection_and_no_more() {
    let app = App::start_with(&[("store.pool_size", "2")]);
    let alice = app.user("alice");
    for _ in 0..50 {
        let reads = (0..40).map(|_| alice.get(PATH));
        assert!(join_all(reads).await.iter().all(|answer| answer.status == 200));
    }
    let name = |task: std::io::Result<fs::DirEntry>| fs::read_to_string(task.unwrap().path().join("comm"));
    let tasks = fs::read_dir(format!("/proc/{}/task", app.pid())).unwrap();
    let names: Vec<String> = tasks.map(|task| name(task).unwrap().trim().to_owned()).collect();
    let count = |wanted: &str| names.iter().filter(|name| *name == wanted).count();
    assert_eq!((count("store-reader"), count("tokio-rt-worker")), (2, 0), "{names:?}");
}
