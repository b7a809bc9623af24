//! What a client sends on a connection that is ours.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::Stream;

use crate::http::socket::SocketHandle;

/// So much is read at once.
const READ_BYTES: usize = 16 << 10;

thread_local! {
    /// Where every connection of this worker reads to. What has come is copied out of it, which costs less than a
    /// buffer for each.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// Ends with the client's side of the connection.
pub struct Incoming {
    /// What came before the connection was ours.
    early: Bytes,
    socket: Rc<SocketHandle>,
}

impl Incoming {
    pub fn new(early: Bytes, socket: Rc<SocketHandle>) -> Self {
        Self { early, socket }
    }
}

impl Stream for Incoming {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.early.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.early))));
        }
        let read = BUFFER.with_borrow_mut(|buffer| {
            let count = ready!(self.socket.poll_read(buffer, cx))?;
            Poll::Ready(Ok(Bytes::copy_from_slice(buffer.get(..count).unwrap_or_default())))
        });
        read.map(|read| match read {
            Ok(bytes) if bytes.is_empty() => None,
            read => Some(read),
        })
    }
}
