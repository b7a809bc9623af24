//! Nodes die, stand still and are restarted under load (X1, X2, X5, X6).

use std::{
    collections::BTreeSet,
    pin::pin,
    time::{Duration, Instant},
};

use futures_util::future::{join_all, pending, select};
use serde_json::json;
use tokio::time::sleep;

use crate::{
    app::until,
    clients::http::Http,
    cluster::{Cluster, Setup, ready},
    engines::proxy::{Fault, Proxy, Target},
    load::Plan,
    run::Run,
    scale::{lasting, times},
    traffic::{Dice, receipts},
};

/// Within this a node that was asked to stop has stopped (G12).
const STOPPED: Duration = Duration::from_secs(30);

#[actix_web::test]
async fn x01_nodes_are_killed_under_load() {
    let (mut dice, mut cluster) = (Dice::new(), Cluster::start().await);
    let run = Run::start(&cluster, Plan { is_varied: true, ..Plan::default() }, &mut dice).await;
    let kills = times(6, 200);
    for _ in 0..kills {
        run.more(30).await;
        sleep(dice.millis(500)).await;
        let node = dice.below(2) as usize;
        let app = &mut cluster.nodes[node].app;
        app.kill();
        sleep(dice.millis(200)).await;
        let start = Instant::now();
        app.restart();
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }
    run.more(50).await;
    let verdict = run.judge(&cluster).await;
    assert_eq!(verdict.gaps, 0, "a room outlives its nodes: {verdict}");
    verdict.expect_clean(&format!("X1 {kills} times kill -9 of one of two nodes"));
}

/// Each is sent three times to each node; the first answers are lost on their way.
#[actix_web::test]
async fn x02_answers_are_lost_and_publishes_repeated_on_the_other_node() {
    let cluster = Cluster::start_with(Setup { has_bus: false, ..Setup::default() }).await;
    let proxies: Vec<Proxy> =
        cluster.nodes.iter().map(|node| Proxy::start(Target::Port(node.app.address))).collect();
    proxies.iter().for_each(|proxy| proxy.set(Fault::Mute));
    let token = cluster.app(0).publisher();
    let muted: Vec<Http> = proxies.iter().map(|proxy| Http::new(proxy.address, Some(&token))).collect();
    let clear: Vec<Http> = cluster.nodes.iter().map(|node| node.app.http(&token)).collect();
    let keys = times(20, 500);
    let publish = |http: &Http, key: usize| {
        let http = http.clone();
        async move {
            let body = json!({ "to": ["alice", "bob"], "type": "test.event", "payload": { "n": key } });
            let request = http.request("POST", "/v1/notifications").force_close();
            let request = request.insert_header(("Content-Type", "application/json"));
            let request = request.insert_header(("Idempotency-Key", format!("key {key}")));
            http.try_send(request, body.to_string()).await
        }
    };
    let storm = (0..keys).flat_map(|key| muted.iter().chain(&muted).map(move |http| (http, key)));
    let mut database = cluster.database();
    let stored = async {
        // Nobody is waited for in vain: all that was sent arrives, and is stored once.
        sleep(Duration::from_millis(500)).await;
        until("all are stored", || (database.inbox("bob").len() == keys).then_some(())).await;
    };
    let storm = storm.map(|(http, key)| async move {
        assert!(publish(http, key).await.is_err(), "it is answered");
    });
    // Who gives up before has sent it all the same.
    let given_up = async {
        join_all(storm).await;
        pending::<()>().await;
    };
    select(pin!(given_up), pin!(stored)).await;
    let mut ids = BTreeSet::new();
    for key in 0..keys {
        let mut answers = BTreeSet::new();
        for http in &clear {
            let answer = publish(http, key).await.unwrap();
            assert_eq!((answer.status, answer.header("Idempotent-Replayed")), (201, Some("true")));
            answers.insert(answer.text());
        }
        assert_eq!(answers.len(), 1, "{answers:?}");
        let answer = serde_json::from_str(answers.first().unwrap()).unwrap();
        ids.extend(receipts(&answer).into_iter().map(|receipt| receipt.id));
    }
    let rows = ["alice", "bob"].map(|user| database.inbox(user));
    assert_eq!((rows[0].len(), rows[1].len(), ids.len()), (keys, keys, 2 * keys));
    println!("X2 answers lost: accepted {keys} twice, sent {} times, lost 0, doubled 0", keys * 6);
}

