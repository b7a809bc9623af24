//! Rooms that are asked for at the handshake: who may, and in which order what is owed comes.

use std::cell::Cell;

use futures_util::future::join;
use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{
        room::{EVERYWHERE, guest, guest_at, keys, message, next_data, offset, say},
        ws::Ws,
    },
    welcome::moved,
};

/// A session that asks for rooms in its path, and its first events.
async fn at_path(app: &App, path: &str, count: usize) -> Vec<Value> {
    let authorization = format!("Bearer {}", app.token("alice", EVERYWHERE));
    let headers = [("authorization", authorization.as_str())];
    let (mut ws, _) = Ws::handshake(app.address, path, &headers).await.unwrap();
    next(&mut ws, count).await
}

async fn next(ws: &mut Ws, count: usize) -> Vec<Value> {
    let mut events = Vec::with_capacity(count);
    while events.len() < count {
        events.push(ws.next().await);
    }
    events
}

/// What is owed in one stream: the offsets of events, `gap` for a gap.
fn of_stream(events: &[Value], stream: &str) -> Vec<Value> {
    let own = events.iter().filter(|event| {
        let name = event.get("room").or(event.get("stream")).and_then(Value::as_str).unwrap_or("inbox");
        name == stream
    });
    own.map(|event| if event["type"] == "gap" { json!("gap") } else { json!(offset(&event["position"])) })
        .collect()
}

#[actix_web::test]
async fn rooms_are_joined_behind_the_welcome_however_they_are_asked_for() {
    let app = App::start();
    for (path, rooms) in [
        ("/v1/ws?rooms=a,b", vec!["a", "b"]),
        ("/v1/ws?room=a", vec!["a"]),
        ("/v1/ws/a", vec!["a"]),
        ("/v1/ws/chat%3Ageneral", vec!["chat:general"]),
        ("/v1/ws/chat:general?room=b&rooms=c,b", vec!["b", "c", "chat:general"]),
        ("/v1/ws?rooms=a&rooms=a,a&room=a", vec!["a"]),
        ("/v1/ws?rooms=chat%3Ageneral,a%2Cb", vec!["chat:general", "a", "b"]),
    ] {
        let events = at_path(&app, path, 1 + rooms.len()).await;
        assert_eq!(
            (&events[0]["type"], &events[0]["resume"]),
            (&json!("welcome"), &json!("fresh")),
            "{path}"
        );
        for (ok, room) in events[1..].iter().zip(rooms) {
            assert_eq!(
                keys(ok),
                ["command", "position", "resume", "room", "type", "user_count", "users"],
                "{ok}"
            );
            assert_eq!(
                (&ok["type"], &ok["command"], &ok["room"]),
                (&json!("ok"), &json!("join"), &json!(room))
            );
            assert_eq!((&ok["resume"], &ok["users"]), (&json!("fresh"), &json!(["alice"])));
        }
    }
    let mut ws = guest_at(&app, "alice", "?rooms=").await;
    assert_eq!(ws.ask(json!({ "type": "echo", "data": 1 })).await["type"], "ok");
}

