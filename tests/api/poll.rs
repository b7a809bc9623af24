//! Long poll: what an answer holds, and that nothing is lost between two of them (PROTOCOL.md section 5).

use futures_util::future::join;
use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{
        poll::Poll,
        room::{EVERYWHERE, guest, guest_at, member, offset, say, types, until_said},
        sse::cursor,
    },
    traffic::{offset_of, publish_all},
    welcome::moved,
};

/// The numbers of notifications and messages.
fn ns(events: &[Value]) -> Vec<u64> {
    let n = |event: &Value| event["payload"]["n"].as_u64().or(event["data"].as_u64());
    events.iter().filter_map(n).collect()
}

#[actix_web::test]
async fn without_a_cursor_a_poll_answers_at_once_with_where_everything_stands() {
    let app = App::start();
    let top = app.publish("alice", 1).await;
    let said = say(&mut guest(&app, "bob").await, "chat", json!(1)).await;
    let poll = Poll::start(&app, "alice", EVERYWHERE, "chat").await;
    assert_eq!(json!(cursor(&poll.cursor)), json!({ "inbox": top, "chat": said }));
    assert_eq!(poll.resume, json!({ "inbox": "fresh", "chat": "fresh" }));

    let carols = Poll::start(&app, "carol", "", "").await;
    assert_eq!((carols.cursor.as_str(), &carols.resume), ("inbox@00000000.0", &json!({ "inbox": "fresh" })));
    // However long it would wait.
    let answer = app.user("carol").get("/v1/poll?wait=60").await;
    assert_eq!(answer.json()["events"], json!([]));
}

#[actix_web::test]
async fn what_is_there_is_answered_at_once_and_the_cursor_goes_on_from_it() {
    let app = App::start();
    let mut bob = guest(&app, "bob").await;
    let mut poll = Poll::start(&app, "alice", EVERYWHERE, "one,two").await;
    for round in 0..3 {
        for n in 1..=3 {
            app.publish("alice", n).await;
            say(&mut bob, "one", json!(10 + n)).await;
            say(&mut bob, "two", json!(20 + n)).await;
        }
        let events = poll.collect(9, |event| event.get("position").is_some()).await;
        let of = |tens: u64| ns(&events).into_iter().filter(|n| n / 10 == tens).collect::<Vec<_>>();
        assert_eq!((of(0), of(1), of(2)), (vec![1, 2, 3], vec![11, 12, 13], vec![21, 22, 23]), "{round}");
        assert_eq!(poll.resume, json!({ "inbox": "complete", "one": "complete", "two": "complete" }));
    }
    assert_eq!(ns(&poll.next(0).await), [0; 0]);
}

/// A poll over a room that it has no position of, and a cursor over one that it does not ask for.
#[actix_web::test]
async fn streams_start_live_where_the_cursor_does_not_know_them_and_are_ignored_where_nobody_asks() {
    let app = App::start();
    let mut bob = guest(&app, "bob").await;
    let top = app.publish("alice", 1).await;
    app.publish("alice", 2).await;
    let said = say(&mut bob, "chat", json!(1)).await;
    let since = format!("inbox@{top},other@{said}");
    let mut poll = Poll::at(&app, "alice", EVERYWHERE, "chat", &since);
    assert_eq!(ns(&poll.next(5).await), [2]);
    assert_eq!(poll.resume, json!({ "inbox": "complete", "chat": "fresh" }));
    assert_eq!(json!(cursor(&poll.cursor)), json!({ "inbox": moved(&top, 1), "chat": said }));
    say(&mut bob, "chat", json!(2)).await;
    assert_eq!(ns(&poll.collect(1, |event| event["type"] == "message").await), [2]);
}

#[actix_web::test]
async fn an_answer_has_five_hundred_events_at_most_and_the_next_one_the_rest() {
    let app = App::start_with(&[("limits.room_messages_per_second", "0")]);
    let start = Poll::start(&app, "alice", EVERYWHERE, "busy").await.cursor;
    let speaker = app.http(&app.token("bob", EVERYWHERE));
    let speaking = async {
        for n in 1..=700 {
            let answer = speaker.post("/v1/rooms/busy/messages", &json!({ "data": n })).await;
            assert_eq!(answer.status, 201, "{}", answer.text());
        }
    };
    join(publish_all(&app, &["alice"], 1201, 0, 16), speaking).await;
    let mut poll = Poll::at(&app, "alice", EVERYWHERE, "busy", &start);
    let (mut told, mut said) = (Vec::new(), Vec::new());
    while told.len() < 1201 || said.len() < 700 {
        let events = poll.next(0).await;
        assert!(!events.is_empty(), "{}", poll.cursor);
        for event in events.iter().filter(|event| event.get("position").is_some()) {
            let of_room = event.get("room").is_some();
            if of_room { &mut said } else { &mut told }.push(offset(&event["position"]));
        }
        let at = cursor(&poll.cursor);
        assert_eq!((offset_of(&at["inbox"]), offset_of(&at["busy"])), (told.len() as u64, said.len() as u64));
    }
    assert_eq!((told, said), ((1..=1201).collect(), (1..=700).collect()));
}

