//! Which sessions a user has, on which workers.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::domain::{SessionKey, UserId};

pub struct SessionRegister {
    /// Most sessions of one user; 0 is no limit.
    per_user: usize,
    /// Oldest first.
    users: HashMap<UserId, VecDeque<SessionKey>>,
}

impl SessionRegister {
    pub fn new(per_user: usize) -> Self {
        Self { per_user, users: HashMap::new() }
    }

    /// Adds a session; answers with the one that must go for it, if any.
    ///
    /// The one that goes is forgotten at once: its own farewell comes late or never.
    pub fn add(&mut self, user: UserId, session: SessionKey) -> Option<SessionKey> {
        let sessions = self.users.entry(user).or_default();
        sessions.push_back(session);
        if self.per_user > 0 && sessions.len() > self.per_user { sessions.pop_front() } else { None }
    }

    pub fn remove(&mut self, user: &UserId, session: SessionKey) {
        if let Some(sessions) = self.users.get_mut(user) {
            sessions.retain(|known| *known != session);
            if sessions.is_empty() {
                self.users.remove(user);
            }
        }
    }

    pub fn has(&self, user: &UserId) -> bool {
        self.users.contains_key(user)
    }

    /// The workers that have sessions of the user, each once.
    pub fn shards_of(&self, user: &UserId) -> BTreeSet<u16> {
        self.users.get(user).into_iter().flatten().map(|session| session.shard).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(shard: u16, slot: u32) -> SessionKey {
        SessionKey { shard, slot, generation: 0 }
    }

    #[test]
    fn beyond_the_limit_the_oldest_session_of_the_user_goes() {
        let mut register = SessionRegister::new(2);
        let alice: UserId = "alice".parse().unwrap();
        assert_eq!(register.add(alice.clone(), key(0, 1)), None);
        assert_eq!(register.add(alice.clone(), key(1, 2)), None);
        assert_eq!(register.add(alice.clone(), key(1, 3)), Some(key(0, 1)));
        assert_eq!(register.shards_of(&alice), BTreeSet::from([1]));
        register.remove(&alice, key(0, 1));
        register.remove(&alice, key(1, 2));
        register.remove(&alice, key(1, 3));
        assert!(!register.has(&alice));
    }

    #[test]
    fn zero_is_no_limit() {
        let mut register = SessionRegister::new(0);
        assert!((0..100).all(|slot| register.add("a".parse().unwrap(), key(0, slot)).is_none()));
    }
}
