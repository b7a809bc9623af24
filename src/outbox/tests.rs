//! What an outbox takes, refuses, and says of it.

mod model;
mod rooms;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use proptest::prelude::*;

use super::*;
use crate::protocol::CloseCode;

const LIMITS: OutboxLimits = OutboxLimits { events: 10, bytes: 1000 };

fn frame(class: Class, bytes: usize) -> Frame {
    let text = "x".repeat(bytes.saturating_sub(4));
    match class {
        Class::Inbox => Frame::notification(crate::domain::Position::START, &text),
        class => Frame::new(class, &text),
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl std::task::Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn take(outbox: &Outbox) -> Option<Outgoing> {
    match outbox.poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outgoing) => Some(outgoing),
        Poll::Pending => None,
    }
}

#[test]
fn events_beyond_the_bounds_are_refused_and_the_drain_is_told_once() {
    let outbox = Outbox::new(LIMITS, OutboxPool::default());
    for _ in 0..10 {
        assert_eq!(outbox.push(frame(Class::Inbox, 20)), Ok(()));
    }
    assert_eq!(outbox.push(frame(Class::Inbox, 20)), Err(Full));
    assert_eq!(outbox.push(frame(Class::Hint, 20)), Err(Full));
    assert_eq!(outbox.push(frame(Class::Reply, 20)), Ok(()));
    assert!(outbox.is_overflowed() && !outbox.has_room());
    for _ in 0..6 {
        take(&outbox);
        assert!(!outbox.take_drained());
    }
    take(&outbox);
    assert!(outbox.take_drained() && !outbox.take_drained() && outbox.has_room() && !outbox.is_overflowed());
}

#[test]
fn a_frame_larger_than_the_bounds_passes_when_little_waits() {
    let outbox = Outbox::new(LIMITS, OutboxPool::default());
    assert_eq!(outbox.push(frame(Class::Inbox, 5000)), Ok(()));
    assert_eq!(outbox.push(frame(Class::Inbox, 10)), Err(Full));
    take(&outbox);
    assert!(outbox.take_drained());
}

#[test]
fn a_sleeping_reader_is_woken_once_for_many_frames() {
    let outbox = Outbox::new(LIMITS, OutboxPool::default());
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    assert!(outbox.poll_next(&mut Context::from_waker(&waker)).is_pending());
    for _ in 0..5 {
        outbox.push(frame(Class::Inbox, 20)).unwrap();
    }
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
}

#[test]
fn heartbeats_go_ahead_and_the_close_frame_goes_last() {
    let outbox = Outbox::new(LIMITS, OutboxPool::default());
    outbox.push(frame(Class::Inbox, 20)).unwrap();
    outbox.pong(Bytes::from_static(b"1"));
    outbox.pong(Bytes::from_static(b"2"));
    outbox.ping();
    outbox.close(Some(frame(Class::Reply, 200)), CloseCode::Normal.into());
    outbox.push(frame(Class::Inbox, 20)).unwrap();
    assert!(matches!(take(&outbox), Some(Outgoing::Ping)));
    assert!(matches!(take(&outbox), Some(Outgoing::Pong(payload)) if payload == "2"));
    assert!(matches!(take(&outbox), Some(Outgoing::Frame(frame)) if frame.class() == Class::Inbox));
    assert!(matches!(take(&outbox), Some(Outgoing::Frame(frame)) if frame.class() == Class::Reply));
    assert!(!outbox.is_close_sent());
    assert!(matches!(take(&outbox), Some(Outgoing::Close(_))));
    assert!(take(&outbox).is_none() && outbox.is_close_sent());
}

#[test]
fn unread_replies_congest() {
    let outbox = Outbox::new(LIMITS, OutboxPool::default());
    for _ in 0..REPLIES_MAX {
        assert!(!outbox.is_congested());
        outbox.push(frame(Class::Reply, 4)).unwrap();
    }
    assert!(outbox.is_congested());
    take(&outbox);
    assert!(!outbox.is_congested());
}

proptest! {
    /// A refusal is always followed by a drain, and what was taken comes out in order.
    #[test]
    fn a_refusal_is_followed_by_a_drain(costs in proptest::collection::vec((0..3u8, 4..400usize), 1..80)) {
        let outbox = Outbox::new(LIMITS, OutboxPool::default());
        let (mut refused, mut drained) = (false, false);
        for (kind, cost) in costs {
            match kind {
                0 => { take(&outbox); }
                kind => refused |= outbox.push(frame(if kind == 1 { Class::Inbox } else { Class::Hint }, cost)).is_err(),
            }
            if outbox.take_drained() {
                refused = false;
            }
        }
        while take(&outbox).is_some() {
            drained |= outbox.take_drained();
        }
        prop_assert!(!refused || drained);
        prop_assert!(!outbox.is_overflowed());
    }
}

