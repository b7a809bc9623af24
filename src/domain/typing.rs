//! Who types in a room, and when the room is to be told.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use super::UserId;

/// Most users that are named as typing (PROTOCOL.md section 3).
const USERS_MAX: usize = 20;

/// Shortest time between two tellings: one client may change its mind a thousand times a second, and
/// each change told is one event for every member.
const PAUSE: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub struct Typing {
    ttl: Duration,
    /// Until when each user types.
    until: BTreeMap<UserId, Instant>,
    /// The same the other way round: who stops next.
    stops: BTreeSet<(Instant, UserId)>,
    /// What the room was told last; at first that nobody types. `None`: not all of it has heard.
    told: Option<Vec<UserId>>,
    /// Before this nothing is told.
    quiet_until: Option<Instant>,
}

impl Typing {
    /// Nobody types; who begins to stops by itself `ttl` after the last word of it.
    pub fn new(ttl: Duration) -> Self {
        Self {
            ttl,
            until: BTreeMap::new(),
            stops: BTreeSet::new(),
            told: Some(Vec::new()),
            quiet_until: None,
        }
    }

    /// The user types now, and for another `ttl` if so before; or does not.
    pub fn set(&mut self, user: &UserId, is_active: bool, now: Instant) {
        if is_active {
            self.begin(user, now + self.ttl, now);
        } else {
            self.remove(user);
        }
    }

    /// The user types now on another node, which says it again while it lasts, and says when it ends.
    pub fn set_elsewhere(&mut self, user: &UserId, is_active: bool, now: Instant) {
        if is_active {
            self.begin(user, now + 2 * self.ttl, now);
        } else {
            self.remove(user);
        }
    }

    fn begin(&mut self, user: &UserId, until: Instant, now: Instant) {
        self.remove(user);
        self.until.insert(user.clone(), until);
        self.stops.insert((until, user.clone()));
        self.quiet_until.get_or_insert(now);
    }

    /// The user does not type, having left for example.
    pub fn remove(&mut self, user: &UserId) {
        if let Some(until) = self.until.remove(user) {
            self.stops.remove(&(until, user.clone()));
        }
    }

    /// Takes what the room is to be told: those who type now, by name, if that is not what it was told
    /// last, and not within the pause after that.
    pub fn take_change(&mut self, now: Instant) -> Option<Vec<UserId>> {
        while self.stops.first().is_some_and(|(until, _)| *until <= now) {
            let Some((_, user)) = self.stops.pop_first() else { break };
            self.until.remove(&user);
        }
        if !self.has_change() || self.quiet_until.is_some_and(|until| now < until) {
            return None;
        }
        let users = self.users(now);
        self.told = Some(users.clone());
        self.quiet_until = Some(now + PAUSE);
        Some(users)
    }

    /// What was told last has not reached everybody: it is told again after the pause.
    pub fn retell(&mut self) {
        self.told = None;
    }

    /// Those who type now, by name; at most 20.
    pub fn users(&self, now: Instant) -> Vec<UserId> {
        let typing = self.until.iter().filter(|(_, until)| **until > now);
        typing.map(|(user, _)| user).take(USERS_MAX).cloned().collect()
    }

    /// When [`Typing::take_change`] next has something to do, which may be now: there is a change to
    /// tell, or somebody stops. `None` while only a [`Typing::set`] can change anything.
    pub fn next_due(&self) -> Option<Instant> {
        if self.has_change() { self.quiet_until } else { self.stops.first().map(|(until, _)| *until) }
    }

