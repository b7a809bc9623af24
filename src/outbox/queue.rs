//! What waits in an outbox, and how much it is. It takes what it is given; the outbox judges first.

use std::{
    collections::VecDeque,
    ops::{AddAssign, SubAssign},
};

use super::{OutboxPool, latest::Latest};
use crate::{
    domain::RoomName,
    observe::metrics,
    protocol::{Class, Frame},
    stream::Gap,
};

/// What an outbox may hold of an exhausted pool, so that who reads gets on.
pub const FAIR_BYTES: usize = 8 * 1024;

/// One thing that waits; small, since a slow reader has many.
#[derive(Debug)]
pub(super) enum Entry {
    Frame(Frame),
    Gap(Box<RoomGap>),
}

/// What was dropped of a room without a break, in the place of the first of it. It counts as an event
/// without bytes, is never dropped, and is encoded when its turn comes, since it may grow until then.
#[derive(Debug)]
pub(super) struct RoomGap {
    pub room: RoomName,
    pub gap: Gap,
}

/// Bounds of one outbox.
#[derive(Debug, Clone, Copy)]
pub struct OutboxLimits {
    pub events: usize,
    pub bytes: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Amount {
    pub events: usize,
    pub bytes: usize,
}

impl Amount {
    pub fn without(self, part: Self) -> Self {
        Self { events: self.events - part.events, bytes: self.bytes - part.bytes }
    }
}

impl OutboxLimits {
    /// Whether an event of this cost fits. Below half everything does, however large it is.
    pub(super) fn fits(&self, amount: Amount, cost: usize) -> bool {
        amount.events < self.events && (amount.bytes * 2 < self.bytes || amount.bytes + cost <= self.bytes)
    }

    pub(super) fn is_below_half(&self, amount: Amount) -> bool {
        amount.events * 2 < self.events && amount.bytes * 2 < self.bytes
    }
}

#[derive(Debug)]
pub(super) struct Queue {
    pub limits: OutboxLimits,
    pub entries: VecDeque<Entry>,
    pub tally: Tally,
    pub latest: Latest,
    pub pool: OutboxPool,
}

/// How much waits, of each kind that is treated differently.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub all: Amount,
    /// The part of it that may be dropped: what rooms said.
    pub droppable: Amount,
    pub ephemerals: usize,
    pub replies: usize,
}

impl Queue {
    pub fn new(limits: OutboxLimits, pool: OutboxPool) -> Self {
        Self { limits, entries: VecDeque::new(), tally: Tally::default(), latest: Latest::default(), pool }
    }

    /// Whether so much is left unread that it gets nothing more of a pool that is exhausted.
    pub fn is_cut_short(&self) -> bool {
        self.tally.all.bytes >= FAIR_BYTES && self.pool.is_exhausted()
    }

    /// Whether its reader keeps up: less than half waits, and no more than a fair share of an exhausted pool.
    pub fn is_low(&self) -> bool {
        self.is_below_half() && !self.is_cut_short()
    }

    pub fn fits(&self, cost: usize) -> bool {
        self.limits.fits(self.tally.all, cost)
    }

    pub fn is_below_half(&self) -> bool {
        self.limits.is_below_half(self.tally.all)
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn push(&mut self, frame: Frame) {
        let entry = Entry::Frame(frame);
        self.count(&entry);
        self.entries.push_back(entry);
    }

    pub fn pop(&mut self) -> Option<Frame> {
        let entry = self.entries.pop_front();
        if self.entries.is_empty() {
            // An idle session keeps no memory of a busy one.
            self.entries.shrink_to(16);
        }
        let entry = entry?;
        self.discount(&entry);
        Some(match entry {
            Entry::Frame(frame) => frame,
            Entry::Gap(lost) => {
                metrics::gap_told(true, lost.gap.reason);
                Frame::gap(&lost.room, lost.gap)
            }
        })
    }

    /// Says what was set aside, as far as the reader keeps up with it.
    pub fn restore_latest(&mut self) {
        while self.is_low()
            && let Some(frame) = self.latest.take_oldest()
        {
            self.push(frame);
        }
    }

    /// Removes all that waits of a room.
    pub fn forget(&mut self, room: &RoomName) {
        self.remove_if(|entry| entry.room() == Some(room));
        self.latest.forget(room);
    }

    pub fn remove_if(&mut self, is_unwanted: impl Fn(&Entry) -> bool) {
        let (tally, pool) = (&mut self.tally, &self.pool);
        self.entries.retain(|entry| {
            let is_kept = !is_unwanted(entry);
            if !is_kept {
                tally.remove(entry);
                entry.release(pool);
            }
            is_kept
        });
    }

    pub fn clear(&mut self) -> usize {
        let events = self.tally.all.events;
        *self = Self::new(self.limits, self.pool.clone());
        events
    }

    /// Counts what is put in.
    pub fn count(&mut self, entry: &Entry) {
        self.tally.add(entry);
        if let Entry::Frame(frame) = entry {
            self.pool.hold(frame);
        }
    }

    /// Counts what is taken out.
    pub fn discount(&mut self, entry: &Entry) {
        self.tally.remove(entry);
        entry.release(&self.pool);
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.entries.iter().for_each(|entry| entry.release(&self.pool));
    }
}

impl Entry {
    pub fn is_of(&self, class: Class) -> bool {
        matches!(self, Self::Frame(frame) if frame.class() == class)
    }

    fn release(&self, pool: &OutboxPool) {
        if let Self::Frame(frame) = self {
            pool.release(frame);
        }
    }

    fn room(&self) -> Option<&RoomName> {
        match self {
            Self::Frame(frame) => frame.room(),
            Self::Gap(lost) => Some(&lost.room),
        }
    }
}

impl Tally {
    pub fn add(&mut self, entry: &Entry) {
        self.count(entry, usize::add_assign);
    }

    pub fn remove(&mut self, entry: &Entry) {
        self.count(entry, usize::sub_assign);
    }

    fn count(&mut self, entry: &Entry, step: impl Fn(&mut usize, usize)) {
        step(&mut self.all.events, 1);
        let Entry::Frame(frame) = entry else { return };
        step(&mut self.all.bytes, frame.cost());
        match frame.class() {
            Class::Inbox | Class::Hint => {}
            Class::Reply => step(&mut self.replies, 1),
            class @ (Class::Room | Class::Ephemeral) => {
                step(&mut self.droppable.events, 1);
                step(&mut self.droppable.bytes, frame.cost());
                step(&mut self.ephemerals, usize::from(class == Class::Ephemeral));
            }
        }
    }
}
