//! What a room remembers, for how long, and how it is read again (G8; PROTOCOL.md sections 1, 3 and 6).

use std::{ops::RangeInclusive, time::Duration};

use serde_json::{Value, json};

use crate::{
    app::{App, until},
    clients::{
        http::Http,
        room::{
            EVERYWHERE, guest, guest_at, join, join_since, leave, member, message, next_data, offset, say,
        },
        ws::Ws,
    },
    welcome::moved,
};

/// As fast as they can be said.
const UNLIMITED: [(&str, &str); 3] = [
    ("session.messages_per_second", "1000000"),
    ("session.messages_burst", "1000000"),
    ("limits.room_messages_per_second", "0"),
];

/// Publishes the numbers `1..=count`; the position of the last.
async fn say_numbers(ws: &mut Ws, room: &str, count: u64) -> String {
    let mut position = String::new();
    for n in 1..=count {
        position = say(ws, room, json!(n)).await;
    }
    position
}

fn numbers(range: RangeInclusive<u64>) -> Vec<Value> {
    range.map(Value::from).collect()
}

fn reader(app: &App) -> Http {
    app.http(&app.token("reader", EVERYWHERE))
}

/// A page of the history, by this query.
async fn page(app: &App, room: &str, query: &str) -> Value {
    let answer = reader(app).get(&format!("/v1/rooms/{room}/messages{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn data(page: &Value) -> Vec<Value> {
    page["messages"].as_array().unwrap().iter().map(|message| message["data"].clone()).collect()
}

/// Joins behind a position that is of no use: the gap is told next, then what is held, then what comes.
async fn expect_gap(app: &App, since: &str, reason: &str, to: &str, held: RangeInclusive<u64>) {
    let mut ws = guest(app, "carol").await;
    let ok = join_since(&mut ws, "chat", since).await;
    assert_eq!((&ok["resume"], offset(&ok["position"])), (&json!("gap"), *held.end()), "{since}");
    let gap = ws.next().await;
    assert_eq!(gap, json!({ "type": "gap", "stream": "chat", "from": since, "to": to, "reason": reason }));
    for n in held {
        let event = ws.next().await;
        assert_eq!(
            (&event["type"], &event["data"], offset(&event["position"])),
            (&json!("message"), &json!(n), n)
        );
    }
    ws.send(json!({ "type": "message", "room": "bell", "data": 0, "ref": 1 })).await;
    assert_eq!(ws.next().await["ref"], 1, "nothing follows");
}

#[actix_web::test]
async fn who_joins_behind_a_position_gets_exactly_what_was_missed_and_then_what_comes() {
    let app = App::start();
    let mut alice = guest(&app, "alice").await;
    let top = say_numbers(&mut alice, "chat", 5).await;
    for missed in 0..=5u64 {
        let mut bob = guest(&app, "bob").await;
        let ok = join_since(&mut bob, "chat", &moved(&top, -(missed as i64))).await;
        assert_eq!((&ok["resume"], &ok["position"]), (&json!("complete"), &json!(top)));
        assert_eq!(next_data(&mut bob, missed as usize).await, numbers(6 - missed..=5));
        bob.send(json!({ "type": "message", "room": "other", "data": 0, "ref": 1 })).await;
        assert_eq!(bob.next().await["ref"], 1, "nothing follows");
    }
    let mut bob = guest(&app, "bob").await;
    assert_eq!(join_since(&mut bob, "chat", "00000000.0").await["resume"], "complete");
    assert_eq!(next_data(&mut bob, 5).await, numbers(1..=5));
    say(&mut alice, "chat", json!("live")).await;
    let live = message(&mut bob).await;
    assert_eq!((&live["data"], &live["position"]), (&json!("live"), &json!(moved(&top, 1))));
}

#[actix_web::test]
async fn who_comes_back_gets_what_was_said_while_away() {
    let app = App::start();
    let (mut alice, mut bob) = (guest(&app, "alice").await, guest(&app, "bob").await);
    let mut seen = join(&mut bob, "chat").await["position"].as_str().unwrap().to_owned();
    for round in 0..5 {
        leave(&mut bob, "chat").await;
        say(&mut alice, "chat", json!([round, "away"])).await;
        assert_eq!(join_since(&mut bob, "chat", &seen).await["resume"], "complete");
        say(&mut alice, "chat", json!([round, "there"])).await;
        for word in ["away", "there"] {
            let event = message(&mut bob).await;
            assert_eq!(
                (&event["data"], event["position"].as_str().unwrap()),
                (&json!([round, word]), moved(&seen, 1).as_str())
            );
            seen = moved(&seen, 1);
        }
    }
}

#[actix_web::test]
async fn the_beginning_of_a_room_that_never_was_is_complete() {
    let app = App::start();
    let mut bob = guest(&app, "bob").await;
    let ok = join_since(&mut bob, "chat", "00000000.0").await;
    assert_eq!((&ok["resume"], offset(&ok["position"])), (&json!("complete"), 0));
    let first = say(&mut guest(&app, "alice").await, "chat", json!(1)).await;
    assert_eq!(first, moved(ok["position"].as_str().unwrap(), 1));
    assert_eq!(next_data(&mut bob, 1).await, [1]);
}

/// B34, G6: for each reason the position after which everything follows.
#[actix_web::test]
async fn b34_what_cannot_be_replayed_is_a_gap_and_what_is_held_follows() {
    let mut app = App::start_with(&[("rooms.history_size", "3")]);
    let top = say_numbers(&mut guest(&app, "alice").await, "chat", 8).await;
    let oldest_lost = moved(&top, -3);
    expect_gap(&app, &moved(&top, -4), "pruned", &oldest_lost, 6..=8).await;
    expect_gap(&app, &moved(&top, -8), "pruned", &oldest_lost, 6..=8).await;
    expect_gap(&app, "00000000.0", "pruned", &oldest_lost, 6..=8).await;
    expect_gap(&app, "zzzzzzzz.7", "epoch", &oldest_lost, 6..=8).await;
    expect_gap(&app, "00000000.7", "epoch", &oldest_lost, 6..=8).await;
    expect_gap(&app, &moved(&top, 1), "ahead", &oldest_lost, 6..=8).await;
    expect_gap(&app, &moved(&top, 1 << 40), "ahead", &oldest_lost, 6..=8).await;
    // The last that is lost is not needed.
    let mut bob = guest(&app, "bob").await;
    assert_eq!(join_since(&mut bob, "chat", &oldest_lost).await["resume"], "complete");
    assert_eq!(next_data(&mut bob, 3).await, numbers(6..=8));
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_room_without_history_tells_everything_missed_as_lost() {
    let app = App::start_with(&[("rooms.history_size", "0")]);
    let mut alice = guest(&app, "alice").await;
    let top = say_numbers(&mut alice, "chat", 3).await;
    let mut bob = guest(&app, "bob").await;
    assert_eq!(join_since(&mut bob, "chat", &moved(&top, -1)).await["resume"], "gap");
    let gap = bob.next().await;
    assert_eq!(
        (&gap["from"], &gap["to"], &gap["reason"]),
        (&json!(moved(&top, -1)), &json!(top), &json!("pruned"))
    );
    say(&mut alice, "chat", json!("live")).await;
    assert_eq!(next_data(&mut bob, 1).await, ["live"]);
    assert_eq!(data(&page(&app, "chat", "").await), [Value::Null; 0]);
}

#[actix_web::test]
async fn a_history_stays_within_its_bytes() {
    let app = App::start_with(&[("rooms.history_bytes", "32KiB")]);
    let (mut alice, mut bob) = (guest(&app, "alice").await, member(&app, "bob", &["chat"]).await);
    let text = "x".repeat(6 * 1024);
    let mut top = String::new();
    for n in 1..=20 {
        top = say(&mut alice, "chat", json!([n, text])).await;
        assert_eq!(message(&mut bob).await["data"][0], n);
    }
    let held = page(&app, "chat", "").await;
    let ns: Vec<Value> = data(&held).iter().map(|data| data[0].clone()).collect();
    assert_eq!((ns, &held["position"]), (numbers(16..=20), &json!(top)));

    // One that is larger than the whole history is heard, and then gone with all before it.
    let mut carol = guest(&app, "carol").await;
    let huge = "y".repeat(32 * 1024 - 2);
    say(&mut alice, "chat", json!(huge)).await;
    assert_eq!(message(&mut bob).await["data"], huge);
    assert_eq!(join_since(&mut carol, "chat", &top).await["resume"], "gap");
    let gap = carol.next().await;
    assert_eq!((&gap["type"], &gap["to"]), (&json!("gap"), &json!(moved(&top, 1))));
}

#[actix_web::test]
async fn a_history_ends_with_its_age_and_the_numbers_go_on() {
    let app = App::start_with(&[("rooms.history_ttl", "1s")]);
    let mut alice = guest(&app, "alice").await;
    let top = say(&mut alice, "chat", json!(1)).await;
    // A room that is read every now and then forgets all the same.
    loop {
        let held = page(&app, "chat", "").await;
        assert_eq!(held["position"], top);
        if data(&held).is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut bob = guest(&app, "bob").await;
    assert_eq!(join_since(&mut bob, "chat", &moved(&top, -1)).await["resume"], "gap");
    assert_eq!(bob.next().await["reason"], "pruned");
    assert_eq!(say(&mut alice, "chat", json!(2)).await, moved(&top, 1));
    assert_eq!(next_data(&mut bob, 1).await, [2]);
}

#[actix_web::test]
async fn all_rooms_together_stay_within_their_bytes_and_the_least_used_goes_first() {
    let app = App::start_with(&[("rooms.total_bytes", "128KiB"), UNLIMITED[0], UNLIMITED[1]]);
    let mut alice = guest(&app, "alice").await;
    let mut inside = member(&app, "bob", &["inside"]).await;
    let text = "x".repeat(10 * 1024);
    let (empty, kept) =
        (say(&mut alice, "empty", json!(text)).await, say(&mut alice, "inside", json!(text)).await);
    let mut last = String::new();
    for n in 0..200 {
        last = say(&mut alice, &format!("room{n}"), json!(text)).await;
    }
    let mut carol = guest(&app, "carol").await;
    // Where somebody is the numbers are kept, and only the history goes.
    assert_eq!(join_since(&mut carol, "inside", &moved(&kept, -1)).await["resume"], "gap");
    let gap = carol.next().await;
    assert_eq!((&gap["reason"], &gap["to"]), (&json!("pruned"), &json!(kept)));
    assert_eq!(say(&mut alice, "inside", json!("on")).await, moved(&kept, 1));
    assert_eq!(next_data(&mut inside, 2).await, [json!(text), json!("on")]);
    // Of a room where nobody is nothing may be left.
    assert_eq!(join_since(&mut carol, "empty", &empty).await["resume"], "gap");
    assert_eq!(join_since(&mut carol, "room199", &moved(&last, -1)).await["resume"], "complete");
}

#[actix_web::test]
async fn an_empty_room_whose_time_is_over_begins_anew() {
    let app = App::start_with(&[("rooms.position_ttl", "0"), ("rooms.leave_grace", "0")]);
    let mut alice = guest(&app, "alice").await;
    let position = say(&mut member(&app, "bob", &["chat"]).await, "chat", json!(1)).await;
    let gap = loop {
        let ok = join_since(&mut alice, "chat", &position).await;
        if ok["resume"] == "gap" {
            break alice.expect("gap").await;
        }
        leave(&mut alice, "chat").await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!((&gap["reason"], offset(&gap["to"])), (&json!("epoch"), 0));
    assert_eq!(offset(&json!(say(&mut alice, "chat", json!(2)).await)), 1);
}

/// More than a page, and more than an outbox: it comes in order and whole.
#[actix_web::test]
async fn a_thousand_messages_are_replayed_in_order_whatever_fits_at_once() {
    for outbox in
        [("session.outbox_events", "1000"), ("session.outbox_events", "20"), ("session.outbox_bytes", "4KiB")]
    {
        let app = App::start_with(&[outbox, UNLIMITED[0], UNLIMITED[1], UNLIMITED[2]]);
        let mut alice = guest(&app, "alice").await;
        let top = say_numbers(&mut alice, "chat", 1000).await;
        let mut bob = guest(&app, "bob").await;
        let ok = join_since(&mut bob, "chat", "00000000.0").await;
        assert_eq!((&ok["resume"], &ok["position"]), (&json!("complete"), &json!(top)));
        for n in 1..=1000 {
            let event = message(&mut bob).await;
            assert_eq!((&event["data"], offset(&event["position"])), (&json!(n), n), "{outbox:?}");
        }
        say(&mut alice, "chat", json!("live")).await;
        assert_eq!(next_data(&mut bob, 1).await, ["live"]);
    }
}

#[actix_web::test]
async fn large_messages_of_several_rooms_are_replayed_in_order() {
    let app = App::start_with(&[("rooms.history_bytes", "16MiB"), UNLIMITED[0], UNLIMITED[1], UNLIMITED[2]]);
    let mut alice = guest(&app, "alice").await;
    let text = "x".repeat(25 * 1024);
    let rooms = ["one", "two", "three"];
    for room in rooms {
        for n in 1..=60 {
            say(&mut alice, room, json!([n, text])).await;
        }
    }
    let cursor = rooms.map(|room| format!("{room}@00000000.0")).join(",");
    let query = format!("?rooms={}&since={cursor}", rooms.join(","));
    let mut bob = guest_at(&app, "bob", &query).await;
    let mut reached = [0; 3];
    while reached != [60; 3] {
        let event = bob.next().await;
        assert!(event["type"] == "message" || event["type"] == "ok", "{event}");
        if event["type"] == "message" {
            let room = rooms.iter().position(|room| event["room"] == *room).unwrap();
            reached[room] += 1;
            assert_eq!(
                (&event["data"][0], offset(&event["position"])),
                (&json!(reached[room]), reached[room])
            );
        }
    }
}

#[actix_web::test]
async fn the_history_is_read_over_http_page_by_page_up_to_the_top() {
    let app = App::start_with(&UNLIMITED);
    let mut alice = member(&app, "alice", &["chat"]).await;
    let top = say_numbers(&mut guest(&app, "bob").await, "chat", 120).await;
    let newest = page(&app, "chat", "").await;
    assert_eq!((data(&newest), &newest["resume"]), (numbers(71..=120), &json!("fresh")));
    assert_eq!((&newest["position"], newest.as_object().unwrap().len()), (&json!(top), 3));
    assert_eq!(data(&page(&app, "chat", "?limit=3").await), numbers(118..=120));
    assert_eq!(data(&page(&app, "chat", "?limit=100000").await), numbers(1..=120));

    let mut since = moved(&top, -120);
    for range in [1..=50, 51..=100, 101..=120] {
        let next = page(&app, "chat", &format!("?since={since}&limit=50")).await;
        assert_eq!((data(&next), &next["resume"]), (numbers(range), &json!("complete")));
        since = next["position"].as_str().unwrap().to_owned();
        assert_eq!(next["messages"].as_array().unwrap().last().unwrap()["position"], since);
    }
    assert_eq!(
        page(&app, "chat", &format!("?since={top}")).await,
        json!({ "messages": [], "position": top, "resume": "complete" })
    );

    // The same as on a socket, and its position is one to go on from.
    let held = page(&app, "chat", "?since=00000000.0&limit=2").await;
    let heard = [message(&mut alice).await, message(&mut alice).await];
    assert_eq!(held["messages"], json!(heard));
    let mut carol = guest(&app, "carol").await;
    join_since(&mut carol, "chat", held["position"].as_str().unwrap()).await;
    assert_eq!(next_data(&mut carol, 118).await, numbers(3..=120));
}

#[actix_web::test]
async fn a_page_behind_a_position_of_no_use_says_gap_and_begins_with_what_is_held() {
    let app = App::start_with(&[("rooms.history_size", "3")]);
    let top = say_numbers(&mut guest(&app, "alice").await, "chat", 8).await;
    for since in [moved(&top, -8), moved(&top, 9), "zzzzzzzz.1".to_owned(), "00000000.0".to_owned()] {
        let held = page(&app, "chat", &format!("?since={since}&limit=2")).await;
        assert_eq!((data(&held), &held["resume"]), (numbers(6..=7), &json!("gap")), "{since}");
        let rest = page(&app, "chat", &format!("?since={}", held["position"].as_str().unwrap())).await;
        assert_eq!(
            (data(&rest), &rest["resume"], &rest["position"]),
            (numbers(8..=8), &json!("complete"), &json!(top))
        );
    }
}

#[actix_web::test]
async fn a_room_that_never_was_has_no_messages_and_a_question_makes_none() {
    let app = App::start();
    let nothing = |resume: &str| json!({ "messages": [], "position": "00000000.0", "resume": resume });
    assert_eq!(page(&app, "chat", "").await, nothing("fresh"));
    assert_eq!(page(&app, "chat", "?since=00000000.0").await, nothing("complete"));
    assert_eq!(page(&app, "chat", "?since=zzzzzzzz.4").await, nothing("gap"));
    say(&mut guest(&app, "alice").await, "chat", json!(1)).await;
    let held = page(&app, "chat", "?since=00000000.0").await;
    assert_eq!((data(&held), &held["resume"]), (numbers(1..=1), &json!("complete")));
}

#[actix_web::test]
async fn b33_b48_what_is_no_page_is_a_bad_request() {
    let mut app = App::start();
    let http = reader(&app);
    for limit in ["0", "-5", "1e3", "", "1.5", "x"] {
        http.get(&format!("/v1/rooms/chat/messages?limit={limit}")).await.problem(400, "bad_message");
    }
    for since in ["abc", "", "k3x9q2ab.-1", "k3x9q2ab.9223372036854775808", "chat@k3x9q2ab.1", "k3x9q2ab"] {
        http.get(&format!("/v1/rooms/chat/messages?since={since}")).await.problem(400, "bad_cursor");
    }
    http.get("/v1/rooms/chat/messages?before=k3x9q2ab.1").await.problem(400, "bad_message");
    http.get("/v1/rooms/chat/messages?limit=1&limit=2").await.problem(400, "bad_message");
    for (method, path, allow) in [
        ("DELETE", "/v1/rooms/chat/messages", "GET, HEAD, POST"),
        ("POST", "/v1/rooms/chat/presence", "GET, HEAD"),
    ] {
        let answer = http.send(http.request(method, path), "").await;
        assert_eq!((answer.status, answer.header("Allow")), (405, Some(allow)), "{method} {path}");
    }
    assert_eq!(http.get("/v1/rooms/chat").await.status, 404);
    app.expect_healthy().await;
}

/// G10: histories are counted, whatever is said to however many rooms.
#[actix_web::test]
async fn the_memory_of_rooms_is_bounded() {
    let app = App::start_with(&[("rooms.total_bytes", "4MiB"), UNLIMITED[0], UNLIMITED[1], UNLIMITED[2]]);
    let mut alice = guest(&app, "alice").await;
    let text = "x".repeat(30 * 1024);
    let mut before = 0;
    for n in 0..1000 {
        let room = format!("room{}", n % 300);
        if n % 20 == 0 {
            say(&mut alice, &room, json!(text)).await;
        } else {
            alice.send(json!({ "type": "message", "room": room, "data": text })).await;
        }
        if n == 250 {
            before = app.memory();
        }
    }
    // 30 MB were said by now; what an allocator keeps beside is small.
    until("memory is given back", || (app.memory() < before + (4 << 20)).then_some(())).await;
}
