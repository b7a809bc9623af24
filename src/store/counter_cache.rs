//! The counters that are polled for, kept in memory: a poll that finds them here touches no database.
//!
//! It is never behind an answer of the store, and never holds what was not committed:
//!
//! * The writer notes what a commit has changed before it answers and before it rings the hub. It changes
//!   what is known, and makes no entry of its own, so only who is polled for costs memory.
//! * Whoever finds nothing leaves a marker, reads the database, and what was read is kept only if the marker is
//!   still there. The writer takes markers away, so a read that a commit has overtaken is kept by nobody.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hashlink::LruCache;

use super::messages::InboxCounters;
use crate::{domain::UserId, hub::messages::InboxFact};

/// Users whose counters are kept, about 200 bytes each. Beyond it the one polled for longest ago goes.
pub(super) const USERS_MAX: usize = 65_536;

pub(super) struct CounterCache(Mutex<Entries>);

struct Entries {
    users: LruCache<UserId, Entry>,
    last_marker: u64,
}

enum Entry {
    Known(InboxCounters),
    /// Somebody reads the database.
    Reading(Marker),
}

/// The marker of a read; those who begin meanwhile share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marker(u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Counters(InboxCounters),
    /// The database is to be read, and the outcome kept with this.
    Nothing(Marker),
}

impl CounterCache {
    pub(super) fn new(users_max: usize) -> Self {
        Self(Mutex::new(Entries { users: LruCache::new(users_max), last_marker: 0 }))
    }

    pub(super) fn find(&self, user: &UserId) -> Found {
        let entries = &mut *self.lock();
        match entries.users.get(user) {
            Some(Entry::Known(counters)) => Found::Counters(*counters),
            Some(Entry::Reading(marker)) => Found::Nothing(*marker),
            None => {
                entries.last_marker += 1;
                let marker = Marker(entries.last_marker);
                entries.users.insert(user.clone(), Entry::Reading(marker));
                Found::Nothing(marker)
            }
        }
    }

    /// Keeps what was read, unless a commit may have overtaken it.
    pub(super) fn keep(&self, user: &UserId, marker: Marker, read: InboxCounters) {
        let entries = &mut *self.lock();
        let Some(entry) = entries.users.peek_mut(user) else { return };
        let is_newest = match entry {
            Entry::Reading(present) => *present == marker,
            // Of two who share a marker, the one who read earlier may have kept first.
            Entry::Known(known) => read.is_newer_than(known),
        };
        if is_newest {
            *entry = Entry::Known(read);
        }
    }

    /// Takes note of what was committed, in the order in which it became true.
    pub(super) fn note(&self, facts: &[InboxFact]) {
        let entries = &mut *self.lock();
        for fact in facts {
            match entries.users.peek_mut(fact.user()) {
                Some(Entry::Known(known)) => known.follow(fact),
                Some(Entry::Reading(_)) => drop(entries.users.remove(fact.user())),
                None => {}
            }
        }
    }

    /// Forgets everything: it is not known what became of a commit.
    pub(super) fn clear(&self) {
        self.lock().users.clear();
    }

    /// Never held over anything that could panic, so what a poisoned lock guards is whole.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InboxCounters {
    /// Of two lives of an inbox neither is the newer one.
    fn is_newer_than(&self, other: &Self) -> bool {
        let versions = |inbox: &Self| (inbox.counters.version, inbox.counters.marks_version);
        self.epoch == other.epoch && versions(self) > versions(other)
    }

    fn follow(&mut self, fact: &InboxFact) {
        match fact {
            InboxFact::Appended { notification, counters, .. } => {
                *self = Self { epoch: notification.position.epoch, counters: *counters };
            }
            InboxFact::Changed { position, counters, .. } => {
                *self = Self { epoch: position.epoch, counters: *counters };
            }
            // What is marked was appended in this life.
            InboxFact::Marked { counters, .. } => self.counters = *counters,
        }
    }
}

#[cfg(test)]
mod tests;
