//! State that all workers share, in parts, so that they seldom wait for each other.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

const PARTS: usize = 16;

pub(super) struct Shards<T> {
    parts: [Mutex<T>; PARTS],
    /// Its secret is of this process, so whoever chooses keys does not choose their part.
    hasher: RandomState,
}

impl<T> Shards<T> {
    pub(super) fn new(part: impl Fn() -> T) -> Self {
        Self { parts: std::array::from_fn(|_| Mutex::new(part())), hasher: RandomState::new() }
    }

    /// The part in which this key is.
    pub(super) fn of(&self, key: &impl Hash) -> MutexGuard<'_, T> {
        let [first, ..] = &self.parts;
        let place = self.hasher.hash_one(key) as usize % PARTS;
        // What is done under the lock is never half done.
        self.parts.get(place).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn sum(&self, count: impl Fn(&T) -> usize) -> usize {
        self.parts.iter().map(|part| count(&part.lock().unwrap())).sum()
    }
}
