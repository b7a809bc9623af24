//! Event streams: their head, their beginning, the order of what comes, names and ids (PROTOCOL.md section 4).

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::{
    app::{App, DEADLINE},
    clients::{
        event_stream::Parser,
        raw::Raw,
        room::{EVERYWHERE, done, guest, member, say},
        sse::{Sse, stream},
        ws::Ws,
    },
};

/// How long a client is told to wait before it comes back.
pub const RETRY_MILLIS: std::ops::RangeInclusive<u64> = 1000..=3000;

/// The `goodbye` of a stream that has ended as a server ends one: with the code, the word and a time to wait,
/// and with a fresh `retry:` at hand.
pub async fn expect_goodbye(sse: &mut Sse, code: u64, reason: &str) {
    let before = sse.parser.retries.len();
    let goodbye = sse.farewell().await.expect("no goodbye");
    assert_eq!((&goodbye["code"], &goodbye["reason"]), (&json!(code), &json!(reason)));
    assert_eq!(sse.parser.retries.len(), before + 1, "no fresh retry");
    assert!(sse.parser.retries.iter().all(|retry| RETRY_MILLIS.contains(retry)), "{:?}", sse.parser.retries);
}

#[actix_web::test]
async fn the_head_of_a_stream_is_what_browsers_and_proxies_need() {
    let app = App::start();
    let authorization = format!("Bearer {}", app.token("alice", ""));
    for accept in [None, Some("*/*"), Some("text/event-stream"), Some("text/html, Text/Event-Stream;q=0.5")] {
        let mut headers = vec![("Authorization", authorization.as_str())];
        headers.extend(accept.map(|accept| ("Accept", accept)));
        let mut sse = Sse::open(app.address, "", &headers).await;
        assert_eq!(sse.status, 200, "{accept:?}");
        for (name, value) in [
            ("Content-Type", Some("text/event-stream")),
            ("Cache-Control", Some("no-store")),
            ("X-Accel-Buffering", Some("no")),
            ("Content-Encoding", None),
            ("Content-Length", None),
        ] {
            assert_eq!(sse.header(name), value, "{name}");
        }
        assert!(sse.header("X-Request-Id").is_some());
        assert_eq!(sse.next().await["type"], "welcome");
    }
}

#[actix_web::test]
async fn a_stream_begins_with_a_comment_and_a_time_to_wait_that_differs() {
    let app = App::start();
    let mut retries = Vec::new();
    for _ in 0..8 {
        let sse = stream(&app, "alice", "", "").await;
        let body = String::from_utf8(sse.body.clone()).unwrap();
        let mut lines = body.lines().filter(|line| !line.is_empty());
        assert!(lines.next().unwrap().starts_with(':'), "{body}");
        assert!(lines.next().unwrap().starts_with("retry: "), "{body}");
        assert!(sse.parser.retries.len() == 1 && RETRY_MILLIS.contains(&sse.parser.retries[0]), "{body}");
        retries.push(sse.parser.retries[0]);
    }
    assert!(retries.iter().any(|retry| *retry != retries[0]), "{retries:?}");
}

