//! The waiting form of the counters: one request that is answered when they change (PROTOCOL.md section 5).

use std::time::Duration;

use awc::ClientRequest;
use serde_json::{Value, json};

use crate::{
    clients::http::{Answer, Http},
    poll_waiting::{LONG, NO_SETTING, get, start, timed, while_it_waits},
};

const UNREAD: &str = "/v1/notifications/unread";

/// The tag of the counters, and a request for what is different from it.
async fn unless(http: &Http, tag: &str, wait: u64) -> (Answer, Duration) {
    let request = http.request("GET", UNREAD).insert_header(("If-None-Match", tag.to_owned()));
    let request: ClientRequest = request.insert_header(("Prefer", format!("wait={wait}")));
    timed(http.send(request, "")).await
}

#[actix_web::test]
async fn the_counters_are_awaited_until_they_change() {
    let app = start(NO_SETTING);
    let alice = app.user("alice");
    // With and without a session of the user on this server.
    for has_session in [false, true] {
        let _session = if has_session { Some(app.ws("alice").await) } else { None };
        let known = alice.get(UNREAD).await;
        let tag = known.header("ETag").unwrap().to_owned();
        let (unchanged, waited) = unless(&alice, &tag, 1).await;
        assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
        assert_eq!(unchanged.header("ETag"), Some(tag.as_str()));
        assert!(waited >= Duration::from_secs(1), "{waited:?}");

        let asking = unless(&alice, &tag, LONG);
        let publishing = async { drop(app.publish("alice", 1).await) };
        let (changed, _) = while_it_waits(&app, 1, asking, publishing).await;
        assert_eq!(changed.status, 200);
        assert_eq!(changed.json()["version"], known.json()["version"].as_u64().unwrap() + 1);
        assert_ne!(changed.header("ETag"), Some(tag.as_str()));

        // What differs already is answered at once.
        let (differs, _) = unless(&alice, &tag, LONG).await;
        assert_eq!((differs.status, &differs.json()), (200, &changed.json()));
    }
}

/// A mark on one device ends the wait of another.
#[actix_web::test]
async fn the_counters_are_awaited_until_a_mark() {
    let app = start(NO_SETTING);
    app.publish("alice", 1).await;
    let alice = app.user("alice");
    let tag = alice.get(UNREAD).await.header("ETag").unwrap().to_owned();
    let marking = async {
        alice.post("/v1/notifications/mark", &json!({ "as": "seen", "all": true })).await;
    };
    let (changed, _) = while_it_waits(&app, 1, unless(&alice, &tag, LONG), marking).await;
    let unread: Value = changed.json();
    assert_eq!((changed.status, &unread["unseen"], &unread["unread"]), (200, &json!(0), &json!(1)));
}

#[actix_web::test]
async fn a_server_that_stops_answers_who_awaits_the_counters() {
    let mut app = start(("shutdown.drain", "1s"));
    let alice = app.user("alice");
    let tag = alice.get(UNREAD).await.header("ETag").unwrap().to_owned();
    let stopping = async { app.signal("-TERM") };
    let (answer, _) = while_it_waits(&app, 1, unless(&alice, &tag, LONG), stopping).await;
    assert_eq!(answer.status, 304);
    assert!(app.ended().await.success());
}

/// Without a tag there is nothing to be different from: the next change is awaited.
#[actix_web::test]
async fn the_next_change_of_the_counters_can_be_awaited() {
    let app = start(NO_SETTING);
    app.publish("alice", 1).await;
    let alice = app.user("alice");
    let (answer, waited) = timed(get(&alice, UNREAD, "wait=1")).await;
    assert_eq!((answer.status, &answer.json()["unread"]), (200, &json!(1)));
    assert_eq!(answer.header("Preference-Applied"), Some("wait=1"));
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
    let publishing = async { drop(app.publish("alice", 2).await) };
    let answer = while_it_waits(&app, 1, get(&alice, UNREAD, "wait=60"), publishing).await;
    assert_eq!(answer.json()["unread"], 2);
    for wait in ["-1", "abc", ""] {
        assert_eq!(alice.get(&format!("{UNREAD}?wait={wait}")).await.status, 400, "{wait:?}");
    }
}
