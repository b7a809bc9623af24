//! PostgreSQL restarts, stands still, commits late and chooses victims, under two nodes (X19 to X22).
//! tests/api/postgres.rs shows each for one node, and by its parts.

use std::time::{Duration, Instant};

use actix_web::rt;
use diesel::connection::SimpleConnection;
use serde_json::json;
use tokio::time::sleep;

use crate::{
    app::App,
    cluster::{Cluster, Setup},
    engines::send,
    load::Plan,
    run::Run,
    scale::{lasting, times},
    traffic::Dice,
};

/// How soon the store works again when the server does, and refuses when it does not.
const HEALED: Duration = Duration::from_secs(15);

/// Two nodes that have but the database in common: the harder way for it.
async fn start() -> Cluster {
    Cluster::start_with(Setup { has_bus: false, ..Setup::default() }).await
}

fn plan() -> Plan {
    Plan { rooms: Vec::new(), speakers: 0, ..Plan::default() }
}

/// The status of a publish.
async fn publish(app: &App) -> u16 {
    let body = json!({ "to": "carol", "type": "test.event", "payload": {} });
    app.http(&app.publisher()).post("/v1/notifications", &body).await.status
}

/// Waits until every node stores again.
async fn heal(cluster: &Cluster) {
    let start = Instant::now();
    for node in &cluster.nodes {
        while publish(&node.app).await != 201 {
            assert!(start.elapsed() < HEALED, "it does not heal");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

#[actix_web::test]
async fn x19_postgres_restarts_under_two_nodes() {
    let (mut dice, mut cluster) = (Dice::new(), start().await);
    let run = Run::start(&cluster, plan(), &mut dice).await;
    let restarts = times(4, 40);
    for n in 0..restarts {
        run.more(50).await;
        sleep(dice.millis(300)).await;
        cluster.postgres.as_mut().unwrap().restart(["-INT", "-QUIT"][n % 2]).await;
        heal(&cluster).await;
    }
    run.more(50).await;
    let verdict = run.judge(&cluster).await;
    verdict.expect_clean(&format!("X19 postgres restarted {restarts} times, fast and immediate"));
}

#[actix_web::test]
async fn x20_postgres_stands_still_under_two_nodes() {
    let (mut dice, cluster) = (Dice::new(), start().await);
    let run = Run::start(&cluster, plan(), &mut dice).await;
    run.more(100).await;
    let backends = cluster.postgres.as_ref().unwrap().backends();
    backends.iter().for_each(|pid| send("-STOP", *pid));
    for node in &cluster.nodes {
        let start = Instant::now();
        assert_eq!(publish(&node.app).await, 503);
        assert!(start.elapsed() < HEALED, "{:?}", start.elapsed());
    }
    let still = lasting(2, 30);
    sleep(still).await;
    backends.iter().for_each(|pid| send("-CONT", *pid));
    heal(&cluster).await;
    run.more(100).await;
    run.judge(&cluster).await.expect_clean(&format!("X20 postgres frozen {still:?} and more"));
}

#[actix_web::test]
async fn x21_commits_come_late_from_32_publishers_on_two_nodes() {
    let (mut dice, cluster) = (Dice::new(), start().await);
    let late = "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql
                AS 'BEGIN PERFORM pg_sleep(random() / 50); RETURN NEW; END';
                CREATE TRIGGER late BEFORE INSERT ON notifications FOR EACH ROW EXECUTE FUNCTION late()";
    cluster.postgres.as_ref().unwrap().connect().batch_execute(late).unwrap();
    let plan = Plan { users: vec!["alice"], publishers: 32, ..plan() };
    let run = Run::start(&cluster, plan, &mut dice).await;
    run.more(times(300, 5000)).await;
    run.judge(&cluster).await.expect_clean("X21 commits up to 20 ms late");
}

#[actix_web::test]
async fn x22_somebody_crosses_the_transactions_of_two_nodes() {
    let (mut dice, cluster) = (Dice::new(), start().await);
    let run = Run::start(&cluster, Plan { publishers: 8, ..plan() }, &mut dice).await;
    run.more(20).await;
    let mut other = cluster.postgres.as_ref().unwrap().connect();
    let crossings = times(10, 200);
    let crossing = rt::task::spawn_blocking(move || {
        for _ in 0..crossings {
            // One row after the other, against the order of the program; whoever is chosen gives way.
            let _ = other.batch_execute(
                "SET deadlock_timeout = '10s'; BEGIN; UPDATE inboxes SET mutes = mutes WHERE user_id = 'bob';
                 SELECT pg_sleep(0.05); UPDATE inboxes SET mutes = mutes WHERE user_id = 'alice'; COMMIT",
            );
            let _ = other.batch_execute("ROLLBACK");
        }
    });
    crossing.await.unwrap();
    run.more(100).await;
    let deadlocks = "SELECT deadlocks AS number FROM pg_stat_database WHERE datname = 'postgres'";
    let deadlocks = cluster.postgres.as_ref().unwrap().numbers(deadlocks)[0];
    let verdict = run.judge(&cluster).await;
    verdict.expect_clean(&format!("X22 {crossings} crossing transactions, {deadlocks} deadlocks"));
}