/// The `welcome` says the same as over a WebSocket, but for who it is said to.
#[actix_web::test]
async fn a_stream_tells_what_a_websocket_tells() {
    let app = App::start();
    let mut first = app.ws("alice").await;
    app.publish("alice", 1).await;
    // So that it is no news for those who come now.
    first.expect("unread").await;
    let scope = "join:chat:*";
    let token = app.token("alice", scope);
    let mut ws = Ws::connect(app.address, "", &token).await;
    let mut sse = Sse::connect(app.address, "", &token).await;
    let (mut of_ws, mut of_sse) = (ws.welcome.clone(), sse.welcome.clone());
    assert_ne!(of_ws["session"].take(), of_sse["session"].take());
    // What differs is of the transport.
    assert_eq!(
        (of_ws["ping_interval_ms"].take(), of_sse["ping_interval_ms"].take()),
        (json!(25_000), json!(15_000))
    );
    assert_eq!((of_ws["limits"]["rooms"].take(), of_sse["limits"]["rooms"].take()), (json!(100), json!(10)));
    assert_eq!(of_ws, of_sse);
    app.publish("alice", 2).await;
    app.http(&token).post("/v1/notifications/mark", &json!({ "as": "read", "all": true })).await;
    let (mut over_ws, mut over_sse) = (Vec::new(), Vec::new());
    let is_last =
        |text: &String| text.contains(r#""type":"unread""#) && text.contains(r#""marks_version":1"#);
    while !over_ws.last().is_some_and(is_last) {
        over_ws.push(ws.next_text().await);
    }
    while !over_sse.last().is_some_and(is_last) {
        over_sse.push(sse.next_event().await.data);
    }
    assert_eq!(over_sse, over_ws);
    for event_type in ["test.event", "marked", "unread"] {
        assert!(
            over_ws.iter().any(|text| text.contains(&format!(r#""type":"{event_type}""#))),
            "{over_ws:?}"
        );
    }
}

#[actix_web::test]
async fn a_message_takes_the_name_that_it_was_given() {
    let app = App::start();
    let mut bob = guest(&app, "bob").await;
    for is_unnamed in [false, true] {
        let query = if is_unnamed { "?rooms=news&event=message" } else { "?rooms=news" };
        let mut sse = stream(&app, "alice", EVERYWHERE, query).await;
        sse.expect("ok").await;
        for event in [json!("update"), json!(null)] {
            let mut command =
                json!({ "type": "message", "room": "news", "data": { "n": 1 }, "event": event });
            if event.is_null() {
                command.as_object_mut().unwrap().remove("event");
            }
            done(&mut bob, command).await;
            let told = sse.next_with_id().await;
            assert_eq!(told.json()["type"], "message");
            let name = if is_unnamed { None } else { Some(event.as_str().unwrap_or("message").to_owned()) };
            assert_eq!(told.name, name);
        }
        app.publish("alice", 1).await;
        assert_eq!(sse.next_ns(1).await, [1]);
    }
}

/// `error` is EventSource's own word for a connection that fails.
#[actix_web::test]
async fn a_room_that_has_no_place_is_told_as_a_problem_and_the_stream_goes_on() {
    let app = App::start_with(&[("limits.rooms", "1")]);
    let _bob = member(&app, "bob", &["full"]).await;
    let mut sse = stream(&app, "alice", EVERYWHERE, "?rooms=full,other").await;
    assert_eq!(sse.next().await["room"], "full");
    let problem = sse.next_event().await;
    assert_eq!(problem.name.as_deref(), Some("problem"));
    let told = problem.json();
    assert_eq!(
        (&told["type"], &told["code"], &told["room"]),
        (&json!("error"), &json!("unavailable"), &json!("other"))
    );
    app.publish("alice", 1).await;
    assert_eq!(sse.next_ns(1).await, [1]);
    assert!(!sse.last_id().contains("other"), "{}", sse.last_id());
}

#[actix_web::test]
async fn heartbeats_are_comments_and_never_events() {
    let app = App::start_with(&[
        ("session.sse_heartbeat", "250ms"),
        ("session.ping_interval", "250ms"),
        ("session.pong_timeout", "250ms"),
    ]);
    let mut sse = stream(&app, "alice", "", "").await;
    // Nothing is asked of a client that cannot answer: it outlives every patience.
    for _ in 0..8 {
        sse.heartbeat().await;
    }
    app.publish("alice", 1).await;
    assert_eq!(sse.next_ns(1).await, [1]);
}

#[actix_web::test]
async fn whoever_streams_a_room_is_in_it() {
    let app = App::start_with(&[("rooms.leave_grace", "250ms"), ("rooms.typing_ttl", "1h")]);
    let mut bob = member(&app, "bob", &["chat"]).await;
    let mut sse = stream(&app, "alice", EVERYWHERE, "?rooms=chat").await;
    assert_eq!(sse.next().await["users"], json!(["alice", "bob"]));
    let joined = |user: &str, count: u64| json!({ "type": "user_joined", "room": "chat", "user": user, "user_count": count });
    assert_eq!(bob.next().await, joined("alice", 2));
    let mut carol = member(&app, "carol", &["chat"]).await;
    assert_eq!(sse.next().await, joined("carol", 3));
    carol.send(json!({ "type": "typing", "room": "chat" })).await;
    assert_eq!(sse.next().await, json!({ "type": "typing", "room": "chat", "users": ["carol"] }));
    let bobs = app.http(&app.token("bob", EVERYWHERE));
    let present = bobs.get("/v1/rooms/chat/presence").await.json();
    assert_eq!(present, json!({ "users": ["alice", "bob", "carol"], "user_count": 3, "typing": ["carol"] }));

    carol.socket.close(None).await.unwrap();
    let left = |user: &str, count: u64| json!({ "type": "user_left", "room": "chat", "user": user, "user_count": count });
    assert_eq!(sse.expect("user_left").await, left("carol", 2));
    // A client that goes says nothing; it is noticed all the same.
    drop(sse);
    assert_eq!(bob.expect("user_left").await, left("carol", 2));
    assert_eq!(bob.expect("user_left").await, left("alice", 1));
}

/// What nginx speaks to a server unless it is told otherwise.
#[actix_web::test]
async fn a_client_of_http_1_0_gets_a_stream_that_ends_with_its_connection() {
    let mut app = App::start_with(&[("shutdown.drain", "100ms")]);
    let mut raw = Raw::connect(app.address).await;
    raw.write(format!("GET /v1/sse?token={} HTTP/1.0\r\n\r\n", app.token("alice", ""))).await;
    let head = raw.read_head().await.to_ascii_lowercase();
    assert!(head.starts_with("http/1.") && head.contains(" 200 ") && !head.contains("chunked"), "{head}");
    let mut body = Vec::new();
    while !String::from_utf8_lossy(&body).contains("event: welcome") {
        timeout(DEADLINE, raw.0.read_buf(&mut body)).await.expect("no welcome").unwrap();
    }
    app.signal("-TERM");
    body.extend(raw.read_to_end().await);
    let mut parser = Parser::default();
    parser.feed(&body);
    let events: Vec<_> = std::iter::from_fn(|| parser.next()).map(|event| event.name.unwrap()).collect();
    assert_eq!(events, ["welcome", "goodbye"]);
    assert!(app.ended().await.success());
}

#[actix_web::test]
async fn a_request_behind_a_stream_does_not_disturb_it() {
    let app = App::start();
    let mut sse = stream(&app, "alice", "", "").await;
    sse.stream.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    for n in 1..=3 {
        app.publish("alice", n).await;
        assert_eq!(sse.next_ns(1).await, [n]);
    }
}

#[actix_web::test]
async fn the_largest_message_is_told_whole() {
    let app = App::start();
    let mut sse = stream(&app, "alice", EVERYWHERE, "?rooms=chat").await;
    let mut bob = guest(&app, "bob").await;
    for n in 1..=40 {
        let data = json!(format!("{n}{}", "\n".repeat(16_000)));
        say(&mut bob, "chat", data.clone()).await;
        assert_eq!(sse.expect("message").await["data"], data);
    }
}