#[test]
fn an_exhausted_pool_gives_nothing_to_who_leaves_much_unread_and_everything_to_who_reads() {
    let (pool, limits) = (OutboxPool::new(30_000), OutboxLimits { events: 100, bytes: 1 << 20 });
    let [slow, fast] = [0, 1].map(|_| Outbox::new(limits, pool.clone()));
    for n in 0..4 {
        assert_eq!(slow.push(frame(Class::Inbox, 9_000)), Ok(()), "{n}");
    }
    assert!(pool.is_exhausted() && !slow.is_overflowed());
    assert_eq!(slow.push(frame(Class::Inbox, 10)), Err(Full));
    assert_eq!(slow.push(frame(Class::Reply, 10)), Ok(()), "an answer is always taken");
    assert!(slow.is_overflowed(), "its time runs");
    for _ in 0..50 {
        assert_eq!(fast.push(frame(Class::Inbox, 9_000)), Ok(()));
        take(&fast).unwrap();
    }
    // Whoever was refused is told as soon as they have read something.
    assert!(!slow.take_drained());
    take(&slow).unwrap();
    assert!(slow.take_drained() && !slow.is_overflowed());
    assert!(!pool.is_exhausted());
}

/// What fills a pool up and never goes.
fn ballast(pool: &OutboxPool) -> Outbox {
    let outbox = Outbox::new(OutboxLimits { events: 100, bytes: 1 << 20 }, pool.clone());
    outbox.push(frame(Class::Reply, 31_000)).unwrap();
    outbox
}

#[test]
fn of_an_exhausted_pool_whoever_reads_all_the_time_does_not_lag_and_whoever_holds_much_does() {
    let (pool, limits) = (OutboxPool::new(30_000), OutboxLimits { events: 100, bytes: 1 << 20 });
    let (steady, silent) = (Outbox::new(limits, pool.clone()), Outbox::new(limits, pool.clone()));
    silent.push(frame(Class::Inbox, 9_000)).unwrap();
    let _ballast = ballast(&pool);
    for _ in 0..20 {
        // It is filled up until it is refused, as a session does that reads the truth.
        while steady.push(frame(Class::Inbox, 3_000)).is_ok() {}
        assert!(steady.is_overflowed());
        while take(&steady).is_some() {}
        while steady.push(frame(Class::Inbox, 3_000)).is_ok() {}
        assert!(!steady.is_lagging());
    }
    assert!(steady.is_lagging(), "it has read nothing since");
    assert!(silent.is_lagging(), "though nobody has anything for it");
}

#[test]
fn of_an_exhausted_pool_presence_is_set_aside_and_said_when_the_reader_has_caught_up() {
    let (pool, limits) = (OutboxPool::new(30_000), OutboxLimits { events: 100, bytes: 1 << 20 });
    let outbox = Outbox::new(limits, pool.clone());
    outbox.push(frame(Class::Inbox, 9_000)).unwrap();
    let _ballast = ballast(&pool);
    assert_eq!(outbox.push(rooms::typing(&rooms::room("chat"))), Ok(()));
    assert!(matches!(take(&outbox), Some(Outgoing::Frame(frame)) if frame.class() == Class::Inbox));
    assert!(matches!(take(&outbox), Some(Outgoing::Frame(frame)) if frame.class() == Class::Ephemeral));
}

#[test]
fn a_frame_that_waits_in_many_outboxes_is_held_once_and_given_back_by_the_last() {
    let (pool, limits) = (OutboxPool::new(15_000), OutboxLimits { events: 100, bytes: 1 << 20 });
    let shared = frame(Class::Inbox, 10_000);
    let outboxes: Vec<Outbox> = (0..10).map(|_| Outbox::new(limits, pool.clone())).collect();
    for outbox in &outboxes {
        assert_eq!(outbox.push(shared.clone()), Ok(()));
    }
    assert!(!pool.is_exhausted());
    assert_eq!(outboxes[0].push(frame(Class::Inbox, 6_000)), Ok(()));
    assert!(pool.is_exhausted());
    // However it leaves: read, thrown away, or with its outbox.
    take(&outboxes[0]).unwrap();
    outboxes[1].clear();
    drop(outboxes);
    assert_eq!(Outbox::new(limits, pool.clone()).push(frame(Class::Inbox, 15_001)), Ok(()));
    assert!(!pool.is_exhausted());
}
