//! Long poll and the waiting form of the counters: how long they wait, and what ends it (PROTOCOL.md section 5).

use std::time::{Duration, Instant};

use futures_util::future::{join, join3};
use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{
        http::{Answer, Http},
        poll::Poll,
        room::{EVERYWHERE, guest, say, types},
    },
};

/// What takes less has not waited for seconds.
pub const AT_ONCE: Duration = Duration::from_secs(3);

pub async fn timed<T>(asking: impl Future<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    (asking.await, start.elapsed())
}

/// Asks, and acts a little later, so that the server waits with its answer by then. Where it is slower, the
/// answer is the same.
pub async fn while_it_waits<T>(asking: impl Future<Output = T>, act: impl Future<Output = ()>) -> T {
    let acting = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        act.await;
    };
    join(asking, acting).await.0
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
        assert!(
            waited >= Duration::from_secs(wait) && waited < Duration::from_secs(wait) + AT_ONCE,
            "{waited:?}"
        );
        assert_eq!(poll.resume, json!({ "inbox": "complete", "chat": "complete" }));
    }
}

#[actix_web::test]
async fn a_poll_answers_when_something_comes() {
    let app = App::start();
    let mut bob = guest(&app, "bob").await;
    let mut poll = Poll::start(&app, "alice", EVERYWHERE, "chat").await;
    let publishing = async { drop(app.publish("alice", 1).await) };
    let (events, waited) = timed(while_it_waits(poll.next(15), publishing)).await;
    assert_eq!(events[0]["payload"]["n"], 1);
    assert!(waited < Duration::from_secs(15), "{waited:?}");
    // What it counts is told with it, and not again.
    assert_eq!(
        (types(&events), events[1]["counters"]["unread"].as_u64()),
        (vec!["test.event", "unread"], Some(1))
    );
    let (events, waited) = timed(poll.next(1)).await;
    assert!(events.is_empty() && waited >= Duration::from_secs(1), "{events:?} after {waited:?}");

    let saying = async { drop(say(&mut bob, "chat", json!("hello")).await) };
    let (events, waited) = timed(while_it_waits(poll.next(15), saying)).await;
    assert!(events.iter().any(|event| event["data"] == "hello"), "{events:?}");
    assert!(waited < Duration::from_secs(15), "{waited:?}");
}

#[actix_web::test]
async fn a_poll_answers_when_the_counters_change() {
    let app = App::start();
    app.publish("alice", 1).await;
    let mut poll = Poll::start(&app, "alice", "", "").await;
    let alice = app.user("alice");
    let marking = async {
        let body = json!({ "as": "read", "all": true });
        assert_eq!(alice.post("/v1/notifications/mark", &body).await.status, 200);
    };
    let events = while_it_waits(poll.next(15), marking).await;
    assert_eq!(types(&events), ["unread"]);
    assert_eq!((&events[0]["counters"]["unread"], &events[0]["counters"]["version"]), (&json!(0), &json!(2)));
}

pub async fn get(http: &Http, path: &str, prefer: &str) -> Answer {
    http.send(http.request("GET", path).insert_header(("Prefer", prefer)), "").await
}

/// B37.
#[actix_web::test]
async fn a_wait_is_a_number_of_seconds_and_sixty_at_most() {
    let app = App::start();
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
        assert!(waited >= Duration::from_secs(1) && waited < AT_ONCE, "{prefer}: {waited:?}");
    }
    let (answer, waited) = timed(get(&alice, path, "respond-async")).await;
    assert_eq!((answer.status, answer.header("Preference-Applied")), (200, None));
    assert!(waited < Duration::from_secs(1), "{waited:?}");
    for prefer in ["wait=soon", "wait=-1"] {
        assert_eq!(get(&alice, path, prefer).await.status, 400, "{prefer}");
    }
}

#[actix_web::test]
async fn polls_at_the_same_time_all_get_the_event() {
    let app = App::start();
    let mut polls = Vec::new();
    for _ in 0..3 {
        polls.push(Poll::start(&app, "alice", "", "").await);
    }
    let [first, second, third] = &mut polls[..] else { panic!() };
    let asking = join3(first.next(15), second.next(15), third.next(15));
    let (a, b, c) = while_it_waits(asking, async { drop(app.publish("alice", 1).await) }).await;
    for events in [a, b, c] {
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
