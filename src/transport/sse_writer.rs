//! What an event stream is told: what the session's outbox holds, as events.
//!
//! It lives in the connection's task. All that waits goes into one chunk, and with it into one write.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;

use super::connection::{Filled, Writer, is_full};
use crate::{
    clock,
    domain::{Cursor, Timestamp, Transport},
    outbox::Outgoing,
    protocol::{
        Class, CloseCode, Frame,
        event::Goodbye,
        event_stream::{self, Naming},
    },
    session::OpenSession,
};

/// The head of a chunk: its length in eight digits (RFC 9112 section 7.1).
const CHUNK_HEAD: &[u8] = b"00000000\r\n";
const CHUNK_END: &[u8] = b"\r\n";
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// A client that follows events has nothing to say: so much of it is read, that its end is seen.
const HEARD_BYTES_MAX: usize = 64 << 10;

pub struct SseWriter<I> {
    session: OpenSession,
    /// What the client sends.
    incoming: I,
    heard: usize,
    is_chunked: bool,
    /// Where the reader stands when it has read everything that was yielded.
    cursor: Cursor,
    naming: Naming,
    /// How the stream begins.
    beginning: Option<BytesMut>,
    /// The time, looked up once for all that goes out together.
    now: Option<Timestamp>,
    is_ended: bool,
}

impl<I> SseWriter<I> {
    /// `cursor` is where the reader stands, in the streams that it follows. A client of HTTP/1.0 knows no chunks, and
    /// `is_chunked` is not so.
    pub fn new(session: OpenSession, cursor: Cursor, naming: Naming, is_chunked: bool, incoming: I) -> Self {
        let beginning = Some(beginning(session.policy().retry_after(Transport::EventStream)));
        let (heard, now, is_ended) = (0, None, false);
        Self { session, incoming, heard, is_chunked, cursor, naming, beginning, now, is_ended }
    }

    fn render(&mut self, outgoing: &Outgoing, buffer: &mut BytesMut) {
        match outgoing {
            Outgoing::Frame(frame) => {
                let now = || *self.now.get_or_insert_with(clock::now);
                self.session.tally().sent(Transport::EventStream, frame, now);
                self.tell(frame, buffer);
            }
            Outgoing::Ping => {
                self.session.tally().pinged(Transport::EventStream);
                event_stream::comment(buffer);
            }
            Outgoing::Pong(_) => {}
            Outgoing::Close(_) => {
                let policy = self.session.policy();
                let after = self.session.retry_after();
                let after = after.unwrap_or_else(|| policy.retry_after(Transport::EventStream));
                event_stream::retry(buffer, after);
                self.is_ended = true;
            }
        }
    }

    fn tell(&mut self, frame: &Frame, buffer: &mut BytesMut) {
        event_stream::begin(buffer, self.naming, frame.headline(), frame.json());
        let reached = frame.reached();
        if let Some((stream, position)) = reached {
            self.cursor.advance(stream, position);
        }
        event_stream::end(buffer, reached.map(|_| &self.cursor));
    }

    /// Adds the events that wait.
    fn tell_all(&mut self, buffer: &mut BytesMut, cx: &mut Context<'_>) {
        if let Some(beginning) = self.beginning.take() {
            buffer.extend_from_slice(&beginning);
        }
        while !self.is_ended && !is_full(buffer) {
            let Poll::Ready(outgoing) = self.session.outbox().poll_next(cx) else { break };
            self.render(&outgoing, buffer);
        }
        if self.session.outbox().take_drained() {
            self.session.drained();
        }
        self.now = None;
    }
}

/// Adds what is told as one chunk, or nothing where that is nothing.
fn chunk(buffer: &mut BytesMut, tell: impl FnOnce(&mut BytesMut)) {
    let start = buffer.len();
    buffer.extend_from_slice(CHUNK_HEAD);
    let data = buffer.len();
    tell(buffer);
    let length = buffer.len() - data;
    if length == 0 {
        return buffer.truncate(start);
    }
    let digits = format!("{length:08x}");
    if let Some(place) = buffer.get_mut(start..start + digits.len()) {
        place.copy_from_slice(digits.as_bytes());
    }
    buffer.extend_from_slice(CHUNK_END);
}

/// Every stream begins with a comment, so that no proxy keeps its head until something happens, and says when to come
/// again.
fn beginning(retry_after: Duration) -> BytesMut {
    let mut piece = BytesMut::with_capacity(1024);
    event_stream::comment(&mut piece);
    event_stream::retry(&mut piece, retry_after);
    piece
}

/// A whole stream for somebody who is to come again later.
pub fn goodbye(code: CloseCode, retry_after: Duration, naming: Naming) -> Bytes {
    let mut piece = beginning(retry_after);
    let frame = Frame::new(Class::Reply, &Goodbye::new(code, Some(retry_after)));
    event_stream::begin(&mut piece, naming, frame.headline(), frame.json());
    event_stream::end(&mut piece, None);
    piece.freeze()
}

impl<I, E> SseWriter<I>
where
    I: Stream<Item = Result<Bytes, E>> + Unpin,
{
    /// Whether the client has ended its side; what else it says is nothing.
    fn is_client_gone(&mut self, cx: &mut Context<'_>) -> bool {
        while self.heard < HEARD_BYTES_MAX {
            match Pin::new(&mut self.incoming).poll_next(cx) {
                Poll::Ready(Some(Ok(bytes))) => self.heard += bytes.len(),
                Poll::Ready(_) => return true,
                Poll::Pending => return false,
            }
        }
        false
    }
}

impl<I, E> Writer for SseWriter<I>
where
    I: Stream<Item = Result<Bytes, E>> + Unpin,
{
    fn fill(&mut self, buffer: &mut BytesMut, cx: &mut Context<'_>) -> Filled {
        if self.is_client_gone(cx) {
            return Filled::Gone;
        }
        if self.is_chunked {
            chunk(buffer, |buffer| self.tell_all(buffer, cx));
        } else {
            self.tell_all(buffer, cx);
        }
        if self.is_ended || self.session.is_over() {
            if self.is_chunked {
                buffer.extend_from_slice(LAST_CHUNK);
            }
            return Filled::End;
        }
        if is_full(buffer) {
            return Filled::Full;
        }
        self.session.pass_turn();
        Filled::All
    }
}
