//! The disk of one node is slow to sync, or fails to (X31, X32), as strace has it for the calls that sync.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::time::sleep;

use crate::{
    app::{App, until},
    clients::http::Answer,
    cluster::Cluster,
    database::Database,
    engines::bound,
    load::Plan,
    run::Run,
    scale::{lasting, times},
    traffic::Dice,
};

const SYNCS: &str = "fdatasync,fsync";

/// The program under strace, which does this to its calls, and writes them down.
fn watched(calls: &str, how: &[&str], trace: &Path) -> Command {
    let mut command = bound("KILL", "strace");
    command.env_clear().args(["-D", "-f", "-y", "-qq", "--seccomp-bpf", "-e", &format!("trace={calls}")]);
    command.args(how).arg("-o").arg(trace).arg(env!("CARGO_BIN_EXE_tidings"));
    command
}

fn syncing(fault: &str, trace: &Path) -> Command {
    watched(SYNCS, &["-e", &format!("inject={SYNCS}:{fault}")], trace)
}

/// Lines of a trace that hold all of these.
fn count(trace: &Path, words: &[&str]) -> usize {
    let trace = fs::read_to_string(trace).unwrap();
    trace.lines().filter(|line| words.iter().all(|word| line.contains(word))).count()
}

#[actix_web::test]
async fn x31_the_disk_is_slow_to_sync() {
    let (mut dice, folder) = (Dice::new(), tempfile::tempdir().unwrap());
    let trace = folder.path().join("trace");
    let mut cluster = Cluster::alone_as(syncing("delay_enter=200000", &trace), &[]);
    let plan = Plan { publishers: 16, is_varied: true, ..Plan::default() };
    let run = Run::start(&cluster, plan, &mut dice).await;
    let (before, accepted) = (count(&trace, &["-wal"]), run.notified());
    sleep(lasting(5, 60)).await;
    let (syncs, accepted) = (count(&trace, &["-wal"]) - before, run.notified() - accepted);
    // Many pay for one sync.
    assert!(accepted > 3 * syncs && syncs > 5, "{accepted} were accepted by {syncs} syncs");
    cluster.nodes[0].app.expect_healthy().await;
    let scene = run.scene.clone();
    let verdict = run.judge(&cluster).await;
    for account in &scene.history().accounts {
        // Nobody is cut off: heartbeats go on.
        let ends: Vec<&String> = account.ends.keys().filter(|how| how.as_str() != "own").collect();
        assert!(ends.is_empty(), "{} ended by {ends:?}", account.name);
    }
    verdict.expect_clean(&format!("X31 each sync takes 200 ms, {syncs} of them for {accepted}"));
}

#[actix_web::test]
async fn x32_the_disk_fails_to_sync_now_and_then_and_the_process_is_killed_under_it() {
    let (mut dice, folder) = (Dice::new(), tempfile::tempdir().unwrap());
    let trace = folder.path().join("trace");
    let mut cluster = Cluster::alone_as(syncing("error=EIO:when=40+9", &trace), &[]);
    let run = Run::start(&cluster, Plan { is_varied: true, ..Plan::default() }, &mut dice).await;
    let kills = times(3, 20);
    for n in 1..=kills {
        let failed = times(5, 20);
        until("syncs fail", || (count(&trace, &["EIO"]) >= n * failed).then_some(())).await;
        sleep(dice.millis(100)).await;
        let app = &mut cluster.nodes[0].app;
        app.expect_healthy().await;
        app.kill();
        // strace goes on in the same file where it ended.
        let how = format!("inject={SYNCS}:error=EIO:when=40+9");
        app.restart_as(watched(SYNCS, &["-A", "-e", &how], &trace));
    }
    run.more(50).await;
    let refused = run.scene.history().refusals.get("503").copied().unwrap_or_default();
    assert!(refused > 0, "nothing was refused");
    let failed = count(&trace, &["EIO"]);
    let verdict = run.judge(&cluster).await;
    cluster.database().check();
    verdict.expect_clean(&format!("X32 {failed} syncs fail, {kills} times kill -9"));
}

/// A publish that can be repeated.
async fn post(app: &App, n: u32) -> Answer {
    let http = app.http(&app.publisher());
    let body = json!({ "to": "alice", "type": "test.event", "payload": { "n": n } }).to_string();
    let request = http.request("POST", "/v1/notifications").insert_header(("Idempotency-Key", n.to_string()));
    http.send(request.insert_header(("Content-Type", "application/json")), body).await
}

#[actix_web::test]
async fn x32_the_post_whose_sync_fails_is_refused_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let mut app = App::start_as(syncing("error=EIO:when=40", &trace), &[]);
    let (mut accepted, mut n) = (Vec::new(), 0);
    let refused = loop {
        n += 1;
        let failed = count(&trace, &["-wal", "EIO"]);
        let answer = post(&app, n).await;
        if answer.status == 201 {
            accepted.push(answer.json()["notifications"][0]["id"].as_str().unwrap().to_owned());
            assert_eq!(count(&trace, &["-wal", "EIO"]), failed, "it was accepted and is not synced");
            continue;
        }
        answer.problem(503, "unavailable");
        assert!(answer.header("Retry-After").is_some());
        break n;
    };
    let shown = |ids: &[(u64, String)]| ids.iter().map(|(_, id)| id.clone()).collect::<Vec<_>>();
    assert_eq!(shown(&Database::open(&app.database()).inbox("alice")), accepted);

    // The process dies before anything else is written: what was refused may be there now, and only once.
    app.kill();
    app.restart();
    Database::open(&app.database()).check();
    let answer = post(&app, refused).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    accepted.push(answer.json()["notifications"][0]["id"].as_str().unwrap().to_owned());
    assert_eq!(shown(&Database::open(&app.database()).inbox("alice")), accepted);
    println!("X32 one sync fails: accepted {}, refused 1, lost 0, doubled 0, phantom 0", accepted.len());
}

/// What the kernel has of a log may be more than the disk has, after a sync that has failed.
#[actix_web::test]
async fn x32_a_start_writes_and_syncs_the_log_that_it_finds_before_anything_else() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let mut app = App::start();
    for n in 0..300 {
        app.publish("alice", n).await;
    }
    app.kill();
    let log = fs::read(app.database().with_extension("db-wal")).unwrap();
    assert!(log.len() > 1 << 20, "{} bytes", log.len());
    let start = Instant::now();
    app.restart_as(watched("pread64,pwrite64,ftruncate,fdatasync,fsync", &[], &trace));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    let calls = fs::read_to_string(&trace).unwrap();
    let of_log = calls.lines().filter(|line| line.contains("-wal>")).skip(1);
    let (mut written, mut is_synced) = (0, false);
    for call in of_log {
        if call.contains("pwrite64(") {
            written += call.rsplit(" = ").next().unwrap().trim().parse::<usize>().unwrap();
        } else if call.contains("sync(") {
            is_synced = true;
            break;
        }
    }
    assert!(written == log.len() && is_synced, "{written} of {} bytes were written", log.len());
    assert_eq!(Database::open(&app.database()).inbox("alice").len(), 300);
}
