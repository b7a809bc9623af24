//! Event streams that are refused, as HTTP requests are; a browser's EventSource then stops (PROTOCOL.md section 4).

use serde_json::json;

use crate::{
    app::App,
    clients::{http::Answer, room::EVERYWHERE, sse::Sse},
};

/// How a stream with these headers and this query is refused.
async fn refusal(app: &App, query: &str, headers: &[(&str, &str)]) -> Answer {
    let http = app.anonymous();
    let request = http.request("GET", &format!("/v1/sse{query}"));
    let request = headers.iter().fold(request, |request, header| request.append_header(*header));
    http.send(request, "").await
}

fn bearer(app: &App, scope: &str) -> String {
    format!("Bearer {}", app.token("alice", scope))
}

#[actix_web::test]
async fn b36_whoever_does_not_accept_event_streams_gets_none() {
    let mut app = App::start();
    let bearer = bearer(&app, "");
    for accept in ["application/json", "text/html, application/json;q=0.9", "text/event-streams"] {
        let headers = [("Authorization", bearer.as_str()), ("Accept", accept)];
        assert_eq!(refusal(&app, "", &headers).await.status, 406, "{accept}");
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b01_b05_nobody_streams_without_a_valid_token() {
    let mut app = App::start();
    let expired = format!("Bearer {}", app.token_for("alice", "", -60));
    for headers in [&[][..], &[("Authorization", expired.as_str())], &[("Authorization", "Basic YTpi")]] {
        let answer = refusal(&app, "", headers).await;
        answer.problem(401, "invalid_token");
        assert!(answer.header("WWW-Authenticate").unwrap().starts_with("Bearer"));
    }
    app.expect_healthy().await;
}

/// B10, B11, T1: the Origin rule holds whatever the credential.
#[actix_web::test]
async fn b10_b11_a_page_of_another_origin_gets_no_stream() {
    let mut app = App::start_with(&[("http.allowed_origins", "https://app.example.com")]);
    let token = app.token("alice", "");
    let (cookie, bearer) = (format!("tidings_token={token}"), format!("Bearer {token}"));
    for origin in ["https://evil.example", "https://app.example.com.evil.example", "null"] {
        for credential in [("Cookie", cookie.as_str()), ("Authorization", bearer.as_str())] {
            let answer = refusal(&app, "", &[credential, ("Origin", origin)]).await;
            answer.problem(403, "origin_not_allowed");
        }
        let answer = refusal(&app, &format!("?token={token}"), &[("Origin", origin)]).await;
        answer.problem(403, "origin_not_allowed");
    }
    refusal(&app, "", &[("Cookie", &cookie)]).await.problem(403, "origin_not_allowed");

    let own = format!("http://{}", app.address);
    for allowed in
        [("Origin", "https://app.example.com"), ("Origin", &own), ("Sec-Fetch-Site", "same-origin")]
    {
        let mut sse = Sse::open(app.address, "", &[("Cookie", &cookie), allowed]).await;
        assert_eq!((sse.status, &sse.next().await["user"]), (200, &json!("alice")));
    }
    // A page that is let in may read what it gets.
    let page = ("Origin", "https://app.example.com");
    let sse = Sse::open(app.address, "", &[("Cookie", &cookie), page]).await;
    assert_eq!(sse.header("Access-Control-Allow-Origin"), Some("https://app.example.com"));
    assert_eq!(sse.header("Access-Control-Allow-Credentials"), Some("true"));
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_token_may_come_in_the_query_unless_that_is_switched_off() {
    let app = App::start();
    let token = app.token("alice", "");
    let mut sse = Sse::open(app.address, &format!("?token={token}"), &[]).await;
    assert_eq!(sse.next().await["user"], "alice");
    let other = app.token("bob", "");
    let two =
        refusal(&app, &format!("?token={token}"), &[("Authorization", &format!("Bearer {other}"))]).await;
    two.problem(400, "bad_message");

    let app = App::start_with(&[("auth.query_token", "false")]);
    refusal(&app, &format!("?token={token}"), &[]).await.problem(401, "invalid_token");
}

#[actix_web::test]
async fn rooms_must_be_allowed_well_named_and_ten_at_most() {
    let app = App::start();
    let bearer = bearer(&app, "join:chat:*");
    let headers = [("Authorization", bearer.as_str())];
    let ten: Vec<String> = (1..=10).map(|n| format!("chat:{n}")).collect();
    let mut sse = Sse::open(app.address, &format!("?rooms={}", ten.join(",")), &headers).await;
    assert_eq!(sse.next_many(11).await[10]["room"], "chat:10");

    for query in ["?rooms=other", "?rooms=chat:1,other", "?room=other"] {
        refusal(&app, query, &headers).await.problem(403, "forbidden");
    }
    let eleven = format!("?rooms={},chat:11", ten.join(","));
    refusal(&app, &eleven, &headers).await.problem(422, "room_limit");
    let long = format!("?rooms=chat:{}", "x".repeat(124));
    for query in
        ["?rooms=_x", "?rooms=inbox", "?rooms=chat:a%20b", "?rooms=..", "?rooms=chat:%0Adata:x", &long]
    {
        refusal(&app, query, &headers).await.problem(422, "bad_room");
    }
}

#[actix_web::test]
async fn the_number_of_rooms_is_a_setting() {
    let app = App::start_with(&[("session.sse_rooms", "2")]);
    let bearer = bearer(&app, EVERYWHERE);
    let headers = [("Authorization", bearer.as_str())];
    let mut sse = Sse::open(app.address, "?rooms=a,b,a", &headers).await;
    sse.next_many(3).await;
    refusal(&app, "?rooms=a,b,c", &headers).await.problem(422, "room_limit");
}

#[actix_web::test]
async fn b33_a_cursor_that_is_none_is_refused_wherever_it_comes() {
    let mut app = App::start();
    let bearer = bearer(&app, "");
    let long = format!("inbox@k3x9q2ab.1,{}@e1e1e1e1.1", "x".repeat(2048));
    for since in ["abc", "inbox@abc", "inbox@k3x9q2ab.-1", "inbox@k3x9q2ab.9223372036854775808", &long] {
        let headers = [("Authorization", bearer.as_str()), ("Last-Event-ID", since)];
        refusal(&app, "", &headers).await.problem(400, "bad_cursor");
        refusal(&app, &format!("?since={since}"), &headers[..1]).await.problem(400, "bad_cursor");
    }
    refusal(&app, "?since=", &[("Authorization", &bearer)]).await.problem(400, "bad_cursor");
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_stream_is_got_and_nothing_else() {
    let app = App::start();
    let http = app.user("alice");
    for method in ["POST", "PUT", "DELETE", "HEAD"] {
        let answer = http.send(http.request(method, "/v1/sse"), "").await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("Allow"), Some("GET"), "{method}");
    }
}
