//! Rooms over a WebSocket: join, leave, publish, and what each of them is answered (PROTOCOL.md section 3).

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{
        room::{
            done, guest, join as join_room, join_since, keys, leave, member, message, next_data, offset,
            refused, say, types, until_said,
        },
        ws::Ws,
    },
    welcome::moved,
};

#[actix_web::test]
async fn a_join_says_where_the_room_stands_and_who_is_in_it() {
    let app = App::start();
    let mut bob = guest(&app, "bob").await;
    let ok = join_room(&mut bob, "chat:general").await;
    assert_eq!(
        keys(&ok),
        ["command", "position", "ref", "resume", "room", "type", "user_count", "users"],
        "{ok}"
    );
    assert_eq!(
        (&ok["command"], &ok["room"], &ok["resume"]),
        (&json!("join"), &json!("chat:general"), &json!("fresh"))
    );
    assert_eq!((&ok["users"], &ok["user_count"]), (&json!(["bob"]), &json!(1)));
    let empty = ok["position"].as_str().unwrap();
    assert!(empty.ends_with(".0") && !empty.starts_with("00000000"), "{empty}");

    let first = say(&mut bob, "chat:general", json!(1)).await;
    assert_eq!(first, moved(empty, 1));
    let ok = join_room(&mut guest(&app, "alice").await, "chat:general").await;
    assert_eq!((&ok["position"], &ok["resume"]), (&json!(first), &json!("fresh")));
    assert_eq!((&ok["users"], &ok["user_count"]), (&json!(["alice", "bob"]), &json!(2)));
}

#[actix_web::test]
async fn a_message_reaches_every_member_and_the_one_who_sent_it() {
    let app = App::start();
    let mut alice = member(&app, "alice", &["chat"]).await;
    let mut others = Vec::new();
    for n in 0..4 {
        others.push(member(&app, &format!("user{n}"), &["chat"]).await);
    }
    alice
        .send(json!({ "type": "message", "room": "chat", "data": { "text": "hi" }, "event": "greeting", "nonce": "n1" }))
        .await;
    let echo = message(&mut alice).await;
    assert_eq!(keys(&echo), ["at", "data", "event", "from", "nonce", "position", "room", "type"], "{echo}");
    assert_eq!(
        (&echo["room"], &echo["from"], &echo["data"]),
        (&json!("chat"), &json!("alice"), &json!({ "text": "hi" }))
    );
    assert_eq!((&echo["event"], &echo["nonce"]), (&json!("greeting"), &json!("n1")));
    let at = echo["at"].as_str().unwrap();
    assert!(at.len() == "2026-01-01T00:00:00.000Z".len() && at.ends_with('Z'), "{at}");
    for other in &mut others {
        assert_eq!(message(other).await, echo);
    }

    let ok = done(&mut others[0], json!({ "type": "message", "room": "chat", "data": null })).await;
    assert_eq!(keys(&ok), ["command", "position", "ref", "room", "type"], "{ok}");
    assert_eq!((&ok["room"], offset(&ok["position"])), (&json!("chat"), 2));
    let plain = message(&mut alice).await;
    assert_eq!(keys(&plain), ["at", "data", "from", "position", "room", "type"], "{plain}");
    assert_eq!(
        (&plain["position"], &plain["data"], &plain["from"]),
        (&ok["position"], &Value::Null, &json!("user0"))
    );
}

/// G9.
#[actix_web::test]
async fn a_room_is_heard_from_the_join_to_the_leave() {
    let app = App::start();
    let mut alice = member(&app, "alice", &["chat", "bell"]).await;
    let mut bob = member(&app, "bob", &["bell"]).await;
    say(&mut alice, "chat", json!("before")).await;
    let ok = join_room(&mut bob, "chat").await;
    assert_eq!(offset(&ok["position"]), 1);
    say(&mut alice, "chat", json!("between")).await;
    assert_eq!(message(&mut bob).await["data"], "between");
    leave(&mut bob, "chat").await;
    say(&mut alice, "chat", json!("after")).await;
    say(&mut alice, "bell", json!("ring")).await;
    assert_eq!(until_said(&mut bob, &json!("ring")).await, [Value::Null; 0]);

    // A second time it starts where the room stands by then.
    let ok = join_room(&mut bob, "chat").await;
    assert_eq!((offset(&ok["position"]), &ok["resume"]), (3, &json!("fresh")));
    say(&mut alice, "chat", json!("again")).await;
    assert_eq!(message(&mut bob).await["data"], "again");
}

