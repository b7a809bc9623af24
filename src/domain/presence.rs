//! Who is in a room: its users, however many sessions each has there.
//!
//! A user whose last session leaves stays a member for a grace, so that a reload or a change of network
//! is not told to the whole room.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use super::UserId;

#[derive(Debug)]
pub struct Presence {
    grace: Duration,
    members: BTreeMap<UserId, Member>,
    /// The members in their grace, by its end: one entry for each, so leaving often costs nothing.
    leaving: BTreeSet<(Instant, UserId)>,
}

#[derive(Debug)]
enum Member {
    /// With so many sessions, at least one.
    Here(usize),
    /// Without any; has left at this instant unless a session joins before.
    Leaving(Instant),
}

impl Presence {
    /// An empty room whose users have left `grace` after their last session did.
    pub fn new(grace: Duration) -> Self {
        Self { grace, members: BTreeMap::new(), leaving: BTreeSet::new() }
    }

    /// A session of the user joins; answers whether the user was no member before, so that
    /// `user_joined` is due.
    pub fn join(&mut self, user: &UserId) -> bool {
        let Some(member) = self.members.get_mut(user) else {
            self.members.insert(user.clone(), Member::Here(1));
            return true;
        };
        match member {
            Member::Here(sessions) => *sessions += 1,
            Member::Leaving(due) => {
                self.leaving.remove(&(*due, user.clone()));
                *member = Member::Here(1);
            }
        }
        false
    }

    /// A session of the user leaves; answers whether it was the last one, so that the grace begins. Who
    /// is not here does not leave.
    pub fn leave(&mut self, user: &UserId, now: Instant) -> bool {
        match self.members.get_mut(user) {
            Some(Member::Here(sessions)) if *sessions > 1 => {
                *sessions -= 1;
                false
            }
            Some(member @ Member::Here(_)) => {
                let due = now + self.grace;
                *member = Member::Leaving(due);
                self.leaving.insert((due, user.clone()));
                true
            }
            Some(Member::Leaving(_)) | None => false,
        }
    }

    /// Takes out those whose grace is over, in the order of its end: `user_left` is due for each.
    pub fn expire(&mut self, now: Instant) -> Vec<UserId> {
        let mut left = Vec::new();
        while self.leaving.first().is_some_and(|(due, _)| *due <= now) {
            let Some((_, user)) = self.leaving.pop_first() else { break };
            self.members.remove(&user);
            left.push(user);
        }
        left
    }

    /// When [`Presence::expire`] next has something to do.
    pub fn next_due(&self) -> Option<Instant> {
        self.leaving.first().map(|(due, _)| *due)
    }

    /// How many users are members, those in their grace included.
    pub fn count(&self) -> usize {
        self.members.len()
    }

    /// The first `n` members by name.
    pub fn first(&self, n: usize) -> Vec<UserId> {
        self.members.keys().take(n).cloned().collect()
    }

