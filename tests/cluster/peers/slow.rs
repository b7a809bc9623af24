//! Clients that read slowly or never (X25).

use std::time::{Duration, Instant};

use actix_web::rt;
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::sleep;

use super::{OPEN, ended, expect_counted};
use crate::{
    app::{App, token, until},
    clients::{narrow, room::EVERYWHERE, sse::Sse, ws::Ws},
    engines::{
        kernel::server_ends,
        proxy::{Fault, Proxy, Target},
    },
    scale::{is_chaos, times},
    verdict::percentiles,
};

/// More than outbox and kernel take in for one client, in messages of this size.
const MESSAGES: usize = 100;
const MESSAGE_BYTES: usize = 24 << 10;

/// What passes to a client whose network is slow, in a second.
const TRICKLE_BYTES: usize = 100;

/// Within this of the overflow whoever does not read is gone (X25), longer than the patience that is set; and what is
/// usual besides.
const GONE: Duration = Duration::from_secs(1);
const USUAL: Duration = Duration::from_secs(10);

/// Those whose latency is looked at.
const OTHERS: usize = 10;

/// `make chaos` plays with the default.
fn slow_timeout() -> Duration {
    Duration::from_secs(if is_chaos() { 10 } else { 2 })
}

fn app() -> App {
    let patience = format!("{}s", slow_timeout().as_secs());
    let own = [
        ("session.slow_timeout", patience.as_str()),
        ("limits.room_messages_per_second", "0"),
        ("auth.default_scopes", "join:*"),
        ("rooms.history_bytes", "8MiB"),
    ];
    App::start_with(&[&OPEN[..], &own].concat())
}

/// Says so much in the room that nobody's outbox can hold it.
async fn overflow(app: &App) {
    let http = app.http(&app.token("speaker", EVERYWHERE));
    let data = json!({ "data": "x".repeat(MESSAGE_BYTES) });
    for _ in 0..MESSAGES {
        let answer = http.post("/v1/rooms/busy/messages", &data).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
}

/// Publishes to all others, one after the other, for so long as is asked for: how long each waited.
async fn pulse(app: &App, others: &mut [Ws], mut goes_on: impl FnMut() -> bool) -> Vec<Duration> {
    let http = app.http(&app.publisher());
    let names: Vec<String> = (0..others.len()).map(|n| format!("other{n}")).collect();
    let draft = json!({ "to": names, "type": "test.event", "payload": { "n": 1 } });
    let mut took = Vec::new();
    while goes_on() {
        let start = Instant::now();
        assert_eq!(http.post("/v1/notifications", &draft).await.status, 201);
        let waited = join_all(others.iter_mut().map(|ws| async move {
            ws.next_ns(1).await;
            start.elapsed()
        }));
        took.extend(waited.await);
        sleep(Duration::from_millis(10)).await;
    }
    took
}

#[actix_web::test]
async fn x25_clients_that_read_nothing_or_100_bytes_a_second_are_ended_in_time() {
    let app = app();
    let network = Proxy::start(Target::Port(app.address));
    let mut others = Vec::new();
    for n in 0..OTHERS {
        others.push(app.ws(&format!("other{n}")).await);
    }
    let mut rounds = 0..50;
    let before = percentiles(pulse(&app, &mut others, || rounds.next().is_some()).await);
    let each = times(5, 50);
    // Those who never read are kept, the others read.
    let mut deaf = (Vec::new(), Vec::new());
    for n in 0..each {
        deaf.0.push(narrow::connect(&app, &format!("slow{n}"), "?rooms=busy").await);
        deaf.1.push(narrow::stream(&app, &format!("slow{n}"), "?rooms=busy").await);
        let token = token(&format!("slow{n}"), EVERYWHERE, 3600);
        let mut ws = Ws::connect(network.address, "?rooms=busy", &token).await;
        rt::spawn(async move { ws.expect_cut().await });
        let mut sse = Sse::connect(network.address, "?rooms=busy", &token).await;
        rt::spawn(async move { while sse.try_next().await.is_some() {} });
    }
    network.set(Fault::Throttle(TRICKLE_BYTES));
    overflow(&app).await;
    let full = Instant::now();
    let slow = each * 4;
    let is_over = || ended(&app, "slow_consumer") == slow && server_ends(app.address.port()) <= OTHERS + 2;
    let mut took = None;
    let meanwhile = pulse(&app, &mut others, || {
        took = took.or_else(|| is_over().then(|| full.elapsed()));
        assert!(full.elapsed() < slow_timeout() + GONE + USUAL, "{} are ended", ended(&app, "slow_consumer"));
        took.is_none()
    });
    let meanwhile = percentiles(meanwhile.await);
    expect_counted(&app, "slow_consumer", (slow, OTHERS)).await;
    println!(
        "X25 {slow} slow readers: 4008 to {slow}, the last {:.1?} after the overflow, sockets left 0; others' p99 \
         {:.1?} before, {:.1?} meanwhile",
        took.unwrap(),
        before[1],
        meanwhile[1]
    );
}

/// A client that begins to read when it is ended hears why.
#[actix_web::test]
async fn x25_a_slow_reader_that_reads_again_finds_4008_in_the_close_frame() {
    let app = app();
    let mut slow = narrow::connect(&app, "slow", "?rooms=busy").await;
    overflow(&app).await;
    let admin = app.http(&app.token("root", "admin"));
    // Whoever is being ended is shown no longer.
    while admin.get("/v1/admin/sessions?user=slow").await.json()["sessions"] != json!([]) {}
    let (goodbye, code, reason) = slow.farewell().await;
    assert_eq!((code, reason.as_str()), (4008, "slow_consumer"));
    assert_eq!(goodbye.unwrap()["code"], 4008);
    until("it is logged", || (ended(&app, "slow_consumer") == 1).then_some(())).await;
}
