//! What becomes of a room's events when there is no place for more: the oldest go, and a gap tells (G10).

use std::collections::HashMap;

use super::queue::{Amount, Entry, OutboxLimits, Queue, RoomGap};
use crate::{
    domain::RoomName,
    observe::metrics::{self, Dropped},
    protocol::{Class, Frame},
    stream::{Gap, GapReason},
};

impl OutboxLimits {
    /// Whether so much is free that dropping has paid: an eighth, so that what one pass costs is shared
    /// by many events. Not more, since what waits may yet be read.
    fn is_relieved(&self, amount: Amount, cost: usize) -> bool {
        let is_eighth_free =
            amount.events <= self.events - self.events / 8 && amount.bytes <= self.bytes - self.bytes / 8;
        is_eighth_free && self.fits(amount, cost)
    }
}

impl Queue {
    /// Makes room for an event of this cost: sets presence and typing aside, then drops the oldest events of rooms.
    /// Says whether it fits now: it may not, where each loss has left a gap behind.
    ///
    /// Where dropping all of them could not bring relief nothing is dropped: else each event would cost
    /// another pass over a queue of other things.
    pub(super) fn relieve(&mut self, cost: usize) -> bool {
        let lasting = self.tally.all.without(self.tally.droppable);
        if !self.limits.is_relieved(lasting, cost) {
            return false;
        }
        if self.tally.ephemerals > 0 {
            for entry in self.entries.iter().rev() {
                if let Entry::Frame(frame) = entry
                    && entry.is_of(Class::Ephemeral)
                {
                    self.latest.note_older(frame);
                }
            }
            self.remove_if(|entry| entry.is_of(Class::Ephemeral));
        }
        let (mut front, mut lost) = (Front::default(), 0);
        while !self.limits.is_relieved(self.tally.all, cost)
            && let Some(entry) = self.entries.pop_front()
        {
            self.discount(&entry);
            lost += usize::from(entry.is_of(Class::Room));
            if let Some(entry) = front.pass(entry) {
                self.count(entry);
            }
        }
        metrics::dropped(Dropped::OutboxFull, lost);
        for entry in front.kept.into_iter().rev() {
            self.entries.push_front(entry);
        }
        self.fits(cost)
    }
}

/// The part of the queue that was gone over.
#[derive(Default)]
struct Front {
    kept: Vec<Entry>,
    /// Where the last gap of a room stands in it.
    gaps: HashMap<RoomName, usize>,
}

impl Front {
    /// Goes over an entry: says what stands in its place now, if anything does.
    fn pass(&mut self, entry: Entry) -> Option<&Entry> {
        let entry = match entry {
            Entry::Frame(frame) if frame.class() == Class::Room => Entry::Gap(self.lose(&frame)?),
            kept => kept,
        };
        if let Entry::Gap(lost) = &entry {
            self.gaps.insert(lost.room.clone(), self.kept.len());
        }
        self.kept.push(entry);
        self.kept.last()
    }

    /// Notes the loss of a room's event: in the gap that it continues, or else in a new one.
    fn lose(&mut self, frame: &Frame) -> Option<Box<RoomGap>> {
        let (room, from, to) = (frame.room()?, frame.follows()?, frame.position()?);
        let last = self.gaps.get(room).and_then(|place| self.kept.get_mut(*place));
        if let Some(Entry::Gap(last)) = last
            && last.gap.to == from
        {
            last.gap.to = to;
            return None;
        }
        let gap = Gap { from, to, reason: GapReason::Overflow };
        Some(Box::new(RoomGap { room: room.clone(), gap }))
    }
}
