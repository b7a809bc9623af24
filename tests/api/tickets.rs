//! Tickets: one use, 30 seconds, with the rights of their token (PROTOCOL.md sections 2 and 6, T19).

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{http::Http, raw::Raw, room::EVERYWHERE, ws::Ws},
};

async fn ticket(http: &Http) -> String {
    let answer = http.send(http.request("POST", "/v1/tickets"), "").await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    let body = answer.json();
    assert_eq!((body.as_object().unwrap().len(), &body["expires_in"]), (2, &json!(30)), "{body}");
    body["ticket"].as_str().unwrap().to_owned()
}

fn query(ticket: &str) -> String {
    format!("?ticket={ticket}")
}

#[actix_web::test]
async fn t19_a_ticket_opens_one_websocket_with_the_rights_of_its_token() {
    let app = App::start_with(&[("auth.query_token", "false")]);
    let ticket = ticket(&app.http(&app.token("alice", EVERYWHERE))).await;
    let mut ws = Ws::open(app.address, &format!("{}&rooms=a", query(&ticket)), &[]).await.unwrap();
    let welcome = ws.expect("welcome").await;
    assert_eq!((&welcome["user"], &welcome["scopes"]), (&json!("alice"), &json!(["join:*", "publish:*"])));
    assert_eq!(ws.next().await["room"], "a");
    // Whoever finds it in some log comes too late.
    let refused = Ws::refusal(app.address, &query(&ticket), &[]).await;
    let expected = Ws::refusal(app.address, "", &[("authorization", "Bearer nonsense")]).await;
    let same = |(status, challenge, mut body): (u16, Option<String>, Value)| {
        body["request_id"].take();
        body["trace_id"].take();
        (status, challenge, body)
    };
    assert_eq!(same(refused), same(expected.clone()));
    assert_eq!(expected.0, 401);
}

#[actix_web::test]
async fn a_ticket_opens_one_event_stream_or_is_good_for_one_poll() {
    let app = App::start();
    let (alice, anonymous) = (app.user("alice"), app.anonymous());
    let poll = format!("/v1/poll{}", query(&ticket(&alice).await));
    assert_eq!(anonymous.get(&poll).await.status, 200);
    anonymous.get(&poll).await.problem(401, "invalid_token");

    let stream = query(&ticket(&alice).await);
    for expected in ["HTTP/1.1 200 ", "HTTP/1.1 401 "] {
        let mut raw = Raw::connect(app.address).await;
        raw.write(format!("GET /v1/sse{stream} HTTP/1.1\r\nHost: {}\r\n\r\n", app.address)).await;
        let head = raw.read_head().await;
        assert!(head.starts_with(expected), "{head}");
    }
}

#[actix_web::test]
async fn t19_of_many_who_come_with_one_ticket_at_once_one_is_let_in() {
    let app = App::start();
    let (alice, anonymous) = (app.user("alice"), app.anonymous());
    for _ in 0..20 {
        let path = format!("/v1/me{}", query(&ticket(&alice).await));
        let mut answers: Vec<u16> = join_all((0..16).map(|_| anonymous.get(&path)))
            .await
            .iter()
            .map(|answer| answer.status)
            .collect();
        answers.sort_unstable();
        assert_eq!((answers[0], answers[1], answers[15]), (200, 401, 401), "{answers:?}");
    }
}

#[actix_web::test]
async fn a_request_that_is_refused_before_anybody_asks_who_it_is_leaves_the_ticket() {
    let app = App::start_with(&[("limits.sessions", "1")]);
    let ticket = ticket(&app.user("alice")).await;
    let foreign = [("origin", "https://evil.example")];
    assert_eq!(Ws::refusal(app.address, &query(&ticket), &foreign).await.0, 403);
    let other = format!("Bearer {}", app.token("bob", ""));
    assert_eq!(Ws::refusal(app.address, &query(&ticket), &[("authorization", &other)]).await.0, 400);
    // No handshake at all, and then one that finds no place.
    assert_eq!(app.anonymous().get(&format!("/v1/ws{}", query(&ticket))).await.status, 400);
    let mut bob = app.ws("bob").await;
    assert_eq!(Ws::refusal(app.address, &query(&ticket), &[]).await.0, 503);
    bob.socket.close(None).await.unwrap();
    bob.expect_cut().await;
    app.logged(|line| line["message"] == "session closed").await;
    let mut ws = Ws::open(app.address, &query(&ticket), &[]).await.unwrap();
    assert_eq!(ws.expect("welcome").await["user"], "alice");
}

#[actix_web::test]
async fn a_user_has_at_most_twenty_open_tickets() {
    let app = App::start();
    let (alice, anonymous) = (app.user("alice"), app.anonymous());
    let (mut open, start) = (Vec::new(), Instant::now());
    for _ in 0..20 {
        open.push(ticket(&alice).await);
    }
    let refused = alice.send(alice.request("POST", "/v1/tickets"), "").await;
    refused.problem(429, "rate_limited");
    let seconds: u64 = refused.header("Retry-After").unwrap().parse().unwrap();
    let first_ends = Duration::from_secs(30);
    assert!(start.elapsed() + Duration::from_secs(seconds) >= first_ends && seconds <= 35, "{seconds}");
    ticket(&app.user("bob")).await;
    assert_eq!(anonymous.get(&format!("/v1/me{}", query(&open[3]))).await.json()["user"], "alice");
    ticket(&alice).await;

    let few = App::start_with(&[("limits.tickets", "1")]);
    let alice = few.user("alice");
    ticket(&alice).await;
    alice.send(alice.request("POST", "/v1/tickets"), "").await.problem(429, "rate_limited");
}

#[actix_web::test]
async fn a_ticket_is_no_better_than_its_token_and_nobody_gets_one_without() {
    let app = App::start_with(&[("auth.leeway", "0s"), ("auth.expiry_grace", "0s")]);
    let (token, anonymous) = (app.token_for("alice", "", 5), app.anonymous());
    let ticket = ticket(&app.http(&token)).await;
    let mut ws = Ws::connect(app.address, "", &token).await;
    // The end of the session shows that the token is over.
    assert_eq!(ws.end().await, Some(4001));
    anonymous.get(&format!("/v1/me{}", query(&ticket))).await.problem(401, "invalid_token");
    anonymous.send(anonymous.request("POST", "/v1/tickets"), "").await.problem(401, "invalid_token");
    let bearer = app.http(&ticket);
    bearer.get("/v1/me").await.problem(401, "invalid_token");
    assert_eq!(app.user("alice").get("/v1/tickets").await.header("Allow"), Some("POST"));
}
