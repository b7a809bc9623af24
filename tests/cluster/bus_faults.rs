//! Redis is away, slow, full, or lies (X7 to X14): inboxes lose nothing and are late at most, rooms say what they
//! have lost, and publishes are not held up.

use std::{
    fs,
    time::{Duration, Instant},
};

use redis::cmd;
use serde_json::json;
use tokio::time::sleep;

use crate::{
    app::{App, DEADLINE, until},
    clients::room::EVERYWHERE,
    cluster::{Cluster, Setup, ready},
    engines::proxy::Fault,
    load::Plan,
    replay::Replay,
    run::Run,
    scale::{lasting, times},
    traffic::Dice,
};

/// What the sweep costs at most, and what is usual on a busy machine besides (G7).
const LATE_MAX: Duration = Duration::from_secs(12);

/// How soon a link that is dead without a word is noticed (X9).
const NOTICED: Duration = Duration::from_secs(20);

/// How soon all is as before when the bus is back, and what is usual besides.
const RECOVERED: Duration = Duration::from_secs(20);

/// Whether a message to a room is taken now; if not, it is `unavailable`.
async fn is_room_there(app: &App) -> bool {
    let http = app.http(&app.token("speaker", EVERYWHERE));
    let answer = http.post("/v1/rooms/other/messages", &json!({ "data": 1 })).await;
    if answer.status != 201 {
        answer.problem(503, "unavailable");
    }
    answer.status == 201
}