#[actix_web::test]
async fn rooms_do_not_hear_each_other_and_are_numbered_each_by_itself() {
    let app = App::start();
    let mut alice = member(&app, "alice", &["one", "two"]).await;
    let mut bob = member(&app, "bob", &["one"]).await;
    // Names are compared byte for byte.
    let mut carol = member(&app, "carol", &["two", "One"]).await;
    for n in 0..3 {
        let one = say(&mut alice, "one", json!(n)).await;
        let two = say(&mut alice, "two", json!(10 + n)).await;
        assert_eq!((offset(&json!(one)), offset(&json!(two))), (n + 1, n + 1));
    }
    assert_eq!(next_data(&mut bob, 3).await, [0, 1, 2]);
    assert_eq!(next_data(&mut carol, 3).await, [10, 11, 12]);
    let (one, two) = (join_room(&mut bob, "one").await, join_room(&mut carol, "two").await);
    assert_ne!(one["position"], two["position"]);
}

#[actix_web::test]
async fn a_message_may_be_published_by_somebody_who_is_not_in_the_room() {
    let app = App::start();
    let mut bob = member(&app, "bob", &["chat", "bell"]).await;
    let mut carol = member(&app, "carol", &["bell"]).await;
    assert_eq!(offset(&json!(say(&mut carol, "chat", json!("from outside")).await)), 1);
    let heard = message(&mut bob).await;
    assert_eq!((&heard["from"], &heard["data"]), (&json!("carol"), &json!("from outside")));
    say(&mut bob, "bell", json!("ring")).await;
    assert_eq!(until_said(&mut carol, &json!("ring")).await, [Value::Null; 0]);
    // Who publishes is not there by that.
    assert_eq!(join_room(&mut bob, "chat").await["users"], json!(["bob"]));
}

/// G8: whoever publishes, and wherever the members are, everybody sees the one order of the room.
#[actix_web::test]
async fn everybody_sees_the_same_order_and_positions_rise_by_one() {
    const PUBLISHERS: usize = 5;
    const EACH: usize = 30;
    let app = App::start();
    let mut listeners = Vec::new();
    for n in 0..6 {
        listeners.push(member(&app, &format!("listener{n}"), &["chat"]).await);
    }
    let publishing = join_all((0..PUBLISHERS).map(|publisher| {
        let app = &app;
        async move {
            let mut ws = guest(app, &format!("publisher{publisher}")).await;
            let mut last = 0;
            for n in 0..EACH {
                let position = json!(say(&mut ws, "chat", json!([publisher, n])).await);
                assert!(offset(&position) > last);
                last = offset(&position);
            }
        }
    }));
    let listening = join_all(listeners.iter_mut().map(|ws| async {
        let mut heard = Vec::new();
        while heard.len() < PUBLISHERS * EACH {
            let event = message(ws).await;
            heard.push((offset(&event["position"]), event["data"].clone()));
        }
        heard
    }));
    let (_, heard) = join(publishing, listening).await;
    let offsets: Vec<u64> = heard[0].iter().map(|(offset, _)| *offset).collect();
    assert_eq!(offsets, (1..=(PUBLISHERS * EACH) as u64).collect::<Vec<_>>());
    assert!(heard.iter().all(|other| other == &heard[0]), "{heard:?}");
    for publisher in 0..PUBLISHERS {
        let own: Vec<_> = heard[0]
            .iter()
            .filter(|(_, data)| data[0] == publisher)
            .map(|(_, data)| data[1].clone())
            .collect();
        assert_eq!(own, (0..EACH).collect::<Vec<_>>(), "the order of one publisher");
    }
}

