//! A room's numbering and its bounded history: the truth of a room on one node.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use super::{
    Head, Page, PageLimit,
    replay::{begin, page},
};
use crate::domain::{Epoch, Nonce, Offset, Position, UserId};

/// What an event costs beside its own bytes: its place in the history, and in the table of nonces (a
/// rounded-up estimate).
const ENTRY_BYTES: usize = 128;

/// Bounds of one room's history; whichever is reached first.
#[derive(Debug, Clone, Copy)]
pub struct LogLimits {
    pub messages: usize,
    pub bytes: usize,
    pub age: Duration,
}

#[derive(Debug)]
pub struct RoomLog<E> {
    epoch: Epoch,
    last: Offset,
    /// The newest events, without a hole up to `last`.
    entries: VecDeque<Entry<E>>,
    bytes: usize,
    /// Messages that can be repeated, as long as they are held.
    nonces: HashMap<Author, Offset>,
}

/// Who published, and by which word.
type Author = (UserId, Nonce);

#[derive(Debug)]
struct Entry<E> {
    event: E,
    bytes: usize,
    at: Instant,
    author: Option<Author>,
}

impl<E: Clone> RoomLog<E> {
    pub fn new(epoch: Epoch) -> Self {
        Self { epoch, last: 0, entries: VecDeque::new(), bytes: 0, nonces: HashMap::new() }
    }

    pub fn head(&self) -> Head {
        let pruned = self.last - self.entries.len() as Offset;
        Head { epoch: self.epoch, last: self.last, pruned, restart: pruned }
    }

    /// The position that the next event gets.
    pub fn next(&self) -> Position {
        Position::new(self.epoch, self.last + 1)
    }

    /// What the history costs, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn has_history(&self) -> bool {
        !self.entries.is_empty()
    }

    /// Where the message stands that the user has published by this nonce, as long as it is held.
    pub fn first_of(&self, user: &UserId, nonce: &Nonce) -> Option<Position> {
        let offset = self.nonces.get(&(user.clone(), nonce.clone()))?;
        Some(Position::new(self.epoch, *offset))
    }

    /// Takes the next event, of `bytes`; older ones make room for it.
    pub fn append(
        &mut self,
        event: E,
        bytes: usize,
        author: Option<Author>,
        now: Instant,
        limits: &LogLimits,
    ) {
        self.last += 1;
        if let Some(author) = &author {
            self.nonces.insert(author.clone(), self.last);
        }
        let bytes = bytes + ENTRY_BYTES;
        self.bytes += bytes;
        self.entries.push_back(Entry { event, bytes, at: now, author });
        while self.entries.len() > limits.messages || self.bytes > limits.bytes {
            self.drop_oldest();
        }
        self.expire(now, limits);
    }

    /// Drops what is too old.
    pub fn expire(&mut self, now: Instant, limits: &LogLimits) {
        while self.expires_at(limits).is_some_and(|at| at <= now) {
            self.drop_oldest();
        }
    }

    /// When the oldest event is too old.
    pub fn expires_at(&self, limits: &LogLimits) -> Option<Instant> {
        self.entries.front().and_then(|oldest| oldest.at.checked_add(limits.age))
    }

    /// Forgets the history and keeps the numbering.
    pub fn clear(&mut self) {
        self.entries = VecDeque::new();
        self.nonces = HashMap::new();
        self.bytes = 0;
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.entries.pop_front() else { return };
        self.bytes -= oldest.bytes;
        if let Some(author) = oldest.author {
            self.nonces.remove(&author);
        }
        if self.entries.is_empty() {
            // A quiet room keeps no memory of a busy one.
            self.clear();
        }
    }

    /// What a reader at `since` is owed next.
    pub fn page(&self, since: Position, limit: PageLimit) -> Page<E> {
        let head = self.head();
        let (_, begin) = begin(head, since);
        let held = usize::try_from(begin.saturating_sub(head.pruned)).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let mut rows = Vec::new();
        let mut offsets = begin + 1..;
        let mut behind = self.entries.iter().skip(held).zip(offsets.by_ref()).peekable();
        while let Some((entry, offset)) = behind.peek() {
            bytes += entry.bytes;
            if !rows.is_empty() && (rows.len() >= limit.rows || bytes > limit.bytes) {
                break;
            }
            rows.push((*offset, Some(entry.event.clone())));
            behind.next();
        }
        let has_more = behind.next().is_some();
        page(head, since, rows, has_more)
    }

    /// The newest events, oldest first.
    pub fn latest(&self, count: usize) -> Vec<E> {
        let skipped = self.entries.len().saturating_sub(count);
        self.entries.iter().skip(skipped).map(|entry| entry.event.clone()).collect()
    }
}