    /// Whether the room was told something else than what holds, as far as time has been judged.
    fn has_change(&self) -> bool {
        self.told.as_ref().is_none_or(|told| !self.until.keys().take(USERS_MAX).eq(told))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TTL: Duration = Duration::from_secs(3);

    fn user(name: &str) -> UserId {
        name.parse().unwrap()
    }

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_room_is_told_who_begins_and_who_stops_and_nothing_between() {
        let (mut typing, start) = (Typing::new(TTL), Instant::now());
        let alice = user("alice");
        assert_eq!((typing.next_due(), typing.take_change(start)), (None, None));
        typing.set(&alice, true, start);
        assert_eq!(typing.next_due(), Some(start));
        assert_eq!(typing.take_change(start), Some(vec![alice.clone()]));
        assert_eq!(typing.next_due(), Some(start + TTL));
        let renewed = start + millis(2000);
        typing.set(&alice, true, renewed);
        assert_eq!((typing.take_change(renewed), typing.next_due()), (None, Some(renewed + TTL)));
        assert_eq!(typing.users(start + TTL), [user("alice")]);
        typing.set(&alice, false, renewed);
        assert_eq!(typing.take_change(renewed), Some(vec![]));
        assert_eq!((typing.next_due(), typing.take_change(renewed + TTL)), (None, None));
    }

    #[test]
    fn who_says_nothing_more_stops_after_the_ttl() {
        let (mut typing, start) = (Typing::new(TTL), Instant::now());
        typing.set(&user("alice"), true, start);
        typing.take_change(start);
        assert_eq!(typing.take_change(start + TTL - Duration::from_nanos(1)), None);
        assert_eq!(typing.users(start + TTL), []);
        assert_eq!(typing.take_change(start + TTL), Some(vec![]));
    }

    #[test]
    fn a_change_waits_for_the_end_of_the_pause_and_a_change_undone_is_none() {
        let (mut typing, start) = (Typing::new(TTL), Instant::now());
        let (alice, bob) = (user("alice"), user("bob"));
        typing.set(&alice, true, start);
        typing.take_change(start);
        typing.set(&bob, true, start + millis(10));
        assert_eq!((typing.take_change(start + millis(249)), typing.next_due()), (None, Some(start + PAUSE)));
        typing.remove(&bob);
        assert_eq!((typing.take_change(start + PAUSE), typing.next_due()), (None, Some(start + TTL)));
        typing.set(&bob, true, start + PAUSE);
        assert_eq!(typing.take_change(start + PAUSE), Some(vec![alice, bob]));
    }

    #[test]
    fn a_thousand_changes_of_mind_in_a_second_are_told_four_times() {
        let (mut typing, start) = (Typing::new(TTL), Instant::now());
        let told = (0..1000).filter(|i| {
            let now = start + millis(*i);
            typing.set(&user("alice"), i % 2 == 0, now);
            typing.take_change(now).is_some()
        });
        assert!(told.count() <= 4);
        assert!(typing.until.len() <= 1 && typing.stops.len() <= 1);
    }

    #[test]
    fn of_many_the_first_twenty_are_named_and_others_follow() {
        let (mut typing, start) = (Typing::new(TTL), Instant::now());
        let names: Vec<UserId> = (10..35).map(|i| user(&i.to_string())).collect();
        for name in &names {
            typing.set(name, true, start);
        }
        assert_eq!(typing.take_change(start).unwrap(), names[..20]);
        typing.remove(&names[0]);
        assert_eq!(typing.take_change(start + PAUSE).unwrap(), names[1..21]);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Set(u8, bool),
        Remove(u8),
        /// So many milliseconds pass.
        Pass(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            5 => (0..25u8, any::<bool>()).prop_map(|(user, is_active)| Step::Set(user, is_active)),
            1 => (0..25u8).prop_map(Step::Remove),
            2 => (0..600u64).prop_map(Step::Pass),
        ];
        proptest::collection::vec(step, 0..120)
    }

    /// A room that asks at each step and whenever it was told to, and the users as they should be.
    struct Model {
        typing: Typing,
        until: BTreeMap<UserId, Instant>,
        now: Instant,
        told: Vec<UserId>,
        told_at: Option<Instant>,
    }

    impl Model {
        fn expected(&self) -> Vec<UserId> {
            let typing = self.until.iter().filter(|(_, until)| **until > self.now);
            typing.map(|(user, _)| user.clone()).take(USERS_MAX).collect()
        }

        fn ask(&mut self) -> Result<(), TestCaseError> {
            prop_assert_eq!(self.typing.users(self.now), self.expected());
            let is_quiet = self.told_at.is_some_and(|at| self.now < at + PAUSE);
            let due = (self.expected() != self.told && !is_quiet).then(|| self.expected());
            prop_assert_eq!(self.typing.take_change(self.now), due.clone());
            if let Some(users) = due {
                (self.told, self.told_at) = (users, Some(self.now));
            }
            prop_assert!(self.typing.next_due().is_none_or(|due| due > self.now), "asked for nothing");
            Ok(())
        }

        fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
            match step {
                Step::Set(name, is_active) => {
                    let user = user(&name.to_string());
                    self.typing.set(&user, is_active, self.now);
                    self.until.remove(&user);
                    if is_active {
                        self.until.insert(user, self.now + millis(1000));
                    }
                }
                Step::Remove(name) => {
                    self.typing.remove(&user(&name.to_string()));
                    self.until.remove(&user(&name.to_string()));
                }
                Step::Pass(pass) => {
                    let later = self.now + millis(pass);
                    while let Some(due) = self.typing.next_due().filter(|due| *due <= later) {
                        self.now = due;
                        self.ask()?;
                    }
                    self.now = later;
                    let is_quiet = self.told_at.is_some_and(|at| self.now < at + PAUSE);
                    prop_assert!(is_quiet || self.told == self.expected(), "a change was not due");
                }
            }
            self.ask()
        }
    }

    proptest! {
        #[test]
        fn a_room_that_asks_when_it_is_due_knows_who_types_but_for_the_pause(steps in steps()) {
            let mut model = Model {
                typing: Typing::new(millis(1000)),
                until: BTreeMap::new(),
                now: Instant::now(),
                told: vec![],
                told_at: None,
            };
            for step in steps {
                model.step(step)?;
            }
        }
    }
}