/// Nothing goes ahead of the `ok`, and behind it comes the next position.
#[actix_web::test]
async fn a_join_into_a_busy_room_continues_where_its_ok_says() {
    let app = App::start_with(&[
        ("session.messages_per_second", "100000"),
        ("session.messages_burst", "100000"),
        ("limits.room_messages_per_second", "0"),
    ]);
    let mut alice = guest(&app, "alice").await;
    let is_over = std::cell::Cell::new(false);
    let publishing = async {
        let mut n = 0;
        while !is_over.get() {
            say(&mut alice, "chat", json!(n)).await;
            n += 1;
        }
    };
    let joining = async {
        let mut bob = guest(&app, "bob").await;
        for _ in 0..20 {
            bob.send(json!({ "type": "join", "room": "chat", "ref": 1 })).await;
            let ok = bob.next().await;
            assert_eq!((&ok["type"], &ok["command"]), (&json!("ok"), &json!("join")), "{ok}");
            let start = offset(&ok["position"]);
            for by in 1..=5 {
                assert_eq!(offset(&message(&mut bob).await["position"]), start + by);
            }
            leave(&mut bob, "chat").await;
        }
        is_over.set(true);
    };
    join(publishing, joining).await;
}

#[actix_web::test]
async fn a_repeated_nonce_publishes_once_and_answers_the_first_position() {
    let app = App::start();
    let (mut alice, mut phone) = (guest(&app, "alice").await, guest(&app, "alice").await);
    let mut bob = guest(&app, "bob").await;
    let mut listener = member(&app, "carol", &["chat"]).await;
    let longest = "€".repeat(64);
    let with_nonce =
        |room: &str, data: Value| json!({ "type": "message", "room": room, "data": data, "nonce": longest });
    let position = async |ws: &mut Ws, command| done(ws, command).await["position"].clone();
    let first = position(&mut alice, with_nonce("chat", json!(1))).await;
    // Over whatever session of the user, and whatever it carries.
    assert_eq!(position(&mut alice, with_nonce("chat", json!(1))).await, first);
    assert_eq!(position(&mut phone, with_nonce("chat", json!("other"))).await, first);
    // Another user's nonce is another, and so is another room's.
    let others = position(&mut bob, with_nonce("chat", json!(2))).await;
    assert_eq!(others, moved(first.as_str().unwrap(), 1));
    assert_eq!(offset(&position(&mut alice, with_nonce("two", json!(3))).await), 1);
    say(&mut bob, "chat", json!(4)).await;
    assert_eq!(next_data(&mut listener, 3).await, [1, 2, 4]);
}

#[actix_web::test]
async fn a_nonce_counts_within_the_history_of_the_room() {
    let app = App::start_with(&[("rooms.history_size", "2")]);
    let mut alice = guest(&app, "alice").await;
    let command = json!({ "type": "message", "room": "chat", "data": 1, "nonce": "once" });
    let first = done(&mut alice, command.clone()).await["position"].clone();
    say(&mut alice, "chat", json!(2)).await;
    assert_eq!(done(&mut alice, command.clone()).await["position"], first);
    say(&mut alice, "chat", json!(3)).await;
    assert_eq!(offset(&done(&mut alice, command).await["position"]), 4);
}

