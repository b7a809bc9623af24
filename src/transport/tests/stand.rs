//! Where a reader stands in one stream, and what may follow.

use serde_json::Value;

use super::{INBOX, LOBBY, witness::What};
use crate::domain::Position;

/// Where a reader asks to go on in its inbox.
#[derive(Debug, Clone, Copy)]
pub struct Restart {
    pub since: Option<Position>,
    /// It is not a position that the reader was given.
    pub is_forged: bool,
}

#[derive(Debug)]
pub struct Stand {
    pub last: Position,
    /// A `gap` was announced and has not come yet.
    pub owes_gap: bool,
    /// A `gap` would be no surprise: the reader has made its position up.
    pub is_forged: bool,
}

impl Stand {
    pub fn at(last: Position) -> Self {
        Self { last, owes_gap: false, is_forged: false }
    }

    fn is_at(&self, position: Position) -> bool {
        // From the very start, whatever the epoch.
        self.last == position || self.last == Position::START && position.offset == 0
    }

    /// Goes on to the very next number.
    pub fn step(&mut self, position: Position, event: &Value) {
        assert!(!self.owes_gap && self.is_at(before(position)), "{self:?}: {event}");
        *self = Self::at(position);
    }

    /// Goes over what a `skip` or a `gap` covers.
    pub fn pass_over(&mut self, stream: &str, event: &Value) -> What {
        let (from, to) = (position(&event["from"]), position(&event["to"]));
        assert!(self.is_at(from), "{self:?}: {event}");
        let what = if event["type"] == "skip" {
            assert!(stream == INBOX && !self.owes_gap && from.epoch == to.epoch, "{self:?}: {event}");
            assert!(from.offset < to.offset, "{event}");
            What::Skip { from, to }
        } else {
            let reason = event["reason"].as_str().unwrap().to_owned();
            let is_expected = match reason.as_str() {
                "pruned" => from.offset < to.offset,
                "epoch" => self.is_forged && from.epoch != to.epoch || stream == LOBBY,
                "ahead" => self.is_forged && from.offset > to.offset || stream == LOBBY,
                _ => stream == LOBBY,
            };
            assert!(is_expected, "{self:?}: {event}");
            What::Gap { from, to, reason }
        };
        *self = Self::at(to);
        what
    }
}

/// The position that this one follows.
pub fn before(position: Position) -> Position {
    Position { offset: position.offset - 1, ..position }
}

pub fn position(value: &Value) -> Position {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value}"))
}
