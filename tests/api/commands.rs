//! What clients may say and what they hear for it (PROTOCOL.md section 3, "Client commands").

use serde_json::{Value, json};

use crate::{app::App, clients::ws::Ws};

/// The commands that are answered with `ok`, for an inbox that stands at this position.
fn commands(app: &App, position: &str) -> Vec<Value> {
    vec![
        json!({ "type": "auth", "token": app.token("alice", "join:a") }),
        json!({ "type": "resume", "since": position }),
        json!({ "type": "mark", "as": "seen", "all": true }),
        json!({ "type": "ack", "up_to": position, "visible": true }),
        json!({ "type": "ack", "up_to": position }),
        json!({ "type": "echo", "data": { "any": [1, 2.5, null, "€"] } }),
    ]
}

/// Everything that comes before the answer to an echo that is sent now.
async fn until_now(ws: &mut Ws) -> Vec<Value> {
    ws.send(json!({ "type": "echo", "data": null, "ref": "until now" })).await;
    let mut events = Vec::new();
    loop {
        match ws.next().await {
            event if event["ref"] == "until now" => return events,
            event => events.push(event),
        }
    }
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[actix_web::test]
async fn a_command_with_a_ref_is_answered_exactly_once() {
    let app = App::start();
    let position = app.publish("alice", 1).await;
    let mut ws = app.ws("alice").await;
    for reference in
        [json!(0), json!(-7), json!(9_007_199_254_740_991_u64), json!("a-1"), json!("x".repeat(64))]
    {
        for mut command in commands(&app, &position) {
            command["ref"] = reference.clone();
            ws.send(command.clone()).await;
            let answer = loop {
                let event = ws.next().await;
                if event["ref"] == reference {
                    break event;
                }
            };
            assert_eq!((&answer["type"], &answer["command"]), (&json!("ok"), &command["type"]), "{answer}");
            let more = until_now(&mut ws).await;
            assert!(more.iter().all(|event| event["ref"].is_null() && event["type"] != "ok"), "{more:?}");
        }
        // The bound on the rate of commands is not what is asked here.
        ws = app.ws("alice").await;
    }
}

#[actix_web::test]
async fn what_an_ok_carries() {
    let app = App::start();
    let position = app.publish("alice", 1).await;
    let mut ws = app.ws("alice").await;
    let mut answers = Vec::new();
    for command in commands(&app, &position) {
        answers.push(ws.ask(command).await);
    }
    let [auth, resume, mark, ack, short_ack, echo] = answers.as_slice() else { panic!() };
    assert_eq!(keys(auth), ["command", "expires_at", "ref", "scopes", "type"]);
    assert_eq!(keys(resume), ["command", "position", "ref", "resume", "type"]);
    assert_eq!((&resume["resume"], &resume["position"]), (&json!("complete"), &json!(position)));
    assert_eq!(keys(mark), ["command", "counters", "ref", "type"]);
    assert_eq!(mark["counters"], json!({ "unread": 1, "unseen": 0, "version": 2, "marks_version": 1 }));
    assert_eq!(keys(ack), ["command", "ref", "type"]);
    assert_eq!(ack, short_ack);
    assert_eq!(echo["data"], json!({ "any": [1, 2.5, null, "€"] }));
}

#[actix_web::test]
async fn without_a_ref_success_is_silent_but_for_an_echo_and_errors_are_not() {
    let app = App::start();
    let position = app.publish("alice", 1).await;
    let mut ws = app.ws_at("alice", &format!("?since=inbox@{position}")).await;
    for command in commands(&app, &position) {
        ws.send(command.clone()).await;
        let heard = until_now(&mut ws).await;
        let answers: Vec<_> = heard.iter().filter(|event| event["type"] == "ok").collect();
        let expected = usize::from(command["type"] == "echo");
        assert_eq!(answers.len(), expected, "{heard:?}");
        assert!(answers.iter().all(|answer| answer.get("ref").is_none()), "{heard:?}");
    }
    ws.send(json!({ "type": "ack", "up_to": "nonsense" })).await;
    let error = ws.next().await;
    assert_eq!(
        (&error["type"], &error["command"], &error["code"]),
        (&json!("error"), &json!("ack"), &json!("bad_cursor"))
    );
    assert!(error.get("ref").is_none());
}

#[actix_web::test]
async fn a_ping_is_answered_by_a_pong_and_a_pong_by_nothing() {
    let app = App::start();
    let mut ws = app.ws("alice").await;
    ws.send(json!({ "type": "ping" })).await;
    assert_eq!(ws.next().await, json!({ "type": "pong" }));
    ws.send(json!({ "type": "ping", "ref": 5 })).await;
    assert_eq!(ws.next().await, json!({ "type": "pong", "ref": 5 }));
    ws.send(json!({ "type": "pong", "ref": 6 })).await;
    assert!(until_now(&mut ws).await.is_empty());
}

#[actix_web::test]
async fn unknown_fields_are_ignored() {
    let app = App::start();
    let mut ws = app.ws("alice").await;
    let answer =
        ws.ask(json!({ "type": "echo", "data": 1, "user_id": "bob", "from": "bob", "later": {} })).await;
    assert_eq!((&answer["type"], &answer["data"]), (&json!("ok"), &json!(1)));
}

#[actix_web::test]
async fn an_echo_comes_back_as_it_was_written() {
    let app = App::start();
    let mut ws = app.ws("alice").await;
    let data = r#"{"z":1e2,"a":0.10,"long":12345678901234567890123,"text":"\u2028\ud83d\ude00"}"#;
    ws.send_text(&format!(r#"{{"type":"echo","data":{data}}}"#)).await;
    assert_eq!(ws.next_text().await, format!(r#"{{"type":"ok","command":"echo","data":{data}}}"#));
}

/// B22, B23: it stays open, and the answer has the shape of an error.
#[actix_web::test]
async fn b22_b23_what_is_no_command_gets_an_error_and_the_session_stays() {
    let mut app = App::start();
    let long = format!(r#"{{"type":"ping","ref":"{}"}}"#, "x".repeat(65));
    for (text, code, reference, command) in [
        ("hello", "bad_message", Value::Null, None),
        ("[]", "bad_message", Value::Null, None),
        ("7", "bad_message", Value::Null, None),
        ("", "bad_message", Value::Null, None),
        (r#"{"ref":1}"#, "bad_message", json!(1), None),
        (r#"{"type":7,"ref":"a"}"#, "bad_message", json!("a"), None),
        (r#"{"type":"nonsense","ref":2}"#, "unknown_type", json!(2), None),
        (r#"{"type":"ping","ref":1.5}"#, "bad_message", Value::Null, Some("ping")),
        (r#"{"type":"ping","ref":{}}"#, "bad_message", Value::Null, Some("ping")),
        (&long, "bad_message", Value::Null, Some("ping")),
        (r#"{"type":"auth"}"#, "bad_message", Value::Null, Some("auth")),
        (r#"{"type":"echo"}"#, "bad_message", Value::Null, Some("echo")),
        (r#"{"type":"mark","as":"nonsense","all":true}"#, "bad_message", Value::Null, Some("mark")),
        (r#"{"type":"mark","as":"read"}"#, "bad_message", Value::Null, Some("mark")),
        (r#"{"type":"mark","as":"read","ids":[],"all":true}"#, "bad_message", Value::Null, Some("mark")),
        (r#"{"type":"mark","as":"read","up_to":"abc"}"#, "bad_cursor", Value::Null, Some("mark")),
        (r#"{"type":"mark","as":"read","up_to":"zzzzzzzz.1"}"#, "bad_cursor", Value::Null, Some("mark")),
        (r#"{"type":"ack","up_to":"zzzzzzzz.1"}"#, "bad_cursor", Value::Null, Some("ack")),
        (r#"{"type":"ack","up_to":"zzzzzzzz.1","visible":1}"#, "bad_message", Value::Null, Some("ack")),
        (r#"{"type":"auth","token":"nonsense"}"#, "forbidden", Value::Null, Some("auth")),
    ] {
        let mut ws = app.ws("alice").await;
        ws.send_text(text).await;
        let error = ws.next().await;
        assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!(code)), "{text}: {error}");
        assert_eq!(error["ref"], reference, "{text}");
        assert_eq!(error["command"], json!(command), "{text}");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
        assert_eq!((&error["retryable"], error.get("retry_after_ms")), (&json!(false), None), "{error}");
        assert!(until_now(&mut ws).await.is_empty(), "{text}");
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b33_a_resume_from_what_is_no_position_is_a_bad_cursor() {
    let mut app = App::start();
    for since in [
        json!("abc"),
        json!("k3x9q2ab.-1"),
        json!("k3x9q2ab.9223372036854775808"),
        json!(""),
        json!(7),
        Value::Null,
    ] {
        let mut ws = app.ws("alice").await;
        let error = ws.ask(json!({ "type": "resume", "since": since })).await;
        assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("bad_cursor")), "{since}");
        app.publish("alice", 1).await;
        assert_eq!(ws.next_ns(1).await, [1]);
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_live_session_that_resumes_starts_again_behind_that_position() {
    let app = App::start();
    let first = app.publish("alice", 1).await;
    for n in 2..=4 {
        app.publish("alice", n).await;
    }
    let mut ws = app.ws("alice").await;
    let top = app.publish("alice", 5).await;
    assert_eq!(ws.next_ns(1).await, [5]);
    let answer = ws.ask(json!({ "type": "resume", "since": first })).await;
    assert_eq!((&answer["resume"], &answer["position"]), (&json!("complete"), &json!(top)));
    assert_eq!(ws.next_ns(4).await, [2, 3, 4, 5]);
    app.publish("alice", 6).await;
    assert_eq!(ws.next_ns(1).await, [6]);

    let answer = ws.ask(json!({ "type": "resume", "since": "zzzzzzzz.3" })).await;
    assert_eq!(answer["resume"], "gap");
    let gap = ws.next_numbered().await;
    assert_eq!(
        (&gap["type"], &gap["reason"], &gap["to"]),
        (&json!("gap"), &json!("epoch"), &answer["position"])
    );
    app.publish("alice", 7).await;
    assert_eq!(ws.next_ns(1).await, [7]);
}