/// `welcome`, the answers, what was missed of every stream, then what comes.
#[actix_web::test]
async fn what_was_missed_of_every_stream_follows_the_answers_of_all_rooms() {
    let app = App::start_with(&[("rooms.history_size", "3")]);
    let mut bob = guest(&app, "bob").await;
    let inbox = app.publish("alice", 1).await;
    let (whole, pruned) = (say(&mut bob, "whole", json!(1)).await, say(&mut bob, "pruned", json!(1)).await);
    say(&mut bob, "live", json!(1)).await;
    for n in 2..=3 {
        app.publish("alice", n).await;
        say(&mut bob, "whole", json!(n)).await;
    }
    let mut top = String::new();
    for n in 2..=6 {
        top = say(&mut bob, "pruned", json!(n)).await;
    }
    let query =
        format!("?rooms=whole,live,pruned&since=pruned@{pruned},inbox@{inbox},whole@{whole},other@{whole}");
    let mut alice = guest_at(&app, "alice", &query).await;
    assert_eq!(alice.welcome["resume"], "complete");
    let answers = next(&mut alice, 3).await;
    for (ok, (room, resume)) in
        answers.iter().zip([("whole", "complete"), ("live", "fresh"), ("pruned", "gap")])
    {
        assert_eq!((&ok["room"], &ok["resume"]), (&json!(room), &json!(resume)));
    }
    assert_eq!(answers[2]["position"], top);

    let missed = next(&mut alice, 2 + 2 + 1 + 3).await;
    assert_eq!(of_stream(&missed, "inbox"), [2, 3]);
    assert_eq!(of_stream(&missed, "whole"), [2, 3]);
    assert_eq!(of_stream(&missed, "pruned"), [json!("gap"), json!(4), json!(5), json!(6)]);
    let gap = missed.iter().find(|event| event["type"] == "gap").unwrap();
    assert_eq!(
        gap,
        &json!({ "type": "gap", "stream": "pruned", "from": pruned, "to": moved(&pruned, 2), "reason": "pruned" })
    );

    for room in ["whole", "live", "pruned"] {
        say(&mut bob, room, json!("live")).await;
        let event = message(&mut alice).await;
        assert_eq!((&event["room"], &event["data"]), (&json!(room), &json!("live")));
    }
    app.publish("alice", 4).await;
    assert_eq!(alice.next_ns(1).await, [4]);
}

#[actix_web::test]
async fn a_room_that_the_cursor_does_not_name_starts_live_and_one_that_is_not_asked_for_is_not_joined() {
    let app = App::start();
    let mut bob = guest(&app, "bob").await;
    let position = say(&mut bob, "a", json!(1)).await;
    say(&mut bob, "b", json!(1)).await;
    let mut alice = guest_at(&app, "alice", &format!("?rooms=b&since=a@{}", moved(&position, -1))).await;
    let ok = alice.next().await;
    assert_eq!((&ok["room"], &ok["resume"], offset(&ok["position"])), (&json!("b"), &json!("fresh"), 1));
    say(&mut bob, "a", json!(2)).await;
    say(&mut bob, "b", json!(2)).await;
    let event = alice.next().await;
    assert_eq!((&event["room"], &event["data"]), (&json!("b"), &json!(2)));
}

#[actix_web::test]
async fn one_cursor_holds_the_positions_of_several_rooms() {
    let app = App::start();
    let mut bob = guest(&app, "bob").await;
    let mut cursor = Vec::new();
    for room in ["a", "b", "c"] {
        let position = say(&mut bob, room, json!(1)).await;
        cursor.push(format!("{room}@{position}"));
        for n in 2..=4 {
            say(&mut bob, room, json!(n)).await;
        }
    }
    let mut alice = guest_at(&app, "alice", &format!("?rooms=c,a,b&since={}", cursor.join(","))).await;
    let answers = next(&mut alice, 3).await;
    assert!(
        answers.iter().all(|ok| ok["resume"] == "complete" && offset(&ok["position"]) == 4),
        "{answers:?}"
    );
    let missed = next(&mut alice, 9).await;
    for room in ["a", "b", "c"] {
        assert_eq!(of_stream(&missed, room), [2, 3, 4]);
    }
}

#[actix_web::test]
async fn nothing_of_a_busy_room_goes_ahead_of_its_answer_or_is_lost_behind_it() {
    let app = App::start_with(&[
        ("session.messages_per_second", "100000"),
        ("session.messages_burst", "100000"),
        ("limits.room_messages_per_second", "0"),
    ]);
    let mut bob = guest(&app, "bob").await;
    let start = say(&mut bob, "chat", json!(0)).await;
    let is_over = Cell::new(false);
    let publishing = async {
        while !is_over.get() {
            say(&mut bob, "chat", json!(0)).await;
        }
    };
    let coming = async {
        let mut since = start.clone();
        for round in 0..20 {
            let query = if round % 2 == 0 { String::new() } else { format!("&since=chat@{since}") };
            let mut ws = guest_at(&app, "alice", &format!("?rooms=chat{query}")).await;
            let ok = ws.next().await;
            assert_eq!((&ok["type"], &ok["room"]), (&json!("ok"), &json!("chat")), "{ok}");
            let begin = if round % 2 == 0 { &ok["position"] } else { &json!(since) };
            let begin = offset(begin);
            for by in 1..=20 {
                let event = message(&mut ws).await;
                assert_eq!(offset(&event["position"]), begin + by);
                since = event["position"].as_str().unwrap().to_owned();
            }
        }
        is_over.set(true);
    };
    join(publishing, coming).await;
}

