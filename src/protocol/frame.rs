//! One event as bytes, encoded once and shared by everybody who receives it.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    event::{GapView, Marked, Telling, Unread},
    event_stream::Headline,
    kind::{About, Class, EventKind},
    websocket::{HEADER_MAX, TEXT, header},
};
use crate::{
    domain::{Counters, Position, RoomName, StreamName, Timestamp, UserId},
    stream::Gap,
};

/// One event, encoded. A clone shares everything, and costs one counter.
#[derive(Debug, Clone)]
pub struct Frame {
    encoded: Arc<Encoded>,
    /// It was read from the truth for one who was behind.
    is_replayed: bool,
}

#[derive(Debug)]
struct Encoded {
    class: Class,
    kind: EventKind,
    /// When what it tells was accepted, of what is told to those who are there.
    accepted_at: Option<Timestamp>,
    /// A text frame with its header, as it goes onto a socket.
    websocket: Bytes,
    header_len: usize,
    /// What event streams need to know of it, from when the first of them wants it.
    headline: OnceLock<Headline>,
    stream: Option<StreamName>,
    numbers: Option<Numbers>,
    about: About,
    /// In how many outboxes it waits.
    holders: AtomicUsize,
}

/// What an event covers of its stream; nothing, where both are the same: it only says where one stands.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    /// Exclusive.
    from: Position,
    /// Inclusive.
    to: Position,
}

impl Numbers {
    fn one(position: Position) -> Self {
        Self { from: Position { offset: position.offset.saturating_sub(1), ..position }, to: position }
    }
}

impl Frame {
    /// Encodes an event that belongs to no stream.
    pub fn new(class: Class, event: &impl Serialize) -> Self {
        debug_assert!(matches!(class, Class::Hint | Class::Reply), "an event of a stream names the stream");
        Self::encode(class, None, None, event)
    }

    /// Encodes an `unread`.
    pub fn unread(counters: Counters) -> Self {
        Self::encode(Class::Hint, None, None, &Unread { counters })
            .about(About::Counters(Telling::Unread(counters)))
    }

    /// Encodes a `marked`.
    pub fn marked(event: &Marked<'_>) -> Self {
        Self::encode(Class::Hint, None, None, event).about(About::Counters(Telling::Marked(event.counters)))
    }

    /// Encodes an answer after which its reader stands at `position` of the stream.
    pub fn standing(stream: StreamName, position: Position, event: &impl Serialize) -> Self {
        Self::encode(Class::Reply, Some(stream), Some(Numbers { from: position, to: position }), event)
    }

    /// Encodes the event that stands at `position` of an inbox.
    pub fn notification(position: Position, event: &impl Serialize) -> Self {
        Self::encode(Class::Inbox, Some(StreamName::Inbox), Some(Numbers::one(position)), event)
    }

    /// Encodes what covers a stream from one position to another: a `skip`, or the `gap` of a room.
    pub fn hole(stream: StreamName, from: Position, to: Position, event: &impl Serialize) -> Self {
        let class = if stream == StreamName::Inbox { Class::Inbox } else { Class::Room };
        Self::encode(class, Some(stream), Some(Numbers { from, to }), event)
    }

    /// Encodes a `gap` of an inbox. As the answer that announces it, it is always taken: read again, a
    /// position that was ahead may be none any more, and what it has missed would be passed over in silence.
    pub fn inbox_gap(gap: Gap) -> Self {
        let numbers = Numbers { from: gap.from, to: gap.to };
        Self::encode(Class::Reply, Some(StreamName::Inbox), Some(numbers), &GapView::new("inbox", gap))
    }

    /// Encodes the event that stands at `position` of the room.
    pub fn message(room: &RoomName, position: Position, event: &impl Serialize) -> Self {
        Self::encode(Class::Room, Some(StreamName::Room(room.clone())), Some(Numbers::one(position)), event)
    }

    /// Encodes a `gap` of the room. It stands at its end, and is dropped with what it covers.
    pub fn gap(room: &RoomName, gap: Gap) -> Self {
        Self::hole(StreamName::Room(room.clone()), gap.from, gap.to, &GapView::new(room.as_str(), gap))
    }

    /// Encodes presence of a user in the room, or without one who types there. A newer one about the same
    /// takes the place of an older.
    pub fn ephemeral(room: &RoomName, user: Option<&UserId>, event: &impl Serialize) -> Self {
        let about = user.map_or(About::Anything, |user| About::User(user.clone()));
        Self::encode(Class::Ephemeral, Some(StreamName::Room(room.clone())), None, event).about(about)
    }

    fn about(self, about: About) -> Self {
        self.with(|encoded| encoded.about = about)
    }

    /// What it tells was accepted then: of a fresh one, so that it is known how long it takes to those who are there.
    pub fn accepted_at(self, time: Timestamp) -> Self {
        self.with(|encoded| encoded.accepted_at = Some(time))
    }

    fn with(mut self, set: impl FnOnce(&mut Encoded)) -> Self {
        // It is fresh, so nobody else has it.
        if let Some(encoded) = Arc::get_mut(&mut self.encoded) {
            set(encoded);
        }
        self
    }

    /// The same for one who was not there when it was told.
    pub fn replayed(&self) -> Self {
        Self { is_replayed: true, ..self.clone() }
    }

