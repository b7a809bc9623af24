//! Each kind of fault is seen, and counted as what it is; a history without one has none.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::json;

use super::judge;
use crate::{
    history::{Accepted, Account, History, Position, Row, Stream, Told, Truth, What},
    verdict::Verdict,
};

const EPOCH: &str = "aaaaaaaa";

fn alice() -> Stream {
    Stream::Inbox("alice".to_owned())
}

fn chat() -> Stream {
    Stream::Room("chat".to_owned())
}

fn at(offset: u64) -> Position {
    Position { epoch: EPOCH.to_owned(), offset }
}

fn key(offset: u64) -> String {
    format!("key {offset}")
}

/// A history of ten notifications and ten messages, all told to one client in order.
fn whole() -> (History, Truth) {
    let now = Instant::now();
    let start = BTreeMap::from([(alice(), Position::parse("00000000.0")), (chat(), at(0))]);
    let mut account = Account::new("alice, who stays", true, start);
    let mut history = History::default();
    let mut truth = Truth::default();
    for (stream, owner) in [(alice(), "alice"), (chat(), "chat")] {
        let mut before = account.start[&stream].clone();
        for offset in 1..=10 {
            let (position, key) = (at(offset), key(offset));
            history.accepted.push(Accepted {
                stream: stream.clone(),
                position: position.clone(),
                key: key.clone(),
                at: now,
                took: Duration::from_millis(1),
            });
            let what = What::Shown { position: position.clone(), key, meant: vec![owner.to_owned()] };
            let at = now + Duration::from_millis(offset);
            account.told.push(Told { at, stream: stream.clone(), before, what });
            before = position;
        }
        truth.tops.insert(stream, at(10));
    }
    let row = |offset| Row { position: at(offset), key: key(offset), is_shown: true };
    truth.rows.insert(alice(), (1..=10).map(row).collect());
    truth.unread.insert("alice".to_owned(), 10);
    account.counters = json!({ "unread": 10 });
    history.accounts.push(account);
    (history, truth)
}

/// What is found after this was done to a whole history.
fn after(spoil: impl FnOnce(&mut History, &mut Truth)) -> Verdict {
    let (mut history, mut truth) = whole();
    spoil(&mut history, &mut truth);
    let verdict = judge(&history, &truth);
    assert_eq!(verdict.details.len(), verdict.faults(), "{:#?}", verdict.details);
    verdict
}

fn told(history: &mut History) -> &mut Vec<Told> {
    &mut history.accounts[0].told
}

fn hole(stream: Stream, from: u64, to: Position, reason: Option<&str>) -> Told {
    let what = What::Hole { from: at(from), to, reason: reason.map(str::to_owned) };
    Told { at: Instant::now(), stream, before: at(from), what }
}

#[test]
fn a_whole_history_has_no_fault() {
    let verdict = after(|_, _| {});
    assert_eq!((verdict.faults(), verdict.accepted, verdict.said), (0, 20, 10));
    assert_eq!(verdict.delays, [5, 10, 10].map(Duration::from_millis));
}

#[test]
fn what_was_left_out_in_silence_is_lost_and_a_silent_gap() {
    for offset in [4, 14] {
        let verdict = after(|history, _| drop(told(history).remove(offset)));
        // The client stands where it stood before.
        assert_eq!((verdict.lost, verdict.silent_gaps, verdict.faults()), (1, 0, 1));
        let verdict = after(|history, _| {
            let before = told(history).remove(offset).before;
            told(history)[offset].before = before;
        });
        assert_eq!((verdict.lost, verdict.silent_gaps, verdict.faults()), (1, 1, 2));
    }
}

#[test]
fn what_was_never_told_at_the_end_is_lost() {
    let verdict = after(|history, _| told(history).truncate(17));
    assert_eq!((verdict.lost, verdict.faults()), (3, 3));
}

#[test]
fn what_was_told_twice_is_doubled_wherever_it_stands() {
    let again = |history: &mut History| {
        let mut again = told(history)[9].clone();
        again.before = at(10);
        told(history).insert(10, again);
    };
    let verdict = after(|history, _| again(history));
    assert_eq!((verdict.doubled, verdict.faults()), (1, 1));
    let verdict = after(|history, truth| {
        again(history);
        let What::Shown { position, .. } = &mut told(history)[10].what else { panic!() };
        *position = at(11);
        let mut accepted = history.accepted[9].clone();
        accepted.position = at(11);
        history.accepted.push(accepted);
        truth.rows.get_mut(&alice()).unwrap().push(Row { position: at(11), key: key(10), is_shown: true });
    });
    assert_eq!((verdict.doubled, verdict.faults()), (1, 1));
}

