//! How much a client may say and how often it may be wrong (PROTOCOL.md section 3, "Error codes of commands").

use std::time::Duration;

use serde_json::json;

use crate::app::App;

#[actix_web::test]
async fn b24_the_tenth_refused_command_ends_the_session() {
    let mut app = App::start();
    let mut ws = app.ws("alice").await;
    for _ in 0..9 {
        ws.send_text("nonsense").await;
        assert_eq!(ws.next().await["code"], "bad_message");
    }
    assert_eq!(ws.ask(json!({ "type": "echo", "data": 9 })).await["type"], "ok");
    ws.send(json!({ "type": "nonsense" })).await;
    assert_eq!(ws.next().await["code"], "unknown_type");
    let (goodbye, code, reason) = ws.farewell().await;
    assert_eq!(
        (goodbye.unwrap()["code"].as_u64(), code, reason.as_str()),
        (Some(4501), 4501, "too_many_errors")
    );
    app.expect_healthy().await;
}

/// B25, first half.
#[actix_web::test]
async fn b25_beyond_the_burst_commands_are_refused_and_the_session_stays() {
    let mut app = App::start();
    let mut ws = app.ws("alice").await;
    for n in 0..200 {
        ws.send(json!({ "type": "echo", "data": n, "ref": n })).await;
    }
    let mut refused = 0;
    for n in 0..200 {
        let answer = ws.next().await;
        assert_eq!(answer["ref"], n);
        if answer["type"] == "error" {
            refused += 1;
            assert_eq!((&answer["code"], &answer["command"]), (&json!("rate_limited"), &json!("echo")));
            assert_eq!(answer["retryable"], true);
            assert!(
                answer["retry_after_ms"].as_u64().is_some_and(|wait| (1..=50).contains(&wait)),
                "{answer}"
            );
        } else {
            assert_eq!(answer["data"], n);
        }
    }
    assert!(refused > 0, "nothing was refused");
    app.publish("alice", 1).await;
    assert_eq!(ws.next_ns(1).await, [1]);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_pong_is_not_counted_and_a_refused_command_may_be_sent_again_when_it_says() {
    let app = App::start_with(&[("session.messages_per_second", "1"), ("session.messages_burst", "2")]);
    let mut ws = app.ws("alice").await;
    for _ in 0..100 {
        ws.send(json!({ "type": "pong" })).await;
    }
    assert_eq!(ws.ask(json!({ "type": "echo", "data": 1 })).await["type"], "ok");
    let mut answer = ws.ask(json!({ "type": "echo", "data": 2 })).await;
    while answer["type"] == "ok" {
        answer = ws.ask(json!({ "type": "echo", "data": 3 })).await;
    }
    assert_eq!(answer["code"], "rate_limited");
    tokio::time::sleep(Duration::from_millis(answer["retry_after_ms"].as_u64().unwrap())).await;
    assert_eq!(ws.ask(json!({ "type": "echo", "data": 4 })).await["type"], "ok");
}

/// B25, second half.
#[actix_web::test]
async fn b25_who_keeps_on_sending_too_much_is_sent_away() {
    let mut app = App::start_with(&[("session.messages_per_second", "1"), ("session.messages_burst", "1")]);
    let mut ws = app.ws("alice").await;
    let end = loop {
        ws.send(json!({ "type": "ping" })).await;
        match ws.try_next().await {
            Ok(event) if event["type"] == "goodbye" => break (event["code"].as_u64(), ws.end().await),
            Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(end) => panic!("no goodbye before {end:?}"),
        }
    };
    assert_eq!(end, (Some(4009), Some(4009)));
    app.expect_healthy().await;
}

#[actix_web::test]
async fn an_echo_over_the_limit_of_data_is_too_large() {
    let app = App::start();
    let mut ws = app.ws("alice").await;
    // With its quotes exactly the limit, and then one more.
    let data = "x".repeat(32 * 1024 - 2);
    assert_eq!(ws.ask(json!({ "type": "echo", "data": data })).await["data"], data);
    let answer = ws.ask(json!({ "type": "echo", "data": format!("{data}x") })).await;
    assert_eq!(
        (&answer["type"], &answer["command"], &answer["code"]),
        (&json!("error"), &json!("echo"), &json!("too_large"))
    );
}