#[actix_web::test]
async fn what_has_nothing_to_show_is_a_skip_and_what_is_lost_a_gap() {
    let app = App::start_with(&[("rooms.history_size", "2")]);
    let mut bob = guest(&app, "bob").await;
    let said = say(&mut bob, "chat", json!(1)).await;
    for n in 2..=5 {
        say(&mut bob, "chat", json!(n)).await;
    }
    let mut positions = Vec::new();
    for n in 1..=3 {
        positions.push(app.publish("alice", n).await);
    }
    let alice = app.user("alice");
    let listed = alice.get("/v1/notifications").await.json();
    let second = listed["notifications"][1]["id"].as_str().unwrap();
    assert_eq!(alice.delete(&format!("/v1/notifications/{second}")).await.status, 204);

    let mut poll = Poll::at(&app, "alice", EVERYWHERE, "chat", &format!("inbox@00000000.0,chat@{said}"));
    let events = poll.next(0).await;
    assert_eq!(poll.resume, json!({ "inbox": "complete", "chat": "gap" }));
    let of = |stream: &str| {
        let own = events.iter().filter(move |event| {
            let name = event.get("room").or(event.get("stream")).and_then(Value::as_str);
            name.unwrap_or("inbox") == stream && event["type"] != "unread"
        });
        own.cloned().collect::<Vec<Value>>()
    };
    assert_eq!(types(&of("inbox")), ["test.event", "skip", "test.event"]);
    assert_eq!(
        of("inbox")[1],
        json!({ "type": "skip", "stream": "inbox", "from": positions[0], "to": positions[1] })
    );
    assert_eq!(types(&of("chat")), ["gap", "message", "message"]);
    assert_eq!(
        of("chat")[0],
        json!({ "type": "gap", "stream": "chat", "from": said, "to": moved(&said, 2), "reason": "pruned" })
    );
    assert_eq!(json!(cursor(&poll.cursor)), json!({ "inbox": positions[2], "chat": moved(&said, 4) }));
}

/// B32, B34: as over a WebSocket.
#[actix_web::test]
async fn b32_b34_a_cursor_of_another_inbox_or_ahead_of_ones_own_is_a_gap_to_the_top() {
    let mut app = App::start();
    let bobs = app.publish("bob", 1000).await;
    let top = app.publish("alice", 1).await;
    for (since, reason) in [(bobs, "epoch"), (moved(&top, 40), "ahead")] {
        let mut poll = Poll::at(&app, "alice", "", "", &format!("inbox@{since}"));
        let events = poll.next(5).await;
        assert_eq!(
            events[0],
            json!({ "type": "gap", "stream": "inbox", "from": since, "to": top, "reason": reason })
        );
        assert_eq!(
            (&poll.resume, poll.cursor.as_str()),
            (&json!({ "inbox": "gap" }), &*format!("inbox@{top}"))
        );
        let listed = app.user("alice").get("/v1/notifications").await.json();
        assert_eq!(listed["cursor"], poll.cursor);
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn whoever_polls_a_room_is_not_in_it_and_hears_of_nobody_there() {
    let app = App::start_with(&[("rooms.leave_grace", "0")]);
    let mut bob = member(&app, "bob", &["chat"]).await;
    let mut poll = Poll::start(&app, "alice", EVERYWHERE, "chat").await;
    let polling = poll.next(5);
    let talking = async {
        // Whoever comes, types and goes is no news for a poll.
        let mut carol = guest_at(&app, "carol", "?rooms=chat").await;
        carol.expect("ok").await;
        carol.send(json!({ "type": "typing", "room": "chat" })).await;
        assert_eq!(bob.expect("typing").await["users"], json!(["carol"]));
        carol.socket.close(None).await.unwrap();
        bob.expect("user_left").await;
        let present = app.http(&app.token("bob", EVERYWHERE)).get("/v1/rooms/chat/presence").await.json();
        assert_eq!(present, json!({ "users": ["bob"], "user_count": 1, "typing": [] }));
        say(&mut bob, "chat", json!("now")).await;
    };
    let (events, ()) = join(polling, talking).await;
    assert_eq!((types(&events), &events[0]["data"]), (vec!["message"], &json!("now")));
    poll.next(0).await;
    bob.send(json!({ "type": "message", "room": "chat", "data": "end" })).await;
    // Nobody else was there in all the time.
    assert_eq!(types(&until_said(&mut bob, &json!("end")).await), ["message"]);
}

#[actix_web::test]
async fn a_poll_is_refused_as_a_stream_is() {
    let mut app = App::start_with(&[("http.allowed_origins", "https://app.example.com")]);
    // B01.
    app.anonymous().get("/v1/poll").await.problem(401, "invalid_token");
    let alice = app.http(&app.token("alice", "join:chat:*"));
    let evil = alice.request("GET", "/v1/poll").insert_header(("Origin", "https://evil.example"));
    alice.send(evil, "").await.problem(403, "origin_not_allowed");
    alice.get("/v1/poll?rooms=chat:1,other").await.problem(403, "forbidden");
    let eleven: Vec<String> = (1..=11).map(|n| format!("chat:{n}")).collect();
    alice.get(&format!("/v1/poll?rooms={}", eleven.join(","))).await.problem(422, "room_limit");
    assert_eq!(alice.get(&format!("/v1/poll?rooms={}", eleven[1..].join(","))).await.status, 200);
    for rooms in ["_x", "chat:a%20b", ".."] {
        alice.get(&format!("/v1/poll?rooms={rooms}")).await.problem(422, "bad_room");
    }
    // B33.
    for since in ["abc", "", "inbox@k3x9q2ab.-1", "inbox@k3x9q2ab.9223372036854775808"] {
        alice.get(&format!("/v1/poll?since={since}")).await.problem(400, "bad_cursor");
    }
    for method in ["POST", "PUT", "DELETE"] {
        let answer = alice.send(alice.request(method, "/v1/poll"), "").await;
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.header("Allow").unwrap().contains("GET"));
    }
    app.expect_healthy().await;
}
