//! What a client has not read yet: the bounded queue between a session and its socket (G10).
//!
//! Lives on the worker's thread, so it needs no lock. It refuses what does not fit and remembers that
//! it did; it never drops what it took, never waits, and wakes its reader at most once.

use std::{
    cell::RefCell,
    collections::VecDeque,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;

use crate::protocol::{Class, CloseFrame, Frame};

/// Replies that may wait before the session reads no further commands.
const REPLIES_MAX: usize = 64;

/// Bounds of one outbox.
#[derive(Debug, Clone, Copy)]
pub struct OutboxLimits {
    pub events: usize,
    pub bytes: usize,
}

/// The frame did not fit; its sender makes up for it once the outbox has drained.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

/// What goes out next; the transport renders it.
#[derive(Debug)]
pub enum Outgoing {
    Ping,
    /// The answer to the client's ping, with its payload.
    Pong(Bytes),
    Frame(Frame),
    /// The last of all.
    Close(CloseFrame),
}

#[derive(Debug)]
pub struct Outbox(RefCell<Queue>);

#[derive(Debug)]
struct Queue {
    limits: OutboxLimits,
    /// Heartbeats and the answer to the client's last ping go ahead of everything; one of each is enough
    /// (RFC 6455 section 5.5.3).
    has_ping: bool,
    pong: Option<Bytes>,
    frames: VecDeque<Frame>,
    bytes: usize,
    replies: usize,
    ending: Ending,
    /// Something was refused, and the queue has not been below half since.
    is_overflowed: bool,
    /// The queue has been at half or above, and nobody was told yet that it fell below.
    was_above_half: bool,
    has_drained: bool,
    reader: Option<Waker>,
}

#[derive(Debug)]
enum Ending {
    Open,
    /// This close frame follows what waits; nothing more is taken.
    Closing(CloseFrame),
    CloseSent,
}

impl Outbox {
    pub fn new(limits: OutboxLimits) -> Self {
        Self(RefCell::new(Queue {
            limits,
            has_ping: false,
            pong: None,
            frames: VecDeque::new(),
            bytes: 0,
            replies: 0,
            ending: Ending::Open,
            is_overflowed: false,
            was_above_half: false,
            has_drained: false,
            reader: None,
        }))
    }

    /// Takes a frame. A connection that is ending takes nothing more and refuses nothing.
    ///
    /// # Errors
    /// [`Full`] for an event or a hint that does not fit; then the outbox is at half or above, so that
    /// [`Self::take_drained`] will follow. A reply is always taken.
    pub fn push(&self, frame: Frame) -> Result<(), Full> {
        let mut queue = self.0.borrow_mut();
        if !matches!(queue.ending, Ending::Open) {
            return Ok(());
        }
        let (class, cost) = (frame.class(), frame.cost());
        if class == Class::Reply {
            queue.replies += 1;
        } else if !queue.fits(cost) {
            queue.is_overflowed = true;
            return Err(Full);
        }
        queue.bytes += cost;
        let waker = queue.sleeping_reader();
        queue.frames.push_back(frame);
        queue.was_above_half |= !queue.is_below_half();
        drop(queue);
        wake(waker);
        Ok(())
    }

    pub fn ping(&self) {
        self.urgent(|queue| queue.has_ping = true);
    }

    pub fn pong(&self, payload: Bytes) {
        self.urgent(|queue| queue.pong = Some(payload));
    }

    fn urgent(&self, put: impl FnOnce(&mut Queue)) {
        let mut queue = self.0.borrow_mut();
        if !matches!(queue.ending, Ending::Open) {
            return;
        }
        let waker = queue.sleeping_reader();
        put(&mut queue);
        drop(queue);
        wake(waker);
    }

    /// Ends with this close frame, behind what waits. The first ending counts.
    pub fn close(&self, goodbye: Option<Frame>, close: CloseFrame) {
        if self.is_closing() {
            return;
        }
        if let Some(goodbye) = goodbye {
            // The last word is counted as any other reply is, and always taken.
            let _ = self.push(goodbye);
        }
        let mut queue = self.0.borrow_mut();
        let waker = queue.sleeping_reader();
        queue.ending = Ending::Closing(close);
        drop(queue);
        wake(waker);
    }

    /// Forgets what waits: for a reader that will not read it.
    pub fn clear(&self) {
        let mut queue = self.0.borrow_mut();
        queue.frames = VecDeque::new();
        (queue.bytes, queue.replies) = (0, 0);
    }

    pub fn forget(&self, _: &crate::domain::RoomName) {}

    pub fn is_closing(&self) -> bool {
        !matches!(self.0.borrow().ending, Ending::Open)
    }

    /// Whether the close frame has left.
    pub fn is_close_sent(&self) -> bool {
        matches!(self.0.borrow().ending, Ending::CloseSent)
    }

    /// Whether something was refused since the queue was last below half.
    pub fn is_overflowed(&self) -> bool {
        self.0.borrow().is_overflowed
    }

    /// Whether there is room for a page of a replay: at most half is taken.
    pub fn has_room(&self) -> bool {
        self.0.borrow().is_below_half()
    }

    /// Whether so much waits that no further command should be read.
    pub fn is_congested(&self) -> bool {
        let queue = self.0.borrow();
        queue.replies >= REPLIES_MAX || queue.bytes > queue.limits.bytes
    }

    /// Says once that the queue has fallen below half after it was above.
    pub fn take_drained(&self) -> bool {
        std::mem::take(&mut self.0.borrow_mut().has_drained)
    }

    /// What goes out next; registers the reader where there are none.
    pub fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Outgoing> {
        let mut queue = self.0.borrow_mut();
        match queue.next() {
            Some(outgoing) => Poll::Ready(outgoing),
            None => {
                if queue.reader.as_ref().is_none_or(|reader| !reader.will_wake(cx.waker())) {
                    queue.reader = Some(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }

    /// Wakes the reader, so that it looks again whether the connection is over.
    pub fn wake(&self) {
        let waker = self.0.borrow_mut().reader.take();
        wake(waker);
    }
}

impl Queue {
    /// Whether an event of this cost fits. Below half everything does, however large it is.
    fn fits(&self, cost: usize) -> bool {
        let has_bytes = self.bytes * 2 < self.limits.bytes || self.bytes + cost <= self.limits.bytes;
        self.frames.len() < self.limits.events && has_bytes
    }

    fn is_below_half(&self) -> bool {
        self.frames.len() * 2 < self.limits.events && self.bytes * 2 < self.limits.bytes
    }

    fn is_empty(&self) -> bool {
        self.frames.is_empty() && !self.has_ping && self.pong.is_none()
    }

    /// The reader, if it sleeps: it does only when nothing waits.
    fn sleeping_reader(&mut self) -> Option<Waker> {
        if self.is_empty() { self.reader.take() } else { None }
    }

    fn next(&mut self) -> Option<Outgoing> {
        if std::mem::take(&mut self.has_ping) {
            return Some(Outgoing::Ping);
        }
        if let Some(payload) = self.pong.take() {
            return Some(Outgoing::Pong(payload));
        }
        let Some(frame) = self.frames.pop_front() else { return self.next_close() };
        self.bytes -= frame.cost();
        if frame.class() == Class::Reply {
            self.replies = self.replies.saturating_sub(1);
        }
        if self.frames.is_empty() {
            // An idle session keeps no memory of a busy one.
            self.frames.shrink_to(16);
        }
        if self.was_above_half && self.is_below_half() {
            self.was_above_half = false;
            self.is_overflowed = false;
            self.has_drained = true;
        }
        Some(Outgoing::Frame(frame))
    }

    fn next_close(&mut self) -> Option<Outgoing> {
        match std::mem::replace(&mut self.ending, Ending::CloseSent) {
            Ending::Closing(close) => Some(Outgoing::Close(close)),
            other => {
                self.ending = other;
                None
            }
        }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests;
