//! What becomes of a room's events when their reader is slow.

use serde_json::{Value, json};

use super::*;
use crate::{
    domain::{Epoch, Position},
    outbox::queue::Entry,
    stream::{Gap, GapReason},
};

pub fn room(name: &str) -> RoomName {
    name.parse().unwrap()
}

fn at(offset: u64) -> Position {
    Position::new(Epoch::from_random(1), offset)
}

/// A message of about `bytes`, at least 100.
pub fn message(room: &RoomName, position: Position, bytes: usize) -> Frame {
    let data = "x".repeat(bytes.saturating_sub(100));
    Frame::message(
        room,
        position,
        &json!({"type": "message", "room": room, "position": position, "data": data}),
    )
}

pub fn typing(room: &RoomName) -> Frame {
    Frame::ephemeral(room, None, &json!({"type": "typing", "room": room, "users": []}))
}

/// Gives the outbox one message for each offset; all are taken.
fn say(outbox: &Outbox, room: &RoomName, offsets: impl IntoIterator<Item = u64>) {
    for offset in offsets {
        assert_eq!(outbox.push(message(room, at(offset), 0)), Ok(()));
    }
}

/// Reads everything, in words: `a 3` is a message, `a 3..5` a gap.
fn read(outbox: &Outbox) -> Vec<String> {
    let frames = std::iter::from_fn(|| take(outbox)).map(|outgoing| match outgoing {
        Outgoing::Frame(frame) => frame,
        other => panic!("{other:?} is no frame"),
    });
    let in_words = frames.map(|frame| {
        let event: Value = serde_json::from_slice(frame.json()).unwrap();
        let offset = |field: &str| event[field].as_str().unwrap().parse::<Position>().unwrap().offset;
        let name = frame.room().map(RoomName::as_str).unwrap_or_default();
        match (frame.class(), event["type"].as_str()) {
            (Class::Room, Some("gap")) => format!("{name} {}..{}", offset("from"), offset("to")),
            (Class::Room, _) => format!("{name} {}", offset("position")),
            (class, _) => format!("{class:?}"),
        }
    });
    in_words.collect()
}

#[test]
fn the_oldest_events_of_a_room_are_dropped_and_a_gap_stands_in_their_place() {
    let (outbox, a) = (Outbox::new(LIMITS, OutboxPool::default()), room("a"));
    say(&outbox, &a, 1..=11);
    assert!(outbox.is_overflowed());
    assert_eq!(read(&outbox).join(", "), "a 0..2, a 3, a 4, a 5, a 6, a 7, a 8, a 9, a 10, a 11");
    assert!(outbox.take_drained() && !outbox.is_overflowed());
}

#[test]
fn a_gap_is_of_the_room_and_says_overflow() {
    let (outbox, a) = (Outbox::new(LIMITS, OutboxPool::default()), room("a"));
    say(&outbox, &a, 1..=11);
    let Some(Outgoing::Frame(gap)) = take(&outbox) else { panic!("nothing waits") };
    let event: Value = serde_json::from_slice(gap.json()).unwrap();
    assert_eq!(
        event,
        json!({"type": "gap", "stream": "a", "from": at(0), "to": at(2), "reason": "overflow"})
    );
    assert_eq!((gap.room(), gap.position()), (Some(&a), Some(at(2))));
}

#[test]
fn a_gap_grows_while_it_waits_and_another_follows_one_that_was_read() {
    let (outbox, a) = (Outbox::new(LIMITS, OutboxPool::default()), room("a"));
    say(&outbox, &a, 1..=100);
    assert!(
        matches!(take(&outbox), Some(Outgoing::Frame(gap)) if gap.follows() == Some(at(0)) && gap.position() == Some(at(91)))
    );
    say(&outbox, &a, 101..=103);
    assert_eq!(
        read(&outbox).join(", "),
        "a 91..94, a 95, a 96, a 97, a 98, a 99, a 100, a 101, a 102, a 103"
    );
}

#[test]
fn each_room_has_its_gap_in_the_place_of_its_first_loss_and_all_else_stays() {
    let (outbox, a, b) = (Outbox::new(LIMITS, OutboxPool::default()), room("a"), room("b"));
    outbox.push(frame(Class::Inbox, 20)).unwrap();
    say(&outbox, &a, [1, 2, 3]);
    outbox.push(frame(Class::Hint, 20)).unwrap();
    say(&outbox, &b, [7, 8]);
    outbox.push(frame(Class::Reply, 20)).unwrap();
    say(&outbox, &a, [4, 5]);
    say(&outbox, &b, 9..=14);
    assert_eq!(read(&outbox).join(", "), "Inbox, a 0..5, Hint, b 6..9, Reply, b 10, b 11, b 12, b 13, b 14");
}

