//! Members that read late or never: they are told what they missed, cost bounded memory, and nobody else
//! notices (G10, X25).

use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::{
    app::{App, until},
    clients::{
        narrow::{address_of, connect},
        room::{guest, guest_at, offset},
        ws::Ws,
    },
    slow_readers::{bound, ended, forgotten_by_kernel},
};

/// Everybody may do everything in rooms, as often as it likes, and is not asked whether it is there while others are read.
const OPEN: [(&str, &str); 5] = [
    ("session.ping_interval", "10m"),
    ("auth.default_scopes", "join:*,publish:*"),
    ("session.messages_per_second", "1000000"),
    ("session.messages_burst", "1000000"),
    ("limits.room_messages_per_second", "0"),
];

pub fn open_with(setting: (&'static str, &'static str)) -> App {
    let mut settings = OPEN.to_vec();
    settings.push(setting);
    App::start_with(&settings)
}

/// Says this many messages of about this many bytes, a few at a time.
pub async fn speak(speaker: &mut Ws, first: u64, count: u64, bytes: usize) {
    const BURST: u64 = 20;
    let filling = "x".repeat(bytes);
    for n in (first..first + count).step_by(BURST as usize) {
        let burst = n..(n + BURST).min(first + count);
        for n in burst.clone() {
            let data = json!({ "n": n, "filling": filling });
            speaker.send(json!({ "type": "message", "room": "busy", "data": data, "ref": n })).await;
        }
        for n in burst {
            assert_eq!(speaker.expect("ok").await["ref"], n);
        }
    }
}

/// What a member has heard, each step held to follow the last.
#[derive(Default)]
pub struct Hearing {
    pub offset: u64,
    pub lost: u64,
    pub notifications: Vec<u64>,
}

impl Hearing {
    pub fn take(&mut self, event: &Value) {
        match event["type"].as_str().unwrap() {
            "message" => {
                assert_eq!(offset(&event["position"]), self.offset + 1, "{event}");
                assert_eq!(event["data"]["n"], self.offset + 1);
                self.offset += 1;
            }
            "gap" => {
                assert_eq!((&event["stream"], &event["reason"]), (&json!("busy"), &json!("overflow")));
                assert_eq!(offset(&event["from"]), self.offset, "{event}");
                self.lost += offset(&event["to"]) - self.offset;
                self.offset = offset(&event["to"]);
            }
            "test.event" => self.notifications.push(event["payload"]["n"].as_u64().unwrap()),
            _ => {}
        }
    }
}

#[actix_web::test]
async fn a_member_that_reads_late_is_told_exactly_what_it_missed_and_loses_no_notification() {
    const COUNT: u64 = 3000;
    let app = open_with(("session.slow_timeout", "60s"));
    let mut late = connect(&app, "late", "?room=busy").await;
    assert_eq!(late.next().await["command"], "join");
    let mut speaker = guest(&app, "speaker").await;
    for n in 1..=3 {
        speak(&mut speaker, (n - 1) * COUNT / 3 + 1, COUNT / 3, 1500).await;
        app.publish("late", n).await;
    }
    let mut hearing = Hearing::default();
    while hearing.offset < COUNT || hearing.notifications.len() < 3 {
        hearing.take(&late.next().await);
    }
    assert_eq!(hearing.notifications, [1, 2, 3]);
    assert!(hearing.lost > 500 && hearing.lost < COUNT - 300, "{} lost", hearing.lost);
    speak(&mut speaker, COUNT + 1, 5, 10).await;
    while hearing.offset < COUNT + 5 {
        hearing.take(&late.next().await);
    }
}

#[actix_web::test]
async fn fifty_members_that_never_read_cost_bounded_memory_are_evicted_and_the_others_hear_everything() {
    const FROZEN: usize = 50;
    const READERS: usize = 100;
    const COUNT: u64 = 1500;
    const SLOW_TIMEOUT: Duration = Duration::from_secs(3);
    let app = open_with(("session.slow_timeout", "3s"));
    let mut speaker = guest(&app, "speaker").await;
    let mut readers = Vec::new();
    for i in 0..READERS {
        readers.push(guest_at(&app, &format!("reader{}", i % 10), "?room=busy").await);
    }
    // What the same traffic costs the server without slow readers.
    join(speak(&mut speaker, 1, COUNT, 1000), hear_all(&mut readers, 0, COUNT)).await;
    let before = app.memory();
    let mut frozen = Vec::new();
    for i in 0..FROZEN {
        frozen.push(connect(&app, &format!("frozen{}", i % 10), "?room=busy").await);
    }
    let start = Instant::now();
    join(speak(&mut speaker, COUNT + 1, COUNT, 1000), hear_all(&mut readers, COUNT, 2 * COUNT)).await;
    let (full, after) = (Instant::now(), app.memory());
    assert!(after <= bound(before, FROZEN as u64), "{before} bytes grew to {after}");
    let evicted = || (ended(&app, "slow_consumer") == FROZEN).then(Instant::now);
    let gone = until("they are evicted", evicted).await;
    assert!(gone - start >= SLOW_TIMEOUT, "{:?}", gone - start);
    assert!(gone - full < SLOW_TIMEOUT + Duration::from_secs(4), "{:?}", gone - full);
    for ws in &frozen {
        forgotten_by_kernel(&app, address_of(ws)).await;
    }
    join(speak(&mut speaker, 2 * COUNT + 1, 1, 10), hear_all(&mut readers, 2 * COUNT, 2 * COUNT + 1)).await;
}

/// Each hears everything up to this offset, and loses nothing.
async fn hear_all(readers: &mut [Ws], from: u64, to: u64) {
    join_all(readers.iter_mut().map(|ws| async move {
        let mut hearing = Hearing { offset: from, ..Hearing::default() };
        while hearing.offset < to {
            hearing.take(&ws.next().await);
        }
        assert_eq!(hearing.lost, 0);
    }))
    .await;
}