#[test]
fn what_comes_behind_what_follows_it_is_out_of_order() {
    let verdict = after(|history, _| {
        told(history).swap(4, 5);
        let before = [at(4), at(6), at(5)];
        told(history)[4..7].iter_mut().zip(before).for_each(|(told, before)| told.before = before);
    });
    assert_eq!((verdict.silent_gaps, verdict.disorder, verdict.faults()), (2, 1, 3));
}

#[test]
fn what_nobody_published_is_a_phantom_and_what_may_have_been_is_none() {
    for stays in [4, 14] {
        let verdict = after(|history, truth| {
            history.accepted.remove(stays);
            if stays < 10 {
                truth.rows.get_mut(&alice()).unwrap().remove(stays);
            }
        });
        assert_eq!((verdict.phantom, verdict.faults()), (1, 1));
    }
    let verdict = after(|history, _| {
        let message = history.accepted.remove(14);
        history.unsure.insert(message.key);
    });
    assert_eq!(verdict.faults(), 0);
}

#[test]
fn what_was_accepted_and_is_not_in_the_table_is_lost_unless_it_was_taken_away() {
    let gone = |truth: &mut Truth| drop(truth.rows.get_mut(&alice()).unwrap().remove(4));
    let verdict = after(|_, truth| gone(truth));
    assert_eq!((verdict.lost, verdict.faults()), (1, 1));
    let verdict = after(|history, truth| {
        gone(truth);
        history.hidden.insert(key(5));
    });
    assert_eq!(verdict.faults(), 0);
}

#[test]
fn what_the_table_has_and_nobody_was_told_of_is_a_phantom() {
    let verdict = after(|_, truth| {
        let row = Row { position: at(11), key: key(11), is_shown: false };
        truth.rows.get_mut(&alice()).unwrap().push(row);
    });
    assert_eq!((verdict.phantom, verdict.faults()), (1, 1));
}

#[test]
fn what_is_meant_for_others_is_a_leak() {
    for place in [3, 13] {
        let verdict = after(|history, _| {
            let What::Shown { meant, .. } = &mut told(history)[place].what else { panic!() };
            *meant = vec!["bob".to_owned()];
        });
        assert_eq!((verdict.leaks, verdict.faults()), (1, 1));
    }
}

#[test]
fn a_skip_passes_over_what_is_not_shown_and_loses_what_is() {
    let skip = |history: &mut History| told(history)[4] = hole(alice(), 4, at(5), None);
    let verdict = after(|history, truth| {
        skip(history);
        truth.rows.get_mut(&alice()).unwrap()[4].is_shown = false;
    });
    assert_eq!(verdict.faults(), 0);
    let verdict = after(|history, _| skip(history));
    assert_eq!((verdict.lost, verdict.faults()), (1, 1));
}

#[test]
fn a_gap_is_true_where_the_life_of_a_room_has_ended_and_false_elsewhere() {
    let next = |offset| Position { epoch: "bbbbbbbb".to_owned(), offset };
    let verdict = after(|history, _| {
        told(history).truncate(15);
        let gap = hole(chat(), 5, next(2), Some("epoch"));
        told(history).push(gap);
        let what = What::Shown { position: next(3), key: "later".to_owned(), meant: vec!["chat".to_owned()] };
        told(history).push(Told { at: Instant::now(), stream: chat(), before: next(2), what });
        for (offset, key) in [(2, "lost, too"), (3, "later")] {
            let mut accepted = history.accepted[10].clone();
            (accepted.position, accepted.key) = (next(offset), key.to_owned());
            history.accepted.push(accepted);
        }
    });
    assert_eq!((verdict.gaps, verdict.told_lost, verdict.faults()), (1, 6, 0));
    for stream in [alice(), chat()] {
        let place = if stream.is_room() { 14 } else { 4 };
        let verdict = after(|history, _| told(history)[place] = hole(stream, 4, at(5), Some("pruned")));
        assert_eq!((verdict.false_gaps, verdict.lost, verdict.faults()), (1, 1, 2));
    }
}

#[test]
fn another_life_that_nothing_announces_is_a_silent_gap() {
    let verdict = after(|history, _| {
        let What::Shown { position, .. } = &mut told(history)[19].what else { panic!() };
        position.epoch = "bbbbbbbb".to_owned();
    });
    assert_eq!((verdict.silent_gaps, verdict.lost, verdict.phantom, verdict.faults()), (1, 1, 1, 3));
}

#[test]
fn a_client_that_shows_another_number_than_the_table_has_is_seen() {
    let verdict = after(|history, _| history.accounts[0].counters = json!({ "unread": 9 }));
    assert_eq!((verdict.wrong_counters, verdict.faults()), (1, 1));
}
