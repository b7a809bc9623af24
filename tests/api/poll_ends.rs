//! What ends a poll before its time: a server that stops, a token that expires, a limit (PROTOCOL.md section 5).

use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{
        poll::Poll,
        room::{EVERYWHERE, member},
    },
    poll_waiting::{LONG, start, while_it_waits},
};

#[actix_web::test]
async fn a_server_that_stops_answers_polls_at_once_and_empty() {
    let mut app = start(("shutdown.drain", "5s"));
    app.publish("alice", 1).await;
    let mut poll = Poll::start(&app, "alice", "", "").await;
    let cursor = poll.cursor.clone();
    let stopping = async { app.signal("-TERM") };
    let events = while_it_waits(&app, 1, poll.next(LONG), stopping).await;
    assert_eq!((events, &poll.cursor), (vec![], &cursor));
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
    let mut poll = Poll::at(&app, "alice", "", "", "inbox@00000000.0");
    assert_eq!(poll.next(LONG).await, [Value::Null; 0]);
    assert_eq!(poll.cursor, "inbox@00000000.0");
    Poll::start(&app, "alice", "", "").await;
}

#[actix_web::test]
async fn beyond_the_limit_of_a_user_a_poll_is_refused_and_nobody_goes_for_it() {
    let app = start(("limits.sessions_per_user", "2"));
    let (mut ws, mut other) = (app.ws("alice").await, app.ws("alice").await);
    let mut polls = Vec::new();
    for _ in 0..2 {
        polls.push(Poll::start(&app, "alice", "", "").await);
    }
    let refused = polls[0].path(LONG);
    let [first, second] = &mut polls[..] else { panic!() };
    let (mut of_first, mut of_second) = (Vec::new(), Vec::new());
    let asking_third = async {
        let http = app.user("alice");
        let prefer = http.request("GET", "/v1/notifications/unread").insert_header(("Prefer", "wait=60"));
        for answer in [http.get(&refused).await, http.send(prefer, "").await] {
            answer.problem(429, "rate_limited");
            assert!(answer.header("Retry-After").is_some());
        }
        assert_eq!(http.get("/v1/notifications/unread").await.status, 200, "this one waits for nothing");
        app.publish("alice", 1).await;
    };
    let asking_second = async {
        let asking = async { of_second = second.next(LONG).await };
        while_it_waits(&app, 2, asking, asking_third).await;
    };
    while_it_waits(&app, 1, async { of_first = first.next(LONG).await }, asking_second).await;
    for events in [of_first, of_second] {
        assert_eq!(events[0]["payload"]["n"], 1);
    }
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
    let http = app.http(&app.token_for("alice", "", 3));
    let answer = http.get(&format!("/v1/poll?since=inbox@00000000.0&wait={LONG}")).await;
    assert_eq!((answer.status, &answer.json()["events"]), (200, &json!([])));
    http.get("/v1/poll?since=inbox@00000000.0").await.problem(401, "invalid_token");
}