    /// Writes header and JSON into one piece of memory, the JSON once.
    fn encode(
        class: Class,
        stream: Option<StreamName>,
        numbers: Option<Numbers>,
        event: &impl Serialize,
    ) -> Self {
        let mut buffer = Vec::with_capacity(512);
        buffer.resize(HEADER_MAX, 0);
        if let Err(error) = serde_json::to_writer(&mut buffer, event) {
            // No event of ours can fail; if one did, its receiver must still hear something.
            log::error!(error:% = error; "an event cannot be encoded");
            buffer.truncate(HEADER_MAX);
            buffer.extend_from_slice(
                br#"{"type":"error","code":"internal","message":"internal error","retryable":false}"#,
            );
        }
        Self::seal(TEXT, class, stream, numbers, buffer)
    }

    /// A message that is no event, to be sent back as it came.
    #[cfg(feature = "autobahn")]
    pub fn echo(is_text: bool, message: &[u8]) -> Self {
        let opcode = if is_text { TEXT } else { super::websocket::BINARY };
        Self::seal(opcode, Class::Reply, None, None, [&[0; HEADER_MAX], message].concat())
    }

    /// Puts the header before what is in the buffer, in the place that was left for it.
    fn seal(
        opcode: u8,
        class: Class,
        stream: Option<StreamName>,
        numbers: Option<Numbers>,
        mut buffer: Vec<u8>,
    ) -> Self {
        let kind = EventKind::of(buffer.get(HEADER_MAX..).unwrap_or_default());
        let (header, header_len) = header(opcode, buffer.len() - HEADER_MAX);
        let start = HEADER_MAX - header_len;
        for (place, byte) in buffer.iter_mut().skip(start).zip(header.into_iter().take(header_len)) {
            *place = byte;
        }
        // It may wait long in many outboxes, which count its length: no spare room waits with it.
        buffer.shrink_to_fit();
        let websocket = Bytes::from(buffer).slice(start..);
        let encoded = Encoded {
            class,
            kind,
            accepted_at: None,
            websocket,
            header_len,
            headline: OnceLock::new(),
            stream,
            numbers,
            about: About::Anything,
            holders: AtomicUsize::new(0),
        };
        Self { encoded: Arc::new(encoded), is_replayed: false }
    }

    /// Waits in one more outbox; says whether that is the first.
    pub fn hold(&self) -> bool {
        self.encoded.holders.fetch_add(1, Ordering::Relaxed) == 0
    }

    /// Waits in one fewer; says whether that was the last: whoever was the first has counted it by then.
    pub fn release(&self) -> bool {
        self.encoded.holders.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// When what it tells was accepted, if it is told live.
    pub fn live_since(&self) -> Option<Timestamp> {
        self.encoded.accepted_at.filter(|_| !self.is_replayed)
    }

    pub fn kind(&self) -> EventKind {
        self.encoded.kind
    }

    pub fn class(&self) -> Class {
        self.encoded.class
    }

    /// The room that it is an event of.
    pub fn room(&self) -> Option<&RoomName> {
        match (self.encoded.class, &self.encoded.stream) {
            (Class::Room | Class::Ephemeral, Some(StreamName::Room(room))) => Some(room),
            _ => None,
        }
    }

    /// The counters that it tells, if it is an `unread` or a `marked`.
    pub fn telling(&self) -> Option<Telling> {
        match self.encoded.about {
            About::Counters(telling) => Some(telling),
            About::Anything | About::User(_) => None,
        }
    }

    /// Where its reader stands in which stream when it has been read, if it says that.
    pub fn reached(&self) -> Option<(&StreamName, Position)> {
        Some((self.encoded.stream.as_ref()?, self.position()?))
    }

    /// Whether it is a numbered part of its stream, or stands for some.
    pub fn is_numbered(&self) -> bool {
        self.encoded.numbers.is_some_and(|numbers| numbers.from != numbers.to)
    }

    /// Whether another tells the same of the same room, newer or older.
    pub fn is_about_the_same(&self, other: &Self) -> bool {
        self.class() == other.class()
            && self.room() == other.room()
            && self.encoded.about == other.encoded.about
    }

    /// Where a numbered event of a stream stands: who has seen it has seen all up to there.
    pub fn position(&self) -> Option<Position> {
        self.encoded.numbers.map(|numbers| numbers.to)
    }

    /// The position of the stream that a numbered event follows.
    pub fn follows(&self) -> Option<Position> {
        self.encoded.numbers.map(|numbers| numbers.from)
    }

    /// The whole WebSocket frame.
    pub fn websocket(&self) -> &[u8] {
        &self.encoded.websocket
    }

    /// The event alone, as JSON text, for transports that wrap it in another way.
    pub fn json(&self) -> &[u8] {
        self.encoded.websocket.get(self.encoded.header_len..).unwrap_or_default()
    }

    /// The same, to be put into a larger answer.
    ///
    /// # Errors
    /// None for an event of ours.
    pub fn as_sent(&self) -> serde_json::Result<&RawValue> {
        serde_json::from_slice(self.json())
    }

    pub fn headline(&self) -> &Headline {
        self.encoded.headline.get_or_init(|| Headline::of(self.json()))
    }

    /// What it costs its receiver's outbox, in bytes.
    pub fn cost(&self) -> usize {
        self.encoded.websocket.len()
    }
}

#[cfg(test)]
mod tests;
