//! Long poll and the waiting form of the counters: how long they wait, and what ends it (PROTOCOL.md section 5).

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::{
    app::{App, until},
    clients::{
        http::{Answer, Http},
        poll::Poll,
        room::{EVERYWHERE, guest, say, types},
    },
};

/// Seconds that no step of a test has: who is answered has not waited for so long.
pub const LONG: u64 = 60;

/// A server whose log names each request that waits.
pub fn start(setting: (&str, &str)) -> App {
    App::start_with(&[("log.level", "debug"), setting])
}

pub const NO_SETTING: (&str, &str) = ("http.workers", "2");

pub async fn timed<T>(asking: impl Future<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    (asking.await, start.elapsed())
}

/// Asks, and acts when the server waits with so many answers.
pub async fn while_it_waits<T>(
    app: &App,
    count: usize,
    asking: impl Future<Output = T>,
    act: impl Future<Output = ()>,
) -> T {
    let acting = async {
        until("the server waits", || (waiting(app) >= count).then_some(())).await;
        act.await;
    };
    join(asking, acting).await.0
}

/// With how many answers the server waits, by its log.
fn waiting(app: &App) -> usize {
    let mut sessions = HashSet::new();
    for line in app.logs() {
        let record: Value = serde_json::from_str(&line).unwrap();
        if record["message"] == "session opened" && record["transport"] == "poll" {
            sessions.insert(record["session"].to_string());
        } else if record["message"] == "session closed" {
            sessions.remove(&record["session"].to_string());
        }
    }
    sessions.len()
}

#[actix_web::test]
async fn a_poll_with_nothing_to_say_waits_and_then_answers_empty_with_its_cursor() {
    let app = App::start();
    app.publish("alice", 1).await;
    let mut poll = Poll::start(&app, "alice", EVERYWHERE, "chat").await;
    let cursor = poll.cursor.clone();
    for wait in [0, 1, 2] {
        let (events, waited) = timed(poll.next(wait)).await;
        assert_eq!((events, &poll.cursor), (vec![], &cursor));
        assert!(waited >= Duration::from_secs(wait), "{waited:?}");
        assert_eq!(poll.resume, json!({ "inbox": "complete", "chat": "complete" }));
    }
}

#[actix_web::test]
async fn a_poll_answers_when_something_comes() {
    let app = start(NO_SETTING);
    let mut bob = guest(&app, "bob").await;
    let mut poll = Poll::start(&app, "alice", EVERYWHERE, "chat").await;
    let publishing = async { drop(app.publish("alice", 1).await) };
    let events = while_it_waits(&app, 1, poll.next(LONG), publishing).await;
    assert_eq!((types(&events), &events[0]["payload"]["n"]), (vec!["test.event", "unread"], &json!(1)));
    // What it counts is told with it, and not again.
    assert_eq!(events[1]["counters"]["unread"], 1);
    let (events, waited) = timed(poll.next(1)).await;
    assert!(events.is_empty() && waited >= Duration::from_secs(1), "{events:?} after {waited:?}");

    let saying = async { drop(say(&mut bob, "chat", json!("hello")).await) };
    let events = while_it_waits(&app, 1, poll.next(LONG), saying).await;
    assert_eq!((types(&events), &events[0]["data"]), (vec!["message"], &json!("hello")));
}

#[actix_web::test]
async fn a_poll_answers_when_the_counters_change() {
    let app = start(NO_SETTING);
    app.publish("alice", 1).await;
    let mut poll = Poll::start(&app, "alice", "", "").await;
    let alice = app.user("alice");
    let marking = async {
        let body = json!({ "as": "read", "all": true });
        assert_eq!(alice.post("/v1/notifications/mark", &body).await.status, 200);
    };
    let events = while_it_waits(&app, 1, poll.next(LONG), marking).await;
    assert_eq!(types(&events), ["unread"]);
    assert_eq!((&events[0]["counters"]["unread"], &events[0]["counters"]["version"]), (&json!(0), &json!(2)));
}

pub async fn get(http: &Http, path: &str, prefer: &str) -> Answer {
    http.send(http.request("GET", path).insert_header(("Prefer", prefer)), "").await
}

