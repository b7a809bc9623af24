//! What a client has seen over the streams it follows (PROTOCOL.md section 1).

use std::{fmt, str::FromStr};

use super::{Invalid, Position, RoomName};

/// Longest cursor, in bytes: it travels in a query and in a header.
const CURSOR_MAX: usize = 2048;

/// Rooms of the longest names that fit into a cursor beside the inbox: nobody is to follow more by one.
pub const CURSOR_ROOMS_MAX: usize = 12;

/// A stream as clients name it: their own inbox, or a room.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StreamName {
    Inbox,
    Room(RoomName),
}

impl StreamName {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Inbox => "inbox",
            Self::Room(room) => room.as_str(),
        }
    }
}

impl FromStr for StreamName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text == "inbox" { Ok(Self::Inbox) } else { text.parse().map(Self::Room) }
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Positions over several streams: `inbox@k3x9q2ab.42,chat:general@e1e1e1e1.17`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor(Vec<(StreamName, Position)>);

impl Cursor {
    /// The position in one stream, if the cursor names that stream.
    pub fn position(&self, stream: &StreamName) -> Option<Position> {
        self.0.iter().find(|(name, _)| name == stream).map(|(_, position)| *position)
    }

    /// Moves to `position` in one stream, which joins the cursor if it is not in it.
    pub fn advance(&mut self, stream: &StreamName, position: Position) {
        match self.0.iter_mut().find(|(name, _)| name == stream) {
            Some((_, known)) => *known = position,
            None => self.0.push((stream.clone(), position)),
        }
    }

    /// Its streams, each once.
    pub fn iter(&self) -> impl Iterator<Item = (&StreamName, Position)> {
        self.0.iter().map(|(stream, position)| (stream, *position))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Leaves out the streams that are not followed.
    pub fn retain(&mut self, is_followed: impl Fn(&StreamName) -> bool) {
        self.0.retain(|(stream, _)| is_followed(stream));
    }

    /// The cursor of a client that follows these, each stream once.
    pub fn of(positions: Vec<(StreamName, Position)>) -> Self {
        Self(positions)
    }

    /// The cursor of a client that follows its inbox alone.
    pub fn of_inbox(position: Position) -> Self {
        Self::of(vec![(StreamName::Inbox, position)])
    }
}

impl FromStr for Cursor {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("a cursor is stream@epoch.offset, joined by commas, each stream once");
        if text.len() > CURSOR_MAX {
            return Err(Invalid::new("a cursor has at most 2048 bytes"));
        }
        let mut positions = Vec::new();
        for part in text.split(',') {
            let (stream, position) = part.rsplit_once('@').ok_or_else(invalid)?;
            let stream: StreamName = stream.parse().map_err(|_| invalid())?;
            if positions.iter().any(|(known, _)| known == &stream) {
                return Err(invalid());
            }
            positions.push((stream, position.parse().map_err(|_| invalid())?));
        }
        Ok(Self(positions))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (stream, position)) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{stream}@{position}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cursor_names_each_stream_once() {
        let cursor: Cursor = "inbox@k3x9q2ab.42,chat:general@e1e1e1e1.17".parse().unwrap();
        assert_eq!(cursor.position(&StreamName::Inbox), "k3x9q2ab.42".parse().ok());
        assert_eq!(cursor.position(&"chat:general".parse().unwrap()), "e1e1e1e1.17".parse().ok());
        assert_eq!(cursor.position(&"other".parse().unwrap()), None);
        for bad in
            ["", "abc", "inbox@", "@k3x9q2ab.1", "inbox@k3x9q2ab.1,", "inbox@k3x9q2ab.1,inbox@k3x9q2ab.2"]
        {
            assert!(bad.parse::<Cursor>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cursor_moves_in_one_stream_and_leaves_out_others() {
        let (chat, at): (StreamName, _) =
            ("chat".parse().unwrap(), |text: &str| text.parse::<Position>().unwrap());
        let mut cursor = Cursor::of_inbox(at("k3x9q2ab.1"));
        assert!(!cursor.is_empty() && Cursor::default().is_empty());
        cursor.advance(&chat, at("e1e1e1e1.7"));
        cursor.advance(&StreamName::Inbox, at("k3x9q2ab.2"));
        assert_eq!(cursor.to_string(), "inbox@k3x9q2ab.2,chat@e1e1e1e1.7");
        assert_eq!(Cursor::of(cursor.iter().map(|(name, at)| (name.clone(), at)).collect()), cursor);
        cursor.retain(|stream| *stream == chat);
        assert_eq!(cursor.to_string(), "chat@e1e1e1e1.7");
    }

    #[test]
    fn a_cursor_has_at_most_2048_bytes() {
        let cursor = |bytes: usize| {
            let rooms: Vec<String> = (0..15).map(|n| format!("{n:0>120}@k3x9q2ab.1")).collect();
            let text = rooms.join(",");
            format!("{}@k3x9q2ab.1,{text}", "r".repeat(bytes - text.len() - 12))
        };
        assert_eq!(cursor(2048).len(), 2048);
        assert!(cursor(2048).parse::<Cursor>().is_ok() && cursor(2049).parse::<Cursor>().is_err());
    }

    #[test]
    fn a_cursor_holds_the_rooms_that_one_may_follow_by_it_whatever_they_are_called() {
        let longest = |rooms: usize| {
            let room = |n: usize| format!("{n:0>128}@k3x9q2ab.{}", i64::MAX);
            let rooms = (0..rooms).map(room).collect::<Vec<_>>().join(",");
            format!("inbox@k3x9q2ab.{},{rooms}", i64::MAX).parse::<Cursor>()
        };
        assert!(longest(CURSOR_ROOMS_MAX).is_ok() && longest(CURSOR_ROOMS_MAX + 1).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_a_cursor_that_reads_back_or_an_error(text in "(inbox|[a-z:]{1,4})@[a-z0-9]{8}\\.[0-9]{1,20}|.*") {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string(), text);
            }
        }
    }
}
