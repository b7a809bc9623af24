//! A connection that is ours: taken over from the HTTP server behind the head of its answer ([`super::hand_over`]).
//!
//! A task of its own, one a session. The server would keep two buffers, a dispatcher and a second look at the socket
//! for each; here an idle connection has no buffer at all, and one that is told something borrows that of its worker.

use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::BytesMut;

use crate::http::socket::SocketHandle;

/// What is gathered before it is written.
const FULL_BYTES: usize = 32 << 10;

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
    /// This is the end.
    End,
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
    /// `None` once it has come to its end.
    writer: Option<W>,
    /// What the socket did not take yet.
    unsent: BytesMut,
}

impl<W: Writer> Connection<W> {
    pub fn new(socket: Rc<SocketHandle>, writer: W) -> Self {
        Self { socket, writer: Some(writer), unsent: BytesMut::new() }
    }

    /// Gathers what there is behind what is unsent, and gives it to the socket. Whether all that waited is gathered.
    fn turn(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut buffer = BUFFER.take();
        buffer.extend_from_slice(&self.unsent);
        let filled = match &mut self.writer {
            Some(writer) => writer.fill(&mut buffer, cx),
            None => Filled::End,
        };
        if filled == Filled::End {
            self.writer = None;
        }
        let written = if buffer.is_empty() { Ok(0) } else { self.socket.try_write(&buffer) };
        let rest = written.as_ref().ok().and_then(|written| buffer.get(*written..));
        self.unsent = rest.map_or_else(BytesMut::new, BytesMut::from);
        buffer.clear();
        if buffer.capacity() <= KEPT_BYTES {
            BUFFER.set(buffer);
        }
        written.map(|_| filled != Filled::Full)
    }
}

impl<W: Writer> Future for Connection<W> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            // A client that is gone is told nothing more.
            let Ok(is_all) = this.turn(cx) else { return Poll::Ready(()) };
            match (this.unsent.is_empty(), &this.writer) {
                (true, None) => {
                    this.socket.finish();
                    return Poll::Ready(());
                }
                (true, Some(_)) => {
                    if !is_all {
                        // Others have their turn before.
                        cx.waker().wake_by_ref();
                    }
                    return Poll::Pending;
                }
                (false, _) => {
                    if this.socket.poll_writable(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}