#[actix_web::test]
async fn a_room_that_the_token_does_not_allow_is_refused_before_the_upgrade() {
    let app = App::start();
    // To publish is not to join.
    let authorization = format!("Bearer {}", app.token("alice", "join:chat:* join:a publish:b notify admin"));
    let headers = [("authorization", authorization.as_str())];
    for query in ["?rooms=b", "?rooms=a,b", "?room=chat", "/b", "/chat", "?rooms=chat:a,Chat:a"] {
        let (status, _, body) = Ws::refusal(app.address, query, &headers).await;
        assert_eq!((status, &body["code"]), (403, &json!("forbidden")), "{query}");
    }
    for query in ["?rooms=chat:a,a", "/a", "/chat:%2E"] {
        let mut ws = Ws::open(app.address, query, &headers).await.unwrap();
        ws.expect("welcome").await;
        assert_eq!(ws.next().await["type"], "ok", "{query}");
    }
}

#[actix_web::test]
async fn b26_what_is_no_name_of_a_room_is_refused_before_the_upgrade() {
    let mut app = App::start();
    let authorization = format!("Bearer {}", app.token("alice", EVERYWHERE));
    let headers = [("authorization", authorization.as_str())];
    let long = "x".repeat(129);
    for name in
        ["inbox", "_x", "a%20b", "..", ".", "..%2Fx", "a%2Fb", "a%00", "%C3%A4", "a+b", "a%2Bb", "a*", &long]
    {
        for query in [format!("?rooms={name}"), format!("?room=a&rooms=b,{name}")] {
            let (status, _, body) = Ws::refusal(app.address, &query, &headers).await;
            assert_eq!((status, &body["code"]), (422, &json!("bad_room")), "{query}");
        }
    }
    for path in
        ["/inbox", "/_x", "/a%20b", "/%2e%2e%2Fx", "/a%2Fb", "/a+b", "/%ff", "/a%253Ab", &format!("/{long}")]
    {
        let (status, _, body) = Ws::refusal(app.address, path, &headers).await;
        assert_eq!((status, &body["code"]), (422, &json!("bad_room")), "{path}");
    }
    assert_eq!(Ws::refusal(app.address, "/a/b", &headers).await.0, 404);
    let longest = "x".repeat(128);
    let events = at_path(&app, &format!("/v1/ws/{longest}?room=A.b_c:d=e-9"), 3).await;
    assert!(events[1..].iter().all(|event| event["type"] == "ok"), "{events:?}");
    app.expect_healthy().await;
}

#[actix_web::test]
async fn who_says_later_who_it_is_joins_then_or_is_sent_away() {
    let app = App::start();
    let auth = |scope: &str| json!({ "type": "auth", "token": app.token("alice", scope) });
    let mut ws = Ws::open(app.address, "?rooms=a,b", &[]).await.unwrap();
    ws.send(auth("join:*")).await;
    let events = next(&mut ws, 3).await;
    assert_eq!(
        (&events[0]["type"], &events[1]["room"], &events[2]["room"]),
        (&json!("welcome"), &json!("a"), &json!("b"))
    );

    for scope in ["", "join:a", "publish:*"] {
        let mut ws = Ws::open(app.address, "?rooms=a,b", &[]).await.unwrap();
        ws.send(auth(scope)).await;
        let (goodbye, code, reason) = ws.farewell().await;
        assert_eq!((code, reason.as_str()), (4507, "forbidden"), "{scope}");
        assert_eq!(goodbye.unwrap()["code"], 4507);
    }
    assert_eq!(Ws::refusal(app.address, "?rooms=_a", &[]).await.0, 422);
}

