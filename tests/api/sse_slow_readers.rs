//! Readers of event streams that read late or never: the rule is the one of every transport (G10).

use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};

use crate::{
    app::{App, until},
    clients::{
        narrow::stream,
        room::guest,
        sse::{Sse, cursor},
    },
    room_slow_readers::{Hearing, open_with, speak},
    slow_readers::{bound, ended, forgotten_by_kernel},
    traffic::{Follower, offset_of, publish_all},
};

#[actix_web::test]
async fn a_stream_that_is_read_late_behind_400_large_notifications_has_them_all_in_order() {
    const COUNT: u64 = 400;
    let app = App::start();
    let mut reader = Follower::from_start("alice");
    let mut sse = stream(&app, "alice", &reader.query()).await;
    publish_all(&app, &["alice"], COUNT, 8000, 32).await;
    while reader.offset() < COUNT {
        reader.take(&sse.next().await);
        assert_eq!(sse.last_id(), format!("inbox@{}", reader.position));
    }
    assert_eq!(reader.seen.len() as u64, COUNT);
}

#[actix_web::test]
async fn a_stream_of_a_busy_room_that_is_read_late_tells_exactly_what_is_lost() {
    const COUNT: u64 = 3000;
    let app = open_with(("session.slow_timeout", "60s"));
    let mut late = stream(&app, "late", "?rooms=busy").await;
    assert_eq!(late.next().await["command"], "join");
    let mut speaker = guest(&app, "speaker").await;
    for n in 1..=3 {
        speak(&mut speaker, (n - 1) * COUNT / 3 + 1, COUNT / 3, 1500).await;
        app.publish("late", n).await;
    }
    let mut hearing = Hearing::default();
    while hearing.offset < COUNT || hearing.notifications.len() < 3 {
        hearing.take(&late.next().await);
        assert_eq!(offset_of(&cursor(late.last_id())["busy"]), hearing.offset);
    }
    assert_eq!(hearing.notifications, [1, 2, 3]);
    assert!(hearing.lost > 500 && hearing.lost < COUNT - 300, "{} lost", hearing.lost);
}

#[actix_web::test]
async fn streams_that_are_never_read_cost_bounded_memory_and_are_evicted() {
    const CLIENTS: usize = 20;
    const COUNT: u64 = 200;
    const SLOW_TIMEOUT: Duration = Duration::from_secs(3);
    let app = App::start_with(&[("session.slow_timeout", "3s")]);
    let users: Vec<String> = (0..CLIENTS).map(|i| format!("user{i}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    // Everybody reads: what the same traffic costs the server without slow readers.
    let mut others = Vec::new();
    for user in &users {
        let token = app.token(user, "");
        others.push((Follower::from_start(user), Sse::connect(app.address, "", &token).await));
    }
    join(publish_all(&app, &users, COUNT, 8000, 4), read_all(&mut others, COUNT)).await;
    let before = app.memory();

    let mut frozen = Vec::new();
    for user in &users {
        frozen.push(stream(&app, user, "").await);
    }
    let start = Instant::now();
    join(publish_all(&app, &users, COUNT, 8000, 4), read_all(&mut others, 2 * COUNT)).await;
    let after = app.memory();
    assert!(after <= bound(before, CLIENTS as u64), "{before} bytes grew to {after}");
    let evicted = || (ended(&app, "slow_consumer") == CLIENTS).then(Instant::now);
    let gone = until("the readers are evicted", evicted).await;
    assert!(gone - start >= SLOW_TIMEOUT, "{:?}", gone - start);
    for sse in &frozen {
        forgotten_by_kernel(&app, sse.stream.local_addr().unwrap()).await;
    }
}

/// Each reads up to this offset, without a break in the numbers.
async fn read_all(readers: &mut [(Follower, Sse)], offset: u64) {
    join_all(readers.iter_mut().map(|(follower, sse)| async move {
        while follower.offset() < offset {
            follower.take(&sse.next().await);
        }
    }))
    .await;
}

#[actix_web::test]
async fn a_client_that_is_evicted_goes_on_behind_its_last_id() {
    const COUNT: u64 = 3000;
    let app = App::start_with(&[("session.slow_timeout", "1s")]);
    let mut reader = Follower::from_start("alice");
    let mut sse = stream(&app, "alice", &reader.query()).await;
    publish_all(&app, &["alice"], COUNT, 1000, 32).await;
    let session = sse.welcome["session"].clone();
    assert_eq!(app.reason_of_close(&session).await, "slow_consumer");
    // What the kernel has kept of it; the rest is cut.
    while let Some(event) = sse.try_next().await {
        reader.take(&event);
    }
    assert!(reader.offset() < COUNT, "nothing was left");
    let since = format!("?since={}", sse.last_id());
    let mut again = Sse::connect(app.address, &since, &app.token("alice", "")).await;
    while reader.offset() < COUNT {
        reader.take(&again.next().await);
    }
    assert_eq!(reader.seen.len() as u64, COUNT);
}
