//! Idempotency keys whose first request is still under way on this node.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::domain::UserId;

/// A publisher, and the word by which it makes a publish repeatable.
pub(super) type Key = (UserId, String);

/// As many keys as there are writes waiting, so the writer's queue bounds it.
#[derive(Default)]
pub(super) struct KeysUnderWay(Arc<Mutex<HashSet<Key>>>);

/// Lets its key go when it is dropped.
#[derive(Debug)]
pub(super) struct UnderWay {
    keys: Arc<Mutex<HashSet<Key>>>,
    key: Key,
}

/// The key is under way already.
#[derive(Debug)]
pub(super) struct Taken;

impl KeysUnderWay {
    pub(super) fn enter(&self, key: Key) -> Result<UnderWay, Taken> {
        let is_new = lock(&self.0).insert(key.clone());
        if is_new { Ok(UnderWay { keys: self.0.clone(), key }) } else { Err(Taken) }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        lock(&self.keys).remove(&self.key);
    }
}

/// Never held over anything that could panic, so what a poisoned lock guards is whole.
fn lock(keys: &Mutex<HashSet<Key>>) -> MutexGuard<'_, HashSet<Key>> {
    keys.lock().unwrap_or_else(PoisonError::into_inner)
}
