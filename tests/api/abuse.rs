//! What no client library would send (B07, B50–B53, T12, T14); the same process answers afterwards.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::{
    app::{App, DEADLINE},
    clients::{http::Http, raw::Raw},
};

/// Sends these bytes and nothing more, and answers with all that comes back until the end.
async fn answer(app: &App, bytes: impl AsRef<[u8]>) -> String {
    let mut raw = Raw::connect(app.address).await;
    // The server may hang up before it has read everything.
    let _ = timeout(DEADLINE, raw.0.write_all(bytes.as_ref())).await.expect("the server does not read");
    String::from_utf8_lossy(&raw.read_to_end().await).into_owned()
}

/// A `GET /health` with these lines in its head.
fn head(app: &App, lines: &str) -> String {
    format!("GET /health HTTP/1.1\r\nHost: {}\r\n{lines}Connection: close\r\n\r\n", app.address)
}

fn post(app: &App, lines: &str, body: &str) -> String {
    format!("POST /v1/notifications HTTP/1.1\r\nHost: {}\r\n{lines}\r\n{body}", app.address)
}

#[actix_web::test]
async fn b50_a_head_with_too_much_in_it_is_refused() {
    let mut app = App::start();
    // With `Host` and `Connection`.
    let fields = |count: usize| (2..count).map(|n| format!("X-{n}: a\r\n")).collect::<String>();
    let accepted = answer(&app, head(&app, &fields(96))).await;
    assert!(accepted.starts_with("HTTP/1.1 200 "), "{accepted}");
    let many = answer(&app, head(&app, &fields(97))).await;
    assert!(many.starts_with("HTTP/1.1 431 "), "{many}");
    let large = answer(&app, head(&app, &format!("X: {}\r\n", "a".repeat(200_000)))).await;
    assert!(large.starts_with("HTTP/1.1 431 "), "{large}");
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b07_an_address_has_8_kib() {
    let mut app = App::start();
    let get =
        |path: String| format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", app.address);
    let of_length = |length: usize| format!("/health?{}", "a".repeat(length - "/health?".len()));
    let longest = answer(&app, get(of_length(8 * 1024))).await;
    assert!(longest.starts_with("HTTP/1.1 200 "), "{longest}");
    let long = answer(&app, get(of_length(8 * 1024 + 1))).await;
    assert!(long.starts_with("HTTP/1.1 414 ") && long.contains("application/problem+json"), "{long}");
    let token = answer(&app, get(format!("/v1/me?token={}", "a".repeat(9 * 1024)))).await;
    assert!(token.starts_with("HTTP/1.1 414 "), "{token}");
    let huge = answer(&app, get(format!("/v1/me?token={}", "a".repeat(1 << 20)))).await;
    assert!(huge.starts_with("HTTP/1.1 414 ") || huge.starts_with("HTTP/1.1 431 "), "{huge}");
    app.expect_healthy().await;
}

#[actix_web::test]
async fn t14_b51_a_request_that_two_readers_could_read_differently_is_refused_and_its_connection_closed() {
    let mut app = App::start();
    let two_hosts = format!("Host: {}\r\n", app.address);
    let requests = [
        post(&app, "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        post(&app, "Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"),
        post(&app, "Content-Length: 3\r\nContent-Length: 3\r\n", "abc"),
        post(&app, "Content-Length: 3, 3\r\n", "abc"),
        post(&app, "Content-Length: +4\r\n", "abcd"),
        post(&app, "Content-Length: -1\r\n", ""),
        post(&app, "Content-Length: 0x4\r\n", "abcd"),
        head(&app, "X: a\r\n b\r\n"),
        head(&app, "X: a\0b\r\n"),
        head(&app, "X : a\r\n"),
        head(&app, &two_hosts),
        "GET /health HTTP/1.1\r\n\r\n".to_owned(),
    ];
    for request in requests {
        let behind = format!("{request}GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = answer(&app, behind).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{request}: {answer}");
        assert!(!answer.contains(r#"{"ok":true}"#), "what follows it is not read: {request}");
    }
    // Nobody reads this one differently, and RFC 9112 section 2.2 allows it.
    let bare = answer(&app, head(&app, "").replace("\r\n", "\n")).await;
    assert!(bare.starts_with("HTTP/1.1 200 ") && bare.ends_with(r#"{"ok":true}"#), "{bare}");
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b53_another_protocol_is_answered_400_and_closed() {
    let mut app = App::start();
    let mut client_hello = vec![0x16, 0x03, 0x01, 0x00, 0xc8, 0x01, 0x00, 0x00, 0xc4, 0x03, 0x03];
    client_hello.resize(205, 1);
    for bytes in [client_hello, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), b"\0\xff\r\n\r\n".to_vec()] {
        let answer = answer(&app, bytes).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn t12_b52_a_head_that_does_not_come_is_given_up() {
    let mut app = App::start_with(&[("http.head_timeout", "1s")]);
    for start in ["", "GET /hea", "GET /health HTTP/1.1\r\nHost: a\r\n"] {
        let answer = answer(&app, start).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{start:?}: {answer:?}");
    }
    let (mut reader, mut writer) = Raw::connect(app.address).await.0.into_split();
    let request = head(&app, "");
    let drip = actix_web::rt::spawn(async move {
        // The pace is what is under test: no pause is as long as the timeout, all together are.
        for byte in request.as_bytes() {
            if writer.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let mut bytes = Vec::new();
    let _ = timeout(DEADLINE, reader.read_to_end(&mut bytes)).await.expect("the server does not close");
    drip.abort();
    assert!(bytes.starts_with(b"HTTP/1.1 408 "), "{:?}", String::from_utf8_lossy(&bytes));
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_refused_request_does_not_lend_its_body_to_the_next_one() {
    let mut app = App::start();
    let smuggled = format!("GET /health HTTP/1.1\r\nHost: {}\r\n\r\n", app.address);
    let length = format!("Content-Length: {}\r\n", smuggled.len());
    let outer = post(&app, &format!("{length}Content-Type: application/json\r\n"), &smuggled);
    let refused = answer(&app, outer + &head(&app, "")).await;
    assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
    // The request behind it may be served or not, but what was its body never is.
    assert!(refused.matches("HTTP/1.1 200 ").count() <= 1, "{refused}");
    app.expect_healthy().await;
}

/// Empty answers fill no buffer that the library bounds.
#[actix_web::test]
async fn t12_a_client_that_asks_on_and_reads_nothing_is_cut_off_before_its_answers_pile_up() {
    let mut app = App::start_with(&[("http.admin_listen", "127.0.0.1:0")]);
    let admin = app.logged(|record| record["message"] == "listening for administrators").await;
    let admin = admin["address"].as_str().unwrap().parse().unwrap();
    for address in [app.address, admin] {
        let before = app.memory();
        let tag = Http::new(address, None).get("/openapi.json").await;
        let tag = tag.header("ETag").unwrap();
        let request = format!("GET /openapi.json HTTP/1.1\r\nHost: a\r\nIf-None-Match: {tag}\r\n\r\n");
        let mut raw = Raw::connect(address).await;
        let requests = request.repeat(200);
        let flood = async { while raw.0.write_all(requests.as_bytes()).await.is_ok() {} };
        timeout(DEADLINE, flood).await.expect("the connection is kept");
        assert!(app.memory() < before + (64 << 20), "{} after {before}", app.memory());
    }
    app.expect_healthy().await;
}
