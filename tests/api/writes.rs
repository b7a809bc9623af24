//! What waits for a client leaves together: a system call costs more than all else that an event does.

use std::{fs, path::Path};

use futures_util::SinkExt;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::{app::App, clients::ws::Ws, durability::traced};

const EVENTS: u64 = 300;

/// Most writes that so many events may take; one each would be ten times as many.
const WRITES_MAX: usize = 30;

#[actix_web::test]
async fn many_waiting_frames_leave_in_few_writes() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let app = App::start_as(traced(&trace), &[]);
    for n in 1..=EVENTS {
        app.publish("alice", n).await;
    }
    let mut ws = app.ws_at("alice", "?since=inbox@00000000.0").await;
    assert_eq!(ws.next_ns(EVENTS as usize).await, (1..=EVENTS).collect::<Vec<u64>>());
    let writes = writes_of_frames(&trace);
    assert!((1..=WRITES_MAX).contains(&writes), "{writes} writes for {EVENTS} events");
}

/// Members of a room to which as many messages come in one go.
const MEMBERS: usize = 4;

#[actix_web::test]
async fn the_messages_of_a_busy_room_leave_together() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let burst = ("session.messages_burst", "1000");
    let app = App::start_as(traced(&trace), &[burst, ("limits.room_messages_burst", "1000")]);
    let token = app.token("alice", "join:* publish:*");
    let mut members = Vec::new();
    for _ in 0..MEMBERS {
        members.push(Ws::connect(app.address, "?room=busy", &token).await);
    }
    for member in &mut members {
        member.expect("ok").await;
    }
    let before = writes_of_frames(&trace);
    let sender = &mut members[0].socket;
    for n in 0..EVENTS {
        let message = json!({ "type": "message", "room": "busy", "data": n });
        sender.feed(Message::text(message.to_string())).await.unwrap();
    }
    sender.flush().await.unwrap();
    for member in &mut members {
        for n in 0..EVENTS {
            assert_eq!(member.expect("message").await["data"], n);
        }
    }
    let (writes, frames) = (writes_of_frames(&trace) - before, MEMBERS * EVENTS as usize);
    assert!((1..=frames / 3).contains(&writes), "{writes} writes for {frames} frames");
}

/// A text frame begins with 0x81, which strace shows as \201.
fn writes_of_frames(trace: &Path) -> usize {
    let trace = fs::read_to_string(trace).unwrap();
    trace.lines().filter(|line| line.contains(r#", "\201"#)).count()
}
