//! What one event costs before it reaches a socket: to encode it, to judge it, to queue it, and to read what
//! clients send; and what it costs to count those who come.

#![allow(clippy::unwrap_used)]

use std::{
    hint::black_box,
    task::{Context, Waker},
    time::Instant,
};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tidings::{
    config,
    domain::{
        Epoch, Identity, Json, MessageDraft, Notification, NotificationId, Position, RoomName, Scopes,
        Timestamp, Transport, UserId,
    },
    limits::Limits,
    observe::metrics::Tally,
    outbox::{Outbox, OutboxLimits, OutboxPool},
    protocol::{
        Class, Frame,
        command::Command,
        event::{Message, NotificationView},
    },
    stream::{Head, Offered, Subscription, replay},
};

const EVENTS: u64 = 1000;

fn notification() -> Notification {
    Notification {
        id: NotificationId::generate(),
        position: Position::new(epoch(), 42),
        notification_type: "comment.created".parse().unwrap(),
        v: 1,
        payload: Json::trusted(
            r#"{"post_id":17,"author":"bob","preview":"What a fine morning it is, is it not?"}"#,
        )
        .unwrap(),
        key: None,
        created_at: Timestamp::from_secs(1_800_000_000),
        expires_at: None,
        seen_at: None,
        read_at: None,
        archived_at: None,
        muted: false,
    }
}

fn epoch() -> Epoch {
    Epoch::from_random(7)
}

fn encode(c: &mut Criterion) {
    let notification = notification();
    let mut group = c.benchmark_group("encode");
    group.bench_function("a notification as a frame", |b| {
        b.iter(|| Frame::new(Class::Inbox, &NotificationView(black_box(&notification))));
    });
    let room: RoomName = "chat:general".parse().unwrap();
    let from: UserId = "alice".parse().unwrap();
    let draft = MessageDraft {
        data: Json::trusted(r#"{"text":"What a fine morning it is, is it not?","mentions":["bob"]}"#)
            .unwrap(),
        event: None,
        nonce: Some("0190c8f5-5c1e-7000-8000-000000000000".parse().unwrap()),
    };
    let (position, at) = (Position::new(epoch(), 42), Timestamp::from_secs(1_800_000_000));
    group.bench_function("a message to a room as a frame", |b| {
        b.iter(|| {
            let event = Message::new(&room, position, &from, black_box(&draft), at);
            Frame::message(&room, position, &event)
        });
    });
    let frame = Frame::new(Class::Inbox, &NotificationView(&notification));
    group
        .bench_function("the same frame for one more receiver", |b| b.iter(|| black_box(&frame).websocket()));
    group.finish();
}

fn deliver(c: &mut Criterion) {
    let frame = Frame::new(Class::Inbox, &NotificationView(&notification()));
    let mut group = c.benchmark_group("delivery rule");
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("events in order", |b| {
        let head = Head { epoch: epoch(), last: 0, pruned: 0, restart: 0 };
        let live = || {
            let mut subscription = Subscription::reading(head.position());
            subscription.turn(&replay::page::<()>(head, head.position(), [], false));
            subscription
        };
        b.iter_batched_ref(
            live,
            |subscription| {
                for offset in 1..=EVENTS {
                    let offered =
                        subscription.offer(Position::new(epoch(), offset), frame.clone(), frame.cost());
                    assert!(matches!(black_box(offered), Offered::Deliver(_)));
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("a page of rows", |b| {
        let head = Head { epoch: epoch(), last: EVENTS, pruned: 0, restart: EVENTS };
        b.iter(|| {
            let rows = (1..=EVENTS).map(|offset| (offset, Some(offset)));
            replay::page(black_box(head), Position::START, rows, false)
        });
    });
    group.finish();
}

/// Messages of one room, of the size of a notification.
fn messages(offsets: std::ops::RangeInclusive<u64>) -> Vec<Frame> {
    let (room, notification) = ("chat:general".parse::<RoomName>().unwrap(), notification());
    let message = |offset| {
        let position = Position::new(epoch(), offset);
        Frame::message(&room, position, &NotificationView(&Notification { position, ..notification.clone() }))
    };
    offsets.map(message).collect()
}

/// What counting adds to a delivery.
fn tally(c: &mut Criterion) {
    let (tally, at) = (Tally::begin(), Timestamp::from_secs(1_800_000_000));
    let frame = messages(1..=1).remove(0).accepted_at(at);
    let mut group = c.benchmark_group("metrics");
    group.throughput(Throughput::Elements(1));
    group.bench_function("a delivery", |b| {
        b.iter(|| tally.sent(Transport::WebSocket, black_box(&frame), || at));
    });
    group.finish();
}

fn queue(c: &mut Criterion) {
    let limits = OutboxLimits { events: 1000, bytes: 1 << 20 };
    let mut group = c.benchmark_group("outbox");
    group.throughput(Throughput::Elements(1));
    group.bench_function("a message of a room, pushed and read", |b| {
        let outbox = Outbox::new(limits, OutboxPool::default());
        let message = messages(1..=1).remove(0);
        let mut cx = Context::from_waker(Waker::noop());
        b.iter(|| {
            outbox.push(black_box(&message).clone()).unwrap();
            outbox.poll_next(&mut cx)
        });
    });
    // The reader never comes, so that each message in is one out: the cost of both.
    let (first, later) = (messages(1..=1000), messages(1001..=11_000));
    group.throughput(Throughput::Elements(later.len() as u64));
    group.bench_function("messages of a room that push out older ones", |b| {
        let full = || {
            let outbox = Outbox::new(limits, OutboxPool::default());
            first.iter().for_each(|message| outbox.push(message.clone()).unwrap());
            outbox
        };
        let push =
            |outbox: &mut Outbox| later.iter().for_each(|message| outbox.push(message.clone()).unwrap());
        b.iter_batched_ref(full, push, BatchSize::SmallInput);
    });
    group.finish();
}

fn parse(c: &mut Criterion) {
    let payload = r#"{"post_id":17,"author":"bob","preview":"What a fine morning it is, is it not?"}"#;
    let command = r#"{"type":"mark","as":"read","up_to":"k3x9q2ab.42","ref":7}"#;
    let mut group = c.benchmark_group("parse");
    group.bench_function("a payload", |b| b.iter(|| Json::trusted(black_box(payload)).unwrap()));
    group.bench_function("a command", |b| b.iter(|| Command::parse(black_box(command)).unwrap()));
    group.finish();
}

fn count(c: &mut Criterion) {
    let limits = Limits::new(&config::Limits::default(), false);
    let mut group = c.benchmark_group("limits");
    for users in [64, 10_000] {
        let identities: Vec<Identity> = (0..users)
            .map(|n| Identity {
                user: format!("user{n}").parse().unwrap(),
                scopes: Scopes::parse(""),
                expires_at: Timestamp::from_secs(1_800_000_000),
                issued_at: None,
                token_id: None,
            })
            .collect();
        let mut callers = identities.iter().cycle();
        group.bench_function(format!("a request of one of {users} users"), |b| {
            b.iter(|| limits.request(black_box(callers.next().unwrap()), Instant::now()));
        });
    }
    let address = std::net::IpAddr::from([203, 0, 113, 9]).into();
    let place = || drop(black_box(limits.place(black_box(address))));
    group.bench_function("a place, taken and left", |b| b.iter(place));
    group.finish();
}

criterion_group!(benches, encode, deliver, tally, queue, parse, count);
criterion_main!(benches);