#[actix_web::test]
async fn b37_a_wait_is_a_number_of_seconds_and_sixty_at_most() {
    let mut app = App::start();
    app.publish("alice", 1).await;
    let alice = app.user("alice");
    for wait in ["-1", "abc", "1.5", "", "1e3", "%2B5", "0x1"] {
        let answer = alice.get(&format!("/v1/poll?since=inbox@00000000.0&wait={wait}")).await;
        assert_eq!(answer.status, 400, "{wait:?}");
    }
    for wait in ["0", "60", "61", "999999", "99999999999999999999999"] {
        let answer = alice.get(&format!("/v1/poll?since=inbox@00000000.0&wait={wait}")).await;
        assert_eq!((answer.status, &answer.json()["events"][0]["payload"]["n"]), (200, &json!(1)), "{wait}");
    }
    app.expect_healthy().await;
}

/// RFC 7240.
#[actix_web::test]
async fn a_wait_may_come_as_a_preference() {
    let app = App::start();
    let alice = app.user("alice");
    let path = "/v1/poll?since=inbox@00000000.0";
    for prefer in ["wait=1", "respond-async, wait=1", "Wait=1", "wait=\"1\"", "respond-async; x=1 ,wait=1"] {
        let (answer, waited) = timed(get(&alice, path, prefer)).await;
        assert_eq!((answer.status, &answer.json()["events"]), (200, &json!([])));
        assert_eq!(answer.header("Preference-Applied"), Some("wait=1"));
        assert!(waited >= Duration::from_secs(1), "{prefer}: {waited:?}");
    }
    let answer = get(&alice, path, "respond-async").await;
    assert_eq!((answer.status, answer.header("Preference-Applied")), (200, None));
    for prefer in ["wait=soon", "wait=-1"] {
        assert_eq!(get(&alice, path, prefer).await.status, 400, "{prefer}");
    }
}

#[actix_web::test]
async fn polls_at_the_same_time_all_get_the_event() {
    let app = start(NO_SETTING);
    let mut polls = Vec::new();
    for _ in 0..3 {
        polls.push(Poll::start(&app, "alice", "", "").await);
    }
    let asking = join_all(polls.iter_mut().map(|poll| poll.next(LONG)));
    let publishing = async { drop(app.publish("alice", 1).await) };
    for events in while_it_waits(&app, 3, asking, publishing).await {
        assert_eq!(events[0]["payload"]["n"], 1);
    }
}

#[actix_web::test]
async fn a_request_that_is_given_up_consumes_nothing_and_leaves_nothing() {
    let app = App::start();
    let sockets = app.idle_sockets().await;
    let mut poll = Poll::start(&app, "alice", EVERYWHERE, "chat").await;
    for n in 1..=5 {
        let asked = Poll::at(&app, "alice", EVERYWHERE, "chat", &poll.cursor);
        let given_up = tokio::time::timeout(Duration::from_millis(200), async {
            asked.http.get(&asked.path(15)).await;
        });
        assert!(given_up.await.is_err());
        app.publish("alice", n).await;
        let events = poll.collect(1, |event| event.get("position").is_some()).await;
        assert_eq!(events[0]["payload"]["n"], n);
    }
    drop(poll);
    app.expect_sockets(sockets).await;
}

#[actix_web::test]
async fn counters_that_changed_between_two_polls_are_told_to_who_says_what_it_knows() {
    let app = App::start();
    app.publish("alice", 1).await;
    let alice = app.user("alice");
    let mut poll = Poll::at(&app, "alice", "", "", "inbox@00000000.0");
    let told = poll.next(5).await[1]["counters"].clone();
    alice.post("/v1/notifications/mark", &json!({ "as": "read", "all": true })).await;
    let ask = async |known: &Value| {
        let known = format!("version={}&marks_version={}", known["version"], known["marks_version"]);
        let answer = alice.get(&format!("{}&{known}", poll.path(1))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["events"].clone()
    };
    let events = ask(&told).await;
    assert_eq!(types(events.as_array().unwrap()), ["unread"]);
    let counters = &events[0]["counters"];
    assert_eq!((&counters["unread"], &counters["marks_version"]), (&json!(0), &json!(1)));
    assert_eq!(ask(counters).await, json!([]));
}