/// Waits until rooms take messages on every node.
async fn until_rooms_are_there(cluster: &Cluster) {
    let start = Instant::now();
    for node in &cluster.nodes {
        while !is_room_there(&node.app).await {
            assert!(start.elapsed() < RECOVERED, "no room is there");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

#[actix_web::test]
async fn x07_redis_is_killed_and_comes_back_empty() {
    let (mut dice, mut cluster) = (Dice::new(), Cluster::start().await);
    let run = Run::start(&cluster, Plan::default(), &mut dice).await;
    run.more(200).await;
    cluster.redis().kill();
    cluster.bridges_are("degraded").await;
    for node in &cluster.nodes {
        assert_eq!(ready(&node.app).await.unwrap().0, 200);
        assert!(!is_room_there(&node.app).await);
    }
    let away = lasting(4, 60);
    sleep(away).await;
    let before = run.notified();
    run.until_notified(before + 50).await;
    cluster.redis().revive().await;
    cluster.bridges_are("ok").await;
    until_rooms_are_there(&cluster).await;
    run.more(200).await;
    let scene = run.scene.clone();
    let verdict = run.judge(&cluster).await;
    assert!(verdict.gaps > 0, "a room that is gone is told");
    assert!(verdict.delays[1] < LATE_MAX, "{verdict}");
    for account in scene.history().accounts.iter().filter(|account| account.is_steady) {
        assert_eq!(account.notices, ["degraded", "restored"], "{}", account.name);
    }
    verdict.expect_clean(&format!("X7 redis killed {away:?}"));
}

#[actix_web::test]
async fn x08_redis_stands_still() {
    let (mut dice, mut cluster) = (Dice::new(), Cluster::start().await);
    let run = Run::start(&cluster, Plan::default(), &mut dice).await;
    run.more(200).await;
    cluster.redis().signal("-STOP");
    let before = run.notified();
    let still = lasting(4, 20);
    sleep(still).await;
    run.until_notified(before + 50).await;
    cluster.redis().signal("-CONT");
    cluster.bridges_are("ok").await;
    until_rooms_are_there(&cluster).await;
    run.more(200).await;
    let verdict = run.judge(&cluster).await;
    assert_eq!(verdict.gaps, 0, "it has kept everything: {verdict}");
    assert!(verdict.answers[1] < still, "{verdict}");
    assert!(verdict.delays[1] < LATE_MAX, "{verdict}");
    verdict.expect_clean(&format!("X8 redis frozen {still:?}"));
}

#[actix_web::test]
async fn x09_the_link_of_a_node_to_redis_swallows_everything() {
    let (mut dice, cluster) = (Dice::new(), Cluster::start().await);
    let run = Run::start(&cluster, Plan::default(), &mut dice).await;
    run.more(200).await;
    let link = cluster.nodes[1].bus.as_ref().unwrap();
    link.set(Fault::BlackHole);
    let start = Instant::now();
    while ready(cluster.app(1)).await.unwrap().1 != "degraded" {
        assert!(start.elapsed() < NOTICED, "nobody notices");
        sleep(Duration::from_millis(50)).await;
    }
    let noticed = start.elapsed();
    assert_eq!(ready(cluster.app(0)).await.unwrap().1, "ok");
    assert!(is_room_there(cluster.app(0)).await && !is_room_there(cluster.app(1)).await);
    sleep(lasting(2, 30)).await;
    run.more(100).await;
    link.set(Fault::None);
    cluster.bridges_are("ok").await;
    until_rooms_are_there(&cluster).await;
    run.more(200).await;
    let verdict = run.judge(&cluster).await;
    assert_eq!(verdict.gaps, 0, "Redis has kept everything: {verdict}");
    assert!(verdict.delays[1] < NOTICED + LATE_MAX, "{verdict}");
    verdict.expect_clean(&format!("X9 link of one node black-holed, noticed after {noticed:.0?}"));
}

/// Threads that come when they are first needed, whatever Redis does, and are bounded: what reads the database, and what
/// gives back memory.
const LATER: [&str; 2] = ["store-reader", "jemalloc_bg_thd"];

/// What a process has open, and how many threads it runs besides those.
fn holdings(app: &App) -> [usize; 2] {
    let entries = |what: &str| fs::read_dir(format!("/proc/{}/{what}", app.pid())).unwrap().flatten();
    let names = entries("task").filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok());
    [entries("fd").count(), names.filter(|name| !LATER.contains(&name.trim_end())).count()]
}

#[actix_web::test]
async fn x10_redis_flaps() {
    let (mut dice, mut cluster) = (Dice::new(), Cluster::start().await);
    let run = Run::start(&cluster, Plan { stay_millis: 2000, ..Plan::default() }, &mut dice).await;
    run.more(200).await;
    let flaps = times(5, 20);
    for _ in 0..flaps {
        cluster.redis().kill();
        sleep(dice.millis(1500)).await;
        cluster.redis().revive().await;
        sleep(dice.millis(1500)).await;
    }
    cluster.bridges_are("ok").await;
    until_rooms_are_there(&cluster).await;
    run.more(200).await;
    let verdict = run.judge(&cluster).await;
    assert!(verdict.delays[1] < LATE_MAX, "{verdict}");
    verdict.expect_clean(&format!("X10 redis killed {flaps} times in a row"));
}

/// While nobody is there, for clients that come and go would hide it.
#[actix_web::test]
async fn x10_a_redis_that_flaps_leaves_no_file_and_no_thread_behind() {
    let (mut cluster, flaps) = (Cluster::start().await, times(5, 20));
    let mut once: Option<Vec<_>> = None;
    for _ in 0..=flaps {
        cluster.redis().kill();
        cluster.bridges_are("degraded").await;
        cluster.redis().revive().await;
        cluster.bridges_are("ok").await;
        once.get_or_insert_with(|| cluster.nodes.iter().map(|node| holdings(&node.app)).collect());
    }
    for (node, before) in cluster.nodes.iter().zip(once.unwrap()) {
        // With nobody there, few readers of the database open their connection meanwhile.
        let fewer = || (0..2).all(|what| holdings(&node.app)[what] < before[what] + flaps);
        until("less than one more for each time", || fewer().then_some(())).await;
    }
}

#[actix_web::test]
async fn x11_redis_drops_a_node_that_does_not_read() {
    let (mut dice, mut cluster) = (Dice::new(), Cluster::start().await);
    let limit = ["CONFIG", "SET", "client-output-buffer-limit", "pubsub 64kb 32kb 1"];
    cluster.redis().run::<()>(&limit);
    let plan = Plan { filler: 8192, speakers: 6, node: Some(0), ..Plan::default() };
    let run = Run::start(&cluster, plan, &mut dice).await;
    run.more(100).await;
    let listening = |cluster: &mut Cluster| -> usize {
        let clients: String = cluster.redis().run(&["CLIENT", "LIST", "TYPE", "PUBSUB"]);
        clients.lines().count()
    };
    let before = listening(&mut cluster);
    cluster.app(1).signal("-STOP");
    let start = Instant::now();
    while listening(&mut cluster) == before {
        assert!(start.elapsed() < DEADLINE, "it is not dropped");
        sleep(Duration::from_millis(100)).await;
    }
    cluster.app(1).signal("-CONT");
    cluster.bridges_are("ok").await;
    run.more(200).await;
    let verdict = run.judge(&cluster).await;
    assert_eq!(verdict.gaps, 0, "Redis has kept everything: {verdict}");
    verdict.expect_clean("X11 a node that does not read is dropped by redis");
}

#[actix_web::test]
async fn x12_redis_is_full_and_then_read_only() {
    let (mut dice, mut cluster) = (Dice::new(), Cluster::start().await);
    let run = Run::start(&cluster, Plan::default(), &mut dice).await;
    run.more(200).await;
    let states: [[&[&str]; 2]; 2] = [
        [&["CONFIG", "SET", "maxmemory", "1mb"], &["CONFIG", "SET", "maxmemory", "0"]],
        [&["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"]],
    ];
    for [begin, end] in states {
        cluster.redis().run::<()>(begin);
        let start = Instant::now();
        for node in 0..2 {
            while is_room_there(cluster.app(node)).await {
                assert!(start.elapsed() < RECOVERED, "it is not full");
                sleep(Duration::from_millis(50)).await;
            }
        }
        let before = run.notified();
        sleep(lasting(2, 30)).await;
        run.until_notified(before + 50).await;
        cluster.redis().run::<()>(end);
        until_rooms_are_there(&cluster).await;
        run.more(100).await;
    }
    let verdict = run.judge(&cluster).await;
    assert!(verdict.delays[1] < LATE_MAX, "{verdict}");
    verdict.expect_clean("X12 redis full, then read-only");
}

#[actix_web::test]
async fn x13_what_travels_on_the_bus_comes_again_and_late() {
    let (mut dice, mut cluster) = (Dice::new(), Cluster::start().await);
    let replay = Replay::start(cluster.redis(), &mut dice, lasting(2, 10));
    let run = Run::start(&cluster, Plan::default(), &mut dice).await;
    run.more(times(1500, 20_000)).await;
    let verdict = run.judge(&cluster).await;
    let replayed = replay.end();
    assert!(replayed > 200, "{replayed} were replayed");
    assert_eq!(verdict.gaps, 0, "{verdict}");
    verdict.expect_clean(&format!("X13 {replayed} bus messages replayed late"));
}

#[actix_web::test]
async fn x13_the_bus_is_late_for_one_node() {
    let (mut dice, cluster) = (Dice::new(), Cluster::start().await);
    let run = Run::start(&cluster, Plan::default(), &mut dice).await;
    run.more(100).await;
    let link = cluster.nodes[1].bus.as_ref().unwrap();
    link.set(Fault::Delay(Duration::from_millis(200)));
    run.more(times(300, 3000)).await;
    link.set(Fault::None);
    run.more(100).await;
    let verdict = run.judge(&cluster).await;
    assert_eq!(verdict.gaps, 0, "{verdict}");
    verdict.expect_clean("X13 the bus of one node 200 ms late, then not");
}

#[actix_web::test]
async fn x14_there_is_garbage_on_the_bus() {
    let (mut dice, mut cluster) = (Dice::new(), Cluster::start().await);
    let replay = Replay::start(cluster.redis(), &mut dice, Duration::ZERO);
    let run = Run::start(&cluster, Plan::default(), &mut dice).await;
    run.more(200).await;
    let heard = replay.heard();
    let mut conn = cluster.redis().connect();
    let mut sent = 0;
    for (channel, payload) in heard.iter().take(times(100, 1000)) {
        let mut garbage =
            vec![Vec::new(), b"{}".to_vec(), vec![0xFF; 10], payload[..payload.len() / 2].to_vec()];
        // A newer version of the envelope, whatever it looks like.
        garbage.push(payload.iter().map(|byte| if *byte == b'1' { b'9' } else { *byte }).collect());
        for garbage in garbage {
            cmd("PUBLISH").arg(channel).arg(garbage).query::<()>(&mut conn).unwrap();
            sent += 1;
        }
    }
    let (channel, _) = &heard[0];
    cmd("PUBLISH").arg(channel).arg(vec![b'x'; 5 << 20]).query::<()>(&mut conn).unwrap();
    run.more(200).await;
    for node in &mut cluster.nodes {
        node.app.expect_healthy().await;
    }
    let verdict = run.judge(&cluster).await;
    assert_eq!(verdict.gaps, 0, "{verdict}");
    verdict.expect_clean(&format!("X14 {sent} pieces of garbage and 5 MiB on the bus"));
}

#[actix_web::test]
async fn without_a_bus_two_nodes_on_one_database_are_only_later() {
    let mut dice = Dice::new();
    let cluster = Cluster::start_with(Setup { has_bus: false, ..Setup::default() }).await;
    cluster.bridges_are("off").await;
    let plan = Plan { rooms: Vec::new(), speakers: 0, is_varied: true, ..Plan::default() };
    let run = Run::start(&cluster, plan, &mut dice).await;
    run.more(times(600, 6000)).await;
    let verdict = run.judge(&cluster).await;
    assert!(verdict.delays[1] < LATE_MAX, "{verdict}");
    verdict.expect_clean("two nodes without a bus");
}
