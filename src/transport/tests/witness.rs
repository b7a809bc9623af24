//! What one reader has been told, over all its connections, judged as it comes (PROTOCOL.md sections 3 to 5).

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    INBOX, LOBBY,
    record::{Moment, Record},
    stand::{Restart, Stand, before, position},
};
use crate::domain::{Counters, Cursor, Position, StreamName};

/// What a WebSocket has asked for; exactly one answer is owed.
#[derive(Debug)]
pub enum Asked {
    Resume(Restart, Moment),
    /// The place of the mark in the record.
    Mark(usize),
}

/// Something that was told of the inbox.
#[derive(Debug, Clone)]
pub struct Told {
    pub what: What,
    /// When its reader connected, or restarted.
    pub opened: Moment,
    pub at: Moment,
}

#[derive(Debug, Clone)]
pub enum What {
    /// A connection or a `resume` that goes on here.
    Restart(Position),
    Notification {
        position: Position,
        event: Value,
    },
    Skip {
        from: Position,
        to: Position,
    },
    Gap {
        from: Position,
        to: Position,
        reason: String,
    },
    Marked(Value),
}

#[derive(Debug)]
pub struct Witness {
    user: &'static str,
    /// Where it stands in its streams.
    stands: BTreeMap<&'static str, Stand>,
    restart: Restart,
    opened: Moment,
    is_welcomed: bool,
    pub asked: BTreeMap<u64, Asked>,
    pub counters: Counters,
    /// What this connection was told of the counters: by `unread` or the `welcome`, and of marks by anything.
    unread: Option<Counters>,
    marks_version: u64,
    pub told: Vec<Told>,
}

impl Witness {
    pub fn new(user: &'static str) -> Self {
        Self {
            user,
            stands: BTreeMap::new(),
            restart: Restart { since: None, is_forged: false },
            opened: Moment::now(),
            is_welcomed: false,
            asked: BTreeMap::new(),
            counters: Counters::default(),
            unread: None,
            marks_version: 0,
            told: Vec::new(),
        }
    }

    pub fn position(&self, stream: &str) -> Option<Position> {
        self.stands.get(stream).map(|stand| stand.last)
    }

    /// Where it goes on by itself.
    pub fn own(&self) -> Restart {
        let inbox = self.stands.get(INBOX);
        Restart {
            since: inbox.map(|stand| stand.last),
            is_forged: inbox.is_some_and(|stand| stand.is_forged),
        }
    }

    /// Where it stands in all its streams.
    pub fn cursor(&self) -> BTreeMap<String, Position> {
        self.stands.iter().map(|(stream, stand)| ((*stream).to_owned(), stand.last)).collect()
    }

    /// A connection that follows these begins: goes on in the inbox as `restart` says, and in the others
    /// where the reader stands, unless it asks for nothing that was.
    pub fn connect(&mut self, restart: Restart) {
        (self.restart, self.opened, self.is_welcomed) = (restart, Moment::now(), false);
        (self.unread, self.marks_version) = (None, 0);
        self.asked.clear();
        match restart.since {
            Some(since) => self.restart(restart, since),
            None => self.stands.clear(),
        }
    }

    fn restart(&mut self, restart: Restart, position: Position) {
        let stand = Stand { is_forged: restart.is_forged, ..Stand::at(position) };
        self.stands.insert(INBOX, stand);
        self.note(What::Restart(position));
    }

    fn note(&mut self, what: What) {
        self.told.push(Told { what, opened: self.opened, at: Moment::now() });
    }

    /// How a connection's position in a stream was met; `fresh` stands where the server says.
    fn resumed(&mut self, stream: &'static str, resume: &str, position: Option<Position>) {
        match (resume, self.stands.get_mut(stream)) {
            ("fresh", None) => {
                if stream == INBOX
                    && let Some(position) = position
                {
                    self.restart(self.restart, position);
                } else if let Some(last) = position {
                    self.stands.insert(stream, Stand::at(last));
                }
            }
            ("complete", Some(stand)) => stand.owes_gap = false,
            ("gap", Some(stand)) => stand.owes_gap = true,
            (resume, stand) => panic!("{resume} of {stream} behind {stand:?}"),
        }
    }

    /// Takes an event of a WebSocket or an event stream.
    pub fn take(&mut self, event: &Value, record: &mut Record) {
        let event_type = event["type"].as_str().unwrap();
        assert!(self.is_welcomed != (event_type == "welcome") || event_type == "goodbye", "{event}");
        match event_type {
            "welcome" => {
                assert_eq!(event["user"], self.user);
                self.is_welcomed = true;
                let top = position(&event["inbox"]["position"]);
                self.resumed(INBOX, event["resume"].as_str().unwrap(), Some(top));
                let counters = self.count(&event["inbox"]["counters"]);
                (self.unread, self.marks_version) = (Some(counters), counters.marks_version);
            }
            "ok" => self.answered(event, record),
            "user_joined" | "user_left" | "goodbye" => {}
            _ => self.hear(event, record),
        }
    }

