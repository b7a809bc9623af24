//! Who may be in a room, publish to it, and read it: at the start, and when a token changes (G9, T4, T5).

use std::cell::Cell;

use futures_util::future::join as both;
use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{
        http::{Answer, Http},
        room::{
            done, guest, join, join_since, member, message, next_data, offset, refused, say, types,
            until_said,
        },
        ws::Ws,
    },
};

async fn with_scope(app: &App, user: &str, scope: &str) -> Ws {
    Ws::connect(app.address, "", &app.token(user, scope)).await
}

fn join_command(room: &str) -> Value {
    json!({ "type": "join", "room": room })
}

fn message_command(room: &str) -> Value {
    json!({ "type": "message", "room": room, "data": "secret" })
}

async fn publish(http: &Http, room: &str) -> Answer {
    http.post(&format!("/v1/rooms/{room}/messages"), &json!({ "data": "said" })).await
}

/// Replaces the token of a session by one of the same user with this scope.
async fn refresh(app: &App, ws: &mut Ws, user: &str, scope: &str) {
    let answer = ws.ask(json!({ "type": "auth", "token": app.token(user, scope) })).await;
    assert_eq!((&answer["type"], &answer["command"]), (&json!("ok"), &json!("auth")), "{answer}");
}

#[actix_web::test]
async fn t5_b26_a_room_that_the_token_does_not_allow_is_forbidden_and_what_is_no_name_is_a_bad_room() {
    let mut app = App::start();
    let mut alice = with_scope(&app, "alice", "join:chat:* join:lobby join:a*b publish:other").await;
    for room in ["other", "chat", "Chat:a", "lobby2", "lobb", "a", "axb"] {
        assert_eq!(refused(&mut alice, join_command(room)).await, "forbidden", "{room}");
    }
    let mut alice = with_scope(&app, "alice", "join:chat:* join:lobby").await;
    for room in ["chat:", "chat:general", "lobby"] {
        assert_eq!(join(&mut alice, room).await["room"], room);
    }
    let mut stranger = app.ws("alice").await;
    let error = stranger.ask(join_command("lobby")).await;
    assert_eq!(
        (&error["code"], &error["room"], &error["retryable"]),
        (&json!("forbidden"), &json!("lobby"), &json!(false))
    );

    let long = "x".repeat(129);
    let bad = ["inbox", "_x", "a b", &long, "", "../x", ".", "..", "a/b", "ä", "a\u{0}", "a+b"];
    for command in ["join", "leave", "message", "typing"] {
        for half in bad.chunks(6) {
            // Ten errors end a session.
            let mut alice = guest(&app, "alice").await;
            for room in half {
                let answer = refused(&mut alice, json!({ "type": command, "room": room, "data": 1 })).await;
                assert_eq!(answer, "bad_room", "{command} {room:?}");
            }
        }
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn b28_who_may_read_may_not_publish_by_that() {
    let mut app = App::start();
    let mut listener = member(&app, "bob", &["chat"]).await;
    let mut alice = with_scope(&app, "alice", "join:* notify admin publish:other").await;
    join(&mut alice, "chat").await;
    let error = alice.ask(message_command("chat")).await;
    assert_eq!((&error["code"], &error["room"]), (&json!("forbidden"), &json!("chat")));
    let reader = app.http(&app.token("alice", "join:* notify admin"));
    publish(&reader, "chat").await.problem(403, "insufficient_scope");
    say(&mut listener, "chat", json!("end")).await;
    assert_eq!(message(&mut alice).await["data"], "end");

    // And who may publish may not read by that.
    let mut carol = with_scope(&app, "carol", "publish:chat").await;
    assert_eq!(offset(&json!(say(&mut carol, "chat", json!(1)).await)), 2);
    assert_eq!(refused(&mut carol, join_command("chat")).await, "forbidden");
    app.expect_healthy().await;
}

#[actix_web::test]
async fn over_http_each_call_asks_for_its_own_scope() {
    let app = App::start();
    let call = async |scope: &str, room: &str| {
        let http = app.http(&app.token("alice", scope));
        let mut statuses = vec![publish(&http, room).await.status];
        for what in ["messages", "presence"] {
            statuses.push(http.get(&format!("/v1/rooms/{room}/{what}")).await.status);
        }
        statuses
    };
    assert_eq!(call("join:* publish:*", "chat:a").await, [201, 200, 200]);
    assert_eq!(call("join:chat:*", "chat:a").await, [403, 200, 200]);
    assert_eq!(call("publish:chat:*", "chat:a").await, [201, 403, 403]);
    assert_eq!(call("join:chat:b publish:chat:b", "chat:a").await, [403, 403, 403]);
    assert_eq!(call("notify admin", "chat:a").await, [403, 403, 403]);
    // What is judged is the name behind the encoding.
    assert_eq!(call("join:chat:* publish:chat:*", "chat%3Aa").await, [201, 200, 200]);
    assert_eq!(call("join:chat:* publish:chat:*", "chat%3a%61").await, [201, 200, 200]);
    for room in ["inbox", "_x", "a%20b", "%2e%2e%2Fx", "a%2Fb", "a+b", "a%00", "%ff", "chat%253Aa"] {
        assert_eq!(call("join:* publish:*", room).await, [422, 422, 422], "{room}");
    }
    for answer in [
        publish(&app.anonymous(), "chat").await,
        app.anonymous().get("/v1/rooms/chat/messages").await,
        app.anonymous().get("/v1/rooms/chat/presence").await,
    ] {
        answer.problem(401, "invalid_token");
    }
    let stranger = app.user("alice");
    stranger.get("/v1/rooms/chat/messages").await.problem(403, "insufficient_scope");
    stranger.get("/v1/rooms/chat/presence").await.problem(403, "insufficient_scope");
    app.http(&app.token("alice", "join:*")).get("/v1/rooms/_x/presence").await.problem(422, "bad_room");
}

#[actix_web::test]
async fn every_user_has_the_default_scopes() {
    let app = App::start_with(&[("auth.default_scopes", "join:lobby,publish:lobby")]);
    let (mut alice, mut bob) = (app.ws_at("alice", "?rooms=lobby").await, app.ws("bob").await);
    assert_eq!(alice.next().await["type"], "ok");
    say(&mut bob, "lobby", json!("hello")).await;
    assert_eq!(message(&mut alice).await["from"], "bob");
    assert_eq!(publish(&app.user("carol"), "lobby").await.status, 201);
    assert_eq!(message(&mut alice).await["from"], "carol");
    assert_eq!(refused(&mut bob, join_command("chat")).await, "forbidden");
}

/// With the answer to the new token the session is out of the rooms that it does not allow.
#[actix_web::test]
async fn t4_a_room_that_a_new_token_does_not_allow_is_left() {
    let app = App::start_with(&[("rooms.leave_grace", "0")]);
    let mut bob = member(&app, "bob", &["a", "b", "c"]).await;
    let mut alice = with_scope(&app, "alice", "join:* publish:*").await;
    for room in ["a", "b", "c"] {
        join(&mut alice, room).await;
        assert_eq!(bob.next().await["type"], "user_joined");
    }
    refresh(&app, &mut alice, "alice", "join:b publish:b").await;
    let mut left = Vec::new();
    while left.len() < 2 {
        let event = alice.next().await;
        assert_eq!((&event["type"], &event["reason"]), (&json!("left"), &json!("forbidden")), "{event}");
        assert_eq!(event.as_object().unwrap().len(), 3);
        left.push(event["room"].as_str().unwrap().to_owned());
    }
    left.sort();
    assert_eq!(left, ["a", "c"]);
    for _ in 0..2 {
        let event = bob.next().await;
        assert_eq!((&event["type"], &event["user"]), (&json!("user_left"), &json!("alice")));
        assert_ne!(event["room"], "b");
    }
    for room in ["a", "c", "b"] {
        say(&mut bob, room, json!(room)).await;
    }
    assert_eq!(types(&until_said(&mut alice, &json!("b")).await), [""; 0]);
    for (command, code) in [
        (join_command("a"), "forbidden"),
        (message_command("a"), "forbidden"),
        (json!({ "type": "typing", "room": "a" }), "not_joined"),
        (json!({ "type": "leave", "room": "a" }), "not_joined"),
    ] {
        assert_eq!(refused(&mut alice, command).await, code);
    }
    // Allowed again, it comes back as anybody does, and behind what it has seen.
    refresh(&app, &mut alice, "alice", "join:a").await;
    assert_eq!(alice.expect("left").await["room"], "b");
    let ok = join_since(&mut alice, "a", "00000000.0").await;
    assert_eq!((&ok["resume"], next_data(&mut alice, 1).await), (&json!("complete"), vec![json!("a")]));
}

/// G9: whatever is on its way.
#[actix_web::test]
async fn nothing_of_a_busy_room_is_heard_behind_left() {
    let app = App::start_with(&[
        ("session.messages_per_second", "100000"),
        ("session.messages_burst", "100000"),
        ("limits.room_messages_per_second", "0"),
    ]);
    let mut bob = member(&app, "bob", &["bell"]).await;
    let is_over = Cell::new(false);
    let publishing = async {
        while !is_over.get() {
            for _ in 0..10 {
                bob.send(message_command("chat")).await;
            }
            say(&mut bob, "bell", json!("ring")).await;
        }
    };
    let withdrawing = async {
        let mut alice = with_scope(&app, "alice", "join:*").await;
        join(&mut alice, "bell").await;
        for _ in 0..10 {
            join(&mut alice, "chat").await;
            while message(&mut alice).await["room"] != "chat" {}
            alice.send(json!({ "type": "auth", "token": app.token("alice", "join:bell") })).await;
            alice.expect("left").await;
            for _ in 0..3 {
                let event = alice.next().await;
                assert_eq!((&event["type"], &event["room"]), (&json!("message"), &json!("bell")), "{event}");
            }
            refresh(&app, &mut alice, "alice", "join:*").await;
        }
        is_over.set(true);
    };
    both(publishing, withdrawing).await;
}

#[actix_web::test]
async fn a_new_token_may_allow_more_and_takes_effect_at_once() {
    let app = App::start();
    let mut alice = with_scope(&app, "alice", "join:a").await;
    join(&mut alice, "a").await;
    assert_eq!(refused(&mut alice, message_command("a")).await, "forbidden");
    refresh(&app, &mut alice, "alice", "join:* publish:a").await;
    say(&mut alice, "a", json!(1)).await;
    join(&mut alice, "b").await;
    refresh(&app, &mut alice, "alice", "join:*").await;
    assert_eq!(refused(&mut alice, message_command("a")).await, "forbidden");
    // It was in both all the time.
    let mut bob = guest(&app, "bob").await;
    say(&mut bob, "a", json!(2)).await;
    assert_eq!(types(&until_said(&mut alice, &json!(2)).await), [""; 0]);
}

#[actix_web::test]
async fn a_token_that_is_refused_changes_nothing() {
    let app = App::start();
    let mut alice = member(&app, "alice", &["chat"]).await;
    for token in [app.token("bob", ""), app.token_for("alice", "", -60), "nonsense".to_owned()] {
        assert_eq!(refused(&mut alice, json!({ "type": "auth", "token": token })).await, "forbidden");
    }
    alice.send(message_command("chat")).await;
    assert_eq!(message(&mut alice).await["data"], "secret");
    done(&mut alice, json!({ "type": "leave", "room": "chat" })).await;
}

/// G9: what was said before somebody was let in is theirs only by a scope that lets them read.
#[actix_web::test]
async fn t5_history_is_for_those_who_may_join() {
    let app = App::start();
    let mut bob = guest(&app, "bob").await;
    let position = say(&mut bob, "private", json!("secret")).await;
    let mut mallory = with_scope(&app, "mallory", "join:public publish:*").await;
    let command = json!({ "type": "join", "room": "private", "since": "00000000.0" });
    assert_eq!(refused(&mut mallory, command).await, "forbidden");
    // A position of another room is one of another epoch, and shows nothing of that room.
    let ok = join_since(&mut mallory, "public", &position).await;
    assert_eq!(ok["resume"], "gap");
    assert_eq!(mallory.next().await["reason"], "epoch");
    say(&mut bob, "public", json!("end")).await;
    assert_eq!(types(&until_said(&mut mallory, &json!("end")).await), [""; 0]);
}
