//! What a client has not read yet: the bounded queue between a session and its socket (G10).
//!
//! Lives on the worker's thread, so it needs no lock. It refuses what does not fit and remembers that
//! it did, never waits, and wakes its reader at most once. Of what it took it drops only what rooms said.

mod latest;
mod overflow;
mod pool;
mod queue;

use std::{
    cell::RefCell,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
pub use pool::{OutboxPool, Share};
use queue::Queue;
pub use queue::{FAIR_BYTES, OutboxLimits};

use crate::{
    domain::RoomName,
    protocol::{Class, CloseFrame, Frame},
};

/// Replies that may wait before the session reads no further commands.
const REPLIES_MAX: usize = 64;

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
pub struct Outbox(RefCell<State>);

#[derive(Debug)]
struct State {
    /// Heartbeats and the answer to the client's last ping go ahead of everything; one of each is enough
    /// (RFC 6455 section 5.5.3).
    has_ping: bool,
    pong: Option<Bytes>,
    queue: Queue,
    ending: Ending,
    /// Something did not fit, and the reader has not come below half since.
    is_overflowed: bool,
    /// It has come to that, and nobody was told yet.
    has_news_of_overflow: bool,
    /// The queue has been at half or above, and nobody was told yet that it fell below.
    was_above_half: bool,
    has_drained: bool,
    /// The reader has come below half since it was last asked whether it lags.
    has_caught_up: bool,
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
    pub fn new(limits: OutboxLimits, pool: OutboxPool) -> Self {
        Self(RefCell::new(State {
            has_ping: false,
            pong: None,
            queue: Queue::new(limits, pool),
            ending: Ending::Open,
            is_overflowed: false,
            has_news_of_overflow: false,
            was_above_half: false,
            has_drained: false,
            has_caught_up: false,
            reader: None,
        }))
    }

    /// Takes a frame. A connection that is ending takes nothing more and refuses nothing.
    ///
    /// A reply is always taken. Presence and typing are set aside where the queue is at half or above, or more than
    /// a fair share of an exhausted pool waits: the newest of each, for later. A room's event takes the place of older.
    ///
    /// # Errors
    /// [`Full`] for an event of the inbox or a hint that does not fit, for an event of a room where too much else
    /// waits, and for each of them where the pool of all outboxes is exhausted; [`Self::take_drained`] will follow.
    pub fn push(&self, frame: Frame) -> Result<(), Full> {
        let mut state = self.0.borrow_mut();
        if !matches!(state.ending, Ending::Open) {
            return Ok(());
        }
        let (class, cost) = (frame.class(), frame.cost());
        if class == Class::Ephemeral && !state.queue.is_low() {
            state.queue.latest.note(frame);
            state.was_above_half = true;
            return Ok(());
        }
        if class != Class::Reply && state.queue.is_cut_short() {
            // Its reader makes up for it as soon as it has read something.
            state.was_above_half = true;
            return Err(state.overflow());
        }
        if class != Class::Reply && !state.queue.fits(cost) {
            let full = state.overflow();
            if class != Class::Room || !state.queue.relieve(cost) {
                return Err(full);
            }
        }
        let waker = state.sleeping_reader();
        state.queue.push(frame);
        state.was_above_half |= !state.queue.is_below_half();
        drop(state);
        wake(waker);
        Ok(())
    }

    pub fn ping(&self) {
        self.urgent(|state| state.has_ping = true);
    }

    pub fn pong(&self, payload: Bytes) {
        self.urgent(|state| state.pong = Some(payload));
    }

    fn urgent(&self, put: impl FnOnce(&mut State)) {
        let mut state = self.0.borrow_mut();
        if !matches!(state.ending, Ending::Open) {
            return;
        }
        let waker = state.sleeping_reader();
        put(&mut state);
        drop(state);
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
        let mut state = self.0.borrow_mut();
        let waker = state.sleeping_reader();
        state.ending = Ending::Closing(close);
        drop(state);
        wake(waker);
    }

    /// Forgets what waits: for a reader that will not read it. Says how many events that was.
    pub fn clear(&self) -> usize {
        let mut state = self.0.borrow_mut();
        let forgotten = state.queue.clear();
        (state.is_overflowed, state.was_above_half) = (false, false);
        forgotten
    }

    /// Forgets what waits of a room: for a session that leaves it. An overflow ends with the reader's
    /// next look, as it does when the reader has read.
    pub fn forget(&self, room: &RoomName) {
        self.0.borrow_mut().queue.forget(room);
    }

    pub fn is_closing(&self) -> bool {
        !matches!(self.0.borrow().ending, Ending::Open)
    }

    /// Whether the close frame has left.
    pub fn is_close_sent(&self) -> bool {
        matches!(self.0.borrow().ending, Ending::CloseSent)
    }

    /// Whether something did not fit since the reader last came below half.
    pub fn is_overflowed(&self) -> bool {
        self.0.borrow().is_overflowed
    }

    /// Whether something did not fit, for the first time since the reader had caught up; says it once.
    pub fn take_overflow(&self) -> bool {
        std::mem::take(&mut self.0.borrow_mut().has_news_of_overflow)
    }

    /// Whether the reader lags behind: something did not fit, or it holds too much of a pool that is exhausted, and it
    /// has not come below half since this was last asked. One that reads all the time, and is filled up as fast, does
    /// not.
    pub fn is_lagging(&self) -> bool {
        let mut state = self.0.borrow_mut();
        let has_caught_up = std::mem::take(&mut state.has_caught_up);
        (state.is_overflowed || state.queue.is_cut_short()) && !has_caught_up
    }

    /// Whether there is room for a page of a replay: at most half is taken.
    pub fn has_room(&self) -> bool {
        self.0.borrow().queue.is_below_half()
    }

    /// Bytes of what waits.
    pub fn waiting_bytes(&self) -> usize {
        self.0.borrow().queue.tally.all.bytes
    }

    /// Whether so much waits that no further command should be read.
    pub fn is_congested(&self) -> bool {
        let queue = &self.0.borrow().queue;
        queue.tally.replies >= REPLIES_MAX || queue.tally.all.bytes > queue.limits.bytes
    }

    /// Says once that the reader has come below half after the queue was above; it may have come to
    /// nothing at all, where the rest was forgotten.
    pub fn take_drained(&self) -> bool {
        std::mem::take(&mut self.0.borrow_mut().has_drained)
    }

    /// What goes out next; registers the reader where there are none.
    pub fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Outgoing> {
        let mut state = self.0.borrow_mut();
        match state.next() {
            Some(outgoing) => Poll::Ready(outgoing),
            None => {
                if state.reader.as_ref().is_none_or(|reader| !reader.will_wake(cx.waker())) {
                    state.reader = Some(cx.waker().clone());
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

impl State {
    fn overflow(&mut self) -> Full {
        self.has_news_of_overflow |= !self.is_overflowed;
        self.is_overflowed = true;
        Full
    }

    fn is_empty(&self) -> bool {
        self.queue.is_empty() && !self.has_ping && self.pong.is_none()
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
        let frame = self.queue.pop();
        if self.was_above_half && self.queue.is_low() {
            self.is_overflowed = false;
            (self.has_drained, self.has_caught_up) = (true, true);
            self.queue.restore_latest();
            self.was_above_half = !self.queue.is_low();
        }
        frame.or_else(|| self.queue.pop()).map(Outgoing::Frame).or_else(|| self.next_close())
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
