//! How many instructions the hot paths take, each with a limit: a number that no clock and no neighbour moves, so
//! that a path that has become dearer fails `make instructions`, and not a user.
//!
//! Callgrind counts (valgrind); gungraun runs it, and holds the limits: those of a release build, and those of a debug
//! build, which `make test` counts since it has one. Both are of x86-64. Who changes one on purpose changes it here,
//! with the reason in the commit.

// A benchmark that is wrong may end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    array,
    hint::black_box,
    io,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use actix_http::ws::Codec;
use bytes::Bytes;
use futures_util::{Stream, stream};
use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use tidings::{
    auth::{
        Verifier, VerifierOptions,
        tokens::{MintClaims, mint},
    },
    domain::{Cursor, Epoch, Json, MessageDraft, Position, RoomName, Timestamp, UserId},
    load::frames::{TEXT, append_masked},
    outbox::{Outbox, OutboxLimits, OutboxPool},
    protocol::{Frame, command::Command, event::Message},
    stream::{Head, Subscription, replay},
    transport::{Guard, Inbound, MessageLimits, Messages},
};

/// As in the server.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const LISTENERS: usize = 100;
const MESSAGES: u64 = 100;
const SECRET: &str = "a secret for benchmarks, of 32 bytes";

/// A tenth more is not noticed: other compilers and libraries count a little differently.
fn at_most(release: u64, debug: u64) -> LibraryBenchmarkConfig {
    let counted = if cfg!(debug_assertions) { debug } else { release };
    let limit = counted + counted / 10;
    LibraryBenchmarkConfig::default().tool(Callgrind::default().hard_limits([(EventKind::Ir, limit)])).clone()
}

fn epoch() -> Epoch {
    Epoch::from_random(7)
}

struct Said {
    room: RoomName,
    from: UserId,
    draft: MessageDraft,
}

/// What is made at the first use only is made before it is counted.
fn said() -> Said {
    let data = r#"{"text":"What a fine morning it is, is it not?","mentions":["bob"]}"#;
    let said = Said {
        room: "chat:general".parse().unwrap(),
        from: "alice".parse().unwrap(),
        draft: MessageDraft { data: Json::trusted(data).unwrap(), event: None, nonce: None },
    };
    encode(&said, 1);
    said
}

fn frame(offset: u64) -> Frame {
    encode(&said(), offset)
}

fn encode(Said { room, from, draft }: &Said, offset: u64) -> Frame {
    let (position, at) = (Position::new(epoch(), offset), Timestamp::from_secs(1_800_000_000));
    Frame::message(room, position, &Message::new(room, position, from, draft, at))
}

#[library_benchmark]
#[bench::of_a_room(args = (said()), config = at_most(4_342, 65_100))]
fn encoding_a_message(said: Said) -> Frame {
    encode(black_box(&said), 42)
}

fn outboxes() -> (Vec<Outbox>, Frame) {
    let limits = OutboxLimits { events: 1000, bytes: 1 << 20 };
    let pool = OutboxPool::default();
    let outboxes: Vec<Outbox> = (0..LISTENERS).map(|_| Outbox::new(limits, pool.clone())).collect();
    // The first message makes room for all later ones.
    fan_out_to(&outboxes, &frame(1));
    (outboxes, frame(2))
}

fn fan_out_to(outboxes: &[Outbox], frame: &Frame) {
    let mut cx = Context::from_waker(Waker::noop());
    for outbox in outboxes {
        outbox.push(frame.clone()).unwrap();
    }
    for outbox in outboxes {
        let _ = black_box(outbox.poll_next(&mut cx));
    }
}

#[library_benchmark]
#[bench::of_100_listeners(args = (outboxes()), config = at_most(30_947, 185_500))]
fn fanning_out((outboxes, frame): (Vec<Outbox>, Frame)) -> Vec<Outbox> {
    fan_out_to(&outboxes, black_box(&frame));
    outboxes
}

