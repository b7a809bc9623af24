//! What ends a poll before its time: a server that stops, a token that expires, a limit (PROTOCOL.md section 5).

use std::time::Duration;

use futures_util::future::join;
use serde_json::json;

use crate::{
    app::App,
    clients::{
        poll::Poll,
        room::{EVERYWHERE, member},
    },
    poll_waiting::{AT_ONCE, timed, while_it_waits},
};

#[actix_web::test]
async fn a_server_that_stops_answers_polls_at_once_and_empty() {
    let mut app = App::start_with(&[("shutdown.drain", "5s")]);
    app.publish("alice", 1).await;
    let mut poll = Poll::start(&app, "alice", "", "").await;
    let cursor = poll.cursor.clone();
    let stopping = async { app.signal("-TERM") };
    let (events, waited) = timed(while_it_waits(poll.next(15), stopping)).await;
    assert_eq!((events, &poll.cursor), (vec![], &cursor));
    assert!(waited < AT_ONCE, "{waited:?}");
    // A stop does not wait for polls.
    assert!(app.ended().await.success());
    app.restart();
    app.publish("alice", 2).await;
    let events = poll.collect(1, |event| event.get("position").is_some()).await;
    assert_eq!(events[0]["payload"]["n"], 2);
}

#[actix_web::test]
async fn a_poll_that_comes_while_the_server_drains_is_answered_at_once_and_empty() {
    let app = App::start_with(&[("shutdown.drain", "10s")]);
    app.publish("alice", 1).await;
    let mut sessions = Vec::new();
    for n in 0..20 {
        sessions.push(app.ws(&format!("user{n}")).await);
    }
    app.signal("-TERM");
    app.logged(|line| line["message"] == "stopping").await;
    for since in ["", "inbox@00000000.0"] {
        let mut poll = Poll::at(&app, "alice", "", "", since);
        if since.is_empty() {
            let answer = poll.http.get("/v1/poll?wait=15").await;
            assert_eq!((answer.status, &answer.json()["events"]), (200, &json!([])));
        } else {
            let (events, waited) = timed(poll.next(15)).await;
            assert_eq!((events, poll.cursor.as_str()), (vec![], since));
            assert!(waited < AT_ONCE, "{waited:?}");
        }
    }
}

#[actix_web::test]
async fn beyond_the_limit_of_a_user_the_oldest_poll_is_answered_early_and_no_session_goes() {
    let app = App::start_with(&[("limits.sessions_per_user", "2")]);
    let (mut ws, mut other) = (app.ws("alice").await, app.ws("alice").await);
    let mut polls = Vec::new();
    for _ in 0..3 {
        polls.push(Poll::start(&app, "alice", "", "").await);
    }
    let cursor = polls[0].cursor.clone();
    let [first, second, third] = &mut polls[..] else { panic!() };
    let last = async {
        let (events, waited) = timed(third.next(10)).await;
        assert_eq!(events[0]["payload"]["n"], 1);
        assert!(waited < Duration::from_secs(10), "{waited:?}");
    };
    let early = async {
        let (events, waited) = timed(while_it_waits(first.next(10), async {})).await;
        assert_eq!((events, &first.cursor), (vec![], &cursor));
        assert!(waited < AT_ONCE, "{waited:?}");
        app.publish("alice", 1).await;
    };
    let asked_later = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        join(second.next(10), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            last.await;
        })
        .await
    };
    let ((), (events, ())) = join(early, asked_later).await;
    assert_eq!(events[0]["payload"]["n"], 1);
    assert_eq!((ws.next_ns(1).await, other.next_ns(1).await), (vec![1], vec![1]));
}

#[actix_web::test]
async fn a_full_server_answers_polls_503_with_a_time_to_wait() {
    let app = App::start_with(&[("limits.sessions", "1")]);
    let _ws = app.ws("bob").await;
    let answer = app.user("alice").get("/v1/poll").await;
    answer.problem(503, "unavailable");
    assert!(answer.header("Retry-After").unwrap().parse::<u32>().unwrap() > 0);
}

#[actix_web::test]
async fn a_room_that_has_no_place_is_503_with_a_time_to_wait() {
    let app = App::start_with(&[("limits.rooms", "1")]);
    let _bob = member(&app, "bob", &["full"]).await;
    let answer = app.http(&app.token("alice", EVERYWHERE)).get("/v1/poll?rooms=full,other").await;
    answer.problem(503, "unavailable");
    assert!(answer.header("Retry-After").unwrap().parse::<u32>().unwrap() > 0);
}

/// A poll lasts no longer than the token that it was asked with (G11).
#[actix_web::test]
async fn a_token_that_expires_ends_its_poll_after_the_grace() {
    let app = App::start_with(&[("auth.expiry_grace", "1s"), ("auth.leeway", "0s")]);
    let http = app.http(&app.token_for("alice", "", 1));
    let (answer, waited) = timed(http.get("/v1/poll?since=inbox@00000000.0&wait=15")).await;
    assert_eq!((answer.status, &answer.json()["events"]), (200, &json!([])));
    assert!(waited < Duration::from_secs(10), "{waited:?}");
    http.get("/v1/poll?since=inbox@00000000.0").await.problem(401, "invalid_token");
}
