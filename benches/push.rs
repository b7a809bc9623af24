//! What a push costs before it reaches a socket: to encrypt it, which takes a key of its own and two secrets, and
//! to sign for its service, which happens once in hours.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tidings::{
    domain::Timestamp,
    push::{PLAIN_MAX, Receiver, Vapid, VapidKey},
};

fn encryption(c: &mut Criterion) {
    let receiver = Receiver::parse(
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
    );
    let receiver = receiver.unwrap();
    let mut group = c.benchmark_group("encrypt");
    group.throughput(Throughput::Elements(1));
    for bytes in [300, PLAIN_MAX] {
        let plain = vec![b'x'; bytes];
        group.bench_function(format!("{bytes} bytes"), |b| {
            b.iter(|| receiver.encrypt(black_box(&plain)).unwrap())
        });
    }
    group.finish();
}

fn signature(c: &mut Criterion) {
    let now = Timestamp::from_secs(1_790_000_000);
    let vapid = Vapid::new(VapidKey::generate().unwrap(), "mailto:ops@example.com".to_owned());
    let mut group = c.benchmark_group("vapid");
    group.throughput(Throughput::Elements(1));
    group.bench_function("kept", |b| {
        b.iter(|| vapid.authorization(black_box("https://push.example"), now).unwrap())
    });
    // Each time a day later, so that nothing is kept.
    let mut day = 0;
    group.bench_function("signed", |b| {
        b.iter(|| {
            day += 1;
            vapid.authorization("https://push.example", Timestamp::from_secs(day * 86_400)).unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, encryption, signature);
criterion_main!(benches);
