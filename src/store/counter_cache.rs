//! The counters that are polled for, kept in memory: a poll that finds them here touches no database.
//!
//! It is never behind an answer of the store, and never holds what was not committed:
//!
//! * The writer notes what a commit has changed before it answers and before it rings the hub. It changes
//!   what is known, and makes no entry of its own, so only who is polled for costs memory.
//! * Whoever finds nothing leaves a marker, reads the database, and what was read is kept only if the marker is
//!   still there. The writer takes markers away, so a read that a commit has overtaken is kept by nobody.
//!
//! Where other processes write, too, what is heard of them and what else was read is noted the same way, by its
//! version; and what was read a while ago counts only for users who have been here since, of whom all is heard.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hashlink::LruCache;

use super::messages::InboxCounters;
use crate::{
    domain::{Counters, Epoch, UserId},
    hub::{LocalUsers, messages::InboxFact},
};

/// Users whose counters are kept, about 200 bytes each. Beyond it the one polled for longest ago goes.
const USERS_MAX: usize = 65_536;

/// How old counters may be of a user who has no session here (PROTOCOL.md section 5).
const AGE_MAX: Duration = Duration::from_secs(5);

pub(super) struct CounterCache {
    entries: Mutex<Entries>,
    /// Who is here; `None` where no other process writes, and nothing ages.
    local: Option<LocalUsers>,
}

struct Entries {
    users: LruCache<UserId, Entry>,
    last_marker: u64,
}

enum Entry {
    Known {
        counters: InboxCounters,
        /// When the database was asked.
        since: Instant,
    },
    /// Somebody reads the database.
    Reading { marker: Marker, since: Instant },
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
    /// `local`: who is here, where other processes write.
    pub(super) fn new(users_max: usize, local: Option<LocalUsers>) -> Self {
        let entries = Entries { users: LruCache::new(users_max), last_marker: 0 };
        Self { entries: Mutex::new(entries), local }
    }

    /// The same for all parts of the store; it hears of other nodes what the hub hears.
    pub(super) fn shared(local: Option<LocalUsers>) -> Arc<Self> {
        let cache = Arc::new(Self::new(USERS_MAX, local.clone()));
        if let Some(local) = local {
            let hearing = Arc::downgrade(&cache);
            local.listen(move |facts| {
                if let Some(cache) = hearing.upgrade() {
                    cache.note(facts);
                }
            });
        }
        cache
    }

    pub(super) fn find(&self, user: &UserId) -> Found {
        self.find_at(user, Instant::now())
    }

    fn find_at(&self, user: &UserId, now: Instant) -> Found {
        let entries = &mut *self.lock();
        match entries.users.get(user) {
            Some(Entry::Known { counters, since }) if self.is_fresh(user, *since, now) => {
                Found::Counters(*counters)
            }
            Some(Entry::Reading { marker, .. }) => Found::Nothing(*marker),
            _ => {
                entries.last_marker += 1;
                let marker = Marker(entries.last_marker);
                entries.users.insert(user.clone(), Entry::Reading { marker, since: now });
                Found::Nothing(marker)
            }
        }
    }

    fn is_fresh(&self, user: &UserId, since: Instant, now: Instant) -> bool {
        let Some(local) = &self.local else { return true };
        now.saturating_duration_since(since) < AGE_MAX || local.since(user).is_some_and(|here| here <= since)
    }

    /// Keeps what was read, unless a commit may have overtaken it.
    pub(super) fn keep(&self, user: &UserId, marker: Marker, read: InboxCounters) {
        let entries = &mut *self.lock();
        let Some(entry) = entries.users.peek_mut(user) else { return };
        match entry {
            Entry::Reading { marker: present, since } if *present == marker => {
                *entry = Entry::Known { counters: read, since: *since };
            }
            // Of two who share a marker, the one who read earlier may have kept first.
            Entry::Known { counters, .. } if read.is_newer_than(counters) => *counters = read,
            _ => {}
        }
    }

    /// Takes note of what was committed, here or by another process: in whatever order it is heard of.
    pub(super) fn note(&self, facts: &[InboxFact]) {
        let entries = &mut *self.lock();
        for fact in facts {
            let (epoch, counters) = match fact {
                InboxFact::Appended { notification, counters, .. } => {
                    (Some(notification.position.epoch), counters)
                }
                InboxFact::Changed { position, counters, .. } => (Some(position.epoch), counters),
                InboxFact::Marked { counters, .. } => (None, counters),
            };
            entries.note(fact.user(), epoch, *counters);
        }
    }

    /// Takes note of what somebody is about to be answered. Without its life it is of the one that is known.
    pub(super) fn learn(&self, user: &UserId, epoch: Option<Epoch>, counters: Counters) {
        self.lock().note(user, epoch, counters);
    }

    /// Forgets everything: it is not known what became of a commit.
    pub(super) fn clear(&self) {
        self.lock().users.clear();
    }

    /// Never held over anything that could panic, so what a poisoned lock guards is whole.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn note(&mut self, user: &UserId, epoch: Option<Epoch>, counters: Counters) {
        let Some(entry) = self.users.peek_mut(user) else { return };
        if let Entry::Known { counters: known, .. } = entry {
            let epoch = epoch.unwrap_or(known.epoch);
            let news = InboxCounters { epoch, counters };
            if known.epoch == epoch || known.epoch == Epoch::NONE {
                if counters.is_newer_than(&known.counters) {
                    *known = news;
                }
                return;
            }
        }
        // Of two lives of an inbox neither is the newer one; and a read under way may be behind.
        self.users.remove(user);
    }
}

impl InboxCounters {
    fn is_newer_than(&self, other: &Self) -> bool {
        self.epoch == other.epoch && self.counters.is_newer_than(&other.counters)
    }
}

#[cfg(test)]
mod tests;