fn subscription() -> (Subscription<Frame>, Vec<Frame>) {
    let head = Head { epoch: epoch(), last: 0, pruned: 0, restart: 0 };
    let mut subscription = Subscription::reading(head.position());
    subscription.turn(&replay::page::<()>(head, head.position(), [], false));
    (subscription, (1..=MESSAGES).map(frame).collect())
}

#[library_benchmark]
#[bench::of_100_in_order(args = (subscription()), config = at_most(62_921, 544_000))]
fn judging_deliveries((mut subscription, frames): (Subscription<Frame>, Vec<Frame>)) -> Subscription<Frame> {
    for (offset, frame) in (1..).zip(frames) {
        let cost = frame.cost();
        black_box(subscription.offer(Position::new(epoch(), offset), frame, cost));
    }
    subscription
}

type Payload = stream::Iter<array::IntoIter<Result<Bytes, io::Error>, 1>>;

/// What a client has sent at once: so many commands, each a masked frame.
fn commands() -> Messages<Payload> {
    let command =
        r#"{"type":"message","room":"chat:general","data":{"text":"What a fine morning it is, is it not?"}}"#;
    let mut bytes = Vec::new();
    (0..MESSAGES).for_each(|_| append_masked(&mut bytes, TEXT, command.as_bytes()));
    let limits = MessageLimits { bytes: 64 * 1024, fragments: 64, has_binary: false };
    Messages::new(
        stream::iter([Ok(Bytes::from(bytes))]),
        Guard::new(limits),
        Codec::new().max_size(64 * 1024),
    )
}

#[library_benchmark]
#[bench::of_100_commands(args = (commands()), config = at_most(873_000, 8_181_640))]
fn reading_frames(mut messages: Messages<Payload>) -> u64 {
    let mut messages = pin!(&mut messages);
    let mut cx = Context::from_waker(Waker::noop());
    let mut read = 0;
    // It yields once a turn.
    while read < MESSAGES {
        if let Poll::Ready(Some(Ok(Inbound::Text(text)))) = messages.as_mut().poll_next(&mut cx) {
            read += u64::from(Command::parse(&text).is_ok());
        }
    }
    read
}

fn token() -> (Verifier, String) {
    let secret = Some(SECRET.into());
    let options = VerifierOptions { secret, leeway: Duration::from_secs(5), ..VerifierOptions::default() };
    let claims = MintClaims {
        user: "alice".parse().unwrap(),
        issued_at: Timestamp::from_secs(1_800_000_000),
        expires_at: Timestamp::from_secs(1_800_003_600),
        scope: "join:chat:* publish:chat:*".to_owned(),
        audience: None,
        issuer: None,
    };
    (Verifier::new(options).unwrap(), mint(SECRET.as_bytes(), &claims).unwrap())
}

#[library_benchmark]
#[bench::hs256(args = (token()), config = at_most(55_726, 322_500))]
fn verifying_a_token((verifier, token): (Verifier, String)) -> usize {
    let identity = verifier.verify(black_box(&token), Timestamp::from_secs(1_800_000_001)).unwrap();
    identity.scopes.words().len()
}

fn cursor() -> String {
    let rooms = (0..10).map(|room| format!(",chat:{room}@e1e1e1e1.1{room}"));
    let cursor = format!("inbox@k3x9q2ab.42{}", rooms.collect::<String>());
    cursor.parse::<Cursor>().unwrap();
    cursor
}

#[library_benchmark]
#[bench::of_10_rooms(args = (cursor()), config = at_most(12_525, 74_200))]
fn parsing_a_cursor(cursor: String) -> Cursor {
    black_box(&cursor).parse().unwrap()
}

library_benchmark_group!(
    name = hot_paths;
    benchmarks = encoding_a_message, fanning_out, judging_deliveries, reading_frames, verifying_a_token, parsing_a_cursor
);

main!(library_benchmark_groups = hot_paths);
