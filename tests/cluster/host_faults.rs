//! What the machine gives runs out for one node: open files and memory (X23, X24).

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future::join_all, stream};
use serde_json::json;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    app::{App, DEADLINE, until},
    ceiling::Ceiling,
    clients::{narrow, ws::Ws},
    engines::bound,
    scale::{lasting, times},
    traffic::draft,
};

const MIB: u64 = 1 << 20;

/// Of 15 kB each: a quarter more than an outbox holds.
const COUNT: u64 = 85;

/// How soon it takes somebody in again.
const HEALED: Duration = Duration::from_secs(20);

/// A WebSocket, if there is room for one.
async fn try_ws(app: &App, user: &str) -> Option<Ws> {
    let authorization = format!("Bearer {}", app.token(user, ""));
    let headers = [("authorization", authorization.as_str())];
    let opening = Ws::open(app.address, "", &headers);
    timeout(Duration::from_secs(2), opening).await.ok()?.ok()
}

/// Connections that say nothing: the kernel takes them in, whatever the program does.
async fn silent(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    join_all((0..count).map(|_| TcpStream::connect(address))).await.into_iter().map(Result::unwrap).collect()
}

#[actix_web::test]
async fn x23_more_sockets_come_than_there_are_files() {
    let mut command = bound("KILL", "prlimit");
    command.env_clear().args(["--nofile=200", env!("CARGO_BIN_EXE_tidings")]);
    let mut app = App::start_as(
        command,
        &[
            ("limits.sessions_per_user", "0"),
            ("limits.sessions_per_ip", "0"),
            ("limits.handshakes_per_second", "0"),
        ],
    );
    let before = app.idle_sockets().await;
    let mut taken: Vec<Ws> = Vec::new();
    let mut refused = 0;
    for n in 0..times(400, 2000) {
        match try_ws(&app, &format!("user{n}")).await {
            Some(ws) => taken.push(ws),
            None => refused += 1,
        }
    }
    assert!(taken.len() > 30 && refused > 200, "{} taken, {refused} refused", taken.len());
    // Those who are in, and requests, are served as before.
    assert_eq!(app.publish("user0", 1).await.split_once('.').unwrap().1, "1");
    assert_eq!(taken[0].next_numbered().await["payload"]["n"], 1);

    // Now also all that is left, by those who say nothing.
    let crowd = silent(app.address, 400).await;
    let (start, busy) = (Instant::now(), app.processor_time());
    sleep(lasting(3, 30)).await;
    let share = (app.processor_time() - busy).as_secs_f64() / start.elapsed().as_secs_f64();
    assert!(share < 0.2, "{share:.2} of a processor");
    assert_eq!(taken[0].ask(json!({ "type": "ping" })).await["type"], "pong");

    drop(crowd);
    let count = taken.len();
    drop(taken);
    let start = Instant::now();
    let mut again = Vec::new();
    while again.len() < count / 2 {
        assert!(start.elapsed() < HEALED, "it takes in nobody");
        again.extend(try_ws(&app, "alice").await);
    }
    drop(again);
    app.expect_sockets(before).await;
    app.expect_healthy().await;
    let lines = app.logs().iter().filter(|line| !line.contains("\"info\"")).count();
    assert!(lines < 20, "{lines} warnings:\n{}", app.logs().join("\n"));
    println!(
        "X23 200 files: {count} sockets taken, {refused} refused, {share:.3} of a processor, {lines} warnings"
    );
}

/// Publishes to each of these what no outbox holds; how often that was refused for the time being.
async fn fill(app: &App, users: &[String]) -> usize {
    let (http, mut refused) = (app.http(&app.publisher()), 0);
    for n in 0..COUNT {
        for user in users {
            while http.post("/v1/notifications", &draft(&[user], n, 15_000)).await.status != 201 {
                refused += 1;
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
    refused
}

#[actix_web::test]
async fn x24_sockets_and_readers_that_do_not_read_stay_below_a_ceiling_of_memory() {
    let ceiling = Ceiling::new(256 * MIB);
    let mut app = App::start_as(
        ceiling.program(),
        &[
            ("session.slow_timeout", "3s"),
            // Nobody reads those who are idle, their pings included.
            ("session.ping_interval", "10m"),
            // It is about memory, and not about the disk.
            ("store.synchronous", "normal"),
            ("limits.sessions_per_ip", "0"),
            ("limits.handshakes_per_second", "0"),
        ],
    );
    let idle = times(500, 5000);
    let connect = async |n: usize| app.ws(&format!("user{n}")).await;
    let mut sockets: Vec<Ws> = stream::iter(0..idle).map(connect).buffer_unordered(50).collect().await;
    let with_sockets = app.memory();

    let users: Vec<String> = (0..times(150, 400)).map(|n| format!("slow{n}")).collect();
    let mut readers = Vec::new();
    for user in &users {
        readers.push(narrow::connect(&app, user, "").await);
    }
    let parts = users.chunks(users.len().div_ceil(50));
    let refused: usize = join_all(parts.map(|part| fill(&app, part))).await.into_iter().sum();
    let evicted = || {
        let is_of_slow = |line: &String| line.contains("session closed") && line.contains("slow_consumer");
        app.logs().iter().filter(|line| is_of_slow(line)).count()
    };
    let start = Instant::now();
    while evicted() < users.len() {
        assert!(start.elapsed() < DEADLINE, "{} of {} are evicted", evicted(), users.len());
        sleep(Duration::from_millis(50)).await;
    }
    let (peak, after) = (ceiling.peak(&app), app.memory());

    // Nobody else was sent away, and what they are owed comes.
    for n in [0, idle / 2, idle - 1] {
        app.publish(&format!("user{n}"), 7).await;
    }
    for socket in &mut sockets {
        let is_owed = ["user0".to_owned(), format!("user{}", idle / 2), format!("user{}", idle - 1)]
            .iter()
            .any(|user| socket.welcome["user"] == user.as_str());
        if is_owed {
            assert_eq!(socket.next_numbered().await["payload"]["n"], 7);
        }
    }
    app.expect_healthy().await;
    assert_eq!(ceiling.kills(), 0);
    assert!(peak <= 256 * MIB, "{} MiB", peak / MIB);
    // What was sent is there for whoever reads.
    let page = until("a reader comes back", || Some(app.user(&users[0])))
        .await
        .get("/v1/notifications?limit=200")
        .await;
    assert_eq!(page.json()["notifications"].as_array().unwrap().len() as u64, COUNT);
    println!(
        "X24 ceiling of 256 MiB ({}): {idle} sockets ({} MiB), {} readers that do not read all evicted, publishes refused {refused}, resident at most {} MiB, \
         {} MiB then, killed 0",
        ceiling.kind(),
        with_sockets / MIB,
        users.len(),
        peak / MIB,
        after / MIB,
    );
}
