//! The rules of the cache, and every order in which a writer and its readers may take their steps.

use proptest::prelude::*;

use super::*;
use crate::{
    domain::{Counters, Epoch, MarkAs, MarkTarget, Position},
    hub::messages::MarkedChange,
};

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn epoch() -> Epoch {
    "aaaaaaaa".parse().unwrap()
}

fn counters(version: u64) -> Counters {
    Counters { unread: version, version, ..Counters::default() }
}

fn read(version: u64) -> InboxCounters {
    InboxCounters { epoch: epoch(), counters: counters(version) }
}

fn marked(name: &str, version: u64) -> InboxFact {
    InboxFact::Marked {
        user: user(name),
        origin: None,
        change: MarkedChange::As(MarkAs::Read, MarkTarget::All),
        counters: counters(version),
    }
}

fn marker_of(found: Found) -> Marker {
    match found {
        Found::Nothing(marker) => marker,
        Found::Counters(counters) => panic!("{counters:?}"),
    }
}

#[test]
fn what_was_read_is_known_until_the_writer_knows_better() {
    let cache = CounterCache::new(8, None);
    let marker = marker_of(cache.find(&user("alice")));
    cache.keep(&user("alice"), marker, read(1));
    assert_eq!(cache.find(&user("alice")), Found::Counters(read(1)));
    cache.note(&[marked("alice", 2), marked("bob", 7), marked("alice", 3)]);
    assert_eq!(cache.find(&user("alice")), Found::Counters(read(3)));
    marker_of(cache.find(&user("bob")));
}

#[test]
fn a_read_that_a_commit_has_overtaken_is_kept_by_nobody() {
    let cache = CounterCache::new(8, None);
    let early = marker_of(cache.find(&user("alice")));
    cache.note(&[marked("alice", 2)]);
    cache.keep(&user("alice"), early, read(1));
    let late = marker_of(cache.find(&user("alice")));
    assert_ne!(early, late);
    cache.keep(&user("alice"), early, read(1));
    assert_eq!(marker_of(cache.find(&user("alice"))), late);
    cache.keep(&user("alice"), late, read(2));
    assert_eq!(cache.find(&user("alice")), Found::Counters(read(2)));
}

#[test]
fn of_two_who_share_a_marker_the_newer_read_stays() {
    for (first, second) in [(1, 2), (2, 1)] {
        let cache = CounterCache::new(8, None);
        let marker = marker_of(cache.find(&user("alice")));
        assert_eq!(marker_of(cache.find(&user("alice"))), marker);
        cache.keep(&user("alice"), marker, read(first));
        cache.keep(&user("alice"), marker, read(second));
        assert_eq!(cache.find(&user("alice")), Found::Counters(read(2)));
    }
}

#[test]
fn a_first_notification_begins_a_life() {
    let cache = CounterCache::new(8, None);
    let marker = marker_of(cache.find(&user("alice")));
    let never = InboxCounters { epoch: Epoch::NONE, counters: Counters::default() };
    cache.keep(&user("alice"), marker, never);
    cache.note(&[InboxFact::Changed {
        user: user("alice"),
        position: Position::new(epoch(), 1),
        counters: counters(1),
    }]);
    assert_eq!(cache.find(&user("alice")), Found::Counters(read(1)));
}

#[test]
fn the_one_polled_for_longest_ago_goes_first_and_all_go_when_a_commit_is_in_doubt() {
    let cache = CounterCache::new(2, None);
    for name in ["alice", "bob", "carol"] {
        let marker = marker_of(cache.find(&user(name)));
        cache.keep(&user(name), marker, read(1));
        if name == "bob" {
            assert_eq!(cache.find(&user("alice")), Found::Counters(read(1)));
            // The writer's notes are no polls.
            cache.note(&[marked("bob", 2)]);
        }
    }
    marker_of(cache.find(&user("bob")));
    cache.clear();
    marker_of(cache.find(&user("alice")));
}

#[test]
fn what_is_heard_late_or_twice_changes_nothing() {
    let cache = CounterCache::new(8, None);
    let marker = marker_of(cache.find(&user("alice")));
    cache.keep(&user("alice"), marker, read(3));
    cache.note(&[marked("alice", 5), marked("alice", 4), marked("alice", 5)]);
    assert_eq!(cache.find(&user("alice")), Found::Counters(read(5)));
    cache.learn(&user("alice"), Some(epoch()), counters(2));
    cache.learn(&user("alice"), None, counters(6));
    assert_eq!(cache.find(&user("alice")), Found::Counters(read(6)));
}

