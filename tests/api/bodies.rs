//! What a request body may be before anybody looks into it: its type, its size, its encoding, its pace.

use serde_json::json;

use crate::{
    app::App,
    clients::{http::Answer, raw::Raw},
};

const PATH: &str = "/v1/notifications";
const GOOD: &str = r#"{"to":"alice","type":"a.b","payload":{}}"#;

async fn post(app: &App, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
    let http = app.http(&app.publisher());
    let request =
        headers.iter().fold(http.request("POST", PATH), |request, header| request.insert_header(*header));
    http.send(request, body).await
}

#[actix_web::test]
async fn b38_a_body_that_is_not_json_text_is_refused_by_its_type() {
    let mut app = App::start();
    for good in ["application/json", "Application/JSON; charset=UTF-8", r#"application/json;charset="utf-8""#]
    {
        assert_eq!(post(&app, &[("Content-Type", good)], GOOD).await.status, 201, "{good}");
    }
    for bad in ["", "text/plain", "application/jsonx", "application/json; charset=latin1", "text/json"] {
        let answer = post(&app, &[("Content-Type", bad)], GOOD).await;
        answer.problem(415, "bad_message");
    }
    for path in [PATH, "/v1/notifications/mark"] {
        let http = app.http(&app.publisher());
        http.send(http.request("POST", path), GOOD).await.problem(415, "bad_message");
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b38_a_body_that_is_no_json_object_is_a_bad_message() {
    let mut app = App::start();
    let http = app.http(&app.publisher());
    for bad in [&b""[..], b"{", b"[]", b"5", b"null", b"\"a\"", b"{} {}", b"{\"to\":\"\xff\"}", b"to=alice"] {
        http.post_text(PATH, bad).await.problem(400, "bad_message");
        http.post_text("/v1/notifications/mark", bad).await.problem(400, "bad_message");
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b38_a_body_over_the_limit_is_refused_whether_it_says_its_length_or_not() {
    let mut app = App::start();
    let large = json!({"to": "alice", "type": "a.b", "payload": {"x": "x".repeat(257 * 1024)}}).to_string();
    app.http(&app.publisher()).post_text(PATH, large.clone()).await.problem(413, "too_large");

    let mut raw = Raw::connect(app.address).await;
    raw.write(format!(
        "POST {PATH} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        app.address,
        app.publisher(),
        large.len()
    ))
    .await;
    let head = raw.read_head().await;
    assert!(head.starts_with("HTTP/1.1 413 "), "{head}");

    // As large as a body may be, but not what it should be: the size is no reason.
    let spaces = format!("{GOOD}{}", " ".repeat(256 * 1024 - GOOD.len()));
    assert_eq!(app.http(&app.publisher()).post_text(PATH, spaces).await.status, 201);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_smaller_limit_can_be_set() {
    let app = App::start_with(&[("http.body_limit", "1KiB")]);
    let http = app.http(&app.publisher());
    http.post_text(PATH, " ".repeat(1025)).await.problem(413, "too_large");
    http.post_text(PATH, " ".repeat(1024)).await.problem(400, "bad_message");
}

#[actix_web::test]
async fn b58_a_compressed_body_is_not_opened() {
    let mut app = App::start();
    for encoding in ["gzip", "br", "deflate", "zstd", "identity, gzip"] {
        let headers = [("Content-Type", "application/json"), ("Content-Encoding", encoding)];
        post(&app, &headers, vec![0x1f; 10 * 1024]).await.problem(415, "bad_message");
        let http = app.http(&app.publisher());
        let send = http.request("POST", "/v1/send/alice").insert_header(("Content-Encoding", encoding));
        http.send(send, "text").await.problem(415, "bad_message");
    }
    app.expect_healthy().await;
    assert_eq!(app.unread("alice").await["version"], 0);
}

#[actix_web::test]
async fn b52_a_body_that_does_not_come_is_given_up() {
    let mut app = App::start_with(&[("http.body_timeout", "300ms")]);
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: 40\r\n\r\n{{",
            app.address,
            app.publisher()
        )
    };
    for path in [PATH, "/v1/notifications/mark", "/v1/send/alice"] {
        let mut silent = Raw::connect(app.address).await;
        silent.write(head(path)).await;
        let answer = String::from_utf8(silent.read_to_end().await).unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("problem+json"), "{answer}");
    }

    let (slow, request) = (Raw::connect(app.address).await, head(PATH));
    let (mut reader, mut writer) = slow.0.into_split();
    let drip = actix_web::rt::spawn(async move {
        use tokio::io::AsyncWriteExt;
        writer.write_all(request.as_bytes()).await.unwrap();
        // The pace is what is under test; it ends when the server hangs up.
        while writer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    });
    let mut answer = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut answer);
    let _ = tokio::time::timeout(crate::app::DEADLINE, read).await.expect("the server does not close");
    assert!(answer.starts_with(b"HTTP/1.1 408 "), "{:?}", String::from_utf8_lossy(&answer));
    drip.abort();
    app.expect_healthy().await;
}
