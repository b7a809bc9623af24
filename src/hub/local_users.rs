//! Who has a session on this node, and since when: what such a user's inbox is heard of by all that is told.
//!
//! The hub keeps it; who answers from memory asks it, on whatever thread.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crate::domain::UserId;

#[derive(Debug, Clone, Default)]
pub struct LocalUsers(Arc<Mutex<HashMap<UserId, Instant>>>);

impl LocalUsers {
    /// The first session of a user is here.
    pub fn enter(&self, user: UserId) {
        self.lock().insert(user, Instant::now());
    }

    /// The last one is gone.
    pub fn leave(&self, user: &UserId) {
        self.lock().remove(user);
    }

    /// Since when the user has had a session here, without a break.
    pub fn since(&self, user: &UserId) -> Option<Instant> {
        self.lock().get(user).copied()
    }

    /// Never held over anything that could panic, so what a poisoned lock guards is whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
