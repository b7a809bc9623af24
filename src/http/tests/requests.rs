//! What holds for every request, whatever it asks for.

use super::*;

#[actix::test]
async fn b49_what_is_not_there_is_a_problem() {
    let server = Server::start().await;
    for path in ["/", "/nothing", "/v1/nothing", "/v1//me", "//v1//ws", "/v1/%2e%2e/metrics", "/v1/me/"] {
        server.get(path).await.assert_problem(404, "not_found");
    }
    server.stop().await;
}

#[actix::test]
async fn b49_another_method_is_refused_and_told_which_are_allowed() {
    let server = Server::start().await;
    for (method, path, allow) in [
        ("TRACE", "/health", "GET, HEAD"),
        ("FOO", "/v1/notifications", "GET, HEAD, POST"),
        ("PUT", "/v1/notifications/ntf_1", "GET, HEAD, DELETE"),
        ("GET", "/v1/send/alice", "POST"),
        ("DELETE", "/v1/rooms/a/messages", "GET, HEAD, POST"),
        ("POST", "/v1/rooms/a/presence", "GET, HEAD"),
        ("DELETE", "/v1/me", "GET, HEAD"),
        ("OPTIONS", "/ready", "GET, HEAD"),
    ] {
        let answer = Answer::read(server.user(method, path).send().await.unwrap()).await;
        answer.assert_problem(405, "not_found");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
    let connect = b"CONNECT /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert!(server.exchange(connect).await.starts_with("HTTP/1.1 405 "));
    server.stop().await;
}

#[actix::test]
async fn head_is_get_without_the_body() {
    let server = Server::start().await;
    let get = server.get("/v1/notifications").await;
    let head = Answer::read(server.user("HEAD", "/v1/notifications").send().await.unwrap()).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length").unwrap(), get.body.len().to_string());
    server.stop().await;
}

#[actix::test]
async fn a_request_is_named_by_its_caller_or_by_the_server() {
    let server = Server::start().await;
    let named = server.user("GET", "/v1/nothing").insert_header(("x-request-id", "order 66")).send();
    let named = Answer::read(named.await.unwrap()).await;
    named.assert_problem(404, "not_found");
    assert_eq!(named.header("x-request-id"), Some("order 66"));
    let long = server.user("GET", "/health").insert_header(("x-request-id", "x".repeat(129))).send();
    assert_eq!(Answer::read(long.await.unwrap()).await.header("x-request-id").unwrap().len(), 26);
    server.stop().await;
}

#[actix::test]
async fn b01_without_a_good_token_every_answer_is_the_same() {
    let server = Server::start().await;
    let mut details = Vec::new();
    for authorization in [None, Some("Bearer a.b.c"), Some("Basic YTpi"), Some("Bearer ")] {
        let mut request = server.request("GET", "/v1/me");
        if let Some(value) = authorization {
            request = request.insert_header(("authorization", value));
        }
        let answer = Answer::read(request.send().await.unwrap()).await;
        answer.assert_problem(401, "invalid_token");
        assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));
        details.push(answer.json()["detail"].clone());
    }
    details.dedup();
    assert_eq!(details.len(), 1);
    server.stop().await;
}

#[actix::test]
async fn two_tokens_are_a_bad_request() {
    let server = Server::start().await;
    let other = format!("/v1/me?token={}", token("bob", ""));
    server.get(&other).await.assert_problem(400, "bad_message");
    let same = Answer::read(
        server.request("GET", &format!("/v1/me?token={}", token("bob", ""))).send().await.unwrap(),
    );
    assert_eq!(same.await.json()["user"], "bob");
    server.stop().await;
}

#[actix::test]
async fn b38_a_refused_body_does_not_cost_the_client_the_answer() {
    let server = Server::start().await;
    let head = |kind: &str, token: &str, length: usize| {
        format!(
            "POST /v1/notifications HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\
             Content-Type: {kind}\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
    };
    let publisher = token("service", "notify");
    for (kind, token, length, status) in [
        ("application/json", publisher.as_str(), 257 * 1024, "413"),
        ("text/plain", publisher.as_str(), 200 * 1024, "415"),
        ("application/json", "a.b.c", 200 * 1024, "401"),
        ("application/json", &token("service", ""), 200 * 1024, "403"),
    ] {
        let request = [head(kind, token, length).into_bytes(), vec![b' '; length]].concat();
        let answer = server.exchange(&request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
    }
    server.stop().await;
}

#[actix::test]
async fn b52_a_body_that_does_not_come_is_not_waited_for() {
    let server = Server::start().await;
    let head = format!(
        "POST /v1/notifications HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\n\
         Content-Type: application/json\r\nAuthorization: Bearer {}\r\n\r\n{{",
        token("service", "notify")
    );
    assert!(server.exchange(head.as_bytes()).await.starts_with("HTTP/1.1 408 "));
    server.stop().await;
}

#[actix::test]
async fn b58_a_body_is_uncompressed_json_in_utf_8() {
    let server = Server::start().await;
    let body = r#"{"to":"alice","type":"a.b","payload":{}}"#;
    for (kind, encoding, status) in [
        (Some("application/json"), None, 201),
        (Some("Application/JSON; charset=UTF-8"), None, 201),
        (Some("application/json; charset=latin1"), None, 415),
        (Some("application/jsonp"), None, 415),
        (Some("text/plain"), None, 415),
        (None, None, 415),
        (Some("application/json"), Some("gzip"), 415),
    ] {
        let mut request = server.publisher("POST", "/v1/notifications");
        if let Some(kind) = kind {
            request = request.insert_header(("content-type", kind));
        }
        if let Some(encoding) = encoding {
            request = request.insert_header(("content-encoding", encoding));
        }
        let answer = Answer::read(request.send_body(body).await.unwrap()).await;
        assert_eq!(answer.status, status, "{kind:?} {encoding:?}");
    }
    server.stop().await;
}

#[actix::test]
async fn only_pages_of_allowed_origins_may_read_answers() {
    let server = Server::start().await;
    let preflight = |origin: &'static str| {
        let request = server.request("OPTIONS", "/v1/notifications");
        let wish = ("access-control-request-method", "POST");
        request.insert_header(("origin", origin)).insert_header(wish).send()
    };
    let allowed = Answer::read(preflight(PAGE).await.unwrap()).await;
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (200, Some(PAGE)));
    let other = Answer::read(preflight("https://evil.example").await.unwrap()).await;
    assert_eq!(other.header("access-control-allow-origin"), None);
    server.stop().await;
}

#[actix::test]
async fn readiness_ends_with_draining_and_health_does_not() {
    let server = Server::start().await;
    let ready = server.get("/ready").await;
    assert_eq!((ready.status, &ready.body[..]), (200, &br#"{"store":"ok","bridge":"off"}"#[..]));
    server.is_draining.store(true, Ordering::Relaxed);
    let draining = server.get("/ready").await;
    draining.assert_problem(503, "draining");
    assert!(draining.header("retry-after").is_some());
    let health = server.get("/health").await;
    assert_eq!((health.status, &health.body[..]), (200, &br#"{"ok":true}"#[..]));
    server.stop().await;
}

#[actix::test]
async fn a_store_that_is_gone_is_unavailable_and_says_nothing_of_the_cause() {
    let server = Server::start().await;
    server.store.flush().await;
    let answer = server.get("/v1/notifications/unread").await;
    answer.assert_problem(503, "unavailable");
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    server.get("/ready").await.assert_problem(503, "unavailable");
    assert_eq!(server.get("/health").await.status, 200);
    server.stop().await;
}