/// Which of two lives of an inbox is the present one is for the database to say.
#[test]
fn what_is_of_another_life_makes_the_next_poll_read() {
    let cache = CounterCache::new(8, None);
    let marker = marker_of(cache.find(&user("alice")));
    cache.keep(&user("alice"), marker, read(3));
    cache.learn(&user("alice"), Some("bbbbbbbb".parse().unwrap()), counters(9));
    marker_of(cache.find(&user("alice")));
}

#[test]
fn what_the_hub_hears_of_other_nodes_is_noted() {
    let local = LocalUsers::default();
    let cache = CounterCache::shared(Some(local.clone()));
    let marker = marker_of(cache.find(&user("alice")));
    cache.keep(&user("alice"), marker, read(3));
    local.hear(&[marked("alice", 4)]);
    assert_eq!(cache.find(&user("alice")), Found::Counters(read(4)));
}

#[test]
fn where_others_write_counters_age_unless_the_user_has_been_here_since() {
    let local = LocalUsers::default();
    let cache = CounterCache::new(8, Some(local.clone()));
    let (alice, start) = (user("alice"), Instant::now());
    let (soon, late) = (start + AGE_MAX / 2, start + AGE_MAX * 2);
    let marker = marker_of(cache.find_at(&alice, start));
    cache.keep(&alice, marker, read(1));
    assert_eq!(cache.find_at(&alice, soon), Found::Counters(read(1)));
    // What was read before the user came may have missed what happened until then.
    local.enter(alice.clone());
    let marker = marker_of(cache.find_at(&alice, late));
    cache.keep(&alice, marker, read(2));
    assert_eq!(cache.find_at(&alice, late + AGE_MAX * 9), Found::Counters(read(2)));
    local.leave(&alice);
    marker_of(cache.find_at(&alice, late + AGE_MAX * 9));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// The database changes.
    Commit,
    /// The writer notes what it has committed, and answers.
    Note,
    /// A poll looks, and takes what it finds.
    Find(usize),
    /// A poll that found nothing reads the database.
    Read(usize),
    /// It keeps what it has read, and answers.
    Keep(usize),
    Doubt,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Commit),
        3 => Just(Step::Note),
        4 => (0..3usize).prop_map(Step::Find),
        4 => (0..3usize).prop_map(Step::Read),
        4 => (0..3usize).prop_map(Step::Keep),
        1 => Just(Step::Doubt),
    ]
}

proptest! {
    /// Three polls of one user and a writer, each step in any order: nobody is answered what is older than
    /// what was answered before the question, by the writer or to another poll that kept its read.
    #[test]
    fn no_poll_is_answered_what_is_behind_an_answer(steps in proptest::collection::vec(step(), 1..60)) {
        let cache = CounterCache::new(4, None);
        let alice = user("alice");
        let (mut committed, mut answered) = (0, 0);
        // What a poll knew to be answered when it began, its marker, what it has read.
        let mut polls: [Option<(u64, Marker, Option<u64>)>; 3] = [None; 3];
        for step in steps {
            match step {
                Step::Commit if committed == answered => committed += 1,
                Step::Note if committed > answered => {
                    cache.note(&[marked("alice", committed)]);
                    answered = committed;
                }
                Step::Find(i) if polls[i].is_none() => match cache.find(&alice) {
                    Found::Counters(known) => {
                        let version = known.counters.version;
                        prop_assert!(answered <= version && version <= committed, "{version}");
                    }
                    Found::Nothing(marker) => polls[i] = Some((answered, marker, None)),
                },
                Step::Read(i) => {
                    if let Some((_, _, read @ None)) = &mut polls[i] {
                        *read = Some(committed);
                    }
                }
                Step::Keep(i) => {
                    if let Some((before, marker, Some(version))) = polls[i] {
                        cache.keep(&alice, marker, read(version));
                        prop_assert!(before <= version);
                        polls[i] = None;
                        if let Found::Counters(known) = cache.find(&alice) {
                            prop_assert!(known.counters.version >= answered.max(version));
                        }
                    }
                }
                Step::Doubt => cache.clear(),
                Step::Commit | Step::Note | Step::Find(_) => {}
            }
        }
    }
}
