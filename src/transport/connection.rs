//! A connection that is ours: taken over from the HTTP server behind the head of its answer ([`super::hand_over`]).
//!
//! A task of its own, one a session. The server would keep two buffers, a dispatcher and a second look at the socket
//! for each; here an idle connection has no buffer at all, and one that is told something borrows that of its worker.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::rt::time::{Sleep, sleep};
use bytes::{Buf, BytesMut};

use crate::http::socket::SocketHandle;

/// What is gathered before it is written.
const FULL_BYTES: usize = 32 << 10;

/// How long a client may take for the last that it is told.
const FAREWELL: Duration = Duration::from_secs(5);

/// A larger buffer is not kept.
const KEPT_BYTES: usize = 2 * FULL_BYTES;

thread_local! {
    /// What is about to be written, by whichever connection of this worker has its turn.
    static BUFFER: Cell<BytesMut> = Cell::default();
}

/// What became of a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// All that waited is in it; the writer wakes its task when there is more.
    All,
    /// There is more than fits.
    Full,
    /// This is the end, and its client is to have it.
    End,
    /// Its client is gone, or has ended its side.
    Gone,
}

/// What a client is told, in bytes.
pub trait Writer: Unpin {
    /// Adds what waits to a buffer; ends early with [`Filled::Full`] where [`is_full`] says so.
    fn fill(&mut self, buffer: &mut BytesMut, cx: &mut Context<'_>) -> Filled;
}

/// Whether it is time to write.
pub fn is_full(buffer: &BytesMut) -> bool {
    buffer.len() >= FULL_BYTES
}

/// Writes what its writer has until that has come to an end or the client is gone.
pub struct Connection<W> {
    socket: Rc<SocketHandle>,
    /// Kept up to the end: until then the session is one of its node's.
    writer: W,
    /// What the socket did not take yet.
    unsent: BytesMut,
    /// Until when the client may take the rest, once there is no more.
    end: Option<Pin<Box<Sleep>>>,
}

impl<W: Writer> Connection<W> {
    pub fn new(socket: Rc<SocketHandle>, writer: W) -> Self {
        Self { socket, writer, unsent: BytesMut::new(), end: None }
    }

    /// Gathers what there is behind what is unsent, and gives it to the socket.
    fn turn(&mut self, cx: &mut Context<'_>) -> io::Result<Filled> {
        let is_blocked = !self.unsent.is_empty();
        let mut buffer = if is_blocked { std::mem::take(&mut self.unsent) } else { BUFFER.take() };
        let filled = if self.end.is_some() { Filled::End } else { self.writer.fill(&mut buffer, cx) };
        let written = if buffer.is_empty() { 0 } else { self.socket.try_write(&buffer)? };
        if is_blocked && written < buffer.len() {
            buffer.advance(written);
            self.unsent = buffer;
            return Ok(filled);
        }
        self.unsent = buffer.get(written..).map_or_else(BytesMut::new, BytesMut::from);
        if buffer.capacity() <= KEPT_BYTES {
            buffer.clear();
            BUFFER.set(buffer);
        }
        Ok(filled)
    }

    /// Whether the client has had its time to take the rest.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.end.get_or_insert_with(|| Box::pin(sleep(FAREWELL))).as_mut().poll(cx)
    }
}

impl<W: Writer> Future for Connection<W> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            // A client that is gone is told nothing more.
            let Ok(filled) = this.turn(cx) else { return Poll::Ready(()) };
            match filled {
                Filled::Gone => return Poll::Ready(()),
                Filled::End if this.unsent.is_empty() => {
                    this.socket.finish();
                    return Poll::Ready(());
                }
                Filled::End => {
                    if this.poll_end(cx).is_ready() {
                        this.socket.kill();
                        return Poll::Ready(());
                    }
                }
                Filled::All | Filled::Full => {}
            }
            if this.unsent.is_empty() {
                if filled == Filled::Full {
                    // Others have their turn before.
                    cx.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
            ready!(this.socket.poll_writable(cx));
        }
    }
}
