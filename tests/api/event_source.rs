//! Event streams as a browser's EventSource reads them: a parser that is not ours hears what a WebSocket hears,
//! and comes back by itself (PROTOCOL.md section 4; B40, B41, T7).

use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{
        event_source::{EventSource, json as data},
        http::Http,
        poll::Poll,
        room::{EVERYWHERE, done, member},
        sse::stream,
        ws::Ws,
    },
};

/// What tempts a parser: line ends of every kind inside and between, what ends an event, what begins one, what
/// ends a line or a script elsewhere, and letters of every length.
const TEXTS: [&str; 10] = [
    "\r\n\r\nevent: admin\ndata: x\n\n",
    "\rid: 1\rretry: 1\r\r",
    "data: {}\n\n: comment",
    "a\u{2028}b\u{2029}c\u{85}d\u{0b}e\u{0c}f",
    "😀 👩‍👩‍👧‍👦 𝄞",
    "\u{202e}evil\u{202c} \u{feff}bom",
    "</script><script>alert(1)</script><!--",
    "日本語 ß é e\u{301}",
    "\0\u{1}\u{7f}",
    " leading and trailing ",
];

/// Publishes a body as it is written.
async fn publish_text(app: &App, body: &str) -> String {
    let answer = app.http(&app.publisher()).post_text("/v1/notifications", body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["notifications"][0]["id"].as_str().unwrap().to_owned()
}

/// As the lines of an event come back together.
fn with_lf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[actix_web::test]
async fn b41_a_payload_is_the_same_on_every_way() {
    let mut app = App::start();
    let token = app.token("alice", "");
    let source = EventSource::listen(&app, "", &token, &["text.sent"]);
    source.heard_by("welcome");
    let (mut ws, mut sse) = (app.ws("alice").await, stream(&app, "alice", "", "").await);
    let mut poll = Poll::start(&app, "alice", "", "").await;
    let mut payloads: Vec<String> = TEXTS.iter().map(|text| json!({ "text": text }).to_string()).collect();
    // Letters as they are and escaped, line ends between tokens; numbers and the order of keys as sent.
    payloads.push("{\"raw\":\"\u{2028}😀\",\"escaped\":\"\\u2028\\ud83d\\ude00\\r\\n\\u0000\"}".to_owned());
    for line_end in ["\n", "\r", "\r\n", "\n\n", "\r\r\n\n"] {
        payloads.push(format!("{{{line_end}\"z\" :{line_end} 1.10,{line_end}\"a\":[ {line_end}\t12345678901234567890{line_end}]}}"));
    }
    for payload in &payloads {
        let id =
            publish_text(&app, &format!(r#"{{"to":"alice","type":"text.sent","payload":{payload}}}"#)).await;
        let sent: Value = serde_json::from_str(payload).unwrap();
        let over_ws = loop {
            let text = ws.next_text().await;
            if text.contains("text.sent") {
                break text;
            }
        };
        let event: Value = serde_json::from_str(&over_ws).unwrap();
        assert_eq!(event["payload"], sent);
        assert!(over_ws.contains(payload), "{over_ws}");

        let heard = source.heard_by("text.sent");
        assert_eq!(heard["data"], with_lf(&over_ws));
        assert_eq!(data(&heard), event);
        assert_eq!(sse.expect("text.sent").await, event);
        assert_eq!(poll.collect(1, |event| event["type"] == "text.sent").await, std::slice::from_ref(&event));
        let got = app.user("alice").get(&format!("/v1/notifications/{id}")).await;
        assert_eq!(got.json(), event);
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn t7_b40_no_payload_makes_an_event_of_its_own() {
    let mut app = App::start();
    let token = app.token("alice", EVERYWHERE);
    let source = EventSource::listen(&app, "&rooms=chat", &token, &["text.sent"]);
    source.heard_by("ok");
    let mut ws = Ws::connect(app.address, "?rooms=chat", &token).await;
    ws.expect("ok").await;
    for text in TEXTS {
        publish_text(
            &app,
            &json!({ "to": "alice", "type": "text.sent", "payload": { "text": text } }).to_string(),
        )
        .await;
        done(&mut ws, json!({ "type": "message", "room": "chat", "data": text })).await;
        let mut heard = Vec::new();
        while heard.len() < 2 {
            let event = source.heard();
            // Counters are told whenever they have changed.
            if event["heard"] != "unread" {
                heard.push(event);
            }
        }
        heard.sort_by_key(|event| event["heard"].to_string());
        assert_eq!((&heard[0]["heard"], &data(&heard[0])["data"]), (&json!("onmessage"), &json!(text)));
        assert_eq!(
            (&heard[1]["heard"], &data(&heard[1])["payload"]["text"]),
            (&json!("text.sent"), &json!(text))
        );
    }
    // B39: neither a type nor a name of an event brings a line.
    for text in ["a.b\nevent: admin", "a.b\r", "a.b\0", "a.\u{1b}b"] {
        let draft = json!({ "to": "alice", "type": text, "payload": {} });
        assert_eq!(app.http(&app.publisher()).post("/v1/notifications", &draft).await.status, 422);
        let message = json!({ "type": "message", "room": "chat", "data": 1, "event": text });
        assert_eq!(ws.ask(message).await["code"], "bad_message");
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn an_event_source_hears_each_event_by_its_name_or_all_of_them_without() {
    let app = App::start_with(&[("rooms.leave_grace", "0")]);
    let token = app.token("alice", EVERYWHERE);
    let named = EventSource::listen(&app, "&rooms=news", &token, &["update", "comment.created"]);
    let unnamed =
        EventSource::listen(&app, "&rooms=news&event=message", &token, &["update", "comment.created"]);
    named.heard_by("ok");
    while data(&unnamed.heard_by("onmessage"))["type"] != "ok" {}
    let mut ws = Ws::connect(app.address, "?rooms=news", &token).await;
    ws.expect("ok").await;

    let mut bob = member(&app, "bob", &["news"]).await;
    done(&mut bob, json!({ "type": "message", "room": "news", "data": 1, "event": "update" })).await;
    done(&mut bob, json!({ "type": "message", "room": "news", "data": 2 })).await;
    done(&mut bob, json!({ "type": "typing", "room": "news" })).await;
    publish_text(&app, r#"{"to":"alice","type":"comment.created","payload":{}}"#).await;
    ws.expect("unread").await;
    let alice = app.http(&token);
    mark_all(&alice).await;
    bob.socket.close(None).await.unwrap();
    let last = ws.expect("user_left").await;

    let mut told = Vec::new();
    while told.last() != Some(&last) {
        let event = named.heard();
        let json = data(&event);
        let name = match json["type"].as_str().unwrap() {
            "message" => json["event"].as_str().unwrap_or("onmessage"),
            own => own,
        };
        assert_eq!(event["heard"], name, "{event}");
        told.push(json);
    }
    for event_type in ["user_joined", "message", "typing", "comment.created", "unread", "marked", "user_left"]
    {
        assert!(told.iter().any(|event| event["type"] == event_type), "{event_type}");
    }
    let mut all = Vec::new();
    while all.last() != Some(&last) {
        let event = unnamed.heard();
        assert_eq!(event["heard"], "onmessage", "{event}");
        all.push(data(&event));
    }
    let numbered = |events: &[Value]| {
        let numbered = events.iter().filter(|event| event.get("position").is_some());
        let mut numbered: Vec<_> = numbered.cloned().collect();
        numbered.sort_by_key(|event| event["position"].to_string());
        numbered
    };
    assert_eq!((numbered(&told).len(), numbered(&all)), (3, numbered(&told)));
}

async fn mark_all(http: &Http) {
    let answer = http.post("/v1/notifications/mark", &json!({ "as": "read", "all": true })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// How it asked again after its connection was lost: where from, and that it has waited as it was told.
fn expect_return(source: &EventSource, from: Value) {
    let (mut failed_at, mut retry) = (None, 0.0);
    loop {
        let told = source.next();
        let at = told["at"].as_f64().unwrap();
        if told.get("error").is_some() {
            assert_eq!((&told["state"], told.get("code")), (&json!(0), None), "{told}");
            failed_at = Some(at);
        } else if let Some(told) = told.get("retry") {
            retry = told.as_f64().unwrap();
        } else if let Some(asked) = told.get("request") {
            assert_eq!(asked, &from);
            let waited = at - failed_at.expect("it has not failed");
            // A timer may be early by as much as it cannot tell.
            assert!(waited >= retry - 2.0, "{waited} ms of {retry}");
            return;
        }
        assert!(told.get("heard").is_none(), "{told}");
    }
}

#[actix_web::test]
async fn an_event_source_comes_back_over_restarts_by_itself_and_loses_nothing() {
    let mut app = App::start_with(&[("shutdown.drain", "100ms")]);
    let source = EventSource::listen(&app, "", &app.token("alice", ""), &["test.event"]);
    assert_eq!(source.expect("request")["request"], Value::Null);
    source.heard_by("welcome");
    let mut n = 0;
    for ending in ["-TERM", "-KILL", "-TERM"] {
        n += 1;
        let position = app.publish("alice", n).await;
        let heard = source.heard_by("test.event");
        let last_id = format!("inbox@{position}");
        assert_eq!((&data(&heard)["payload"]["n"], &heard["lastEventId"]), (&json!(n), &json!(last_id)));
        source.heard_by("unread");
        app.signal(ending);
        app.ended().await;
        app.restart();
        // While it is away.
        for _ in 0..3 {
            n += 1;
            app.publish("alice", n).await;
        }
        if ending == "-TERM" {
            assert_eq!(data(&source.heard_by("goodbye"))["code"], 1012);
        }
        expect_return(&source, json!(last_id));
        let welcome = data(&source.heard());
        assert_eq!((&welcome["type"], &welcome["resume"]), (&json!("welcome"), &json!("complete")));
        for missed in n - 2..=n {
            assert_eq!(data(&source.heard_by("test.event"))["payload"]["n"], missed);
        }
    }
}

#[actix_web::test]
async fn an_event_source_that_must_wait_waits_as_it_is_told_and_then_gets_in() {
    let app = App::start_with(&[("limits.sessions", "1")]);
    let mut bob = app.ws("bob").await;
    let source = EventSource::listen(&app, "", &app.token("alice", ""), &[]);
    assert_eq!(source.expect("request")["request"], json!(null));
    for _ in 0..2 {
        assert_eq!(source.heard()["heard"], "goodbye");
        expect_return(&source, json!(null));
    }
    bob.socket.close(None).await.unwrap();
    bob.end().await;
    source.heard_by("welcome");
}

#[actix_web::test]
async fn an_event_source_that_may_not_come_in_stops() {
    let app = App::start();
    let (alice, late) = (app.token("alice", ""), app.token_for("alice", "", -60));
    for (token, query, code) in [(late.as_str(), "", 401), (&alice, "&rooms=chat", 403)] {
        let source = EventSource::listen(&app, query, token, &[]);
        let failed = source.expect("error");
        assert_eq!((&failed["code"], &failed["state"]), (&json!(code), &json!(2)));
        // It has nothing left to do, and asks no more.
        let ended = source.end();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{}", ended.stderr);
    }
}
