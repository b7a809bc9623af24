use proptest::prelude::*;

use super::*;

const GRACE: Duration = Duration::from_secs(3);

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn node(number: u8) -> NodeId {
    NodeId::from_random(number.into())
}

fn left(users: &[&str]) -> Departures {
    let left: Vec<UserId> = users.iter().map(|name| user(name)).collect();
    Departures { left_here: left.clone(), left }
}

#[test]
fn a_user_is_new_with_the_first_session_and_leaves_with_the_last() {
    let (mut presence, now) = (Presence::new(GRACE), Instant::now());
    let alice = user("alice");
    assert_eq!(presence.join(&alice), Arrival { is_new: true, is_new_here: true });
    assert_eq!(presence.join(&alice), Arrival::default());
    presence.leave(&alice, now);
    assert_eq!(presence.next_due(), None);
    presence.leave(&alice, now);
    assert_eq!(presence.next_due(), Some(now + GRACE));
    assert_eq!((presence.count(), presence.is_empty_here()), (1, false));
    assert_eq!(presence.expire(now + GRACE - Duration::from_nanos(1)), left(&[]));
    assert_eq!(presence.expire(now + GRACE), left(&["alice"]));
    assert_eq!((presence.count(), presence.is_empty_here()), (0, true));
    assert!(presence.join(&alice).is_new);
}

#[test]
fn who_comes_back_in_the_grace_was_never_away() {
    let (mut presence, now) = (Presence::new(GRACE), Instant::now());
    let alice = user("alice");
    presence.join(&alice);
    presence.leave(&alice, now);
    assert_eq!(presence.join(&alice), Arrival::default());
    assert_eq!((presence.next_due(), presence.expire(now + GRACE)), (None, left(&[])));
    presence.leave(&alice, now + GRACE);
    assert_eq!(presence.next_due(), Some(now + 2 * GRACE));
}

#[test]
fn without_a_grace_a_user_has_left_at_once() {
    let (mut presence, now) = (Presence::new(Duration::ZERO), Instant::now());
    presence.join(&user("alice"));
    presence.leave(&user("alice"), now);
    assert_eq!(presence.expire(now), left(&["alice"]));
}

#[test]
fn a_leave_of_nobody_changes_nothing() {
    let (mut presence, now) = (Presence::new(GRACE), Instant::now());
    presence.leave(&user("alice"), now);
    assert_eq!((presence.count(), presence.next_due()), (0, None));
    presence.join(&user("alice"));
    presence.leave(&user("alice"), now);
    presence.leave(&user("alice"), now + GRACE / 2);
    assert_eq!(presence.next_due(), Some(now + GRACE), "a second leave does not lengthen the grace");
    assert!(!presence.exit(node(1), &user("alice")));
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
fn members_are_listed_by_name_wherever_they_are() {
    let mut presence = Presence::new(GRACE);
    presence.join(&user("carol"));
    presence.enter(node(1), &user("alice"));
    presence.join(&user("bob"));
    presence.enter(node(1), &user("bob"));
    assert_eq!(presence.first(2), [user("alice"), user("bob")]);
    assert_eq!(presence.count(), 3);
    assert_eq!(presence.here(), [user("bob"), user("carol")]);
}

#[test]
fn a_user_who_changes_the_node_in_the_grace_was_never_away() {
    let (mut presence, now) = (Presence::new(GRACE), Instant::now());
    let alice = user("alice");
    presence.join(&alice);
    presence.leave(&alice, now);
    assert!(!presence.enter(node(1), &alice));
    let gone_here = Departures { left: vec![], left_here: vec![alice.clone()] };
    assert_eq!(presence.expire(now + GRACE), gone_here);
    assert_eq!(presence.join(&alice), Arrival { is_new: false, is_new_here: true });
    assert!(!presence.exit(node(1), &alice));
    presence.leave(&alice, now);
    assert_eq!(presence.expire(now + GRACE), left(&["alice"]));
}

#[test]
fn with_a_node_go_those_who_were_nowhere_else() {
    let mut presence = Presence::new(GRACE);
    for name in ["alice", "bob", "carol"] {
        presence.enter(node(1), &user(name));
    }
    presence.enter(node(2), &user("bob"));
    presence.join(&user("carol"));
    assert_eq!(presence.lose(node(1)), [user("alice")]);
    assert_eq!(presence.lose(node(2)), [user("bob")]);
    assert_eq!(presence.first(9), [user("carol")]);
}

#[test]
fn a_node_that_says_who_is_there_is_right() {
    let mut presence = Presence::new(GRACE);
    presence.settle(node(1), &[user("alice"), user("bob")]);
    presence.enter(node(2), &user("bob"));
    let changes = presence.settle(node(1), &[user("carol")]);
    assert_eq!(changes, Changes { joined: vec![user("carol")], left: vec![user("alice")] });
    assert_eq!(presence.first(9), [user("bob"), user("carol")]);
}

#[test]
fn whom_the_bus_has_forgotten_is_believed_to_be_there_until_the_doubt_is_over() {
    let (mut presence, now) = (Presence::new(GRACE), Instant::now());
    for name in ["alice", "bob", "carol"] {
        presence.enter(node(1), &user(name));
    }
    let joined = presence.review(&[(node(1), user("alice")), (node(2), user("dave"))], now);
    assert_eq!((joined, presence.count()), (vec![user("dave")], 4));
    assert_eq!(presence.next_due(), Some(now + DOUBT));
    assert!(!presence.enter(node(1), &user("bob")));
    let gone = Departures { left: vec![user("carol")], left_here: vec![] };
    assert_eq!(presence.expire(now + DOUBT), gone);
    assert_eq!((presence.count(), presence.next_due()), (3, None));
}

#[derive(Debug, Clone)]
enum Step {
    Join(u8),
    Leave(u8),
    Enter(u8, u8),
    Exit(u8, u8),
    Lose(u8),
    /// So many milliseconds pass.
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..4u8).prop_map(Step::Join),
        3 => (0..4u8).prop_map(Step::Leave),
        2 => (0..3u8, 0..4u8).prop_map(|(node, user)| Step::Enter(node, user)),
        2 => (0..3u8, 0..4u8).prop_map(|(node, user)| Step::Exit(node, user)),
        1 => (0..3u8).prop_map(Step::Lose),
        2 => (0..4000u64).prop_map(Step::Pass),
    ];
    proptest::collection::vec(step, 0..80)
}

