//! How fast the store appends to a real file with `synchronous=FULL`, by the number of publishes that
//! wait at the same time, and by the number of recipients of one.

#![allow(clippy::expect_used)]

use std::{hint::black_box, time::Duration};

use actix::{Actor, Context, Handler, SystemRunner};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::try_join_all;
use tempfile::TempDir;
use tidings::{
    config::StoreUrl,
    domain::{Draft, Json, UserId},
    hub::{LocalUsers, messages::Committed},
    store::{
        Store, StoreLink,
        messages::{Others, Publish, PushPolicy, StoreOptions, WebhookBounds},
    },
};

/// As in the server: a fifth of an append is spent in it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Users who are published to, in turn.
const USERS: usize = 10_000;

struct Hub;

impl Actor for Hub {
    type Context = Context<Self>;
}

impl Handler<Committed> for Hub {
    type Result = ();

    fn handle(&mut self, committed: Committed, _: &mut Self::Context) {
        black_box(committed);
    }
}

fn open(system: &SystemRunner, dir: &TempDir) -> StoreLink {
    let busy_timeout = Duration::from_secs(5);
    let options = StoreOptions {
        url: StoreUrl::Sqlite(dir.path().join("tidings.db")),
        migrates: true,
        pool_size: 8,
        busy_timeout,
        queue: 10_000,
        memory: usize::MAX,
        is_fully_synchronous: true,
        idempotency_retention: Duration::from_secs(24 * 3600),
        mutes_max: 200,
        tickets_max: 20,
        max_age: Duration::from_secs(90 * 24 * 3600),
        max_read: 1000,
        webhooks: Default::default(),
        webhook_bounds: WebhookBounds { waiting: 1_000_000, dead: 100_000 },
        others: Others::default(),
        push: PushPolicy::default(),
    };
    system.block_on(async {
        let store =
            Store::open(options, Hub.start().recipient(), LocalUsers::default()).expect("the store opens");
        StoreLink::start(store, busy_timeout)
    })
}

/// Publishes of about 128 bytes, each to as many users as asked for, going round among all users.
fn publishes(recipients: usize) -> impl FnMut() -> Publish {
    let payload = Json::parse(&format!(r#"{{"text":"{}"}}"#, "x".repeat(117))).expect("it is JSON");
    let users: Vec<UserId> =
        (0..USERS).map(|i| format!("user{i}").parse().expect("it is a user id")).collect();
    let mut round = (0..USERS).cycle();
    move || Publish {
        publisher: "backend".parse().expect("it is a user id"),
        idempotency_key: None,
        draft: Draft {
            to: round.by_ref().take(recipients).filter_map(|i| users.get(i).cloned()).collect(),
            notification_type: "comment.created".parse().expect("it is a type"),
            v: 1,
            payload: payload.clone(),
            key: None,
            expires_in: None,
            push: None,
        },
    }
}

fn append(criterion: &mut Criterion) {
    let dir = TempDir::new().expect("there is room for a file");
    let system = actix::System::new();
    let store = open(&system, &dir);
    let mut group = criterion.benchmark_group("append");
    group.sample_size(20);
    for (waiting, recipients) in [(1, 1), (64, 1), (1000, 1), (8, 100)] {
        let mut next = publishes(recipients);
        group.throughput(Throughput::Elements((waiting * recipients) as u64));
        group.bench_function(BenchmarkId::new(format!("{waiting} waiting"), recipients), |bencher| {
            bencher.iter(|| {
                let asks = (0..waiting).map(|_| store.ask(next()));
                system.block_on(try_join_all(asks)).expect("they are stored")
            });
        });
    }
    group.finish();
    system.block_on(store.flush());
}

criterion_group!(benches, append);
criterion_main!(benches);