#[actix_web::test]
async fn without_a_ref_success_is_silent_and_errors_are_not() {
    let app = App::start();
    let mut alice = guest(&app, "alice").await;
    let commands = [
        json!({ "type": "join", "room": "chat" }),
        json!({ "type": "message", "room": "chat", "data": "said" }),
        json!({ "type": "typing", "room": "chat", "active": false }),
        json!({ "type": "join", "room": "chat" }),
        json!({ "type": "leave", "room": "chat" }),
    ];
    for command in commands {
        alice.send(command).await;
    }
    alice.send(json!({ "type": "leave", "room": "chat" })).await;
    let error = loop {
        match alice.next().await {
            event if event["type"] == "message" => {}
            event => break event,
        }
    };
    assert_eq!(keys(&error), ["code", "command", "message", "retryable", "room", "type"], "{error}");
    assert_eq!(
        (&error["type"], &error["command"], &error["code"]),
        (&json!("error"), &json!("leave"), &json!("not_joined"))
    );
    assert_eq!((&error["room"], &error["retryable"]), (&json!("chat"), &json!(false)));
    let mut bob = app.ws("bob").await;
    for command in
        [json!({ "type": "join", "room": "chat" }), json!({ "type": "message", "room": "chat", "data": 1 })]
    {
        bob.send(command).await;
        let error = bob.next().await;
        assert_eq!(
            (&error["type"], &error["code"], error.get("ref")),
            (&json!("error"), &json!("forbidden"), None)
        );
    }
}

#[actix_web::test]
async fn b27_a_second_join_changes_nothing_and_a_leave_of_a_foreign_room_is_not_joined() {
    let mut app = App::start();
    let mut alice = guest(&app, "alice").await;
    assert_eq!(refused(&mut alice, json!({ "type": "leave", "room": "chat" })).await, "not_joined");
    assert_eq!(refused(&mut alice, json!({ "type": "typing", "room": "chat" })).await, "not_joined");
    join_room(&mut alice, "chat").await;
    let first = say(&mut alice, "chat", json!(1)).await;
    let ok = join_room(&mut alice, "chat").await;
    assert_eq!((&ok["position"], &ok["resume"]), (&json!(first), &json!("fresh")));
    assert_eq!((&ok["users"], &ok["user_count"]), (&json!(["alice"]), &json!(1)));
    // Not even behind a position: what was heard is not replayed.
    join_since(&mut alice, "chat", &moved(&first, -1)).await;
    let mut bob = guest(&app, "bob").await;
    say(&mut bob, "chat", json!(2)).await;
    say(&mut bob, "chat", json!(3)).await;
    assert_eq!(
        until_said(&mut alice, &json!(3)).await.iter().filter(|event| event["type"] == "message").count(),
        1
    );
    // Joined twice, left once.
    leave(&mut alice, "chat").await;
    assert_eq!(refused(&mut alice, json!({ "type": "leave", "room": "chat" })).await, "not_joined");
    app.expect_healthy().await;
}

