//! Tokens, users and sessions that an administrator takes back (PROTOCOL.md sections 2 and 6, T4, G11).

use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::future::join;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::{
    app::{App, SECRET},
    clients::{http::Http, sse::Sse, ws::Ws},
    poll_waiting::{NO_SETTING, start, while_it_waits},
};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A token of alice with these claims besides.
fn token(claims: Value) -> String {
    let mut all = json!({"sub": "alice", "exp": now() + 3600});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    encode(&Header::default(), &all, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

fn admin(app: &App) -> Http {
    app.http(&app.token("root", "admin"))
}

async fn revoke(app: &App, body: Value) {
    let answer = admin(app).post("/v1/admin/revocations", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.json()["revoked_at"].is_string());
}

async fn is_let_in(app: &App, token: &str) -> bool {
    let answer = app.http(token).get("/v1/me").await;
    if answer.status == 401 {
        answer.problem(401, "invalid_token");
    }
    answer.status == 200
}

#[actix_web::test]
async fn t4_of_a_user_go_the_tokens_up_to_now_and_their_sessions_and_nobody_elses() {
    let app = App::start();
    let issued = |seconds: i64| token(json!({"iat": i64::try_from(now()).unwrap() + seconds}));
    // Whoever has a key can write any time into a token: one from the future counts as one without.
    let (old, timeless, future) = (issued(-10), token(json!({})), issued(3000));
    let mut sessions = Vec::new();
    for token in [&old, &timeless, &future] {
        sessions.push(Ws::connect(app.address, "", token).await);
    }
    let mut bob = app.ws("bob").await;
    revoke(&app, json!({"user": "alice"})).await;
    for session in &mut sessions {
        let (goodbye, code, reason) = session.farewell().await;
        assert_eq!((code, reason.as_str()), (4503, "revoked"));
        assert_eq!(goodbye.unwrap(), json!({"type": "goodbye", "code": 4503, "reason": "revoked"}));
    }
    for token in [&old, &timeless, &future] {
        assert!(!is_let_in(&app, token).await);
    }
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut newer = Ws::connect(app.address, "", &token(json!({"iat": since_1970.as_secs_f64()}))).await;
    assert_eq!(bob.ask(json!({"type": "echo", "data": 1})).await["type"], "ok");
    // By no way.
    let bearer = format!("Bearer {old}");
    assert_eq!(Ws::refusal(app.address, "", &[("authorization", &bearer)]).await.0, 401);
    let mut first = Ws::open(app.address, "", &[]).await.unwrap();
    first.send(json!({"type": "auth", "token": old})).await;
    assert_eq!(first.end().await, Some(4500));
    let refreshed = newer.ask(json!({"type": "auth", "token": old})).await;
    assert_eq!((&refreshed["type"], &refreshed["code"]), (&json!("error"), &json!("forbidden")));
}

#[actix_web::test]
async fn one_token_goes_by_its_jti_whenever_it_was_issued() {
    let app = App::start();
    let of = |jti: &str| token(json!({"jti": jti, "iat": now() + 3000}));
    let (one, other) = (of("one"), of("other"));
    let mut gone = Ws::connect(app.address, "", &one).await;
    let mut stays = Ws::connect(app.address, "", &other).await;
    revoke(&app, json!({"jti": "one"})).await;
    assert_eq!(gone.end().await, Some(4503));
    assert_eq!(stays.ask(json!({"type": "echo", "data": 1})).await["type"], "ok");
    assert!(!is_let_in(&app, &one).await && is_let_in(&app, &other).await);
}

#[actix_web::test]
async fn an_event_stream_says_goodbye_and_ends_and_what_waits_is_401() {
    let app = start(NO_SETTING);
    let token = token(json!({"iat": now()}));
    let mut sse = Sse::connect(app.address, "", &token).await;
    let waiting = app.http(&token);
    let top = waiting.get("/v1/poll").await.json()["cursor"].as_str().unwrap().to_owned();
    let poll = format!("/v1/poll?since={top}&wait=60");
    let asking = join(waiting.get(&poll), waiting.get("/v1/notifications/unread?wait=60"));
    let (polled, unread) =
        while_it_waits(&app, 2, asking, async { revoke(&app, json!({"user": "alice"})).await }).await;
    polled.problem(401, "invalid_token");
    unread.problem(401, "invalid_token");
    let goodbye = sse.farewell().await.unwrap();
    assert_eq!((&goodbye["code"], &goodbye["reason"]), (&json!(4503), &json!("revoked")));
}

/// `DELETE /v1/admin/sessions/{id}`.
#[actix_web::test]
async fn a_session_ends_by_its_id_and_its_token_stays_good() {
    let app = App::start();
    let (mut one, mut other) = (app.ws("alice").await, app.ws("alice").await);
    let path = |ws: &Ws| format!("/v1/admin/sessions/{}", ws.welcome["session"].as_str().unwrap());
    assert_eq!(admin(&app).delete(&path(&one)).await.status, 204);
    assert_eq!(one.end().await, Some(4503));
    assert_eq!(other.ask(json!({"type": "echo", "data": 1})).await["type"], "ok");
    app.ws("alice").await;
    admin(&app).delete("/v1/admin/sessions/ses_1").await.problem(404, "not_found");
}

#[actix_web::test]
async fn what_was_revoked_is_so_after_a_restart_and_a_ticket_is_still_good() {
    let mut app = App::start();
    let (old, alice) = (token(json!({"iat": now()})), app.user("alice"));
    let bob = app.token("bob", "");
    let answer = alice.send(alice.request("POST", "/v1/tickets"), "").await.json();
    let ticket = format!("/v1/me?ticket={}", answer["ticket"].as_str().unwrap());
    revoke(&app, json!({"jti": "one", "user": "bob"})).await;
    app.kill();
    app.restart();
    assert!(is_let_in(&app, &old).await && !is_let_in(&app, &token(json!({"jti": "one"}))).await);
    assert!(!is_let_in(&app, &bob).await);
    assert_eq!(app.anonymous().get(&ticket).await.json()["user"], "alice");
    app.anonymous().get(&ticket).await.problem(401, "invalid_token");
}

#[actix_web::test]
async fn a_ticket_goes_with_the_token_behind_it() {
    let app = App::start();
    let alice = app.http(&token(json!({"jti": "one"})));
    let answer = alice.send(alice.request("POST", "/v1/tickets"), "").await.json();
    revoke(&app, json!({"jti": "one"})).await;
    let ticket = format!("/v1/me?ticket={}", answer["ticket"].as_str().unwrap());
    app.anonymous().get(&ticket).await.problem(401, "invalid_token");
}

#[actix_web::test]
async fn only_an_administrator_revokes_and_only_what_can_be_named() {
    let app = App::start();
    for (http, status, code) in [
        (app.anonymous(), 401, "invalid_token"),
        (app.http(&app.token("alice", "notify join:*")), 403, "insufficient_scope"),
    ] {
        http.post("/v1/admin/revocations", &json!({"user": "alice"})).await.problem(status, code);
        http.delete("/v1/admin/sessions/ses_01ARZ3NDEKTSV4RRFFQ69G5FAV").await.problem(status, code);
    }
    let admin = admin(&app);
    for (body, faults) in [
        (json!({}), vec!["/user"]),
        (json!({"user": "a b", "jti": ""}), vec!["/user", "/jti"]),
        (json!({"jti": "x".repeat(256)}), vec!["/jti"]),
        (json!({"user": "alice", "until": 1}), vec!["/until"]),
    ] {
        assert_eq!(admin.post("/v1/admin/revocations", &body).await.faults(), faults, "{body}");
    }
    assert!(is_let_in(&app, &app.token("alice", "")).await);
}
