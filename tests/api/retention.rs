//! Retention: what is too old goes for everybody, and of what was read the newest stay.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::{app::App, clients::ws::Ws, database::Database, welcome::moved};

/// Reads on until so many deletions were told; the counters of the last.
async fn deleted(ws: &mut Ws, count: usize) -> (HashSet<String>, Value) {
    let mut ids = HashSet::new();
    loop {
        let marked = ws.expect("marked").await;
        if marked["as"] == "deleted" {
            ids.extend(marked["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()));
        }
        if ids.len() >= count {
            return (ids, marked["counters"].clone());
        }
    }
}

#[actix_web::test]
async fn what_is_too_old_goes_for_everybody_and_who_missed_it_is_told_and_lists_again() {
    let app = App::start();
    let alice = app.user("alice");
    let (mut phone, mut laptop) = (app.ws("alice").await, app.ws("alice").await);
    let first = app.publish("alice", 1).await;
    let second = app.publish("alice", 2).await;
    let read = json!({ "as": "read", "up_to": first });
    assert_eq!(alice.post("/v1/notifications/mark", &read).await.status, 200);
    // As if they had been made long ago.
    Database::open(&app.database())
        .execute("UPDATE notifications SET id = 'ntf_0000000000' || substr(id, 15)");
    for ws in [&mut phone, &mut laptop] {
        let (ids, counters) = deleted(ws, 2).await;
        assert_eq!((ids.len(), &counters["unread"], &counters["unseen"]), (2, &json!(0), &json!(0)));
    }
    let third = app.publish("alice", 3).await;
    assert_eq!(third, moved(&second, 1), "the numbering goes on");
    let listed = alice.get("/v1/notifications").await.json();
    assert_eq!(listed["notifications"].as_array().unwrap().len(), 1);
    assert_eq!(listed["notifications"][0]["payload"]["n"], 3);

    // Who stood before the horizon has lost something, read or not, and goes on behind the list.
    for since in [&first, "00000000.0"] {
        let mut late = app.ws_at("alice", &format!("?since=inbox@{since}")).await;
        assert_eq!(late.welcome["resume"], "gap");
        let gap = json!({
            "type": "gap", "stream": "inbox", "from": since, "to": second, "reason": "pruned"
        });
        assert_eq!(late.next_numbered().await, gap);
    }
    let cursor = listed["cursor"].as_str().unwrap();
    let mut again = app.ws_at("alice", &format!("?since={cursor}")).await;
    assert_eq!(again.welcome["resume"], "complete");
    let at_the_horizon = app.ws_at("alice", &format!("?since=inbox@{second}")).await;
    assert_eq!(at_the_horizon.welcome["resume"], "complete");
    app.publish("alice", 4).await;
    assert_eq!(again.next_ns(1).await, [4]);
    assert_eq!(phone.next_ns(2).await, [3, 4]);
}

#[actix_web::test]
async fn of_what_was_read_the_newest_stay_and_the_others_replay_as_skip() {
    let mut app = App::start_with(&[("retention.max_read_per_user", "2")]);
    let alice = app.user("alice");
    let mut ws = app.ws("alice").await;
    let mut positions = Vec::new();
    for n in 1..=6 {
        positions.push(app.publish("alice", n).await);
    }
    let read = json!({ "as": "read", "up_to": positions[4] });
    assert_eq!(alice.post("/v1/notifications/mark", &read).await.status, 200);
    let (ids, counters) = deleted(&mut ws, 3).await;
    assert_eq!((ids.len(), &counters["unread"], &counters["marks_version"]), (3, &json!(1), &json!(2)));

    app.kill();
    app.restart();
    let mut late = app.ws_at("alice", "?since=inbox@00000000.0").await;
    assert_eq!(late.welcome["resume"], "complete");
    let skip = late.next_numbered().await;
    assert_eq!((&skip["type"], &skip["to"]), (&json!("skip"), &json!(positions[2])));
    assert_eq!(late.next_ns(3).await, [4, 5, 6]);
}

#[actix_web::test]
async fn live_sessions_lose_nothing_while_what_is_old_goes_under_their_eyes() {
    const COUNT: u64 = 400;
    let app = App::start_with(&[("retention.max_age", "1s")]);
    let mut ws = app.ws("alice").await;
    let publishing = async {
        for n in 1..=COUNT {
            app.publish("alice", n).await;
        }
    };
    let hearing = async {
        let (mut heard, mut gone) = (Vec::new(), HashSet::new());
        while gone.len() < COUNT as usize {
            let event = ws.next().await;
            if let Some(n) = event["payload"]["n"].as_u64() {
                heard.push(n);
            } else if event["as"] == "deleted" {
                let ids = event["ids"].as_array().unwrap();
                assert!(ids.len() <= 500);
                gone.extend(ids.iter().map(|id| id.as_str().unwrap().to_owned()));
            } else {
                assert_eq!(event["type"], "unread", "{event}");
            }
        }
        heard
    };
    let ((), heard) = futures_util::future::join(publishing, hearing).await;
    assert_eq!(heard, (1..=COUNT).collect::<Vec<_>>());
    let unread = app.unread("alice").await;
    assert_eq!((&unread["unread"], &unread["unseen"]), (&json!(0), &json!(0)));
    assert!(Database::open(&app.database()).inbox("alice").is_empty());
}