#[actix_web::test]
async fn x05_one_of_two_nodes_stands_still() {
    let (mut dice, cluster) = (Dice::new(), Cluster::start().await);
    let run = Run::start(&cluster, Plan::default(), &mut dice).await;
    run.more(200).await;
    let still = lasting(6, 20);
    cluster.app(1).signal("-STOP");
    sleep(still).await;
    run.more(100).await;
    cluster.app(1).signal("-CONT");
    cluster.bridges_are("ok").await;
    run.more(200).await;
    let scene = run.scene.clone();
    let verdict = run.judge(&cluster).await;
    for account in scene.history().accounts.iter().filter(|account| account.is_steady) {
        // Nobody who was there the whole time is told to have been silent.
        assert_eq!(account.ends.get("4012"), None, "{:?}", account.ends);
    }
    assert_eq!(verdict.gaps, 0, "{verdict}");
    verdict.expect_clean(&format!("X5 one of two nodes frozen {still:?}"));
}

#[actix_web::test]
async fn x06_two_nodes_are_restarted_one_after_the_other_under_load() {
    let mut dice = Dice::new();
    let settings = [("shutdown.drain", "1s")];
    let mut cluster = Cluster::start_with(Setup { settings: &settings, ..Setup::default() }).await;
    let run = Run::start(&cluster, Plan { is_varied: true, ..Plan::default() }, &mut dice).await;
    let restarts = times(3, 20);
    for n in 0..restarts {
        run.more(60).await;
        let app = &mut cluster.nodes[n % 2].app;
        let start = Instant::now();
        app.signal("-TERM");
        app.logged(|record| record["message"] == "stopping").await;
        // Whoever asks is told at once that it is not ready, as long as anybody is answered at all.
        assert!(ready(app).await.is_none_or(|(status, _)| status != 200), "it is still ready");
        let status = app.ended().await;
        assert!(status.success() && start.elapsed() < STOPPED, "{status} after {:?}", start.elapsed());
        app.restart();
        cluster.bridges_are("ok").await;
    }
    run.more(60).await;
    let scene = run.scene.clone();
    let verdict = run.judge(&cluster).await;
    let history = scene.history();
    let known = ["connection refused"];
    for (why, count) in &history.refusals {
        assert!(known.contains(&why.as_str()), "{count} publishes: {why}");
    }
    let ends = |how: &str| -> usize {
        let steady = history.accounts.iter().filter(|account| account.is_steady);
        steady.filter_map(|account| account.ends.get(how)).sum()
    };
    assert!(ends("1012") >= restarts, "{} were told", ends("1012"));
    assert_eq!(ends("cut"), 0, "somebody was cut off");
    assert_eq!(verdict.gaps, 0, "a room outlives its nodes: {verdict}");
    verdict.expect_clean(&format!("X6 {restarts} rolling restarts, 1012 {} times", ends("1012")));
}

#[actix_web::test]
async fn a_second_sigterm_ends_a_node_at_once() {
    let settings = [("shutdown.drain", "20s")];
    let mut cluster = Cluster::start_with(Setup { nodes: 1, has_bus: false, settings: &settings }).await;
    let _sockets = join_all((0..20).map(|_| cluster.nodes[0].app.ws("alice"))).await;
    let app = &mut cluster.nodes[0].app;
    app.signal("-TERM");
    let start = Instant::now();
    while ready(app).await.is_some_and(|(status, _)| status == 200) {}
    app.signal("-TERM");
    assert!(app.ended().await.success());
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}
