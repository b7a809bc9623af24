//! The response body of an event stream: what the session's outbox holds, as events.
//!
//! It lives in the connection's task. All that waits is put into one piece, so that one write carries it.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;

use crate::{
    clock,
    domain::{Cursor, Timestamp, Transport},
    outbox::Outgoing,
    protocol::{
        Class, CloseCode, Frame,
        event::Goodbye,
        event_stream::{self, Naming},
    },
    session::Session,
};

/// A piece ends with the event that makes it so large: about what the connection writes at once.
const PIECE_BYTES: usize = 16 * 1024;

pub struct SseBody {
    session: Rc<Session>,
    /// Where the reader stands when it has read everything that was yielded.
    cursor: Cursor,
    naming: Naming,
    piece: BytesMut,
    /// The time, looked up once for all that goes out together.
    now: Option<Timestamp>,
    is_ended: bool,
}

impl SseBody {
    /// `cursor` is where the reader stands, in the streams that it follows.
    pub fn new(session: Rc<Session>, cursor: Cursor, naming: Naming) -> Self {
        let piece = beginning(session.policy().retry_after(Transport::EventStream));
        Self { session, cursor, naming, piece, now: None, is_ended: false }
    }

    fn render(&mut self, outgoing: &Outgoing) {
        match outgoing {
            Outgoing::Frame(frame) => {
                let now = || *self.now.get_or_insert_with(clock::now);
                self.session.tally().sent(Transport::EventStream, frame, now);
                self.tell(frame);
            }
            Outgoing::Ping => {
                self.session.tally().pinged(Transport::EventStream);
                event_stream::comment(&mut self.piece);
            }
            Outgoing::Pong(_) => {}
            Outgoing::Close(_) => {
                let policy = self.session.policy();
                let after = self.session.retry_after();
                let after = after.unwrap_or_else(|| policy.retry_after(Transport::EventStream));
                event_stream::retry(&mut self.piece, after);
                self.is_ended = true;
            }
        }
    }

    fn tell(&mut self, frame: &Frame) {
        event_stream::begin(&mut self.piece, self.naming, frame.headline(), frame.json());
        let reached = frame.reached();
        if let Some((stream, position)) = reached {
            self.cursor.advance(stream, position);
        }
        event_stream::end(&mut self.piece, reached.map(|_| &self.cursor));
    }
}

/// Every stream begins with a comment, so that its head leaves at once, and says when to come again.
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

impl Stream for SseBody {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.piece.is_empty() {
            this.piece.reserve(this.session.outbox().waiting_bytes().min(PIECE_BYTES) * 3 / 2);
        }
        while !this.is_ended && this.piece.len() < PIECE_BYTES {
            let Poll::Ready(outgoing) = this.session.outbox().poll_next(cx) else { break };
            this.render(&outgoing);
        }
        if this.session.outbox().take_drained() {
            this.session.drained();
        }
        this.now = None;
        if !this.piece.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut this.piece).freeze())));
        }
        if this.is_ended || this.session.is_over() {
            return Poll::Ready(None);
        }
        this.session.pass_turn();
        Poll::Pending
    }
}

impl Drop for SseBody {
    fn drop(&mut self) {
        self.session.closed();
    }
}
