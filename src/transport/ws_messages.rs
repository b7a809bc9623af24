//! What a client says, message by message, out of the bytes of its connection.
//!
//! It decodes what it has before it reads on, and yields once a turn, so that a client which is not
//! listened to is held back by TCP and not by memory. (The library's own stream reads everything that
//! has come before it decodes the first frame.)

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_codec::Decoder;
use actix_http::ws::{Codec, Frame, Item, ProtocolError};
use bytes::{Bytes, BytesMut};
use futures_util::Stream;

use super::ws_guard::{Guard, Refused};
use crate::protocol::CloseCode;

#[derive(Debug, PartialEq, Eq)]
pub enum Inbound {
    Text(String),
    /// Where the guard lets it pass.
    Binary(Bytes),
    Ping(Bytes),
    Pong,
    /// The client's close frame, with its code.
    Close(Option<u16>),
}

/// Ends with the connection; after an error nothing comes but the client's close frame.
pub struct Messages<S> {
    payload: S,
    guard: Guard,
    codec: Codec,
    buffer: BytesMut,
    /// The message that comes in parts, as far as it has come.
    fragments: BytesMut,
    is_text: bool,
    has_yielded: bool,
    /// What the guard has refused; what came before is still to be decoded.
    refused: Option<CloseCode>,
    state: State,
}

enum State {
    Open,
    /// It has failed, and the client's close frame is waited for.
    Failed {
        /// So many bytes may still come before it.
        patience: usize,
    },
    Closed,
}

/// A client hears soon that its connection has failed; who then sends more than this is not listened to.
const PATIENCE_BYTES: usize = 64 * 1024;

impl<S> Messages<S> {
    pub fn new(payload: S, guard: Guard, codec: Codec) -> Self {
        Self {
            payload,
            guard,
            codec,
            buffer: BytesMut::new(),
            fragments: BytesMut::new(),
            is_text: false,
            has_yielded: false,
            refused: None,
            state: State::Open,
        }
    }

    /// The next message that is in the buffer in full.
    fn decode(&mut self) -> Result<Option<Inbound>, CloseCode> {
        while let Some(frame) = self.codec.decode(&mut self.buffer).map_err(|error| close_code(&error))? {
            let message = match frame {
                Frame::Text(text) => Some(Inbound::Text(utf8(&text)?)),
                Frame::Binary(bytes) => Some(Inbound::Binary(bytes)),
                Frame::Continuation(item) => self.fragment(item)?,
                Frame::Ping(payload) => Some(Inbound::Ping(payload)),
                Frame::Pong(_) => Some(Inbound::Pong),
                Frame::Close(reason) => Some(Inbound::Close(reason.map(|reason| reason.code.into()))),
            };
            if message.is_some() {
                return Ok(message);
            }
        }
        Ok(None)
    }

    fn fragment(&mut self, item: Item) -> Result<Option<Inbound>, CloseCode> {
        let (part, is_last) = match item {
            Item::FirstText(part) => {
                self.is_text = true;
                (part, false)
            }
            Item::FirstBinary(part) => {
                self.is_text = false;
                (part, false)
            }
            Item::Continue(part) => (part, false),
            Item::Last(part) => (part, true),
        };
        self.fragments.extend_from_slice(&part);
        if !is_last {
            return Ok(None);
        }
        let whole = std::mem::take(&mut self.fragments).freeze();
        if self.is_text {
            utf8(&whole).map(Inbound::Text).map(Some)
        } else {
            Ok(Some(Inbound::Binary(whole)))
        }
    }
}

fn utf8(text: &[u8]) -> Result<String, CloseCode> {
    std::str::from_utf8(text).map(str::to_owned).map_err(|_| CloseCode::InvalidUtf8)
}

fn close_code(error: &ProtocolError) -> CloseCode {
    if matches!(error, ProtocolError::Overflow) { CloseCode::TooBig } else { CloseCode::ProtocolError }
}

