//! Who is in a room and who types there (G14; PROTOCOL.md sections 3 and 6).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    app::{App, DEADLINE, until},
    clients::{
        room::{
            EVERYWHERE, done, guest, guest_at, join, leave, member, refused, say, types, until_said, up_to,
        },
        ws::Ws,
    },
};

/// A grace that is over soon, and one that is not over before a test is.
const SHORT: (&str, &str) = ("rooms.leave_grace", "500ms");
const LONG: (&str, &str) = ("rooms.leave_grace", "1h");

async fn presence(app: &App, room: &str) -> Value {
    let answer = app.http(&app.token("reader", EVERYWHERE)).get(&format!("/v1/rooms/{room}/presence")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Asks again until it is so, within the deadline.
async fn until_present(app: &App, room: &str, expected: Value) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let found = presence(app, room).await;
        if found == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{found} instead of {expected}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn typing(room: &str) -> Value {
    json!({ "type": "typing", "room": room })
}

/// What has come up to now, and of it what is about presence and typing. A message tells where now is.
async fn heard(ws: &mut Ws, room: &str) -> Vec<Value> {
    ws.send(json!({ "type": "message", "room": room, "data": "now" })).await;
    until_said(ws, &json!("now")).await
}

#[actix_web::test]
async fn the_first_session_of_a_user_is_told_to_the_others_and_no_other_session_is() {
    let app = App::start_with(&[LONG]);
    let mut alice = member(&app, "alice", &["chat"]).await;
    let mut phone = member(&app, "bob", &["chat"]).await;
    assert_eq!(
        alice.next().await,
        json!({ "type": "user_joined", "room": "chat", "user": "bob", "user_count": 2 })
    );
    let mut laptop = member(&app, "bob", &["chat"]).await;
    let mut tablet = guest_at(&app, "bob", "?rooms=chat").await;
    assert_eq!(tablet.next().await["users"], json!(["alice", "bob"]));
    assert_eq!(heard(&mut alice, "chat").await, [Value::Null; 0]);
    // Nobody is told about oneself.
    for ws in [&mut phone, &mut laptop, &mut tablet] {
        assert_eq!(types(&until_said(ws, &json!("now")).await), [""; 0]);
    }

    member(&app, "carol", &["chat"]).await;
    for ws in [&mut alice, &mut phone, &mut laptop, &mut tablet] {
        assert_eq!(
            ws.next().await,
            json!({ "type": "user_joined", "room": "chat", "user": "carol", "user_count": 3 })
        );
    }
}

#[actix_web::test]
async fn a_user_has_left_when_the_last_session_is_gone_and_the_grace_is_over() {
    let app = App::start_with(&[SHORT]);
    let mut alice = member(&app, "alice", &["chat"]).await;
    let mut phone = member(&app, "bob", &["chat"]).await;
    let mut laptop = member(&app, "bob", &["chat"]).await;
    assert_eq!(alice.next().await["type"], "user_joined");
    leave(&mut phone, "chat").await;
    // A cut is a leave, too.
    let start = Instant::now();
    laptop.socket.close(None).await.unwrap();
    laptop.end().await;
    assert_eq!(
        alice.next().await,
        json!({ "type": "user_left", "room": "chat", "user": "bob", "user_count": 1 })
    );
    assert!(start.elapsed() >= Duration::from_millis(500), "{:?}", start.elapsed());
    assert_eq!(join(&mut alice, "chat").await["users"], json!(["alice"]));
    // Who has left hears of it nowhere.
    assert_eq!(done(&mut phone, json!({ "type": "echo", "data": 1 })).await["data"], 1);
}

#[actix_web::test]
async fn a_user_who_comes_back_within_the_grace_was_never_away() {
    let app = App::start_with(&[LONG]);
    let mut alice = member(&app, "alice", &["chat"]).await;
    let mut bob = member(&app, "bob", &["chat"]).await;
    assert_eq!(alice.next().await["type"], "user_joined");
    leave(&mut bob, "chat").await;
    assert_eq!(join(&mut alice, "chat").await["users"], json!(["alice", "bob"]));
    let ok = join(&mut bob, "chat").await;
    assert_eq!((&ok["users"], &ok["user_count"]), (&json!(["alice", "bob"]), &json!(2)));
    bob.socket.close(None).await.unwrap();
    member(&app, "bob", &["chat"]).await;
    assert_eq!(heard(&mut alice, "chat").await, [Value::Null; 0]);
}

#[actix_web::test]
async fn without_a_grace_leaving_is_told_at_once_and_coming_back_too() {
    let app = App::start_with(&[("rooms.leave_grace", "0")]);
    let mut alice = member(&app, "alice", &["chat"]).await;
    let mut bob = guest(&app, "bob").await;
    for _ in 0..3 {
        join(&mut bob, "chat").await;
        assert_eq!((&alice.next().await["type"]), "user_joined");
        leave(&mut bob, "chat").await;
        assert_eq!((&alice.next().await["type"]), "user_left");
    }
}

#[actix_web::test]
async fn presence_is_a_rooms_own() {
    let app = App::start_with(&[("rooms.leave_grace", "0")]);
    let mut alice = member(&app, "alice", &["one", "two"]).await;
    let mut bob = member(&app, "bob", &["one", "two"]).await;
    let mut joined: Vec<Value> = vec![alice.next().await, alice.next().await];
    assert_eq!(joined.iter_mut().map(|event| event["room"].take()).collect::<Vec<_>>(), ["one", "two"]);
    leave(&mut bob, "one").await;
    let left = alice.next().await;
    assert_eq!((&left["type"], &left["room"]), (&json!("user_left"), &json!("one")));
    until_present(&app, "two", json!({ "users": ["alice", "bob"], "user_count": 2, "typing": [] })).await;
    until_present(&app, "one", json!({ "users": ["alice"], "user_count": 1, "typing": [] })).await;
}

#[actix_web::test]
async fn whoever_types_is_told_to_all_and_oneself_too_and_stops_by_saying_so() {
    let app = App::start_with(&[("rooms.typing_ttl", "1h")]);
    let mut alice = member(&app, "alice", &["chat"]).await;
    let mut bob = member(&app, "bob", &["chat"]).await;
    assert_eq!(alice.next().await["type"], "user_joined");
    let ok = done(&mut bob, typing("chat")).await;
    assert_eq!(ok, json!({ "type": "ok", "ref": "test", "command": "typing" }));
    let told = |users: Value| json!({ "type": "typing", "room": "chat", "users": users });
    for ws in [&mut alice, &mut bob] {
        assert_eq!(ws.next().await, told(json!(["bob"])));
    }
    alice.send(typing("chat")).await;
    for ws in [&mut alice, &mut bob] {
        assert_eq!(ws.next().await, told(json!(["alice", "bob"])));
    }
    bob.send(json!({ "type": "typing", "room": "chat", "active": false })).await;
    for ws in [&mut alice, &mut bob] {
        assert_eq!(ws.next().await, told(json!(["alice"])));
    }
    // Who leaves no longer types.
    leave(&mut alice, "chat").await;
    assert_eq!(bob.next().await, told(json!([])));
}

#[actix_web::test]
async fn b30_typing_fifty_times_is_one_event_and_no_error() {
    let mut app = App::start_with(&[("rooms.typing_ttl", "1h")]);
    let mut alice = member(&app, "alice", &["chat"]).await;
    let mut bob = member(&app, "bob", &["chat"]).await;
    for _ in 0..50 {
        bob.send(typing("chat")).await;
    }
    bob.send(json!({ "type": "typing", "room": "chat", "ref": "last" })).await;
    let answers = up_to(&mut bob, "ok").await;
    assert!(types(&answers).iter().all(|word| *word == "typing" || *word == "ok"), "{answers:?}");
    say(&mut bob, "chat", json!("after")).await;
    let heard = until_said(&mut alice, &json!("after")).await;
    assert_eq!(types(&heard), ["user_joined", "typing"], "{heard:?}");
    // Nor does it count towards the rate of commands.
    assert_eq!(done(&mut bob, json!({ "type": "echo", "data": 1 })).await["data"], 1);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn flipping_is_told_at_most_four_times_a_second_and_ends_at_the_truth() {
    let app = App::start_with(&[("rooms.typing_ttl", "1h")]);
    let mut alice = member(&app, "alice", &["chat"]).await;
    let mut bob = member(&app, "bob", &["chat"]).await;
    let start = Instant::now();
    for n in 0..20 {
        bob.send(json!({ "type": "typing", "room": "chat", "active": n % 2 == 0, "ref": n })).await;
    }
    while bob.next().await["ref"] != 19 {}
    let mut told = 0;
    loop {
        let event = alice.expect("typing").await;
        told += 1;
        if event["users"] == json!([]) {
            break;
        }
    }
    let most = start.elapsed().as_millis() / 250 + 1;
    assert!(told <= most, "{told} in {:?}", start.elapsed());
}

#[actix_web::test]
async fn typing_expires_unless_it_is_renewed() {
    let ttl = Duration::from_secs(2);
    let app = App::start_with(&[("rooms.typing_ttl", "2s")]);
    let mut alice = member(&app, "alice", &["chat"]).await;
    let mut bob = member(&app, "bob", &["chat"]).await;
    let start = Instant::now();
    let mut last = start;
    while start.elapsed() < ttl + ttl / 2 {
        last = Instant::now();
        bob.send(typing("chat")).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    say(&mut bob, "chat", json!("renewed")).await;
    assert_eq!(types(&until_said(&mut alice, &json!("renewed")).await), ["user_joined", "typing"]);
    assert_eq!(alice.next().await, json!({ "type": "typing", "room": "chat", "users": [] }));
    // Renewals are passed on four times a second.
    assert!(last.elapsed() >= ttl - Duration::from_millis(300), "{:?}", last.elapsed());
}

#[actix_web::test]
async fn typing_without_a_room_is_in_the_only_one_that_is_joined() {
    let app = App::start_with(&[("rooms.typing_ttl", "1h")]);
    let mut alice = member(&app, "alice", &["one", "two"]).await;
    let mut bob = guest(&app, "bob").await;
    assert_eq!(refused(&mut bob, json!({ "type": "typing" })).await, "bad_room");
    join(&mut bob, "two").await;
    done(&mut bob, json!({ "type": "typing" })).await;
    let event = alice.expect("typing").await;
    assert_eq!((&event["room"], &event["users"]), (&json!("two"), &json!(["bob"])));
    join(&mut bob, "one").await;
    assert_eq!(refused(&mut bob, json!({ "type": "typing" })).await, "bad_room");
    bob.send(json!({ "type": "typing", "active": false })).await;
    while bob.next().await["type"] != "error" {}
    leave(&mut bob, "one").await;
    done(&mut bob, json!({ "type": "typing", "active": false })).await;
    assert_eq!(alice.expect("typing").await["users"], json!([]));
}

#[actix_web::test]
async fn at_most_twenty_who_type_are_named() {
    let app = App::start_with(&[("rooms.typing_ttl", "1h")]);
    let mut alice = member(&app, "alice", &["chat"]).await;
    let mut crowd = Vec::new();
    for n in 0..25 {
        let mut ws = member(&app, &format!("user{n:02}"), &["chat"]).await;
        done(&mut ws, typing("chat")).await;
        crowd.push(ws);
    }
    loop {
        let users = alice.expect("typing").await["users"].clone();
        if users.as_array().unwrap().len() == 20 {
            break;
        }
    }
    let found = presence(&app, "chat").await;
    assert_eq!((found["typing"].as_array().unwrap().len(), &found["user_count"]), (20, &json!(26)));
}

#[actix_web::test]
async fn an_answer_names_at_most_two_hundred_users_and_counts_all() {
    let limits = [("limits.handshakes_per_second", "0"), ("limits.sessions_per_ip", "0"), LONG];
    let app = App::start_with(&limits);
    // In their grace they count as the others do, and need no connection.
    for n in 0..210 {
        guest_at(&app, &format!("user{n:03}"), "?rooms=chat").await.expect("ok").await;
    }
    let ok = join(&mut guest(&app, "zoe").await, "chat").await;
    assert_eq!((ok["users"].as_array().unwrap().len(), &ok["user_count"]), (200, &json!(211)));
    let found = presence(&app, "chat").await;
    assert_eq!((&found["users"], &found["user_count"]), (&ok["users"], &json!(211)));
}

#[actix_web::test]
async fn presence_is_asked_over_http_without_being_there() {
    let app = App::start_with(&[("rooms.typing_ttl", "1h"), ("rooms.leave_grace", "0")]);
    assert_eq!(presence(&app, "chat").await, json!({ "users": [], "user_count": 0, "typing": [] }));
    let (mut bob, _alice) = (member(&app, "bob", &["chat"]).await, member(&app, "alice", &["chat"]).await);
    done(&mut bob, typing("chat")).await;
    until_present(&app, "chat", json!({ "users": ["alice", "bob"], "user_count": 2, "typing": ["bob"] }))
        .await;
    bob.socket.close(None).await.unwrap();
    until_present(&app, "chat", json!({ "users": ["alice"], "user_count": 1, "typing": [] })).await;
    let http = app.http(&app.token("reader", EVERYWHERE));
    let answer = http.get("/v1/rooms/chat/presence").await;
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
}

/// G9, G14: however a session ends, it is in no room any more.
#[actix_web::test]
async fn a_session_that_is_sent_away_has_left_its_rooms() {
    let app = App::start_with(&[
        ("rooms.leave_grace", "0"),
        ("auth.expiry_grace", "500ms"),
        ("session.ping_interval", "500ms"),
        ("session.pong_timeout", "3s"),
        ("limits.sessions_per_user", "1"),
    ]);
    let mut alice = member(&app, "alice", &["chat"]).await;
    let user_left =
        |user: &str| json!({ "type": "user_left", "room": "chat", "user": user, "user_count": 1 });
    let next_left = async |alice: &mut Ws| alice.expect("user_left").await;

    let _taken_over = member(&app, "bob", &["chat"]).await;
    let _newest = guest(&app, "bob").await;
    assert_eq!(next_left(&mut alice).await, user_left("bob"));

    let _expired = Ws::connect(app.address, "?rooms=chat", &app.token_for("carol", EVERYWHERE, 1)).await;
    assert_eq!(next_left(&mut alice).await, user_left("carol"));

    // Nobody reads here, so no pong is sent.
    let _silent = guest_at(&app, "dave", "?rooms=chat").await;
    assert_eq!(next_left(&mut alice).await, user_left("dave"));

    let mut wrong = member(&app, "erin", &["chat"]).await;
    for _ in 0..10 {
        wrong.send(json!({ "type": "leave", "room": "other" })).await;
    }
    assert_eq!(wrong.end().await, Some(4501));
    assert_eq!(next_left(&mut alice).await, user_left("erin"));
}

/// G14: a connection may be cut at any instant of its joining, and nobody stays who is not there.
#[actix_web::test]
async fn who_is_cut_off_while_joining_stays_nowhere() {
    let app = App::start_with(&[
        ("rooms.leave_grace", "0"),
        ("limits.handshakes_per_second", "0"),
        ("limits.sessions_per_user", "0"),
        ("limits.rooms", "3"),
    ]);
    let authorization = format!("Bearer {}", app.token("alice", EVERYWHERE));
    for n in 0..60 {
        let headers = [("authorization", authorization.as_str())];
        let mut ws = Ws::open(app.address, "?rooms=a,b", &headers).await.unwrap();
        match n % 4 {
            0 => {}
            1 => drop(ws.next().await),
            2 => {
                ws.send(json!({ "type": "join", "room": "c" })).await;
                ws.send(json!({ "type": "leave", "room": "a" })).await;
            }
            _ => ws.socket.close(None).await.unwrap(),
        }
    }
    let closed = || app.logs().iter().filter(|line| line.contains("session closed")).count();
    until("all are closed", || (closed() == 60).then_some(())).await;
    for room in ["a", "b", "c"] {
        until_present(&app, room, json!({ "users": [], "user_count": 0, "typing": [] })).await;
    }
    // Nor is a place of the node taken by them.
    let mut bob = member(&app, "bob", &["d", "e", "f"]).await;
    assert_eq!(refused(&mut bob, json!({ "type": "join", "room": "g" })).await, "unavailable");
}
