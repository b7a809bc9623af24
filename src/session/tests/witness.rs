//! What one client has been told, judged as it comes (PROTOCOL.md section 3).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::Position;

/// What a client has asked for with a ref; exactly one answer is owed.
#[derive(Debug, Clone)]
pub enum Asked {
    Join { room: &'static str, since: Option<Position> },
    Leave { room: &'static str },
    Publish { number: u64 },
    Type { room: &'static str },
    Refresh { rooms: Vec<&'static str> },
}

/// Where every message stands, as all clients together have heard.
#[derive(Debug, Default)]
pub struct Record {
    /// What was asked to be published: its number is its data.
    pub drafts: Vec<(&'static str, String)>,
    places: BTreeMap<u64, (String, Position)>,
    numbers: BTreeMap<(String, String), u64>,
}

impl Record {
    /// Takes note that this message stands there; nobody may have heard otherwise.
    fn place(&mut self, number: u64, room: &str, position: Position) {
        let place = (room.to_owned(), position);
        let known = self.places.entry(number).or_insert_with(|| place.clone());
        assert_eq!(*known, place, "message {number} stands twice");
        let known = *self.numbers.entry((room.to_owned(), position.to_string())).or_insert(number);
        assert_eq!(known, number, "two messages stand at {position} of {room}");
        assert_eq!(self.drafts[number as usize].0, room, "message {number} is of another room");
    }

    /// Positions of a room at which something stands.
    pub fn positions(&self, room: &str) -> Vec<Position> {
        self.places.values().filter(|(known, _)| known == room).map(|(_, position)| *position).collect()
    }
}

pub struct Witness {
    pub may_join: Vec<&'static str>,
    /// What is not answered yet, by its ref.
    pub asked: BTreeMap<u64, Asked>,
    /// Rooms of the handshake whose joins are not answered yet.
    pub opening: BTreeMap<&'static str, Option<Position>>,
    pub is_welcomed: bool,
    /// The rooms that it is in, and where it stands in each.
    pub rooms: BTreeMap<String, Stand>,
}

#[derive(Debug)]
pub struct Stand {
    pub last: Position,
    /// A `gap` was announced and has not come yet.
    owes_gap: bool,
}

impl Stand {
    pub fn is_at(&self, position: Position) -> bool {
        // From the very start, whatever the epoch.
        self.last == position || self.last == Position::START && position.offset == 0
    }
}

impl Witness {
    /// Whether everything that it is owed but the streams themselves has come.
    pub fn is_answered(&self) -> bool {
        self.is_welcomed && self.asked.is_empty() && self.opening.is_empty()
    }

    pub fn take(&mut self, event: &Value, record: &mut Record) {
        let text = |name: &str| event[name].as_str().unwrap_or_else(|| panic!("{name} in {event}"));
        let event_type = text("type");
        let is_first = !self.is_welcomed;
        assert!(is_first == (event_type == "welcome") || event_type == "goodbye", "{event}");
        match event_type {
            "welcome" => self.is_welcomed = true,
            "ok" => self.done(event, record),
            "error" => self.refused(event),
            "left" => {
                let room = text("room");
                assert!(!self.may_join.contains(&room), "{event}");
                self.rooms.remove(room).unwrap_or_else(|| panic!("not there: {event}"));
            }
            "message" => {
                let position = position(&event["position"]);
                let stand = self.stand(event, text("room"));
                assert!(!stand.owes_gap, "{event}");
                let before = Position::new(position.epoch, position.offset - 1);
                assert!(stand.is_at(before), "{stand:?}: {event}");
                stand.last = position;
                let number = event["data"].as_u64().unwrap();
                record.place(number, text("room"), position);
                assert_eq!(record.drafts[number as usize].1, text("from"), "{event}");
            }
            "gap" => {
                let (from, to) = (position(&event["from"]), position(&event["to"]));
                let stand = self.stand(event, text("stream"));
                assert!(stand.is_at(from), "{stand:?}: {event}");
                if from.epoch == to.epoch && text("reason") != "ahead" {
                    assert!(from.offset < to.offset, "{event}");
                }
                *stand = Stand { last: to, owes_gap: false };
            }
            "user_joined" | "user_left" | "typing" => {
                self.place(event, text("room"));
            }
            "unread" | "goodbye" => {}
            other => panic!("{other}: {event}"),
        }
    }

    /// Where it stands in a room that it is in and may be in.
    fn place(&mut self, event: &Value, room: &str) -> &mut Stand {
        assert!(self.may_join.contains(&room), "not allowed: {event}");
        self.rooms.get_mut(room).unwrap_or_else(|| panic!("not there: {event}"))
    }

    /// The same for a numbered event, which comes when all joins of the start are answered.
    fn stand(&mut self, event: &Value, room: &str) -> &mut Stand {
        assert!(self.opening.is_empty(), "before the joins are answered: {event}");
        self.place(event, room)
    }

    fn done(&mut self, event: &Value, record: &mut Record) {
        let Some(reference) = event["ref"].as_u64() else {
            let opening = self.opening.iter().find(|(room, _)| event["room"] == **room);
            let (room, since) =
                opening.map(|(room, since)| (*room, *since)).expect("an answer without a question");
            self.opening.remove(room);
            return self.joined(event, room, since);
        };
        let asked = self.asked.remove(&reference).unwrap_or_else(|| panic!("answered twice: {event}"));
        match asked {
            Asked::Join { room, since } => self.joined(event, room, since),
            Asked::Leave { room } => {
                assert_eq!(event["room"], room);
                self.rooms.remove(room).unwrap_or_else(|| panic!("not there: {event}"));
            }
            Asked::Publish { number } => {
                record.place(number, event["room"].as_str().unwrap(), position(&event["position"]));
            }
            Asked::Type { room } => assert!(self.rooms.contains_key(room), "{event}"),
            Asked::Refresh { rooms } => self.may_join = rooms,
        }
    }

    fn joined(&mut self, event: &Value, room: &'static str, since: Option<Position>) {
        assert_eq!(event["room"], room);
        assert!(self.may_join.contains(&room), "{event}");
        let top = position(&event["position"]);
        if self.rooms.contains_key(room) {
            // A second join changes nothing.
            assert_eq!(event["resume"], "fresh", "{event}");
            return;
        }
        let (last, owes_gap) = match (event["resume"].as_str().unwrap(), since) {
            ("fresh", None) => (top, false),
            ("complete", Some(since)) => (since, false),
            ("gap", Some(since)) => (since, true),
            (resume, since) => panic!("{resume} behind {since:?}"),
        };
        self.rooms.insert(room.to_owned(), Stand { last, owes_gap });
    }

    fn refused(&mut self, event: &Value) {
        let reference = event["ref"].as_u64().unwrap_or_else(|| panic!("{event}"));
        let asked = self.asked.remove(&reference).unwrap_or_else(|| panic!("answered twice: {event}"));
        match (asked, event["code"].as_str().unwrap()) {
            (Asked::Join { room, .. }, "forbidden") => assert!(!self.may_join.contains(&room), "{event}"),
            (Asked::Leave { room } | Asked::Type { room }, "not_joined") => {
                assert!(!self.rooms.contains_key(room), "{event}");
            }
            (asked, _) => panic!("{asked:?}: {event}"),
        }
    }
}

fn position(value: &Value) -> Position {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value}"))
}