impl<S: Stream<Item = io::Result<Bytes>> + Unpin> Messages<S> {
    /// Reads on until a message is there in full; `None` is the end of the connection.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Inbound, CloseCode>>> {
        loop {
            if let Some(message) = self.decode().transpose() {
                return Poll::Ready(Some(message));
            }
            if let Some(code) = self.refused.take() {
                return Poll::Ready(Some(Err(code)));
            }
            // Closed or broken: it is over.
            let Some(Ok(chunk)) = ready!(Pin::new(&mut self.payload).poll_next(cx)) else {
                return Poll::Ready(None);
            };
            let passed = match self.guard.pass(&chunk) {
                Ok(()) => chunk.len(),
                Err(Refused { code, passed }) => {
                    self.refused = Some(code);
                    passed
                }
            };
            self.buffer.extend_from_slice(chunk.get(..passed).unwrap_or_default());
        }
    }

    /// Waits for the client's close frame, which ends what has failed; without it, time does.
    fn poll_close(&mut self, mut patience: usize, cx: &mut Context<'_>) -> Poll<Option<Inbound>> {
        while !self.guard.has_seen_close() {
            if patience == 0 {
                return Poll::Pending;
            }
            let Some(Ok(chunk)) = ready!(Pin::new(&mut self.payload).poll_next(cx)) else {
                return Poll::Ready(None);
            };
            self.guard.skip(&chunk);
            patience = patience.saturating_sub(chunk.len());
            self.state = State::Failed { patience };
        }
        self.state = State::Closed;
        Poll::Ready(Some(Inbound::Close(None)))
    }
}

impl<S: Stream<Item = io::Result<Bytes>> + Unpin> Stream for Messages<S> {
    type Item = Result<Inbound, CloseCode>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if std::mem::take(&mut this.has_yielded) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match this.state {
            State::Open => {}
            State::Failed { patience } => return this.poll_close(patience, cx).map(|closed| closed.map(Ok)),
            State::Closed => return Poll::Pending,
        }
        let message = ready!(this.poll_message(cx));
        if matches!(message, Some(Err(_))) {
            this.state = State::Failed { patience: PATIENCE_BYTES };
            (this.buffer, this.fragments) = (BytesMut::new(), BytesMut::new());
        } else if this.buffer.is_empty() {
            // An idle connection keeps no memory of a busy one.
            this.buffer = BytesMut::new();
        }
        this.has_yielded = message.is_some();
        Poll::Ready(message)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use futures_util::{StreamExt, stream};

    use super::{super::ws_guard::MessageLimits, *};

    type Said = Result<Inbound, CloseCode>;

    /// What is said by bytes that come in these chunks, before the connection ends.
    fn said<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Said> {
        let chunks: Vec<_> = chunks.into_iter().map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let guard = Guard::new(MessageLimits { bytes: 64, fragments: 4, has_binary: false });
        let mut messages = Messages::new(stream::iter(chunks), guard, Codec::new());
        let (mut said, mut cx) = (Vec::new(), Context::from_waker(Waker::noop()));
        // Between two messages others have their turn.
        for _ in 0..20 {
            match messages.poll_next_unpin(&mut cx) {
                Poll::Ready(Some(message)) => said.push(message),
                Poll::Ready(None) => break,
                Poll::Pending => {}
            }
        }
        said
    }

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
    }

    fn text(text: &str) -> Said {
        Ok(Inbound::Text(text.to_owned()))
    }

    #[test]
    fn what_came_before_a_fault_is_said_however_it_was_cut() {
        for (fault, code) in [
            (frame(0x81, &[b'x'; 65]), CloseCode::TooBig),
            (frame(0x81, b"\xFF"), CloseCode::InvalidUtf8),
            (frame(0x82, b"x"), CloseCode::Binary),
            (frame(0xC1, b"x"), CloseCode::ProtocolError),
            (b"\x82\x01x".to_vec(), CloseCode::ProtocolError),
            (frame(0x88, b"\x03\xE8\xFF"), CloseCode::InvalidUtf8),
        ] {
            let parts = [frame(0x81, b"one"), frame(0x01, b"t"), frame(0x80, b"wo"), fault];
            let bytes = [parts.concat(), frame(0x81, b"never")].concat();
            for size in [1, 7, bytes.len()] {
                let said = said(bytes.chunks(size));
                assert_eq!(said[..3], [text("one"), text("two"), Err(code)], "in chunks of {size}");
                assert!(!said.contains(&text("never")));
            }
        }
    }

    #[test]
    fn of_a_failed_connection_only_the_close_frame_is_heard() {
        let (fault, close) = (frame(0x83, b"x"), frame(0x88, b"\x03\xEA"));
        let failed = Err(CloseCode::ProtocolError);
        let closed = Ok(Inbound::Close(None));
        let bytes = [fault.clone(), frame(0x81, b"more"), close, frame(0x81, b"and more")].concat();
        assert_eq!(said([&bytes[..]]), [failed, closed]);
        assert_eq!(said([&fault[..]]), [Err(CloseCode::ProtocolError)]);
    }
}
