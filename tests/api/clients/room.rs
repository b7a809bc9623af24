//! Words for tests of rooms, on top of the WebSocket client.

use serde_json::{Value, json};

use super::ws::Ws;
use crate::app::App;

/// The scopes of somebody who may do everything in every room.
pub const EVERYWHERE: &str = "join:* publish:*";

/// A welcomed WebSocket of a user who may join and publish everywhere.
pub async fn guest(app: &App, user: &str) -> Ws {
    guest_at(app, user, "").await
}

/// The same, with a query such as `?rooms=a`.
pub async fn guest_at(app: &App, user: &str, query: &str) -> Ws {
    Ws::connect(app.address, query, &app.token(user, EVERYWHERE)).await
}

/// A guest that has joined these rooms.
pub async fn member(app: &App, user: &str, rooms: &[&str]) -> Ws {
    let mut ws = guest(app, user).await;
    for room in rooms {
        join(&mut ws, room).await;
    }
    ws
}

/// Joins, and answers with the `ok`.
pub async fn join(ws: &mut Ws, room: &str) -> Value {
    done(ws, json!({ "type": "join", "room": room })).await
}

/// Joins behind a position, and answers with the `ok`.
pub async fn join_since(ws: &mut Ws, room: &str, since: &str) -> Value {
    done(ws, json!({ "type": "join", "room": room, "since": since })).await
}

pub async fn leave(ws: &mut Ws, room: &str) {
    done(ws, json!({ "type": "leave", "room": room })).await;
}

/// Publishes, and answers with the position; what comes before the answer is passed over.
pub async fn say(ws: &mut Ws, room: &str, data: Value) -> String {
    let answer = done(ws, json!({ "type": "message", "room": room, "data": data })).await;
    answer["position"].as_str().unwrap().to_owned()
}

/// Sends a command that must be done, and answers with its `ok`.
pub async fn done(ws: &mut Ws, command: Value) -> Value {
    let answer = ws.ask(command).await;
    assert_eq!(answer["type"], "ok", "{answer}");
    answer
}

/// Sends a command that must be refused, and answers with the code.
pub async fn refused(ws: &mut Ws, command: Value) -> String {
    let answer = ws.ask(command.clone()).await;
    assert_eq!((&answer["type"], &answer["command"]), (&json!("error"), &command["type"]), "{answer}");
    answer["code"].as_str().unwrap().to_owned()
}

/// What comes up to the message with this data, itself left out. To hear nothing is shown by a message
/// that was published later, and is heard.
pub async fn until_said(ws: &mut Ws, data: &Value) -> Vec<Value> {
    let mut heard = Vec::new();
    loop {
        match ws.next().await {
            event if event["type"] == "message" && &event["data"] == data => return heard,
            event => heard.push(event),
        }
    }
}

/// What comes up to the first event of this type, itself included.
pub async fn up_to(ws: &mut Ws, event_type: &str) -> Vec<Value> {
    let mut heard = Vec::new();
    loop {
        heard.push(ws.next().await);
        if heard.last().is_some_and(|event| event["type"] == event_type) {
            return heard;
        }
    }
}

/// The next message; others before it are passed over, but for errors.
pub async fn message(ws: &mut Ws) -> Value {
    ws.expect("message").await
}

/// The data of the next messages, which nothing numbered may interrupt.
pub async fn next_data(ws: &mut Ws, count: usize) -> Vec<Value> {
    let mut data = Vec::with_capacity(count);
    while data.len() < count {
        let event = ws.next().await;
        assert!(event["type"] != "gap" && event["type"] != "skip" && event["type"] != "error", "{event}");
        if event["type"] == "message" {
            data.push(event["data"].clone());
        }
    }
    data
}

pub fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

pub fn keys(event: &Value) -> Vec<&str> {
    event.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The number in a position.
pub fn offset(position: &Value) -> u64 {
    position.as_str().and_then(|text| text.split_once('.')).unwrap().1.parse().unwrap()
}