    /// Whether the user is a member, maybe in the grace.
    pub fn contains(&self, user: &UserId) -> bool {
        self.members.contains_key(user)
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GRACE: Duration = Duration::from_secs(3);

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    #[test]
    fn a_user_is_new_with_the_first_session_and_leaves_with_the_last() {
        let (mut presence, now) = (Presence::new(GRACE), Instant::now());
        let alice = user("alice");
        assert!(presence.join(&alice));
        assert!(!presence.join(&alice));
        presence.leave(&alice, now);
        assert_eq!(presence.next_due(), None);
        presence.leave(&alice, now);
        assert_eq!(presence.next_due(), Some(now + GRACE));
        assert!(presence.contains(&alice) && presence.count() == 1);
        assert_eq!(presence.expire(now + GRACE - Duration::from_nanos(1)), []);
        assert_eq!(presence.expire(now + GRACE), [user("alice")]);
        assert!(presence.is_empty() && !presence.contains(&alice));
        assert!(presence.join(&alice));
    }

    #[test]
    fn who_comes_back_in_the_grace_was_never_away() {
        let (mut presence, now) = (Presence::new(GRACE), Instant::now());
        let alice = user("alice");
        presence.join(&alice);
        presence.leave(&alice, now);
        assert!(!presence.join(&alice));
        assert_eq!((presence.next_due(), presence.expire(now + GRACE)), (None, vec![]));
        presence.leave(&alice, now + GRACE);
        assert_eq!(presence.next_due(), Some(now + 2 * GRACE));
    }

    #[test]
    fn without_a_grace_a_user_has_left_at_once() {
        let (mut presence, now) = (Presence::new(Duration::ZERO), Instant::now());
        presence.join(&user("alice"));
        presence.leave(&user("alice"), now);
        assert_eq!(presence.expire(now), [user("alice")]);
    }

    #[test]
    fn a_leave_of_nobody_changes_nothing() {
        let (mut presence, now) = (Presence::new(GRACE), Instant::now());
        presence.leave(&user("alice"), now);
        assert!(presence.is_empty() && presence.next_due().is_none());
        presence.join(&user("alice"));
        presence.leave(&user("alice"), now);
        presence.leave(&user("alice"), now + GRACE / 2);
        assert_eq!(presence.next_due(), Some(now + GRACE), "a second leave does not lengthen the grace");
    }

    #[test]
    fn coming_and_going_piles_nothing_up() {
        let (mut presence, now) = (Presence::new(GRACE), Instant::now());
        for i in 0..1000 {
            presence.join(&user("alice"));
            presence.leave(&user("alice"), now + Duration::from_millis(i));
            assert_eq!((presence.members.len(), presence.leaving.len()), (1, 1));
        }
    }

    #[test]
    fn members_are_listed_by_name() {
        let mut presence = Presence::new(GRACE);
        for name in ["carol", "alice", "bob"] {
            presence.join(&user(name));
        }
        assert_eq!(presence.first(2), [user("alice"), user("bob")]);
        assert_eq!(presence.first(9).len(), 3);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Join(u8),
        Leave(u8),
        /// So many milliseconds pass.
        Pass(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (0..4u8).prop_map(Step::Join),
            3 => (0..4u8).prop_map(Step::Leave),
            2 => (0..4000u64).prop_map(Step::Pass),
        ];
        proptest::collection::vec(step, 0..80)
    }

    proptest! {
        /// The model knows of each user only the open sessions and when the last one left.
        #[test]
        fn a_user_is_a_member_from_the_first_session_to_the_end_of_the_grace(
            steps in steps(), grace in 0..3000u64,
        ) {
            let grace = Duration::from_millis(grace);
            let (mut presence, mut now) = (Presence::new(grace), Instant::now());
            let mut model: BTreeMap<UserId, (usize, Instant)> = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Join(name) => {
                        let user = user(&name.to_string());
                        prop_assert_eq!(presence.join(&user), !model.contains_key(&user));
                        model.entry(user).or_insert((0, now)).0 += 1;
                    }
                    Step::Leave(name) => {
                        let user = user(&name.to_string());
                        presence.leave(&user, now);
                        if let Some((sessions @ 1.., left_at)) = model.get_mut(&user) {
                            (*sessions, *left_at) = (*sessions - 1, now);
                        }
                    }
                    Step::Pass(millis) => now += Duration::from_millis(millis),
                }
                let due = model.values().filter(|(sessions, _)| *sessions == 0).map(|(_, at)| *at + grace).min();
                prop_assert_eq!(presence.next_due(), due);
                let is_over = |(sessions, at): &(usize, Instant)| *sessions == 0 && *at + grace <= now;
                let mut left = presence.expire(now);
                left.sort();
                prop_assert!(left.iter().eq(model.iter().filter(|(_, state)| is_over(state)).map(|(user, _)| user)));
                model.retain(|_, state| !is_over(state));
                prop_assert_eq!(presence.first(9), model.keys().cloned().collect::<Vec<_>>());
                prop_assert_eq!((presence.count(), presence.is_empty()), (model.len(), model.is_empty()));
            }
        }
    }
}
