//! Rooms that are being opened: what is heard of them waits until it is told how they are.
//!
//! What is heard and what is read come through two connections, so a word may be there before the answer that
//! it came after. To hear a word again that the answer knows already changes nothing: messages have their
//! numbers, and of who came and went the last word counts.

use std::collections::HashMap;

use super::messages::BusEvent;
use crate::domain::RoomName;

/// Most words that wait for one room.
const HELD_MAX: usize = 1024;

#[derive(Default)]
pub struct Opening {
    rooms: HashMap<RoomName, Held>,
}

#[derive(Default)]
struct Held {
    /// How often it is being opened.
    times: usize,
    events: Vec<BusEvent>,
}

impl Opening {
    pub fn begin(&mut self, room: RoomName) {
        self.rooms.entry(room).or_default().times += 1;
    }

    /// Gives the event back if it need not wait; `None` if it waits.
    ///
    /// # Errors
    /// As much waits as may; the event is lost.
    pub fn hold(&mut self, room: &RoomName, event: BusEvent) -> Result<Option<BusEvent>, ()> {
        match self.rooms.get_mut(room) {
            None => Ok(Some(event)),
            Some(held) if held.events.len() < HELD_MAX => {
                held.events.push(event);
                Ok(None)
            }
            Some(_) => Err(()),
        }
    }

    /// What has waited, if the room is not being opened once more.
    pub fn end(&mut self, room: &RoomName) -> Vec<BusEvent> {
        let Some(held) = self.rooms.get_mut(room) else { return Vec::new() };
        held.times -= 1;
        if held.times > 0 {
            return Vec::new();
        }
        self.rooms.remove(room).map(|held| held.events).unwrap_or_default()
    }

    pub fn clear(&mut self) {
        self.rooms.clear();
    }
}