#[test]
fn a_gap_of_the_history_is_dropped_with_what_it_covers() {
    let (outbox, a) = (Outbox::new(LIMITS, OutboxPool::default()), room("a"));
    say(&outbox, &a, [1, 2]);
    outbox.push(Frame::gap(&a, Gap { from: at(2), to: at(7), reason: GapReason::Pruned })).unwrap();
    say(&outbox, &a, 8..=16);
    assert_eq!(read(&outbox).join(", "), "a 0..7, a 8, a 9, a 10, a 11, a 12, a 13, a 14, a 15, a 16");
}

#[test]
fn what_does_not_continue_a_gap_begins_another() {
    let (outbox, a) = (Outbox::new(LIMITS, OutboxPool::default()), room("a"));
    say(&outbox, &a, [1, 2, 3]);
    let next_life = |offset| Position::new(Epoch::from_random(2), offset);
    for offset in 4..=13 {
        outbox.push(message(&a, next_life(offset), 0)).unwrap();
    }
    assert_eq!(read(&outbox).join(", "), "a 0..3, a 3..5, a 6, a 7, a 8, a 9, a 10, a 11, a 12, a 13");
}

#[test]
fn bytes_count_as_events_do() {
    let (outbox, a) = (Outbox::new(LIMITS, OutboxPool::default()), room("a"));
    for offset in 1..=6 {
        outbox.push(message(&a, at(offset), 200)).unwrap();
    }
    assert_eq!(read(&outbox).join(", "), "a 0..1, a 2, a 3, a 4, a 5, a 6");
}

#[test]
fn presence_and_typing_are_set_aside_from_half_on_and_the_newest_is_said_when_the_reader_has_caught_up() {
    let (outbox, a) = (Outbox::new(LIMITS, OutboxPool::default()), room("a"));
    for _ in 0..7 {
        assert_eq!(outbox.push(typing(&a)), Ok(()));
    }
    assert!(!outbox.is_overflowed());
    say(&outbox, &a, 1..=6);
    assert!(outbox.is_overflowed());
    assert_eq!(read(&outbox).join(", "), "a 1, a 2, a 3, a 4, a 5, a 6, Ephemeral");

    outbox.push(typing(&a)).unwrap();
    assert_eq!(read(&outbox), ["Ephemeral"]);
}

#[test]
fn a_room_is_refused_and_loses_nothing_where_too_much_else_waits() {
    let (outbox, a) = (Outbox::new(LIMITS, OutboxPool::default()), room("a"));
    say(&outbox, &a, [1]);
    for _ in 0..9 {
        outbox.push(frame(Class::Inbox, 20)).unwrap();
    }
    outbox.push(frame(Class::Reply, 20)).unwrap();
    assert_eq!(outbox.push(message(&a, at(2), 0)), Err(Full));
    assert!(outbox.is_overflowed());
    assert_eq!(read(&outbox)[0], "a 1");
    assert!(outbox.take_drained());
}

#[test]
fn an_event_larger_than_the_bounds_takes_the_place_of_what_is_above_half() {
    let (outbox, a) = (Outbox::new(LIMITS, OutboxPool::default()), room("a"));
    for offset in 1..=5 {
        outbox.push(message(&a, at(offset), 200)).unwrap();
    }
    assert_eq!(outbox.push(message(&a, at(6), 5000)), Ok(()));
    assert_eq!(read(&outbox).join(", "), "a 0..3, a 4, a 5, a 6");
}

#[test]
fn an_overflow_ends_with_reading_and_not_with_dropping() {
    let (outbox, a) = (Outbox::new(LIMITS, OutboxPool::default()), room("a"));
    outbox.push(message(&a, at(1), 5000)).unwrap();
    say(&outbox, &a, [2]);
    assert!(outbox.has_room() && outbox.is_overflowed() && !outbox.take_drained());
    take(&outbox);
    assert!(outbox.take_drained() && !outbox.is_overflowed());
}

#[test]
fn a_room_that_was_left_is_forgotten_and_all_else_stays() {
    let (outbox, a, b) = (Outbox::new(LIMITS, OutboxPool::default()), room("a"), room("b"));
    outbox.push(typing(&b)).unwrap();
    outbox.push(frame(Class::Inbox, 20)).unwrap();
    say(&outbox, &b, [1]);
    say(&outbox, &a, 1..=9);
    assert!(outbox.0.borrow().queue.entries.iter().any(|entry| matches!(entry, Entry::Gap(_))));
    outbox.forget(&a);
    assert_eq!(read(&outbox).join(", "), "Inbox, b 0..1, Ephemeral");
}

#[test]
fn a_queue_that_was_forgotten_has_drained_at_the_next_look() {
    let (outbox, a) = (Outbox::new(LIMITS, OutboxPool::default()), room("a"));
    say(&outbox, &a, 1..=10);
    assert_eq!(outbox.push(frame(Class::Inbox, 20)), Err(Full));
    outbox.forget(&a);
    assert!(outbox.is_overflowed() && !outbox.take_drained());
    assert!(take(&outbox).is_none());
    assert!(outbox.take_drained() && !outbox.is_overflowed());
}

#[test]
fn what_waits_costs_two_words_beside_the_shared_frame() {
    assert!(size_of::<Entry>() <= 16);
}
