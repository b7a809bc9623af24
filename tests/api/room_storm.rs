//! Many join a busy room in the same instant: replay and live merge without loss and without double (G5, G8).

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::{
    app::App,
    clients::{
        room::{guest, next_data, say},
        ws::Ws,
    },
};

const JOINERS: usize = 200;

/// Said before anybody joins, the last one that the joiners have seen, and the last one of all.
const BEFORE: u64 = 300;
const SEEN: u64 = 200;
const LAST: u64 = 800;

/// Messages that the speaker has under way at once.
const BURST: u64 = 10;

#[actix_web::test]
async fn two_hundred_joiners_of_a_busy_room_each_hear_everything_once_and_in_order() {
    let app = App::start_with(&[
        ("session.messages_per_second", "1000000"),
        ("session.messages_burst", "1000000"),
        ("limits.room_messages_per_second", "0"),
        ("limits.handshakes_per_second", "0"),
        ("limits.sessions_per_ip", "0"),
    ]);
    let mut speaker = guest(&app, "speaker").await;
    let mut seen = String::new();
    for n in 1..=BEFORE {
        let position = say(&mut speaker, "busy", json!(n)).await;
        if n == SEEN {
            seen = position;
        }
    }
    let start = Arc::new(Barrier::new(JOINERS + 1));
    let speaking = {
        let start = start.clone();
        async move {
            start.wait().await;
            for n in (BEFORE + 1..=LAST).step_by(BURST as usize) {
                for n in n..n + BURST {
                    let message = json!({ "type": "message", "room": "busy", "data": n, "ref": n });
                    speaker.send(message).await;
                }
                for n in n..n + BURST {
                    assert_eq!(speaker.expect("ok").await["ref"], n);
                }
            }
        }
    };
    let joining = (0..JOINERS).map(|joiner| {
        let (app, start, seen) = (&app, start.clone(), seen.clone());
        async move {
            let mut ws: Ws = guest(app, &format!("joiner{}", joiner % 20)).await;
            start.wait().await;
            ws.send(json!({ "type": "join", "room": "busy", "since": seen, "ref": "join" })).await;
            let joined = ws.expect("ok").await;
            assert_eq!((&joined["ref"], &joined["resume"]), (&json!("join"), &json!("complete")));
            let heard = next_data(&mut ws, (LAST - SEEN) as usize).await;
            assert_eq!(heard, (SEEN + 1..=LAST).map(Value::from).collect::<Vec<_>>());
        }
    });
    tokio::join!(speaking, join_all(joining));
}