#[actix_web::test]
async fn a_handshake_that_names_twice_as_many_rooms_as_it_may_is_refused_and_a_bad_token_before_that() {
    let app = App::start();
    let names: Vec<String> = (0..201).map(|n| format!("r{n}")).collect();
    let query = format!("?rooms={}", names.join(","));
    let refused = |token: String| {
        let (address, query, authorization) = (app.address, query.clone(), format!("Bearer {token}"));
        async move { Ws::refusal(address, &query, &[("authorization", &authorization)]).await }
    };
    let (status, _, body) = refused(app.token("alice", EVERYWHERE)).await;
    assert_eq!((status, &body["code"]), (422, &json!("room_limit")));
    assert_eq!(refused("none".to_owned()).await.0, 401);
}

#[actix_web::test]
async fn b29_beyond_the_limit_of_a_session_each_room_is_answered_with_room_limit() {
    let mut app = App::start();
    let names: Vec<String> = (0..115).map(|n| format!("room{n}")).collect();
    let mut ws = guest_at(&app, "alice", &format!("?rooms={}", names.join(","))).await;
    let mut answers = next(&mut ws, 115).await;
    let (mut joined, mut refused) = (Vec::new(), Vec::new());
    for answer in &mut answers {
        assert_eq!((&answer["command"], answer.get("ref")), (&json!("join"), None), "{answer}");
        let room = answer["room"].as_str().unwrap().to_owned();
        if answer["type"] == "ok" {
            joined.push(room);
        } else {
            assert_eq!(
                (&answer["code"], &answer["retryable"]),
                (&json!("room_limit"), &json!(false)),
                "{answer}"
            );
            refused.push(room);
        }
    }
    assert_eq!((joined.as_slice(), refused.as_slice()), (&names[..100], &names[100..]));
    // They answer no command, so they are no reason to send anybody away.
    assert_eq!(ws.ask(json!({ "type": "echo", "data": 1 })).await["type"], "ok");
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_room_that_the_node_cannot_take_is_answered_and_the_rest_goes_on() {
    let app = App::start_with(&[("limits.rooms", "1")]);
    let inbox = app.publish("alice", 1).await;
    app.publish("alice", 2).await;
    let mut ws = guest_at(&app, "alice", &format!("?rooms=a,b&since=inbox@{inbox}")).await;
    let answers = next(&mut ws, 2).await;
    assert_eq!((&answers[0]["type"], &answers[0]["room"]), (&json!("ok"), &json!("a")));
    assert_eq!((&answers[1]["code"], &answers[1]["room"]), (&json!("unavailable"), &json!("b")));
    assert_eq!((&answers[1]["retryable"], answers[1].get("ref")), (&json!(true), None));
    assert_eq!(ws.next_ns(1).await, [2]);
    ws.send(json!({ "type": "message", "room": "a", "data": 1 })).await;
    assert_eq!(next_data(&mut ws, 1).await, [1]);
}

#[actix_web::test]
async fn b33_a_cursor_of_rooms_that_is_none_is_refused_before_the_upgrade() {
    let mut app = App::start();
    let authorization = format!("Bearer {}", app.token("alice", EVERYWHERE));
    let headers = [("authorization", authorization.as_str())];
    let position = "k3x9q2ab.1";
    let long: Vec<String> = (0..200).map(|n| format!("room{n}@{position}")).collect();
    for since in [
        format!("a@{position},a@{position}"),
        format!("_a@{position}"),
        format!("a@{position},"),
        "a@abc".to_owned(),
        "a".to_owned(),
        long.join(","),
    ] {
        let (status, _, body) = Ws::refusal(app.address, &format!("?rooms=a&since={since}"), &headers).await;
        assert_eq!((status, &body["code"]), (400, &json!("bad_cursor")), "{since:?}");
    }
    app.expect_healthy().await;
}
