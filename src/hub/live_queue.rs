//! What the hub has to say about who is here, for whoever keeps account of it, on whatever thread.
//!
//! Bounded: what does not fit is not lost in silence. The queue says then that everything is to be asked for anew, and
//! takes nothing until it was.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::domain::live::LiveFact;

/// Facts that may wait: more than the sessions that a node has by default come and go at once.
pub const LIVE_FACTS_MAX: usize = 131_072;

#[derive(Clone, Default)]
pub struct LiveQueue(Arc<State>);

#[derive(Default)]
struct State {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Default)]
struct Waiting {
    facts: VecDeque<LiveFact>,
    is_overflown: bool,
}

/// What was in the queue.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// In order; none where there is nothing.
    Facts(Vec<LiveFact>),
    /// Some did not fit.
    Overflown,
}

impl LiveQueue {
    /// Puts all of them in, or none.
    pub(super) fn put(&self, facts: Vec<LiveFact>) {
        let mut waiting = self.lock();
        if !waiting.is_overflown && waiting.facts.len() + facts.len() > LIVE_FACTS_MAX {
            waiting.is_overflown = true;
            waiting.facts = VecDeque::new();
        }
        if !waiting.is_overflown {
            waiting.facts.extend(facts);
        }
        drop(waiting);
        self.0.filled.notify_one();
    }

    /// What was said up to now is known otherwise.
    pub(super) fn restart(&self) {
        *self.lock() = Waiting::default();
    }

    /// The oldest of them, so many at most.
    pub fn take(&self, most: usize) -> Taken {
        let mut waiting = self.lock();
        if waiting.is_overflown {
            return Taken::Overflown;
        }
        let count = most.min(waiting.facts.len());
        Taken::Facts(waiting.facts.drain(..count).collect())
    }

    /// When something has come since the last time. One at a time may ask.
    pub async fn filled(&self) {
        self.0.filled.notified().await;
    }

    /// Never held over anything that could panic, so what a poisoned lock guards is whole.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::domain::live::LiveChange;

    fn facts(count: usize) -> Vec<LiveFact> {
        let room: crate::domain::RoomName = "general".parse().unwrap();
        let fact = LiveFact { at: Instant::now(), change: LiveChange::Occupied(room) };
        vec![fact; count]
    }

    #[test]
    fn what_does_not_fit_is_said_to_be_missing_until_all_is_asked_for_anew() {
        let queue = LiveQueue::default();
        queue.put(facts(LIVE_FACTS_MAX));
        assert!(matches!(queue.take(2), Taken::Facts(some) if some.len() == 2));
        queue.put(facts(3));
        assert_eq!(queue.take(usize::MAX), Taken::Overflown);
        queue.put(facts(1));
        assert_eq!(queue.take(usize::MAX), Taken::Overflown);
        queue.restart();
        assert_eq!(queue.take(usize::MAX), Taken::Facts(Vec::new()));
        queue.put(facts(1));
        assert!(matches!(queue.take(usize::MAX), Taken::Facts(some) if some.len() == 1));
    }
}
