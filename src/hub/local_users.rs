//! Who has a session on this node, and since when; and what other nodes say of their inboxes.
//!
//! The hub keeps it. Who answers from memory asks it, on whatever thread, and is told before the sessions are.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Instant,
};

use tokio::sync::Notify;

use super::messages::InboxFact;
use crate::domain::UserId;

type Listener = Box<dyn Fn(&[InboxFact]) + Send + Sync>;

#[derive(Clone, Default)]
pub struct LocalUsers(Arc<State>);

#[derive(Default)]
struct State {
    since: Mutex<HashMap<UserId, Instant>>,
    listener: OnceLock<Listener>,
    /// All of them are here.
    followed: Mutex<HashSet<UserId>>,
    is_followed: Notify,
}

impl LocalUsers {
    /// The first session of a user is here.
    pub fn enter(&self, user: UserId) {
        lock(&self.0.since).insert(user, Instant::now());
    }

    /// The last one is gone.
    pub fn leave(&self, user: &UserId) {
        lock(&self.0.since).remove(user);
        lock(&self.0.followed).remove(user);
    }

    /// What other nodes do to these inboxes is heard from now on.
    pub fn follow(&self, users: Vec<UserId>) {
        let since = lock(&self.0.since);
        let here = users.into_iter().filter(|user| since.contains_key(user));
        lock(&self.0.followed).extend(here);
        self.0.is_followed.notify_one();
    }

    /// Some of those of whom that was said since the last time, when there are any. One at a time may ask.
    pub async fn followed(&self, most: usize) -> Vec<UserId> {
        loop {
            let some: Vec<UserId> = lock(&self.0.followed).extract_if(|_| true).take(most).collect();
            if !some.is_empty() {
                return some;
            }
            self.0.is_followed.notified().await;
        }
    }

    /// Since when the user has had a session here, without a break.
    pub fn since(&self, user: &UserId) -> Option<Instant> {
        lock(&self.0.since).get(user).copied()
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
}

/// Never held over anything that could panic, so what a poisoned lock guards is whole.
fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
