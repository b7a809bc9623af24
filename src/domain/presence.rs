//! Who is in a room: users counted over their sessions, with a grace before somebody has left.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use super::UserId;

#[derive(Debug)]
pub struct Presence {
    grace: Duration,
    members: BTreeMap<UserId, Member>,
    /// Users without a session, by the end of their grace.
    leaving: BTreeSet<(Instant, UserId)>,
}

#[derive(Debug, Clone, Copy)]
enum Member {
    /// With so many sessions.
    Present(usize),
    /// Without one, until the end of the grace.
    Leaving(Instant),
}

impl Presence {
    pub fn new(grace: Duration) -> Self {
        Self { grace, members: BTreeMap::new(), leaving: BTreeSet::new() }
    }

    /// Adds a session of the user; whether the user is new here. Who comes back within the grace is not.
    pub fn join(&mut self, user: &UserId) -> bool {
        match self.members.get_mut(user) {
            Some(Member::Present(sessions)) => {
                *sessions += 1;
                false
            }
            Some(member @ Member::Leaving(_)) => {
                if let Member::Leaving(until) = std::mem::replace(member, Member::Present(1)) {
                    self.leaving.remove(&(until, user.clone()));
                }
                false
            }
            None => {
                self.members.insert(user.clone(), Member::Present(1));
                true
            }
        }
    }

    /// Takes a session of the user away; whether it was the last, so that the grace begins.
    pub fn leave(&mut self, user: &UserId, now: Instant) -> bool {
        let Some(Member::Present(sessions)) = self.members.get_mut(user) else { return false };
        if *sessions > 1 {
            *sessions -= 1;
            return false;
        }
        let until = now + self.grace;
        self.members.insert(user.clone(), Member::Leaving(until));
        self.leaving.insert((until, user.clone()));
        true
    }

    /// Removes those whose grace is over, and names them.
    pub fn expire(&mut self, now: Instant) -> Vec<UserId> {
        let mut gone = Vec::new();
        while self.leaving.first().is_some_and(|(until, _)| *until <= now) {
            if let Some((_, user)) = self.leaving.pop_first() {
                self.members.remove(&user);
                gone.push(user);
            }
        }
        gone
    }

    /// When the next grace is over.
    pub fn next_due(&self) -> Option<Instant> {
        self.leaving.first().map(|(until, _)| *until)
    }

    /// Users, those in their grace too.
    pub fn count(&self) -> usize {
        self.members.len()
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The first users by name.
    pub fn first(&self, count: usize) -> Vec<UserId> {
        self.members.keys().take(count).cloned().collect()
    }
}
