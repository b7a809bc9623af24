//! Who types in a room.

use std::time::{Duration, Instant};

use super::UserId;

/// Most users that are named.
const SHOWN_MAX: usize = 20;

/// The set is told at most this often: flipping it is cheap for who does it and dear for who hears it.
const PAUSE: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub struct Typing {
    ttl: Duration,
    /// In the order in which they began, with the end of each.
    users: Vec<(UserId, Instant)>,
    told: Vec<UserId>,
    told_at: Option<Instant>,
}

impl Typing {
    /// `ttl`: how long one `typing` lasts.
    pub fn new(ttl: Duration) -> Self {
        Self { ttl, users: Vec::new(), told: Vec::new(), told_at: None }
    }

    /// Takes note that a user types, again or for the first time, or has stopped.
    pub fn set(&mut self, user: &UserId, is_active: bool, now: Instant) {
        if !is_active {
            return self.remove(user);
        }
        let until = now + self.ttl;
        match self.users.iter_mut().find(|(known, _)| known == user) {
            Some((_, end)) => *end = until,
            None => self.users.push((user.clone(), until)),
        }
    }

    pub fn remove(&mut self, user: &UserId) {
        self.users.retain(|(known, _)| known != user);
    }

    /// Those who type now, at most 20.
    pub fn users(&self, now: Instant) -> Vec<UserId> {
        let typing = self.users.iter().filter(|(_, until)| *until > now);
        typing.take(SHOWN_MAX).map(|(user, _)| user.clone()).collect()
    }

    /// The set, if it is another than was told last, and that is long enough ago.
    pub fn take_change(&mut self, now: Instant) -> Option<Vec<UserId>> {
        self.users.retain(|(_, until)| *until > now);
        if self.pause_end().is_some_and(|end| end > now) || !self.is_changed() {
            return None;
        }
        self.told = self.users(now);
        self.told_at = Some(now);
        Some(self.told.clone())
    }

    /// When something may have to be told.
    pub fn next_due(&self) -> Option<Instant> {
        let end = self.users.iter().map(|(_, until)| *until).min();
        let change = if self.is_changed() { self.pause_end() } else { None };
        [end, change].into_iter().flatten().min()
    }

    fn is_changed(&self) -> bool {
        let shown = self.users.iter().take(SHOWN_MAX).map(|(user, _)| user);
        !shown.eq(&self.told)
    }

    fn pause_end(&self) -> Option<Instant> {
        self.told_at.map(|at| at + PAUSE)
    }
}
