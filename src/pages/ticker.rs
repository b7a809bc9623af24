//! The room `ticker` of the demo: a clock that says each second what time it is, to whoever listens.
//!
//! Publishes as any client could; while nobody is there it says nothing.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::{
    clock,
    domain::{Json, MessageDraft, RoomName, UserId},
    hub::{
        HubLink,
        messages::{PublishMessage, ReadPresence},
    },
};

const ROOM: &str = "ticker";
const FROM: &str = "clock";
const INTERVAL: Duration = Duration::from_secs(1);

/// Ticks for as long as the process lives.
pub async fn tick(hub: HubLink) {
    let mut interval = interval(INTERVAL);
    // What was slept through is no time of now.
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (Ok(room), Ok(from)) = (ROOM.parse::<RoomName>(), FROM.parse::<UserId>()) else { return };
    let mut count: u64 = 0;
    loop {
        interval.tick().await;
        count += 1;
        say(&hub, room.clone(), from.clone(), count).await;
    }
}

/// What does not get through is not said again: the next second has its own.
async fn say(hub: &HubLink, room: RoomName, from: UserId, count: u64) {
    let presence = hub.ask(ReadPresence { room: room.clone() }).await;
    let is_heard = matches!(presence, Ok(Ok(presence)) if presence.user_count > 0);
    let text = format!(r#"{{"tick":{count},"time":"{}"}}"#, clock::now());
    let Some(load) = hub.load(text.len()).filter(|_| is_heard) else { return };
    let Ok(data) = Json::parse(&text) else { return };
    let draft = MessageDraft { data, event: None, nonce: None };
    if let Err(error) = hub.ask(PublishMessage { room, from, draft, load }).await {
        log::debug!(error:%; "the clock was not heard");
    }
}
