//! Who a WebSocket is: every way to say it, and what happens to those who do not (PROTOCOL.md section 2).

use serde_json::{Value, json};

use crate::{app::App, clients::ws::Ws};

const ALLOWED: &str = "https://app.example.com";

/// The user of a session that was opened with these headers.
async fn user_of(app: &App, query: &str, headers: &[(&str, &str)]) -> Value {
    let mut ws = Ws::open(app.address, query, headers).await.unwrap();
    ws.expect("welcome").await["user"].take()
}

/// A session without a credential.
async fn anonymous(app: &App) -> Ws {
    Ws::open(app.address, "", &[]).await.unwrap()
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[actix_web::test]
async fn a_token_may_travel_in_the_header() {
    let app = App::start();
    let token = app.token("alice", "");
    for scheme in ["Bearer", "bearer", "BEARER"] {
        assert_eq!(user_of(&app, "", &[("authorization", &format!("{scheme} {token}"))]).await, "alice");
    }
}

#[actix_web::test]
async fn a_token_may_travel_in_the_subprotocols_and_the_answer_does_not_name_it() {
    let app = App::start();
    let offers = format!("tidings.v1, bearer.{}", app.token("alice", ""));
    let headers = [("sec-websocket-protocol", offers.as_str())];
    let (mut ws, response) = Ws::handshake(app.address, "/v1/ws", &headers).await.unwrap();
    let answers: Vec<_> = response.headers().get_all("sec-websocket-protocol").iter().collect();
    assert_eq!(answers, ["tidings.v1"]);
    assert_eq!(ws.expect("welcome").await["user"], "alice");
}

#[actix_web::test]
async fn a_token_may_travel_in_the_query_unless_that_is_switched_off() {
    let app = App::start();
    let query = format!("?token={}", app.token("alice", ""));
    assert_eq!(user_of(&app, &query, &[]).await, "alice");

    let strict = App::start_with(&[("auth.query_token", "false")]);
    assert_eq!(Ws::refusal(strict.address, &query, &[]).await.0, 401);
}

#[actix_web::test]
async fn a_token_in_the_query_is_in_no_log() {
    let app = App::start_with(&[("log.level", "debug")]);
    let token = app.token("alice", "");
    user_of(&app, &format!("?token={token}"), &[]).await;
    let (bad, signature) = ("eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl", token.rsplit_once('.').unwrap().1);
    Ws::refusal(app.address, &format!("?token={bad}"), &[]).await;
    app.logged(|line| line["message"] == "auth refused").await;
    assert!(app.logs().iter().all(|line| !line.contains(signature) && !line.contains("c2lnbmF0dXJl")));
}

/// B10, T1.
#[actix_web::test]
async fn b10_a_cookie_counts_only_where_the_page_may_use_it() {
    let mut app = App::start_with(&[("http.allowed_origins", ALLOWED)]);
    let cookie = format!("theme=dark; tidings_token={}", app.token("alice", ""));
    let own = format!("http://{}", app.address);
    let cookie = ("cookie", cookie.as_str());
    for proof in [("origin", ALLOWED), ("origin", &own), ("sec-fetch-site", "same-origin")] {
        assert_eq!(user_of(&app, "", &[cookie, proof]).await, "alice", "{proof:?}");
    }
    for headers in [
        vec![cookie],
        vec![cookie, ("sec-fetch-site", "same-site")],
        vec![cookie, ("sec-fetch-site", "cross-site")],
        vec![cookie, ("origin", "https://evil.example")],
        vec![cookie, ("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
    ] {
        let (status, _, body) = Ws::refusal(app.address, "", &headers).await;
        assert_eq!((status, &body["code"]), (403, &json!("origin_not_allowed")), "{headers:?}");
    }
    app.expect_healthy().await;
}

/// B11: an origin is allowed as a whole or not at all, whatever the credential.
#[actix_web::test]
async fn b11_an_origin_that_only_looks_like_an_allowed_one_is_refused() {
    let mut app = App::start_with(&[("http.allowed_origins", ALLOWED)]);
    let authorization = bearer(&app.token("alice", ""));
    let authorization = ("authorization", authorization.as_str());
    assert_eq!(user_of(&app, "", &[authorization, ("origin", ALLOWED)]).await, "alice");
    for origin in [
        "https://app.example.com.evil.example",
        "https://evilapp.example.com",
        "https://app.example.com:8443",
        "http://app.example.com",
        "null",
        "",
    ] {
        let (status, _, body) = Ws::refusal(app.address, "", &[authorization, ("origin", origin)]).await;
        assert_eq!((status, &body["code"]), (403, &json!("origin_not_allowed")), "{origin:?}");
    }
    assert_eq!(Ws::refusal(app.address, "", &[("origin", "https://evil.example")]).await.0, 403);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn two_different_credentials_are_a_bad_request_and_the_same_twice_is_one() {
    let app = App::start();
    let (alice, bob) = (app.token("alice", ""), app.token("bob", ""));
    let header = bearer(&alice);
    let header = ("authorization", header.as_str());
    assert_eq!(user_of(&app, &format!("?token={alice}"), &[header]).await, "alice");
    assert_eq!(Ws::refusal(app.address, &format!("?token={bob}"), &[header]).await.0, 400);
    let offers = format!("tidings.v1, bearer.{bob}");
    assert_eq!(Ws::refusal(app.address, "", &[header, ("sec-websocket-protocol", &offers)]).await.0, 400);
    // A browser adds the cookie unasked.
    let cookie = format!("tidings_token={bob}");
    assert_eq!(user_of(&app, "", &[header, ("cookie", &cookie)]).await, "alice");
}

#[actix_web::test]
async fn t2_whatever_is_wrong_with_a_token_the_handshake_is_refused_alike() {
    let app = App::start();
    let token = app.token("alice", "");
    let (unsigned, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{unsigned}.{first}{}", &signature[1..]);
    let mut bodies = Vec::new();
    for header in [
        bearer(&app.token_for("alice", "", -60)),
        bearer(&forged),
        bearer("nonsense"),
        bearer(""),
        "Basic YWxpY2U6c2VjcmV0".to_owned(),
    ] {
        let (status, challenge, mut body) = Ws::refusal(app.address, "", &[("authorization", &header)]).await;
        assert_eq!(status, 401, "{header}");
        assert_eq!(challenge.as_deref(), Some("Bearer error=\"invalid_token\""), "{header}");
        body["request_id"].take();
        body["trace_id"].take();
        bodies.push(body);
    }
    assert_eq!(bodies[0]["code"], "invalid_token");
    assert!(bodies.iter().all(|body| body == &bodies[0]), "{bodies:?}");
    assert_eq!(Ws::refusal(app.address, "?ticket=abc", &[]).await.0, 401);
}

#[actix_web::test]
async fn the_first_message_may_say_who_it_is() {
    let app = App::start();
    let position = app.publish("alice", 1).await;
    let mut ws = anonymous(&app).await;
    ws.send(json!({ "type": "auth", "token": app.token("alice", "join:a"), "ref": 1 })).await;
    let welcome = ws.next().await;
    assert_eq!((&welcome["type"], &welcome["user"]), (&json!("welcome"), &json!("alice")));
    assert_eq!(welcome["inbox"]["position"], position);
    let ok = ws.next().await;
    assert_eq!((&ok["type"], &ok["ref"], &ok["command"]), (&json!("ok"), &json!(1), &json!("auth")));
    assert_eq!((&ok["scopes"], &ok["expires_at"]), (&json!(["join:a"]), &welcome["expires_at"]));
    app.publish("alice", 2).await;
    assert_eq!(ws.next_ns(1).await, [2]);
}

#[actix_web::test]
async fn a_cursor_holds_for_a_session_that_says_later_who_it_is() {
    let app = App::start();
    app.publish("alice", 1).await;
    let mut ws = Ws::open(app.address, "?since=inbox@00000000.0", &[]).await.unwrap();
    ws.send(json!({ "type": "auth", "token": app.token("alice", "") })).await;
    assert_eq!(ws.next().await["resume"], "complete");
    assert_eq!(ws.next_ns(1).await, [1]);
}

#[actix_web::test]
async fn nothing_is_told_to_a_session_that_has_not_said_who_it_is() {
    let app = App::start_with(&[("auth.first_message_timeout", "1s"), ("session.ping_interval", "250ms")]);
    let mut ws = anonymous(&app).await;
    app.publish("alice", 1).await;
    let goodbye = ws.next().await;
    assert_eq!((&goodbye["type"], &goodbye["code"]), (&json!("goodbye"), &json!(4502)));
    assert_eq!(ws.end().await, Some(4502));
}

#[actix_web::test]
async fn b14_who_never_says_who_it_is_is_sent_away() {
    let mut app = App::start_with(&[("auth.first_message_timeout", "250ms")]);
    let sockets = app.idle_sockets().await;
    let mut ws = anonymous(&app).await;
    let (goodbye, code, reason) = ws.farewell().await;
    assert_eq!((code, reason.as_str()), (4502, "auth_timeout"));
    assert_eq!(goodbye.unwrap()["code"], 4502);
    ws.expect_cut().await;
    app.expect_sockets(sockets).await;
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_first_message_that_does_not_authenticate_ends_the_connection() {
    let app = App::start();
    let expired = json!({ "type": "auth", "token": app.token_for("alice", "", -60) }).to_string();
    for (first, code) in [
        ("hello", 1008),
        ("", 1008),
        ("[]", 1008),
        ("7", 1008),
        ("\"auth\"", 1008),
        (r#"{"type":"ping"}"#, 4502),
        (r#"{"type":"nonsense"}"#, 4502),
        (r#"{"type":"resume","since":"00000000.0"}"#, 4502),
        (r#"{"type":"auth","token":"nonsense"}"#, 4500),
        (r#"{"type":"auth","token":""}"#, 4500),
        (expired.as_str(), 4500),
    ] {
        let mut ws = anonymous(&app).await;
        ws.send_text(first).await;
        assert_eq!(ws.end().await, Some(code), "{first}");
    }
}

#[actix_web::test]
async fn a_refresh_replaces_scopes_and_expiry() {
    let app = App::start_with(&[("auth.expiry_grace", "500ms")]);
    let mut ws = Ws::connect(app.address, "", &app.token_for("alice", "join:a", 2)).await;
    let answer = ws.ask(json!({ "type": "auth", "token": app.token_for("alice", "join:b", 3600) })).await;
    assert_eq!((&answer["type"], &answer["command"]), (&json!("ok"), &json!("auth")));
    assert_eq!(answer["scopes"], json!(["join:b"]));
    assert!(answer["expires_at"].as_str() > ws.welcome["expires_at"].as_str());
    // A neighbour with the first token shows when that one is over.
    let mut neighbour = Ws::connect(app.address, "", &app.token_for("alice", "", 2)).await;
    assert_eq!(neighbour.end().await, Some(4001));
    assert_eq!(ws.ask(json!({ "type": "echo", "data": 1 })).await["type"], "ok");
}

#[actix_web::test]
async fn a_refresh_may_shorten_the_life_of_a_session() {
    let app = App::start_with(&[("auth.expiry_grace", "500ms")]);
    let mut ws = app.ws("alice").await;
    let answer = ws.ask(json!({ "type": "auth", "token": app.token_for("alice", "", 1) })).await;
    assert_eq!(answer["type"], "ok");
    assert_eq!(ws.end().await, Some(4001));
}

#[actix_web::test]
async fn a_refresh_with_a_token_of_another_or_of_nobody_leaves_the_old_one() {
    let app = App::start_with(&[("auth.expiry_grace", "500ms")]);
    let mut ws = Ws::connect(app.address, "", &app.token_for("alice", "", 2)).await;
    for token in [app.token("bob", ""), app.token_for("alice", "", -60), "nonsense".to_owned()] {
        let answer = ws.ask(json!({ "type": "auth", "token": token })).await;
        assert_eq!(
            (&answer["type"], &answer["command"], &answer["code"]),
            (&json!("error"), &json!("auth"), &json!("forbidden"))
        );
    }
    app.publish("bob", 1).await;
    app.publish("alice", 2).await;
    assert_eq!(ws.next_ns(1).await, [2]);
    assert_eq!(ws.end().await, Some(4001));
}

/// T15: the gate says why to the log, and only there.
#[actix_web::test]
async fn a_refused_credential_is_one_line_of_the_log() {
    let app = App::start();
    Ws::refusal(app.address, "", &[("authorization", &bearer(&app.token_for("alice", "", -60)))]).await;
    app.logged(|line| line["message"] == "auth refused" && line["reason"].is_string()).await;
}
