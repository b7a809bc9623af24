//! Polls for counters: answered from memory, and never behind what was answered before them.

use std::{cell::Cell, fs, rc::Rc};

use actix_web::rt;
use serde_json::json;

use crate::{
    app::App,
    clients::http::{Answer, Http},
};

const PATH: &str = "/v1/notifications/unread";

async fn unless(http: &Http, known: &str) -> Answer {
    http.send(http.request("GET", PATH).insert_header(("If-None-Match", known)), "").await
}

/// X17. Every read of the database fails while its file is not there.
#[actix_web::test]
async fn a_poll_for_what_is_known_touches_no_database() {
    let app = App::start();
    app.publish("alice", 1).await;
    let alice = app.user("alice");
    let tag = alice.get(PATH).await.header("ETag").unwrap().to_owned();
    app.publish("alice", 2).await;
    let away = app.database().with_extension("away");
    fs::rename(app.database(), &away).unwrap();
    assert_eq!(alice.get("/v1/notifications").await.status, 503);
    assert_eq!(app.user("bob").get(PATH).await.status, 503, "nobody has polled for him");
    let answer = unless(&alice, &tag).await;
    assert_eq!((answer.status, &answer.json()["unread"]), (200, &json!(2)), "the writer has noted it");
    let tag = answer.header("ETag").unwrap();
    for _ in 0..100 {
        let answer = unless(&alice, tag).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0));
    }
    let body = json!({ "to": "alice", "type": "test.event", "payload": {} });
    assert_eq!(app.http(&app.publisher()).post("/v1/notifications", &body).await.status, 503);
    assert_eq!(unless(&alice, tag).await.status, 304, "what failed has changed nothing");

    fs::rename(&away, app.database()).unwrap();
    app.publish("alice", 3).await;
    assert_eq!(unless(&alice, tag).await.json()["unread"], 3);
    assert_eq!(app.unread("bob").await["unread"], 0);
}

/// What publishers and those who mark have been answered, and the polls go by.
#[derive(Default)]
struct Answered {
    publishes: Cell<u64>,
    version: Cell<u64>,
    is_over: Cell<bool>,
}

async fn poll(http: Http, answered: Rc<Answered>) -> u64 {
    let (mut tag, mut version, mut polls) = (String::new(), 0, 0);
    while !answered.is_over.get() {
        let (publishes, marked) = (answered.publishes.get(), answered.version.get());
        let answer = unless(&http, &tag).await;
        if answer.status == 200 {
            tag = answer.header("ETag").unwrap().to_owned();
            let counters = answer.json();
            let next = counters["version"].as_u64().unwrap();
            assert!(next >= version, "{counters} after {version}");
            version = next;
        }
        // Every publish moves the version, and a mark has told its own.
        assert!(version >= publishes.max(marked), "{version}: {publishes} publishes, {marked} by a mark");
        polls += 1;
    }
    polls
}

#[actix_web::test]
async fn a_publish_or_a_mark_that_was_answered_is_never_followed_by_an_older_poll() {
    let app = Rc::new(App::start());
    let answered = Rc::new(Answered::default());
    let polls: Vec<_> = (0..4).map(|_| rt::spawn(poll(app.user("alice"), answered.clone()))).collect();
    let publishers = (0..4).map(|_| async {
        for n in 0..100 {
            app.publish("alice", n).await;
            answered.publishes.set(answered.publishes.get() + 1);
        }
    });
    let markers = ["read", "unread", "seen", "archived"].map(|mark_as| {
        let (alice, answered) = (app.user("alice"), answered.clone());
        async move {
            for _ in 0..40 {
                let body = json!({ "as": mark_as, "all": true });
                let counters = alice.post("/v1/notifications/mark", &body).await.json();
                let version = counters["version"].as_u64().unwrap();
                answered.version.set(answered.version.get().max(version));
            }
        }
    });
    futures_util::future::join(
        futures_util::future::join_all(publishers),
        futures_util::future::join_all(markers),
    )
    .await;
    answered.is_over.set(true);
    for polls in polls {
        assert!(polls.await.unwrap() > 0);
    }
    // At the end it is what the rows say, read by a process that knows nothing yet.
    let mut app = Rc::try_unwrap(app).unwrap_or_else(|_| panic!("somebody still uses it"));
    let known = app.unread("alice").await;
    let listed = app.user("alice").get("/v1/notifications?state=unread&limit=200").await.json();
    assert_eq!(known["version"], listed["counters"]["version"]);
    app.kill();
    app.restart();
    assert_eq!(app.unread("alice").await, known);
}
