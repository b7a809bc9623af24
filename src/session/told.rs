//! Which counters a client was told, so that nothing is told twice and nothing after what is newer.
//!
//! A fact may come from the hub late, doubled and out of order, by the bus and again by the sweep. Events of
//! the inbox are judged by their position; what has none, by the versions of its counters.

use std::cell::Cell;

use crate::{
    domain::{Counters, Epoch},
    protocol::{Frame, event::Telling},
};

#[derive(Default)]
pub(super) struct Told {
    /// By the `welcome`.
    first: Cell<Counters>,
    /// The life of the inbox; `None` before the `welcome`.
    epoch: Cell<Option<Epoch>>,
    /// By the last `unread`, or by the `welcome`.
    unread: Cell<Counters>,
    /// The newest that was told by whatever.
    marks_version: Cell<u64>,
}

impl Told {
    pub(super) fn welcome(&self, epoch: Epoch, counters: Counters) {
        self.first.set(counters);
        self.begin(epoch, counters);
    }

    pub(super) fn has_begun(&self) -> bool {
        self.epoch.get().is_some()
    }

    pub(super) fn first(&self) -> Counters {
        self.first.get()
    }

    /// The client knows these counters of this life, and nothing else.
    fn begin(&self, epoch: Epoch, counters: Counters) {
        self.epoch.set(Some(epoch));
        self.unread.set(counters);
        self.marks_version.set(counters.marks_version);
    }

    /// What was told of another life of the inbox counts for nothing in this one.
    pub(super) fn go_on_in(&self, epoch: Epoch) {
        if self.epoch.get().is_some_and(|present| present != epoch) {
            self.begin(epoch, Counters::default());
        }
    }

    /// Whether the client does not know these counters, nor newer ones.
    pub(super) fn lacks(&self, counters: &Counters) -> bool {
        counters.is_newer_than(&self.unread.get())
    }

    /// Whether a hint tells what the client does not know.
    pub(super) fn is_news(&self, hint: &Frame) -> bool {
        match hint.telling() {
            Some(Telling::Unread(counters)) => self.lacks(&counters),
            Some(Telling::Marked(counters)) => counters.marks_version > self.marks_version.get(),
            None => true,
        }
    }

    pub(super) fn note(&self, hint: &Frame) {
        let Some(telling) = hint.telling() else { return };
        if let Telling::Unread(counters) = telling {
            self.unread.set(counters);
        }
        let marks_version = telling.counters().marks_version;
        self.marks_version.set(self.marks_version.get().max(marks_version));
    }
}