/// Of each user only the open sessions here, when the last one left, and the other nodes.
#[derive(Debug, Clone, Default)]
struct Known {
    sessions: usize,
    left_at: Option<Instant>,
    nodes: BTreeSet<NodeId>,
}

impl Known {
    fn is_here(&self) -> bool {
        self.sessions > 0 || self.left_at.is_some()
    }

    fn is_member(&self) -> bool {
        self.is_here() || !self.nodes.is_empty()
    }
}

proptest! {
    #[test]
    fn a_user_is_a_member_from_the_first_session_anywhere_to_the_end_of_the_last(
        steps in steps(), grace in 0..3000u64,
    ) {
        let grace = Duration::from_millis(grace);
        let (mut presence, mut now) = (Presence::new(grace), Instant::now());
        let mut model: BTreeMap<UserId, Known> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Join(name) => {
                    let user = user(&name.to_string());
                    let known = model.entry(user.clone()).or_default();
                    let expected = Arrival { is_new: !known.is_member(), is_new_here: !known.is_here() };
                    prop_assert_eq!(presence.join(&user), expected);
                    (known.sessions, known.left_at) = (known.sessions + 1, None);
                }
                Step::Leave(name) => {
                    let user = user(&name.to_string());
                    presence.leave(&user, now);
                    if let Some(known) = model.get_mut(&user).filter(|known| known.sessions > 0) {
                        known.sessions -= 1;
                        known.left_at = (known.sessions == 0).then_some(now);
                    }
                }
                Step::Enter(at, name) => {
                    let user = user(&name.to_string());
                    let known = model.entry(user.clone()).or_default();
                    prop_assert_eq!(presence.enter(node(at), &user), !known.is_member());
                    known.nodes.insert(node(at));
                }
                Step::Exit(at, name) => {
                    let user = user(&name.to_string());
                    let known = model.entry(user.clone()).or_default();
                    let was_there = known.nodes.remove(&node(at));
                    prop_assert_eq!(presence.exit(node(at), &user), was_there && !known.is_member());
                }
                Step::Lose(at) => {
                    let mut gone = Vec::new();
                    for (user, known) in &mut model {
                        if known.nodes.remove(&node(at)) && !known.is_member() {
                            gone.push(user.clone());
                        }
                    }
                    prop_assert_eq!(presence.lose(node(at)), gone);
                }
                Step::Pass(millis) => now += Duration::from_millis(millis),
            }
            let due = model.values().filter_map(|known| known.left_at).map(|at| at + grace).min();
            prop_assert_eq!(presence.next_due(), due);
            let mut expected = Departures::default();
            for (user, known) in &mut model {
                if known.left_at.is_some_and(|at| at + grace <= now) {
                    known.left_at = None;
                    expected.left_here.push(user.clone());
                    expected.left.extend((!known.is_member()).then(|| user.clone()));
                }
            }
            let mut gone = presence.expire(now);
            gone.left.sort();
            gone.left_here.sort();
            prop_assert_eq!(gone, expected);
            model.retain(|_, known| known.is_member());
            prop_assert_eq!(presence.first(9), model.keys().cloned().collect::<Vec<_>>());
            let here: Vec<UserId> =
                model.iter().filter(|(_, known)| known.is_here()).map(|(user, _)| user.clone()).collect();
            prop_assert_eq!((presence.is_empty_here(), presence.here()), (here.is_empty(), here));
        }
    }
}
