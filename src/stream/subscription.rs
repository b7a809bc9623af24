//! One session's hold on one stream: where it stands, and whether it is live.
//!
//! Pure. It decides; the session reads the truth and fills the outbox.

use std::collections::VecDeque;

use super::{Page, Verdict, judge};
use crate::domain::Position;

/// Most live events held while the truth is being read, and most of their bytes. What does not fit is
/// dropped and read instead, so the bounds cost a second read and never an event.
const HELD_EVENTS_MAX: usize = 64;
const HELD_BYTES_MAX: usize = 128 * 1024;

#[derive(Debug)]
pub struct Subscription<E> {
    /// The last position given to the session, by an event, a skip or a gap.
    last: Position,
    phase: Phase<E>,
}

#[derive(Debug)]
enum Phase<E> {
    /// What comes next is delivered as it arrives.
    Live,
    /// The truth is being read; live events wait here, so that none falls between the two.
    Reading { held: Held<E> },
    /// There is more to read, and no room for it yet.
    Waiting,
}

/// What to do with a live event.
#[derive(Debug, PartialEq, Eq)]
pub enum Offered<E> {
    /// Nothing: it was delivered before, it is held, or it will be read.
    Nothing,
    /// Give it to the session.
    Deliver(E),
    /// Read the truth after this position.
    Read(Position),
}

/// What to do after a page of the truth was given to the session.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn<E> {
    /// Give these too, in order; the stream is live.
    Live(Vec<(Position, E)>),
    /// There is more behind this position.
    Read(Position),
}

impl<E> Subscription<E> {
    /// Starts at `since` by reading the truth.
    pub fn reading(since: Position) -> Self {
        Self { last: since, phase: Phase::Reading { held: Held::default() } }
    }

    pub fn last(&self) -> Position {
        self.last
    }

    pub fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Live)
    }

    /// Whether the truth is being read: what comes meanwhile follows the page.
    pub fn is_reading(&self) -> bool {
        matches!(self.phase, Phase::Reading { .. })
    }

    /// Takes a live event of `bytes`.
    pub fn offer(&mut self, position: Position, event: E, bytes: usize) -> Offered<E> {
        match (&mut self.phase, judge(self.last, position)) {
            // Before the page it is not known where the session stands: it may have asked for a position
            // that never was. What is held is judged then.
            (Phase::Reading { held }, _) => {
                held.push(position, event, bytes);
                Offered::Nothing
            }
            (_, Verdict::Drop) | (Phase::Waiting, _) => Offered::Nothing,
            (Phase::Live, Verdict::Deliver) => {
                self.last = position;
                Offered::Deliver(event)
            }
            (Phase::Live, Verdict::Behind) => {
                let mut held = Held::default();
                held.push(position, event, bytes);
                self.phase = Phase::Reading { held };
                Offered::Read(self.last)
            }
        }
    }

    /// Takes the news that the stream has come to `position`, without an event: for what was lost on the way.
    pub fn ring(&mut self, position: Position) -> Option<Position> {
        let is_known = self.is_live() && judge(self.last, position) == Verdict::Drop;
        if is_known { None } else { self.doubt() }
    }

    /// Something may have been lost: says where to read on, if no read is under way or due.
    pub fn doubt(&mut self) -> Option<Position> {
        match &mut self.phase {
            Phase::Live => self.start_reading(),
            Phase::Reading { held } => {
                held.has_lost = true;
                None
            }
            Phase::Waiting => None,
        }
    }

    /// Restarts behind `since` by reading the truth.
    pub fn restart(&mut self, since: Position) {
        *self = Self::reading(since);
    }

    /// The event given out last found no room after all; it is owed from `last` on.
    pub fn refused(&mut self, last: Position) {
        self.last = last;
        self.phase = Phase::Waiting;
    }

    /// There is no room for another page.
    pub fn wait(&mut self) {
        self.phase = Phase::Waiting;
    }

    /// There is room again: says where to read on, if something is owed.
    pub fn resume(&mut self) -> Option<Position> {
        matches!(self.phase, Phase::Waiting).then(|| self.start_reading()).flatten()
    }

    fn start_reading(&mut self) -> Option<Position> {
        self.phase = Phase::Reading { held: Held::default() };
        Some(self.last)
    }

    /// Takes note of a page whose items were given to the session.
    pub fn turn<T>(&mut self, page: &Page<T>) -> Turn<E> {
        self.last = page.reached;
        let Phase::Reading { held } = &mut self.phase else { return Turn::Live(Vec::new()) };
        let held = std::mem::take(held);
        if !page.is_top() || held.has_lost {
            return Turn::Read(self.last);
        }
        let mut due = Vec::new();
        for (position, event) in held.events {
            match judge(self.last, position) {
                Verdict::Drop => {}
                Verdict::Deliver => {
                    self.last = position;
                    due.push((position, event));
                }
                // What is due is read again with the rest: nothing of it was given out yet.
                Verdict::Behind => {
                    self.last = page.reached;
                    return Turn::Read(self.last);
                }
            }
        }
        self.phase = Phase::Live;
        Turn::Live(due)
    }
}

/// Live events that wait for the end of a read.
#[derive(Debug)]
struct Held<E> {
    events: VecDeque<(Position, E)>,
    bytes: usize,
    /// Something did not fit or was only heard of, so another read is due.
    has_lost: bool,
}

impl<E> Default for Held<E> {
    fn default() -> Self {
        Self { events: VecDeque::new(), bytes: 0, has_lost: false }
    }
}

impl<E> Held<E> {
    fn push(&mut self, position: Position, event: E, bytes: usize) {
        if self.has_lost {
            return;
        }
        self.bytes += bytes;
        self.events.push_back((position, event));
        if self.events.len() > HELD_EVENTS_MAX || self.bytes > HELD_BYTES_MAX {
            *self = Self { has_lost: true, ..Self::default() };
        }
    }
}

#[cfg(test)]
mod tests;