#[actix_web::test]
async fn data_comes_back_as_it_was_written() {
    let app = App::start();
    let mut alice = member(&app, "alice", &["chat"]).await;
    let data = r#"{"z":1e2,"a":0.10,"long":12345678901234567890123,"text":"\u2028\ud83d\ude00</script>\r\n\r\nevent: x"}"#;
    for data in [data, "null", "[]", "\"\"", "-0.0"] {
        alice.send_text(&format!(r#"{{"type":"message","room":"chat","data":{data}}}"#)).await;
        let event = alice.next_text().await;
        assert!(event.contains(&format!(r#""data":{data},"#)), "{event}");
    }
}

#[actix_web::test]
async fn what_is_no_message_says_why_and_publishes_nothing() {
    let app = App::start();
    let mut listener = member(&app, "alice", &["chat"]).await;
    let of = |changes: Value| {
        let mut command = json!({ "type": "message", "room": "chat", "data": 1 });
        for (name, value) in changes.as_object().unwrap() {
            command[name] = value.clone();
        }
        command
    };
    let words = [
        "message",
        "user_joined",
        "typing",
        "welcome",
        "ping",
        "unread",
        "gap",
        "skip",
        "error",
        "open",
        "goodbye",
    ];
    let mut wrong: Vec<(Value, &str)> =
        words.iter().map(|word| (of(json!({ "event": word })), "bad_message")).collect();
    wrong.extend([
        (of(json!({ "event": "" })), "bad_message"),
        (of(json!({ "event": "Upper" })), "bad_message"),
        (of(json!({ "event": "with.dot" })), "bad_message"),
        (of(json!({ "event": "a\nb" })), "bad_message"),
        (of(json!({ "event": "x".repeat(65) })), "bad_message"),
        (of(json!({ "event": 5 })), "bad_message"),
        (of(json!({ "nonce": "x".repeat(65) })), "bad_message"),
        (of(json!({ "nonce": 5 })), "bad_message"),
        (json!({ "type": "message", "room": "chat" }), "bad_message"),
        (json!({ "type": "message", "data": 1 }), "bad_room"),
        (of(json!({ "room": 5 })), "bad_room"),
        (of(json!({ "room": null })), "bad_room"),
        (json!({ "type": "join", "room": "chat", "since": "abc" }), "bad_cursor"),
        (json!({ "type": "join", "room": "chat", "since": "inbox@k3x9q2ab.1" }), "bad_cursor"),
        (json!({ "type": "join", "room": "chat", "since": 7 }), "bad_cursor"),
        (json!({ "type": "typing", "room": "chat", "active": 1 }), "bad_message"),
    ]);
    // Ten errors end a session.
    for chunk in wrong.chunks(9) {
        let mut bob = guest(&app, "bob").await;
        for (command, code) in chunk {
            assert_eq!(refused(&mut bob, command.clone()).await, *code, "{command}");
        }
    }
    let mut bob = guest(&app, "bob").await;
    done(&mut bob, of(json!({ "event": "x_9".repeat(21), "data": "good" }))).await;
    assert_eq!(types(&until_said(&mut listener, &json!("good")).await), [""; 0]);
}

#[actix_web::test]
async fn b31_a_message_is_from_whoever_the_token_says() {
    let mut app = App::start();
    let mut alice = member(&app, "alice", &["chat"]).await;
    let forged = json!({
        "type": "message", "room": "chat", "data": 1,
        "from": "bob", "user_id": "bob", "user": "bob", "position": "k3x9q2ab.9", "at": "2000-01-01T00:00:00.000Z",
    });
    done(&mut alice, forged.clone()).await;
    let mut bob = guest(&app, "bob").await;
    join_since(&mut bob, "chat", "00000000.0").await;
    let event = message(&mut bob).await;
    assert_eq!((&event["from"], offset(&event["position"])), (&json!("alice"), 1));
    assert!(event["user_id"].is_null() && event["user"].is_null() && event["at"] != forged["at"], "{event}");
    app.expect_healthy().await;
}

#[actix_web::test]
async fn the_same_user_may_be_in_a_room_over_several_sessions_and_each_hears_everything() {
    let app = App::start();
    let (mut phone, mut laptop) =
        (member(&app, "alice", &["chat"]).await, member(&app, "alice", &["chat"]).await);
    say(&mut phone, "chat", json!(1)).await;
    for ws in [&mut phone, &mut laptop] {
        say(ws, "chat", json!(0)).await;
    }
    leave(&mut phone, "chat").await;
    let ok = join_room(&mut laptop, "chat").await;
    assert_eq!(ok["user_count"], 1);
    say(&mut phone, "chat", json!(2)).await;
    until_said(&mut laptop, &json!(2)).await;
}

#[actix_web::test]
async fn a_restart_of_the_server_is_another_epoch_of_the_room() {
    let mut app = App::start();
    let mut alice = guest(&app, "alice").await;
    let before = say(&mut alice, "chat", json!(1)).await;
    app.kill();
    app.restart();
    let mut alice = guest(&app, "alice").await;
    say(&mut alice, "chat", json!(2)).await;
    let ok = join_since(&mut alice, "chat", &before).await;
    assert_eq!(ok["resume"], "gap");
    let gap = alice.next().await;
    assert_eq!(
        (&gap["type"], &gap["stream"], &gap["reason"]),
        (&json!("gap"), &json!("chat"), &json!("epoch"))
    );
    assert_eq!(next_data(&mut alice, 1).await, [2]);
}
