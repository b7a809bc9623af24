//! A room's numbering and its bounded history: the truth of a room on one node.
//!
//! Pure. The numbering has no holes and outlives the history; what the history has lost is told by
//! [`replay`] as a `gap`.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use super::{Head, Page, PageLimit, replay};
use crate::domain::{Epoch, Nonce, Offset, Position, UserId};

/// What an event costs besides its own bytes: its entry, its nonce and the nonce's place in the index,
/// each with room to grow.
const ENTRY_BYTES: usize = 256;

/// Bounds of a history; whichever is reached first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLimits {
    /// Most events; 0 keeps none.
    pub messages: usize,
    /// Most bytes, as [`RoomLog::bytes`] counts them.
    pub bytes: usize,
    /// Age at which an event leaves.
    pub age: Duration,
}

#[derive(Debug)]
pub struct RoomLog<E> {
    epoch: Epoch,
    /// Offset of the newest event, held or not.
    last: Offset,
    /// The newest events, oldest first; their offsets end at `last`, without a hole.
    entries: VecDeque<Entry<E>>,
    /// Where the nonces of the entries are.
    nonces: HashMap<(UserId, Nonce), Offset>,
    /// What the entries cost.
    bytes: usize,
}

#[derive(Debug)]
struct Entry<E> {
    event: E,
    /// Of the event alone.
    bytes: usize,
    author: Option<(UserId, Nonce)>,
    at: Instant,
}

impl<E> RoomLog<E> {
    /// A room in which nothing was said yet.
    pub fn new(epoch: Epoch) -> Self {
        Self { epoch, last: 0, entries: VecDeque::new(), nonces: HashMap::new(), bytes: 0 }
    }

    /// A room of which nothing up to `last` is held.
    pub fn at(epoch: Epoch, last: Offset) -> Self {
        Self { last, ..Self::new(epoch) }
    }

    pub fn head(&self) -> Head {
        let pruned = self.pruned();
        Head { epoch: self.epoch, last: self.last, pruned, restart: pruned }
    }

    /// What the next event gets.
    pub fn next(&self) -> Position {
        Position::new(self.epoch, self.last + 1)
    }

    /// Where this user's event with this nonce is, as long as it is held: a repeated publish is answered
    /// with it and not appended.
    pub fn first_of(&self, user: &UserId, nonce: &Nonce) -> Option<Position> {
        let offset = self.nonces.get(&(user.clone(), nonce.clone()))?;
        Some(Position::new(self.epoch, *offset))
    }

    /// Numbers an event of `bytes` and holds it within the limits, which may be not at all.
    ///
    /// `author` is who made it repeatable; that it is no repetition was asked of [`RoomLog::first_of`].
    pub fn append(
        &mut self,
        event: E,
        bytes: usize,
        author: Option<(UserId, Nonce)>,
        now: Instant,
        limits: LogLimits,
    ) -> Position {
        let position = self.next();
        self.last = position.offset;
        self.bytes = self.bytes.saturating_add(cost(bytes));
        if let Some(author) = &author {
            self.nonces.insert(author.clone(), self.last);
        }
        self.entries.push_back(Entry { event, bytes, author, at: now });
        self.expire(now, limits);
        position
    }

    /// Forgets the oldest events until the history is within the limits.
    pub fn expire(&mut self, now: Instant, limits: LogLimits) {
        while self.entries.front().is_some_and(|oldest| {
            self.entries.len() > limits.messages
                || self.bytes > limits.bytes
                || now.saturating_duration_since(oldest.at) >= limits.age
        }) {
            self.forget_oldest();
        }
        // What a busy hour has taken is given back, or `bytes` would say too little.
        if self.entries.len() < self.entries.capacity() / 4 {
            self.entries.shrink_to(self.entries.len() * 2);
            self.nonces.shrink_to(self.nonces.len() * 2);
        }
    }

    fn forget_oldest(&mut self) {
        let oldest = self.pruned() + 1;
        let Some(entry) = self.entries.pop_front() else { return };
        self.bytes = self.bytes.saturating_sub(cost(entry.bytes));
        // A nonce that was used again belongs to the newer event.
        if let Some(author) = entry.author
            && self.nonces.get(&author) == Some(&oldest)
        {
            self.nonces.remove(&author);
        }
    }

    /// When the oldest event leaves by its age.
    pub fn expires_at(&self, limits: LogLimits) -> Option<Instant> {
        self.entries.front()?.at.checked_add(limits.age)
    }

    /// Forgets the history and keeps the numbering.
    pub fn clear(&mut self) {
        *self = Self::at(self.epoch, self.last);
    }

    /// What the history costs: the bytes of its events, and 256 for each of them.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn has_history(&self) -> bool {
        !self.entries.is_empty()
    }

    /// The pruned horizon: the offset before the oldest event held.
    fn pruned(&self) -> Offset {
        let held = Offset::try_from(self.entries.len()).unwrap_or(Offset::MAX);
        self.last.saturating_sub(held)
    }
}

impl<E: Clone> RoomLog<E> {
    /// A page of what a reader at `since` is owed; the bytes are those of the events.
    pub fn page(&self, since: Position, limit: PageLimit) -> Page<E> {
        let head = self.head();
        let (_, begin) = replay::begin(head, since);
        let passed = usize::try_from(begin.saturating_sub(head.pruned)).unwrap_or(usize::MAX);
        let mut bytes: usize = 0;
        let mut rows = Vec::new();
        for (offset, entry) in (begin + 1..).zip(self.entries.iter().skip(passed)) {
            bytes = bytes.saturating_add(entry.bytes);
            if !rows.is_empty() && (rows.len() >= limit.rows || bytes > limit.bytes) {
                break;
            }
            rows.push((offset, Some(entry.event.clone())));
        }
        let has_more = rows.last().is_some_and(|(offset, _)| *offset < self.last);
        replay::page(head, since, rows, has_more)
    }

    /// The newest events within the limit, oldest first; the bytes are those of the events.
    pub fn latest(&self, limit: PageLimit) -> Vec<E> {
        let mut bytes: usize = 0;
        let newest = self.entries.iter().rev().take(limit.rows).enumerate().take_while(|(place, entry)| {
            bytes = bytes.saturating_add(entry.bytes);
            *place == 0 || bytes <= limit.bytes
        });
        let mut events: Vec<E> = newest.map(|(_, entry)| entry.event.clone()).collect();
        events.reverse();
        events
    }
}

fn cost(bytes: usize) -> usize {
    bytes.saturating_add(ENTRY_BYTES)
}

#[cfg(test)]
mod tests;
