//! What a client says, message by message, out of the bytes of its connection.
//!
//! It decodes what it has before it reads on, and yields once a turn, so that a client which is not
//! listened to is held back by TCP and not by memory. (The library's own stream reads everything that
//! has come before it decodes the first frame.)

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_codec::Decoder;
use actix_http::ws::{Codec, Frame, Item, ProtocolError};
use actix_web::error::PayloadError;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;

use super::ws_guard::Guard;
use crate::protocol::CloseCode;

#[derive(Debug)]
pub enum Inbound {
    Text(String),
    Ping(Bytes),
    Pong,
    /// The client's close frame, with its code.
    Close(Option<u16>),
}

/// Ends with the connection; after an error nothing more comes.
pub struct Messages<S> {
    payload: S,
    guard: Guard,
    codec: Codec,
    buffer: BytesMut,
    /// The text that comes in parts, as far as it has come.
    fragments: Option<BytesMut>,
    has_yielded: bool,
    has_failed: bool,
}

impl<S> Messages<S> {
    pub fn new(payload: S, guard: Guard, codec: Codec) -> Self {
        Self {
            payload,
            guard,
            codec,
            buffer: BytesMut::new(),
            fragments: None,
            has_yielded: false,
            has_failed: false,
        }
    }

    /// The next message that is in the buffer in full.
    fn decode(&mut self) -> Result<Option<Inbound>, CloseCode> {
        while let Some(frame) = self.codec.decode(&mut self.buffer).map_err(|error| close_code(&error))? {
            let message = match frame {
                Frame::Text(text) => Some(Inbound::Text(utf8(&text)?)),
                Frame::Continuation(item) => self.fragment(item)?.map(Inbound::Text),
                Frame::Binary(_) => return Err(CloseCode::Binary),
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

    fn fragment(&mut self, item: Item) -> Result<Option<String>, CloseCode> {
        match item {
            Item::FirstText(part) => self.fragments = Some(BytesMut::from(&part[..])),
            Item::FirstBinary(_) => return Err(CloseCode::Binary),
            Item::Continue(part) => {
                if let Some(text) = &mut self.fragments {
                    text.extend_from_slice(&part);
                }
            }
            Item::Last(part) => {
                let mut text = self.fragments.take().unwrap_or_default();
                text.extend_from_slice(&part);
                return utf8(&text).map(Some);
            }
        }
        Ok(None)
    }
}

fn utf8(text: &[u8]) -> Result<String, CloseCode> {
    std::str::from_utf8(text).map(str::to_owned).map_err(|_| CloseCode::InvalidUtf8)
}

fn close_code(error: &ProtocolError) -> CloseCode {
    if matches!(error, ProtocolError::Overflow) { CloseCode::TooBig } else { CloseCode::ProtocolError }
}

impl<S: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Stream for Messages<S> {
    type Item = Result<Inbound, CloseCode>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.has_failed {
            return Poll::Pending;
        }
        if std::mem::take(&mut this.has_yielded) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        loop {
            let message = match this.decode() {
                Ok(Some(message)) => Ok(message),
                Err(code) => Err(code),
                Ok(None) => match ready!(Pin::new(&mut this.payload).poll_next(cx)) {
                    Some(Ok(chunk)) => match this.guard.pass(&chunk) {
                        Ok(()) => {
                            this.buffer.extend_from_slice(&chunk);
                            continue;
                        }
                        Err(code) => Err(code),
                    },
                    // Closed or broken: it is over.
                    Some(Err(_)) | None => return Poll::Ready(None),
                },
            };
            if this.buffer.is_empty() {
                // An idle connection keeps no memory of a busy one.
                this.buffer = BytesMut::new();
            }
            this.has_yielded = message.is_ok();
            this.has_failed = message.is_err();
            return Poll::Ready(Some(message));
        }
    }
}
