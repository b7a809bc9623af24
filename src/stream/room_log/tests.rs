mod model;

use super::*;
use crate::stream::{Gap, GapReason, Item, Resume};

const NO_LIMITS: LogLimits =
    LogLimits { messages: usize::MAX, bytes: usize::MAX, age: Duration::from_secs(600) };
const WHOLE: PageLimit = PageLimit { rows: 1000, bytes: usize::MAX };

fn epoch() -> Epoch {
    "aaaaaaaa".parse().unwrap()
}

fn at(offset: Offset) -> Position {
    Position::new(epoch(), offset)
}

fn author(user: &str, nonce: &str) -> (UserId, Nonce) {
    (user.parse().unwrap(), nonce.parse().unwrap())
}

/// A log of events that are their own offsets, 10 bytes each.
fn log(events: Offset, limits: LogLimits, now: Instant) -> RoomLog<Offset> {
    let mut log = RoomLog::new(epoch());
    for offset in 1..=events {
        assert_eq!(log.append(offset, 10, None, now, limits), at(offset));
    }
    log
}

#[test]
fn the_latest_are_as_many_as_fit_and_at_least_one() {
    let log = log(5, NO_LIMITS, Instant::now());
    for (bytes, latest) in [(0, vec![5]), (19, vec![5]), (20, vec![4, 5]), (39, vec![3, 4, 5])] {
        assert_eq!(log.latest(PageLimit { rows: 9, bytes }), latest, "{bytes}");
    }
    assert_eq!(log.latest(PageLimit { rows: 2, bytes: usize::MAX }), [4, 5]);
}

#[test]
fn each_bound_forgets_the_oldest_events_and_the_numbering_goes_on() {
    let now = Instant::now();
    let of_three = [
        LogLimits { messages: 3, ..NO_LIMITS },
        LogLimits { bytes: 3 * (10 + ENTRY_BYTES), ..NO_LIMITS },
        // One byte less than four would cost.
        LogLimits { bytes: 4 * (10 + ENTRY_BYTES) - 1, ..NO_LIMITS },
    ];
    for limits in of_three {
        let log = log(9, limits, now);
        assert_eq!(log.latest(WHOLE), [7, 8, 9]);
        assert_eq!(log.head(), Head { epoch: epoch(), last: 9, pruned: 6, restart: 6 });
        assert_eq!((log.next(), log.bytes()), (at(10), 3 * (10 + ENTRY_BYTES)));
    }
}

#[test]
fn an_event_leaves_when_it_comes_of_age_and_not_before() {
    let now = Instant::now();
    let mut log = log(1, NO_LIMITS, now);
    let second = now + Duration::from_secs(1);
    log.append(2, 10, None, second, NO_LIMITS);
    let due = log.expires_at(NO_LIMITS).unwrap();
    assert_eq!(due, now + NO_LIMITS.age);
    log.expire(due - Duration::from_nanos(1), NO_LIMITS);
    assert_eq!(log.latest(WHOLE), [1, 2]);
    log.expire(due, NO_LIMITS);
    assert_eq!((log.latest(WHOLE), log.expires_at(NO_LIMITS)), (vec![2], Some(second + NO_LIMITS.age)));
    log.expire(second + NO_LIMITS.age, NO_LIMITS);
    assert_eq!((log.has_history(), log.bytes(), log.expires_at(NO_LIMITS)), (false, 0, None));
}

#[test]
fn what_fits_no_history_is_numbered_all_the_same() {
    let now = Instant::now();
    for limits in [
        LogLimits { messages: 0, ..NO_LIMITS },
        LogLimits { bytes: 9, ..NO_LIMITS },
        LogLimits { age: Duration::ZERO, ..NO_LIMITS },
    ] {
        let log = log(5, limits, now);
        assert_eq!((log.next(), log.has_history(), log.bytes()), (at(6), false, 0));
        assert_eq!(log.entries.capacity(), 0, "nothing is kept for nothing");
        let gap = Gap { from: at(2), to: at(5), reason: GapReason::Pruned };
        assert_eq!(log.page(at(2), WHOLE).items, [Item::Gap(gap)]);
        assert!(log.page(at(5), WHOLE).items.is_empty());
    }
}

#[test]
fn a_repeated_nonce_is_known_as_long_as_its_event_is_held() {
    let (now, limits) = (Instant::now(), LogLimits { messages: 2, ..NO_LIMITS });
    let mut log = RoomLog::new(epoch());
    let (alice, nonce) = author("alice", "n1");
    log.append(1, 10, Some((alice.clone(), nonce.clone())), now, limits);
    log.append(2, 10, None, now, limits);
    assert_eq!(log.first_of(&alice, &nonce), Some(at(1)));
    assert_eq!(log.first_of(&alice, &"n2".parse().unwrap()), None);
    assert_eq!(log.first_of(&"bob".parse().unwrap(), &nonce), None, "a nonce is its sender's own");
    log.append(3, 10, None, now, limits);
    assert_eq!(log.first_of(&alice, &nonce), None);
    log.append(4, 10, Some((alice.clone(), nonce.clone())), now, limits);
    assert_eq!(log.first_of(&alice, &nonce), Some(at(4)));
    log.clear();
    assert_eq!(log.first_of(&alice, &nonce), None);
}

#[test]
fn a_history_that_was_cleared_costs_nothing_and_is_a_gap() {
    let mut log = log(5, NO_LIMITS, Instant::now());
    log.clear();
    assert_eq!((log.head().position(), log.bytes(), log.entries.capacity()), (at(5), 0, 0));
    let gap = Gap { from: Position::START, to: at(5), reason: GapReason::Pruned };
    let page = log.page(Position::START, WHOLE);
    assert_eq!((page.items, page.resume), (vec![Item::Gap(gap)], Resume::Gap));
}

#[test]
fn a_position_of_no_use_is_answered_with_all_that_is_held() {
    let log = log(5, LogLimits { messages: 2, ..NO_LIMITS }, Instant::now());
    let other = Position::new("bbbbbbbb".parse().unwrap(), 4);
    for (since, reason) in [(other, GapReason::Epoch), (at(6), GapReason::Ahead)] {
        let gap = Gap { from: since, to: at(3), reason };
        let page = log.page(since, WHOLE);
        assert_eq!(page.items, [Item::Gap(gap), Item::Event(4), Item::Event(5)]);
        assert!(page.is_top());
    }
}

#[test]
fn a_page_stops_at_its_bounds_and_has_at_least_one_event() {
    let log = log(5, NO_LIMITS, Instant::now());
    for (rows, bytes, events) in
        [(2, 1000, 2), (0, 1000, 1), (9, 29, 2), (9, 30, 3), (9, 0, 1), (5, 50, 5), (9, 1000, 5)]
    {
        let page = log.page(at(0), PageLimit { rows, bytes });
        assert_eq!((page.reached, page.is_top()), (at(events), events == 5), "{rows} rows, {bytes} bytes");
    }
}

#[test]
fn who_asks_for_nothing_that_was_stands_at_the_top() {
    let page = Page::<Offset>::fresh(log(5, NO_LIMITS, Instant::now()).head());
    assert!(page.is_top() && page.items.is_empty());
    assert_eq!((page.resume, page.reached), (Resume::Fresh, at(5)));
}
