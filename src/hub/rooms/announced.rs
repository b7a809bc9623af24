//! Who types here, as the other nodes were told.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::domain::UserId;

/// What the other nodes know: they hear when it begins, again while it lasts, and when it ends.
pub struct AnnouncedTyping {
    ttl: Duration,
    users: BTreeMap<UserId, Announced>,
}

struct Announced {
    told_at: Instant,
    /// When it ends, unless the user goes on.
    until: Instant,
}

impl AnnouncedTyping {
    pub fn new(ttl: Duration) -> Self {
        Self { ttl, users: BTreeMap::new() }
    }

    /// The user types now, or no longer does; whether the other nodes are to hear of it.
    pub fn set(&mut self, user: &UserId, is_active: bool, now: Instant) -> bool {
        if !is_active {
            return self.users.remove(user).is_some();
        }
        let until = now + self.ttl;
        match self.users.get_mut(user) {
            Some(announced) => {
                announced.until = until;
                let is_due = now >= announced.told_at + self.ttl / 2;
                if is_due {
                    announced.told_at = now;
                }
                is_due
            }
            None => {
                self.users.insert(user.clone(), Announced { told_at: now, until });
                true
            }
        }
    }

    /// The user is gone, and with that the typing: it ends with the next [`AnnouncedTyping::expire`].
    pub fn end(&mut self, user: &UserId, now: Instant) {
        if let Some(announced) = self.users.get_mut(user) {
            announced.until = now;
        }
    }

    /// Takes those who have stopped by now: the other nodes are to hear of it.
    pub fn expire(&mut self, now: Instant) -> Vec<UserId> {
        let over = self.users.iter().filter(|(_, announced)| announced.until <= now);
        let over: Vec<UserId> = over.map(|(user, _)| user.clone()).collect();
        for user in &over {
            self.users.remove(user);
        }
        over
    }

    pub fn next_due(&self) -> Option<Instant> {
        self.users.values().map(|announced| announced.until).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_nodes_hear_the_beginning_the_end_and_a_word_in_between() {
        let ttl = Duration::from_secs(3);
        let (mut announced, start) = (AnnouncedTyping::new(ttl), Instant::now());
        let alice: UserId = "alice".parse().unwrap();
        assert!(!announced.set(&alice, false, start));
        let told = (0..100).filter(|i| announced.set(&alice, true, start + ttl * *i / 10));
        assert_eq!(told.count(), 20);
        let last = start + ttl * 99 / 10;
        assert_eq!((announced.next_due(), announced.expire(last)), (Some(last + ttl), vec![]));
        assert_eq!(announced.expire(last + ttl), std::slice::from_ref(&alice));
        assert!(announced.set(&alice, true, last) && announced.set(&alice, false, last));
        assert_eq!(announced.next_due(), None);
        announced.set(&alice, true, last);
        announced.end(&alice, last);
        assert_eq!(announced.expire(last), [alice]);
    }
}
