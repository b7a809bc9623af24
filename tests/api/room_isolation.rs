//! Rooms never hear each other, whoever joins and leaves meanwhile (G9).

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{
        room::{guest, offset, say},
        ws::Ws,
    },
    traffic::Dice,
};

const ROOMS: [&str; 5] = ["one", "two", "one:more", "One", "tw"];
const WANDERERS: usize = 8;

/// Joins and leaves of all together.
const STEPS: usize = 10_000;

#[actix_web::test]
async fn in_ten_thousand_joins_and_leaves_nobody_hears_a_room_that_it_is_not_in() {
    let app = App::start_with(&[
        ("session.messages_per_second", "1000000"),
        ("session.messages_burst", "1000000"),
        ("limits.room_messages_per_second", "0"),
        // So that who leaves and comes back is told as such, too.
        ("rooms.leave_grace", "10ms"),
    ]);
    let is_over = AtomicBool::new(false);
    let (app, is_over) = (&app, &is_over);
    let speaking = join_all(ROOMS.map(|room| async move {
        let mut speaker = guest(app, "speaker").await;
        while !is_over.load(Ordering::Relaxed) {
            say(&mut speaker, room, json!({ "said in": room })).await;
        }
    }));
    let wandering = async {
        let mut dice = Dice::new();
        let wanderers = (0..WANDERERS).map(|wanderer| Wanderer::walk(app, wanderer, dice.fork()));
        let heard: u64 = join_all(wanderers).await.iter().sum();
        is_over.store(true, Ordering::Relaxed);
        assert!(heard > STEPS as u64, "only {heard} messages were heard");
    };
    tokio::join!(speaking, wandering);
}

/// A client that joins and leaves at random, and where it stands in the rooms it is in.
struct Wanderer {
    ws: Ws,
    rooms: HashMap<&'static str, u64>,
    heard: u64,
}

impl Wanderer {
    /// Walks its part of the steps; answers with how many messages it has heard.
    async fn walk(app: &App, wanderer: usize, mut dice: Dice) -> u64 {
        let ws = guest(app, &format!("wanderer{}", wanderer % 3)).await;
        let mut me = Self { ws, rooms: HashMap::new(), heard: 0 };
        for step in 0..STEPS / WANDERERS {
            let room = ROOMS[dice.below(ROOMS.len() as u64) as usize];
            let is_in = me.rooms.contains_key(room);
            let command = if is_in { "leave" } else { "join" };
            me.ws.send(json!({ "type": command, "room": room, "ref": step })).await;
            let answer = loop {
                let event = me.ws.next().await;
                if event["type"] == "ok" || event["type"] == "error" {
                    break event;
                }
                me.hear(&event);
            };
            assert_eq!((&answer["type"], &answer["ref"]), (&json!("ok"), &json!(step)), "{answer}");
            if is_in {
                me.rooms.remove(room);
            } else {
                me.rooms.insert(room, offset(&answer["position"]));
            }
        }
        me.heard
    }

    fn hear(&mut self, event: &Value) {
        let Some(room) = event["room"].as_str() else { return };
        let last = self.rooms.get_mut(room).unwrap_or_else(|| panic!("not in {room}: {event}"));
        if event["type"] == "message" {
            assert_eq!(event["data"]["said in"], room);
            assert_eq!(offset(&event["position"]), *last + 1, "{event}");
            *last += 1;
            self.heard += 1;
        }
    }
}
