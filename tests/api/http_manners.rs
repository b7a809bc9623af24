//! How every request is answered: problems, request ids, methods, paths (PROTOCOL.md section 6, B49).

use serde_json::json;

use crate::{
    app::App,
    clients::{http::Answer, raw::Raw},
};

async fn request(app: &App, line: &str) -> (u16, String) {
    let mut raw = Raw::connect(app.address).await;
    raw.write(format!("{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", app.address)).await;
    let answer = String::from_utf8(raw.read_to_end().await).unwrap();
    let status = answer.split(' ').nth(1).unwrap_or_else(|| panic!("{line}: {answer:?}"));
    (status.parse().unwrap(), answer)
}

#[actix_web::test]
async fn t16_every_refusal_is_a_problem_with_a_code_and_tells_nothing_of_the_inside() {
    let app = App::start();
    let (anonymous, alice, publisher) = (app.anonymous(), app.user("alice"), app.http(&app.publisher()));
    let cookie = anonymous.request("GET", "/v1/me").insert_header(("Cookie", "tidings_token=x"));
    let typed = publisher.request("POST", "/v1/notifications").insert_header(("Content-Type", "a/b"));
    let answers: [(Answer, u16, &str); 10] = [
        (anonymous.get("/v1/me").await, 401, "invalid_token"),
        (alice.post("/v1/notifications", &json!({})).await, 403, "insufficient_scope"),
        (anonymous.send(cookie, "").await, 403, "origin_not_allowed"),
        (alice.get("/v1/nowhere").await, 404, "not_found"),
        (alice.get("/v1/notifications/ntf_1").await, 404, "not_found"),
        (alice.delete("/v1/me").await, 405, "not_found"),
        (publisher.send(typed, "{}").await, 415, "bad_message"),
        (publisher.post_text("/v1/notifications", vec![b' '; 300_000]).await, 413, "too_large"),
        (publisher.post("/v1/notifications", &json!({})).await, 422, "validation"),
        (alice.get("/v1/notifications?before=x").await, 400, "bad_cursor"),
    ];
    for (answer, status, code) in answers {
        let problem = answer.problem(status, code);
        let text = problem.to_string().to_ascii_lowercase();
        for inside in ["select ", "sqlite", ".rs", "tidings.db", "panicked", "actix", "serde"] {
            assert!(!text.contains(inside), "{text}");
        }
    }
    assert_eq!(anonymous.get("/health").await.json(), json!({"ok": true}));
    assert_eq!(anonymous.get("/ready").await.json(), json!({"store": "ok", "bridge": "off"}));
}

#[actix_web::test]
async fn a_request_keeps_its_name_or_is_given_one() {
    let app = App::start();
    let http = app.anonymous();
    let named = async |name: &str| {
        let request = http.request("GET", "/v1/me").insert_header(("X-Request-Id", name));
        http.send(request, "").await.problem(401, "invalid_token")["request_id"].as_str().unwrap().to_owned()
    };
    let longest = "x".repeat(128);
    for name in ["a-1", "two words \"quoted\" <b>", &longest] {
        assert_eq!(named(name).await, name);
    }
    let mut made = Vec::new();
    for unusable in ["", &format!("{longest}x"), "a\tb", "größe"] {
        made.push(named(unusable).await);
    }
    made.push(http.get("/health").await.header("X-Request-Id").unwrap().to_owned());
    made.push(http.get("/nowhere").await.header("X-Request-Id").unwrap().to_owned());
    for (i, name) in made.iter().enumerate() {
        assert!(name.len() == 26 && !made[..i].contains(name), "{made:?}");
    }
}

#[actix_web::test]
async fn b49_a_method_that_is_not_meant_is_405_and_a_path_that_is_not_there_404() {
    let mut app = App::start();
    for path in ["/health", "/ready", "/v1/me", "/v1/ws", "/v1/send/alice", "/v1/notifications/mark"] {
        for method in ["TRACE", "CONNECT", "FOO", "PATCH", "PUT"] {
            let (status, answer) = request(&app, &format!("{method} {path}")).await;
            assert_eq!(status, 405, "{method} {path}: {answer}");
            assert!(answer.contains("application/problem+json"), "{answer}");
        }
    }
    for path in [
        "//v1//ws",
        "/v1/%2e%2e/metrics",
        "/v1/../metrics",
        "/v1/..%2fmetrics",
        "/v1/me/",
        "/V1/me",
        "/v1",
        "/",
        "/metrics/",
        "/v1/send/a/b",
        "/v1/notifications/unread/x",
    ] {
        for method in ["GET", "TRACE", "FOO"] {
            let (status, answer) = request(&app, &format!("{method} {path}")).await;
            assert_eq!(status, 404, "{method} {path}: {answer}");
        }
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_connection_serves_request_after_request() {
    let app = App::start();
    let mut raw = Raw::connect(app.address).await;
    let head = |line: &str| format!("{line} HTTP/1.1\r\nHost: {}\r\n", app.address);
    raw.write(format!("{}\r\n{}\r\n", head("GET /health"), head("GET /nowhere"))).await;
    assert!(raw.read_head().await.starts_with("HTTP/1.1 200 "));
    let rest = format!("{}Connection: close\r\n\r\n", head("GET /ready"));
    raw.write(rest).await;
    let answers = String::from_utf8(raw.read_to_end().await).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 404 ").count(), 1, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 1, "{answers}");
}
