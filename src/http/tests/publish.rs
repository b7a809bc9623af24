//! Publishing: from a request to receipts.

use super::*;

const DRAFT: &str = r#"{"to":["bob","alice"],"type":"order.shipped","payload":{"z":1.10,"a":"x"}}"#;

#[actix::test]
async fn a_publish_is_answered_with_a_receipt_for_each_recipient() {
    let server = Server::start().await;
    let answer = server.publish(DRAFT).await;
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")));
    let receipts = answer.json()["notifications"].as_array().unwrap().clone();
    assert_eq!(receipts.iter().map(|receipt| &receipt["to"]).collect::<Vec<_>>(), ["bob", "alice"]);
    assert!(receipts.iter().all(|receipt| receipt["position"].as_str().unwrap().ends_with(".1")));
    server.stop().await;
}

#[actix::test]
async fn all_faults_of_a_draft_are_named_at_once() {
    let server = Server::start().await;
    let answer = server.publish(r#"{"to":["a","b b"],"type":"a.b\r","payload":{},"x":1}"#).await;
    answer.assert_problem(422, "validation");
    let pointers: Vec<Value> =
        answer.json()["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].clone()).collect();
    assert_eq!(pointers, ["/to/1", "/type", "/x"]);
    server.publish("[]").await.assert_problem(400, "bad_message");
    server.stop().await;
}

#[actix::test]
async fn b44_a_scope_is_asked_before_the_body_and_again_for_the_type() {
    let server = Server::start().await;
    let publish = |scope: &str, body: &'static str| {
        let request = server.request("POST", "/v1/notifications").bearer_auth(token("service", scope));
        request.content_type("application/json").send_body(body)
    };
    let none = Answer::read(publish("join:*", "not json").await.unwrap()).await;
    none.assert_problem(403, "insufficient_scope");
    let other = Answer::read(publish("notify:comment.*", DRAFT).await.unwrap()).await;
    other.assert_problem(403, "insufficient_scope");
    assert_eq!(publish("notify:order.*", DRAFT).await.unwrap().status(), 201);
    server.stop().await;
}

#[actix::test]
async fn b45_an_idempotency_key_makes_a_publish_repeatable() {
    let server = Server::start().await;
    let publish = async |keys: &[&str], body: &'static str| {
        let mut request = server.publisher("POST", "/v1/notifications").content_type("application/json");
        for key in keys {
            request = request.append_header(("idempotency-key", *key));
        }
        Answer::read(request.send_body(body).await.unwrap()).await
    };
    let first = publish(&["k 1"], DRAFT).await;
    let again = publish(&["k 1"], DRAFT).await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (201, None));
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")));
    assert_eq!(first.body, again.body);
    let other = publish(&["k 1"], r#"{"to":"alice","type":"a.b","payload":{}}"#).await;
    other.assert_problem(422, "conflict");
    let long = "x".repeat(256);
    for bad in [&[long.as_str()][..], &[""], &["a\tb"], &["a", "a"]] {
        publish(bad, DRAFT).await.assert_problem(400, "bad_message");
    }
    assert_eq!(publish(&[&long[..255]], DRAFT).await.status, 201);
    server.stop().await;
}

#[actix::test]
async fn a_text_is_sent_as_a_note() {
    let server = Server::start().await;
    let send = |path: &str| server.publisher("POST", path).content_type("application/x-www-form-urlencoded");
    let sent = send("/v1/send/alice?title=A%20b&url=https://example.com/").send_body("It's done\n").await;
    assert_eq!(sent.unwrap().status(), 201);
    let inbox = server.get("/v1/notifications").await.json();
    let note = &inbox["notifications"][0];
    assert_eq!(note["type"], "note.text");
    let payload = serde_json::json!({"text": "It's done\n", "title": "A b", "url": "https://example.com/"});
    assert_eq!(note["payload"], payload);
    server.stop().await;
}

#[actix::test]
async fn b42_a_send_that_makes_no_sense_is_refused() {
    let server = Server::start().await;
    for (path, body, status, code) in [
        ("/v1/send/bob%27", "x".to_owned(), 422, "validation"),
        ("/v1/send/%00", "x".to_owned(), 422, "validation"),
        ("/v1/send/%ff", "x".to_owned(), 422, "validation"),
        ("/v1/send/a%2Fb", "x".to_owned(), 422, "validation"),
        ("/v1/send/alice?type=ping", "x".to_owned(), 422, "validation"),
        ("/v1/send/alice?url=javascript:1", "x".to_owned(), 422, "validation"),
        ("/v1/send/alice?titel=x", "x".to_owned(), 400, "bad_message"),
        ("/v1/send/alice?title=x&title=y", "x".to_owned(), 400, "bad_message"),
        ("/v1/send/alice", String::new(), 422, "validation"),
        ("/v1/send/alice", "\u{1}".repeat(4096), 422, "validation"),
        ("/v1/send/alice", "x".repeat(4097), 413, "too_large"),
    ] {
        let answer = Answer::read(server.publisher("POST", path).send_body(body).await.unwrap()).await;
        answer.assert_problem(status, code);
    }
    let bytes = server.publisher("POST", "/v1/send/alice").send_body(&b"\xff"[..]).await;
    Answer::read(bytes.unwrap()).await.assert_problem(400, "bad_message");
    assert_eq!(
        server.publisher("POST", "/v1/send/alice").send_body("x".repeat(4096)).await.unwrap().status(),
        201
    );
    server.stop().await;
}
