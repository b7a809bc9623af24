//! Who has a session on this node, and since when; and what other nodes say of their inboxes.
//!
//! The hub keeps it. Who answers from memory asks it, on whatever thread, and is told before the sessions are.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Instant,
};

use super::messages::InboxFact;
use crate::domain::UserId;

type Listener = Box<dyn Fn(&[InboxFact]) + Send + Sync>;

#[derive(Clone, Default)]
pub struct LocalUsers(Arc<State>);

#[derive(Default)]
struct State {
    since: Mutex<HashMap<UserId, Instant>>,
    listener: OnceLock<Listener>,
}

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

    /// Has the listener hear what other nodes say from now on. There is one; it must not wait.
    pub fn listen(&self, listener: impl Fn(&[InboxFact]) + Send + Sync + 'static) {
        // A second one would be a fault of the code, and hears nothing.
        let _ = self.0.listener.set(Box::new(listener));
    }

    /// Facts have come from another node.
    pub fn hear(&self, facts: &[InboxFact]) {
        if let Some(listener) = self.0.listener.get() {
            listener(facts);
        }
    }

    /// Never held over anything that could panic, so what a poisoned lock guards is whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Instant>> {
        self.0.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
