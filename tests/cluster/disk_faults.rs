//! What the database file of one node is on lets it down: others lock it, the disk is full, the file goes away (X15
//! to X17).

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::time::sleep;

use crate::{
    app::App,
    clients::http::Answer,
    cluster::Cluster,
    load::Plan,
    run::Run,
    scale::lasting,
    small_disk::{self, Ballast},
    traffic::Dice,
};

/// How soon a publish that cannot be stored is refused, and how soon it works again when it can.
const REFUSED: Duration = Duration::from_secs(15);
const HEALED: Duration = Duration::from_secs(15);

/// For a client that answers pings only when it is asked to do something.
const PATIENT: [(&str, &str); 1] = [("session.pong_timeout", "60s")];

async fn publish(app: &App, text: &str) -> Answer {
    let body = json!({ "to": "carol", "type": "test.event", "payload": { "text": text } });
    app.http(&app.publisher()).post("/v1/notifications", &body).await
}

/// Fails unless a publish is refused with this code, and soon; and says so of the whole process, in the end.
async fn expect_refused(app: &App, code: &str) {
    let start = Instant::now();
    let answer = publish(app, "refused").await;
    answer.problem(503, code);
    assert!(answer.header("Retry-After").is_some() && start.elapsed() < REFUSED, "{:?}", start.elapsed());
    // That it could be written counts for a second.
    while app.anonymous().get("/ready").await.status == 200 {
        assert!(start.elapsed() < 2 * REFUSED, "it is still ready");
        sleep(Duration::from_millis(50)).await;
    }
    app.anonymous().get("/ready").await.problem(503, code);
}

/// Waits until it stores again, and says so.
async fn heal(app: &App) {
    let start = Instant::now();
    while publish(app, "healed").await.status != 201 {
        assert!(start.elapsed() < HEALED, "it does not heal");
        sleep(Duration::from_millis(20)).await;
    }
    // That it could not be written counts for a second.
    while app.anonymous().get("/ready").await.status != 200 {
        assert!(start.elapsed() < HEALED + REFUSED, "it is not ready");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Fails unless what needs no writing goes on: lists, new sessions, and those that are there.
async fn expect_reads(app: &App) {
    assert_eq!(app.user("alice").get("/v1/notifications").await.status, 200);
    let mut ws = app.ws("alice").await;
    assert_eq!(ws.ask(json!({ "type": "ping" })).await["type"], "pong");
}

#[actix_web::test]
async fn x15_somebody_else_locks_the_database() {
    let (mut dice, mut cluster) = (Dice::new(), Cluster::alone(&[]));
    let run = Run::start(&cluster, Plan { is_varied: true, ..Plan::default() }, &mut dice).await;
    run.more(100).await;
    let mut other = cluster.database();
    other.execute("PRAGMA busy_timeout = 5000; BEGIN EXCLUSIVE");
    let (app, start) = (cluster.app(0), Instant::now());
    let short = Duration::from_secs(3);
    let release = async {
        sleep(short).await;
        other.execute("COMMIT");
    };
    let (answer, ()) = futures_util::future::join(publish(app, "waits"), release).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert!(start.elapsed() >= short);

    let long = lasting(7, 30);
    other.execute("BEGIN EXCLUSIVE");
    let start = Instant::now();
    while start.elapsed() < long {
        expect_refused(app, "unavailable").await;
        expect_reads(app).await;
    }
    other.execute("COMMIT");
    heal(app).await;
    run.more(100).await;
    cluster.nodes[0].app.expect_healthy().await;
    run.judge(&cluster).await.expect_clean(&format!("X15 database locked {short:?} and {long:?}"));
}

#[actix_web::test]
async fn x16_the_disk_is_full_and_has_room_again() {
    if !small_disk::is_here("disk_faults::x16_the_disk_is_full_and_has_room_again", "16m") {
        return;
    }
    let (mut dice, mut cluster) = (Dice::new(), Cluster::alone(&PATIENT));
    let plan = Plan { rooms: vec!["one"], filler: 500, is_varied: true, ..Plan::default() };
    let run = Run::start(&cluster, plan, &mut dice).await;
    let mut watching = cluster.app(0).ws("alice").await;
    run.more(200).await;

    let app = cluster.app(0);
    let mut ballast = Ballast::new();
    let start = Instant::now();
    // Whatever is left, somebody else takes it.
    while publish(app, &"x".repeat(10_000)).await.status == 201 {
        ballast.fill();
        assert!(start.elapsed() < Duration::from_secs(60), "the disk is never full");
    }
    let (full, start) = (lasting(3, 30), Instant::now());
    while start.elapsed() < full {
        expect_refused(app, "storage_full").await;
        expect_reads(app).await;
    }
    // A command that has to be stored is told so, and the session goes on.
    let refused = watching.ask(json!({ "type": "mark", "as": "seen", "all": true })).await;
    assert_eq!((&refused["type"], &refused["code"]), (&json!("error"), &json!("unavailable")), "{refused}");
    assert_eq!(refused["retryable"], true);

    ballast.remove();
    heal(app).await;
    let marked = watching.ask(json!({ "type": "mark", "as": "seen", "all": true })).await;
    assert_eq!(marked["type"], "ok", "{marked}");
    run.more(100).await;
    cluster.nodes[0].app.expect_healthy().await;
    run.judge(&cluster).await.expect_clean(&format!("X16 disk of 16 MiB full {full:?}"));
}

/// Lets the file be so for a while, and fails unless nothing is stored meanwhile.
async fn while_it_is(what: &str, app: &App, gone: impl FnOnce(&Path), back: impl FnOnce(&Path)) {
    let path = app.database();
    gone(&path);
    println!("{what}");
    let (away, start) = (lasting(1, 10), Instant::now());
    let is_there = path.exists();
    while start.elapsed() < away {
        expect_refused(app, "unavailable").await;
        assert_eq!(path.exists(), is_there, "no empty one takes its place");
    }
    back(&path);
    heal(app).await;
}

#[actix_web::test]
async fn x17_the_file_goes_away_or_may_not_be_written_and_is_as_before() {
    let (mut dice, mut cluster) = (Dice::new(), Cluster::alone(&[]));
    let run = Run::start(&cluster, Plan { is_varied: true, ..Plan::default() }, &mut dice).await;
    run.more(100).await;
    let app = cluster.app(0);
    let away = app.database().with_extension("away");
    let back = |path: &Path| fs::rename(&away, path).unwrap();
    while_it_is("moved", app, |path| fs::rename(path, &away).unwrap(), back).await;
    let deleted = |path: &Path| {
        // The name goes; that of the same file under which it comes back stays.
        fs::hard_link(path, &away).unwrap();
        fs::remove_file(path).unwrap();
    };
    while_it_is("deleted", app, deleted, back).await;
    let replaced = |path: &Path| {
        fs::rename(path, &away).unwrap();
        fs::copy(&away, path).unwrap();
    };
    while_it_is("another file in its place", app, replaced, back).await;
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    while_it_is("read-only", app, |path| mode(path, 0o444), |path| mode(path, 0o600)).await;
    run.more(100).await;

    // Nor is anything lost where it stops meanwhile.
    let app = &mut cluster.nodes[0].app;
    app.expect_healthy().await;
    fs::rename(app.database(), &away).unwrap();
    app.signal("-TERM");
    assert!(app.ended().await.success());
    fs::rename(&away, app.database()).unwrap();
    app.restart();
    run.more(50).await;
    let verdict = run.judge(&cluster).await;
    verdict.expect_clean("X17 file moved, deleted, replaced, read-only, and away at the stop");
}