    fn answered(&mut self, event: &Value, record: &mut Record) {
        if event["command"] == "join" {
            let (resume, top) = (event["resume"].as_str().unwrap(), position(&event["position"]));
            return self.resumed(stream(&event["room"]), resume, Some(top));
        }
        let reference = event["ref"].as_u64().unwrap();
        match self.asked.remove(&reference).unwrap_or_else(|| panic!("answered twice: {event}")) {
            Asked::Resume(restart, sent) => {
                self.opened = sent;
                self.restart(restart, restart.since.unwrap());
                self.resumed(INBOX, event["resume"].as_str().unwrap(), None);
            }
            Asked::Mark(place) => {
                self.count(&event["counters"]);
                record.change_answered(place);
            }
        }
    }

    /// Takes the answer to a poll.
    pub fn take_answer(&mut self, answer: &Value, record: &mut Record) {
        for (name, resume) in answer["resume"].as_object().unwrap() {
            // Where nothing was known the first event says where it stands, or else the cursor.
            if resume != "fresh" || self.position(name).is_some() {
                self.resumed(stream(&name.as_str().into()), resume.as_str().unwrap(), None);
            }
        }
        let mut owes_counters = false;
        for event in answer["events"].as_array().unwrap() {
            let (kind, at) = (event["type"].as_str().unwrap(), self.position(INBOX));
            self.hear(event, record);
            owes_counters = kind != "unread" && (owes_counters || at != self.position(INBOX));
        }
        assert!(!owes_counters, "what changes the counters is told without them: {answer}");
        let cursor = cursor(answer["cursor"].as_str().unwrap());
        for (name, position) in &cursor {
            let name = stream(&name.as_str().into());
            if !self.stands.contains_key(name) {
                self.resumed(name, "fresh", Some(*position));
            }
        }
        assert_eq!(cursor, self.cursor(), "{answer}");
    }

    /// Takes what every transport tells.
    fn hear(&mut self, event: &Value, record: &mut Record) {
        match event["type"].as_str().unwrap() {
            "unread" => {
                let counters = self.count(&event["counters"]);
                let is_news = self.unread.is_none_or(|known| counters.is_newer_than(&known));
                assert!(is_news, "behind {:?}: {event}", self.unread);
                self.unread = Some(counters);
                self.marks_version = self.marks_version.max(counters.marks_version);
            }
            "marked" => {
                let marks_version = self.count(&event["counters"]).marks_version;
                assert!(marks_version > self.marks_version, "behind {}: {event}", self.marks_version);
                self.marks_version = marks_version;
                self.note(What::Marked(event.clone()));
            }
            "skip" | "gap" => {
                let stream = stream(&event["stream"]);
                let what = self.stand(stream, position(&event["from"])).pass_over(stream, event);
                if stream == INBOX {
                    self.note(what);
                }
            }
            "message" => {
                assert_eq!(event["room"], LOBBY);
                let position = position(&event["position"]);
                self.stand(LOBBY, before(position)).step(position, event);
                record.heard(position, &event["data"]);
            }
            kind if kind.contains('.') => {
                let position = position(&event["position"]);
                let to = event["payload"]["to"].as_array().unwrap();
                assert!(to.iter().any(|user| user == self.user), "{} is told {event}", self.user);
                self.stand(INBOX, before(position)).step(position, event);
                self.note(What::Notification { position, event: event.clone() });
            }
            _ => panic!("{event}"),
        }
    }

    /// Where it stands; where it was never told, there.
    fn stand(&mut self, stream: &'static str, there: Position) -> &mut Stand {
        if !self.stands.contains_key(stream) {
            self.resumed(stream, "fresh", Some(there));
        }
        self.stands.get_mut(stream).unwrap()
    }

    /// Newer counters replace older ones.
    fn count(&mut self, counters: &Value) -> Counters {
        let counters: Counters = serde_json::from_value(counters.clone()).unwrap();
        if counters.is_newer_than(&self.counters) {
            self.counters = counters;
        }
        counters
    }

    /// Holds an `id` of an event stream against what was told.
    pub fn take_id(&self, id: Option<&str>, event: &Value) {
        let moves = ["welcome", "skip", "gap", "message"].iter().any(|kind| event["type"] == *kind)
            || event["command"] == "join"
            || event["type"].as_str().unwrap().contains('.');
        assert_eq!(id.is_some(), moves, "{event}");
        if let Some(id) = id {
            assert_eq!(cursor(id), self.cursor(), "{event}");
        }
    }
}

fn stream(value: &Value) -> &'static str {
    [INBOX, LOBBY].into_iter().find(|stream| value == stream).unwrap_or_else(|| panic!("{value}"))
}

fn cursor(text: &str) -> BTreeMap<String, Position> {
    let cursor: Cursor = text.parse().unwrap();
    let position = |stream: StreamName| Some((stream.to_string(), cursor.position(&stream)?));
    [INBOX, LOBBY].into_iter().filter_map(|stream| position(stream.parse().unwrap())).collect()
}
