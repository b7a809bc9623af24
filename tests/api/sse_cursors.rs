//! The ids of an event stream are cursors: where each begins, how it moves, and that any of them continues
//! (PROTOCOL.md section 4).

use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{
        room::{EVERYWHERE, guest, say},
        sse::{Sse, cursor, stream},
    },
    welcome::moved,
};

/// The id of the last event, as positions by their streams.
fn ids(sse: &Sse) -> Value {
    json!(cursor(sse.last_id()))
}

/// `welcome`, the answers of the rooms, of each stream the gap and what was missed, then what comes.
#[actix_web::test]
async fn a_stream_follows_the_inbox_and_several_rooms_each_from_where_it_was_left() {
    let app = App::start_with(&[("rooms.history_size", "3")]);
    let mut bob = guest(&app, "bob").await;
    let inbox = app.publish("alice", 1).await;
    let (whole, pruned) = (say(&mut bob, "whole", json!(1)).await, say(&mut bob, "pruned", json!(1)).await);
    let live = say(&mut bob, "live", json!(1)).await;
    for n in 2..=3 {
        app.publish("alice", n).await;
        say(&mut bob, "whole", json!(n)).await;
    }
    for n in 2..=6 {
        say(&mut bob, "pruned", json!(n)).await;
    }
    let asked = format!("pruned@{pruned},inbox@{inbox},whole@{whole},other@{whole}");
    let mut sse = stream(&app, "alice", EVERYWHERE, &format!("?rooms=whole,live,pruned&since={asked}")).await;
    assert_eq!(sse.welcome["resume"], "complete");
    // What is not followed is in no id.
    let mut at = json!({ "inbox": inbox, "whole": whole, "pruned": pruned });
    assert_eq!(ids(&sse), at);

    for (room, resume) in [("whole", "complete"), ("live", "fresh"), ("pruned", "gap")] {
        let ok = sse.next_with_id().await.json();
        assert_eq!((&ok["type"], &ok["command"]), (&json!("ok"), &json!("join")), "{ok}");
        assert_eq!((&ok["room"], &ok["resume"]), (&json!(room), &json!(resume)));
        if room == "live" {
            at["live"] = json!(live);
        }
        assert_eq!(ids(&sse), at);
    }

    let mut missed = Vec::new();
    while missed.len() < 2 + 2 + 1 + 3 {
        let event = sse.next_with_id().await.json();
        let (name, position) = match event["type"].as_str().unwrap() {
            "gap" => (event["stream"].clone(), event["to"].clone()),
            "message" => (event["room"].clone(), event["position"].clone()),
            _ => (json!("inbox"), event["position"].clone()),
        };
        at[name.as_str().unwrap()] = position.clone();
        assert_eq!(ids(&sse), at, "{event}");
        missed.push((name, position));
    }
    let of = |stream: &str| {
        let own = missed.iter().filter(|(name, _)| name == stream);
        own.map(|(_, position)| position.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let from = |position: &str, numbers: [i64; 2]| numbers.map(|by| moved(position, by)).to_vec();
    assert_eq!((of("inbox"), of("whole")), (from(&inbox, [1, 2]), from(&whole, [1, 2])));
    assert_eq!(of("pruned"), (2..=5).map(|by| moved(&pruned, by)).collect::<Vec<_>>());

    for room in ["whole", "live", "pruned"] {
        let position = say(&mut bob, room, json!("live")).await;
        at[room] = json!(position);
        assert_eq!(sse.expect("message").await["position"], position);
        assert_eq!(ids(&sse), at);
    }
    at["inbox"] = json!(app.publish("alice", 4).await);
    assert_eq!(sse.next_ns(1).await, [4]);
    assert_eq!(ids(&sse), at);
}

#[actix_web::test]
async fn without_a_cursor_the_first_id_is_where_everything_stands() {
    let app = App::start();
    let top = app.publish("alice", 1).await;
    let said = say(&mut guest(&app, "bob").await, "chat", json!(1)).await;
    for since in ["".to_owned(), format!("&since=chat@{said}")] {
        let mut sse = stream(&app, "alice", EVERYWHERE, &format!("?rooms=chat{since}")).await;
        assert_eq!(cursor(sse.last_id())["inbox"], top);
        let ok = sse.next_with_id().await.json();
        assert_eq!(ok["resume"], if since.is_empty() { "fresh" } else { "complete" });
        assert_eq!(ids(&sse), json!({ "inbox": top, "chat": said }));
    }
    let sse = stream(&app, "carol", "", "").await;
    assert_eq!(sse.last_id(), "inbox@00000000.0");
}

/// Each id is a whole cursor: whoever comes back with any of them gets exactly what followed it.
#[actix_web::test]
async fn every_id_continues_where_its_event_was() {
    let app = App::start();
    let mut bob = guest(&app, "bob").await;
    let mut sse = stream(&app, "alice", EVERYWHERE, "?rooms=one,two").await;
    sse.next_many(2).await;
    let mut ids = vec![sse.last_id().to_owned()];
    for n in 0..4 {
        app.publish("alice", n).await;
        for room in ["one", "two"] {
            say(&mut bob, room, json!(n)).await;
        }
    }
    let mut events = Vec::new();
    while events.len() < 12 {
        let event = sse.next_event().await;
        if event.id.is_some() {
            ids.push(sse.last_id().to_owned());
            events.push(event.json());
        }
    }
    let identity = |event: &Value| (event["room"].to_string(), event["position"].to_string());
    let sorted = |events: &[Value]| {
        let mut all: Vec<_> = events.iter().map(identity).collect();
        all.sort();
        all
    };
    for (seen, id) in ids.iter().enumerate() {
        let headers = [("Last-Event-ID", id.as_str())];
        let token = app.token("alice", EVERYWHERE);
        let mut again = Sse::open(app.address, &format!("?rooms=one,two&token={token}"), &headers).await;
        let mut followed = Vec::new();
        while followed.len() < 3 + events.len() - seen {
            followed.push(again.next_with_id().await.json());
        }
        assert_eq!(sorted(&followed[3..]), sorted(&events[seen..]), "{id}");
    }
}

#[actix_web::test]
async fn b35_of_two_cursors_the_header_wins() {
    let mut app = App::start();
    let mut bob = guest(&app, "bob").await;
    let inbox = app.publish("alice", 1).await;
    let said = say(&mut bob, "chat", json!(1)).await;
    for n in 2..=3 {
        app.publish("alice", n).await;
        say(&mut bob, "chat", json!(n)).await;
    }
    let bearer = format!("Bearer {}", app.token("alice", EVERYWHERE));
    let header = format!("inbox@{inbox},chat@{said}");
    let query = "?rooms=chat&since=inbox@00000000.0,chat@00000000.0";
    let headers = [("Authorization", bearer.as_str()), ("Last-Event-ID", header.as_str())];
    let mut sse = Sse::open(app.address, query, &headers).await;
    assert_eq!(sse.next_with_id().await.json()["resume"], "complete");
    assert_eq!(json!(cursor(sse.last_id())), json!({ "inbox": inbox, "chat": said }));
    assert_eq!(sse.next_with_id().await.json()["resume"], "complete");
    let mut missed = Vec::new();
    while missed.len() < 4 {
        missed.push(sse.next_with_id().await.json());
    }
    let offsets = missed.iter().map(|event| event["position"].as_str().unwrap().rsplit_once('.').unwrap().1);
    let mut offsets: Vec<_> = offsets.collect();
    offsets.sort_unstable();
    assert_eq!(offsets, ["2", "2", "3", "3"]);
    app.expect_healthy().await;
}

/// As long as they may be, ids are cursors that may come back.
#[actix_web::test]
async fn ten_rooms_of_the_longest_names_fit_into_an_id() {
    let app = App::start();
    let rooms: Vec<String> = (0..10).map(|n| format!("{n}{}", "x".repeat(127))).collect();
    let query = format!("?rooms={}", rooms.join(","));
    let mut sse = stream(&app, "alice", EVERYWHERE, &query).await;
    sse.next_many(10).await;
    let position = say(&mut guest(&app, "bob").await, &rooms[9], json!(1)).await;
    assert_eq!(sse.expect("message").await["position"], position);
    assert_eq!((cursor(sse.last_id()).len(), &cursor(sse.last_id())[&rooms[9]]), (11, &position));
    let headers = [
        ("Last-Event-ID", sse.last_id()),
        ("Authorization", &format!("Bearer {}", app.token("alice", EVERYWHERE))),
    ];
    let mut again = Sse::open(app.address, &query, &headers).await;
    for event in again.next_many(11).await {
        assert_eq!(event["resume"], "complete");
    }
}
