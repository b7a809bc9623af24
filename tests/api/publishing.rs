//! `POST /v1/notifications` (PROTOCOL.md section 6): what is accepted, what is refused, and how it says so.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    app::App,
    clients::http::{Answer, Http},
};

const PATH: &str = "/v1/notifications";

fn names(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Publishes this text as the payload of a notification for alice.
async fn publish_payload(http: &Http, payload: &str) -> Answer {
    http.post_text(PATH, format!(r#"{{"to":"alice","type":"a.b","payload":{payload}}}"#)).await
}

#[actix_web::test]
async fn a_notification_is_kept_with_every_field_of_its_publish() {
    let app = App::start();
    let body = json!({
        "to": "alice", "type": "order.shipped", "payload": {"n": 1}, "v": 2, "key": "order 7", "expires_in": 60,
        "push": {"title": "t", "body": "b", "url": "/x", "urgency": "very-low"},
    });
    let publisher = app.http(&app.publisher());
    let answer = publisher.post(PATH, &body).await;
    assert_eq!((answer.status, answer.header("Content-Type")), (201, Some("application/json")));
    let receipt = answer.json()["notifications"][0].clone();
    assert_eq!(answer.json(), json!({"notifications": [receipt]}));
    assert_eq!(names(&receipt), BTreeSet::from(["id", "to", "position"]));

    let path = format!("{PATH}/{}", receipt["id"].as_str().unwrap());
    let kept = app.user("alice").get(&path).await.json();
    let expected = ["id", "type", "v", "position", "payload", "created_at", "key", "expires_at"];
    assert_eq!(names(&kept), BTreeSet::from(expected));
    assert_eq!((&kept["id"], &kept["position"]), (&receipt["id"], &receipt["position"]));
    assert_eq!(
        (&kept["type"], &kept["v"], &kept["payload"], &kept["key"]),
        (&body["type"], &body["v"], &body["payload"], &body["key"])
    );
    let time = |name: &str| kept[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(time("expires_at").duration_since(time("created_at")).as_millis(), 60_000);
    assert_eq!(kept["created_at"].as_str().unwrap().len(), "2026-01-01T00:00:00.000Z".len());

    let plain =
        publisher.post(PATH, &json!({"to": "bob", "type": "a.b", "payload": {}, "push": false})).await;
    let path = format!("{PATH}/{}", plain.json()["notifications"][0]["id"].as_str().unwrap());
    let plain = app.user("bob").get(&path).await.json();
    assert_eq!(names(&plain), BTreeSet::from(["id", "type", "v", "position", "payload", "created_at"]));
    assert_eq!(plain["v"], 1);
}

#[actix_web::test]
async fn a_thousand_recipients_get_receipts_in_the_order_they_were_named() {
    let app = App::start();
    let users: Vec<String> = (0..1000).map(|i| format!("u{}", i * 7919 % 1000)).collect();
    let body = json!({"to": users, "type": "a.b", "payload": {}});
    let answer = app.http(&app.publisher()).post(PATH, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let receipts = answer.json()["notifications"].as_array().unwrap().clone();
    let named: Vec<&str> = receipts.iter().map(|receipt| receipt["to"].as_str().unwrap()).collect();
    assert_eq!(named, users);
    let ids: BTreeSet<&str> = receipts.iter().map(|receipt| receipt["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 1000);
    assert!(ids.iter().all(|id| id.len() == 30 && id.starts_with("ntf_")));
    assert!(receipts.iter().all(|receipt| receipt["position"].as_str().unwrap().ends_with(".1")));
    assert_eq!(app.unread("u999").await["unread"], 1);
}

#[actix_web::test]
async fn b42_recipients_that_cannot_be_are_refused_and_nobody_gets_anything() {
    let mut app = App::start();
    let publisher = app.http(&app.publisher());
    let many: Vec<String> = (0..1001).map(|i| format!("u{i}")).collect();
    let long = "x".repeat(129);
    for (to, pointer) in [
        (json!(many), "/to"),
        (json!([]), "/to"),
        (json!(5), "/to"),
        (json!(""), "/to"),
        (json!(["u0", "u1", "u0"]), "/to/2"),
        (json!(["u0", "bob' OR '1'='1"]), "/to/1"),
        (json!(["u0", "bob;--"]), "/to/1"),
        (json!(["u0", "bob\0"]), "/to/1"),
        (json!(["u0", "b b"]), "/to/1"),
        (json!(["u0", "bö"]), "/to/1"),
        (json!(["u0", long]), "/to/1"),
    ] {
        let answer = publisher.post(PATH, &json!({"to": to, "type": "a.b", "payload": {}})).await;
        assert_eq!(answer.faults(), [pointer], "{to}");
    }
    for user in ["u0", "u1", "bob"] {
        assert_eq!(app.unread(user).await["version"], 0, "{user}");
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b38_every_fault_of_a_body_is_named_at_once_with_its_pointer() {
    let mut app = App::start();
    let publisher = app.http(&app.publisher());
    let body = json!({
        "to": ["alice", "b b"], "type": "ping", "payload": [], "v": 0, "key": "", "expires_in": 0,
        "push": {"x": 1}, "a/b~c": 1,
    });
    let pointers = ["/to/1", "/type", "/payload", "/v", "/key", "/expires_in", "/push", "/a~1b~0c"];
    assert_eq!(publisher.post(PATH, &body).await.faults(), pointers);
    assert_eq!(publisher.post(PATH, &json!({})).await.faults(), ["/to", "/type", "/payload"]);
    for (field, value) in [
        ("v", json!(1.5)),
        ("v", json!("1")),
        ("key", json!("x".repeat(129))),
        ("key", json!("a\nb")),
        ("expires_in", json!(-1)),
        ("expires_in", json!(1e30)),
        ("push", json!(true)),
        ("push", json!({"urgency": "huge"})),
        ("payload", json!("text")),
        ("id", json!("ntf_1")),
    ] {
        let mut body = json!({"to": "alice", "type": "a.b", "payload": {}});
        body[field] = value;
        assert_eq!(publisher.post(PATH, &body).await.faults(), [format!("/{field}")], "{body}");
    }
    assert_eq!(app.unread("alice").await["version"], 0);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b39_a_type_with_anything_but_dotted_words_is_refused() {
    let mut app = App::start();
    let publisher = app.http(&app.publisher());
    let longest = format!("a.{}", "b".repeat(126));
    for bad in
        ["a.b\r", "a.b\n", "a.b\0", "a.\u{1b}b", "a.b\u{2028}", "A.b", "ab", "a..b", ".a", "a.", "a-b.c", ""]
    {
        let answer = publisher.post(PATH, &json!({"to": "alice", "type": bad, "payload": {}})).await;
        assert_eq!(answer.faults(), ["/type"], "{bad:?}");
    }
    let body = |event_type: &str| json!({"to": "alice", "type": event_type, "payload": {}});
    assert_eq!(publisher.post(PATH, &body(&longest)).await.status, 201);
    assert_eq!(publisher.post(PATH, &body(&format!("{longest}b"))).await.faults(), ["/type"]);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b40_b41_a_payload_comes_back_byte_for_byte_wherever_it_is_read() {
    let mut app = App::start();
    let mut ws = app.ws("alice").await;
    let publisher = app.http(&app.publisher());
    for payload in [
        r#"{"z":1.10,"a":1e2,"m":-0.0,"big":123456789012345678901234567890,"e":1E+2,"A":[],"0":null}"#,
        r#"{"text":"\r\n\r\nevent: admin\ndata: x"}"#,
        "{\"text\":\"\u{2028}\u{2029} \u{202e}olleh \u{1f600} \u{10ffff} e\u{301} </script><!--\"}",
        r#"{"escaped":"\u00e9\ud83d\ude00\/\u0000","é":"é"}"#,
        "{ \"spaced\" : [ 1 ,\t2 ] ,\n \"b\" : { } }",
        "{}",
    ] {
        let answer = publish_payload(&publisher, payload).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let id = answer.json()["notifications"][0]["id"].as_str().unwrap().to_owned();
        let part = format!(r#""payload":{payload},"#);
        loop {
            let Some(Ok(Message::Text(frame))) = ws.socket.next().await else { panic!("it ended") };
            if frame.contains(&id) {
                assert!(frame.contains(&part), "{frame}");
                break;
            }
        }
        for path in [format!("{PATH}/{id}"), format!("{PATH}?limit=1")] {
            let text = app.user("alice").get(&path).await.text();
            assert!(text.contains(&id) && text.contains(&part), "{path}: {text}");
        }
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b43_json_that_would_harm_its_readers_is_refused() {
    let mut app = App::start();
    let publisher = app.http(&app.publisher());
    let nested = |depth: usize| format!(r#"{{"a":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
    for bad in [
        nested(200),
        nested(31),
        r#"{"n":1e400}"#.to_owned(),
        r#"{"a":1,"a":2}"#.to_owned(),
        r#"{"in":[{"a":1,"a":2}]}"#.to_owned(),
        r#"{"text":"\ud800"}"#.to_owned(),
        r#"{"text":"a
b"}"#
            .to_owned(),
        "{\"a\":1,}".to_owned(),
    ] {
        publish_payload(&publisher, &bad).await.problem(400, "bad_message");
    }
    // The body and the payload are two levels of the 32.
    assert_eq!(publish_payload(&publisher, &nested(30)).await.status, 201);

    let keys = |count: usize| {
        let pairs: Vec<String> = (0..count).map(|i| format!(r#""{i:04}":0"#)).collect();
        format!("{{{}}}", pairs.join(","))
    };
    assert_eq!(publish_payload(&publisher, &keys(1800)).await.status, 201);
    assert_eq!(publish_payload(&publisher, &keys(10_000)).await.faults(), ["/payload"]);
    let sized = |bytes: usize| format!(r#"{{"x":"{}"}}"#, "x".repeat(bytes - r#"{"x":""}"#.len()));
    assert_eq!(publish_payload(&publisher, &sized(16 * 1024)).await.status, 201);
    assert_eq!(publish_payload(&publisher, &sized(16 * 1024 + 1)).await.faults(), ["/payload"]);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b44_a_publisher_publishes_what_its_scope_names_and_nothing_else() {
    let mut app = App::start();
    for (scope, event_type, is_allowed) in [
        ("", "order.shipped", false),
        ("admin join:* publish:*", "order.shipped", false),
        ("notify:", "order.shipped", false),
        ("notify:order.*", "comment.created", false),
        ("notify:order.*", "order.shipped", true),
        ("notify:order.*", "orders.shipped", false),
        ("notify:order.shipped", "order.shipped.late", false),
        ("notify:a.b notify:order.shipped", "order.shipped", true),
        ("notify:*", "order.shipped", true),
        ("notify", "order.shipped", true),
    ] {
        let body = json!({"to": "alice", "type": event_type, "payload": {}});
        let answer = app.http(&app.token("backend", scope)).post(PATH, &body).await;
        if is_allowed {
            assert_eq!(answer.status, 201, "{scope} {event_type}");
        } else {
            answer.problem(403, "insufficient_scope");
        }
    }
    assert_eq!(app.unread("alice").await["unread"], 4);
    app.expect_healthy().await;
}
