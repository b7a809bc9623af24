//! `tidings bench`: each scenario against a real server for a moment, what it prints, and what it refuses.

use std::{
    fs,
    net::SocketAddr,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

use crate::{
    app::{App, DEADLINE, SECRET, program},
    clients::program::{Running, run},
    engines::{authority::Authority, push_service::acceptor},
    tidy::reading::root,
};

/// Without the limits that one machine with all clients meets.
fn server() -> App {
    App::start_with(&[
        ("limits.sessions_per_ip", "0"),
        ("limits.room_messages_per_second", "0"),
        ("session.messages_per_second", "100000"),
        ("session.messages_burst", "100000"),
    ])
}

fn bench(app: &App, arguments: &str) -> Command {
    bench_at(&format!("http://{}", app.address), arguments)
}

fn bench_at(server: &str, arguments: &str) -> Command {
    let mut command = program();
    command.args(["bench", "--server", server, "--warm-up", "0s"]).args(arguments.split(' '));
    if !arguments.contains("--duration") {
        command.args(["--duration", "400ms"]);
    }
    command.env("TIDINGS_AUTH_SECRET", SECRET);
    command
}

/// What a run has shown, which is as the schema says.
fn shown(app: &App, arguments: &str) -> Value {
    let ended = run(&mut bench(app, &format!("{arguments} --json")));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{arguments}: {}", ended.stdout);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let schema = fs::read_to_string(root().join("docs/bench.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let faults: Vec<String> = schema.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "{arguments}: {faults:?} in {report}");
    assert_eq!((&report["missing"], &report["errors"]), (&json!(0), &json!({})), "{report}");
    assert!(
        report["server_process"]["memory_bytes"].as_u64() > Some(0),
        "it has found the process: {report}"
    );
    report
}

fn count(report: &Value, latency: &str) -> u64 {
    report["latency_ms"][latency]["count"].as_u64().unwrap_or_default()
}

#[actix_web::test]
async fn every_scenario_over_every_transport_counts_what_it_was_told() {
    let mut app = server();
    for transport in ["ws", "sse", "poll"] {
        let fan_out = shown(&app, &format!("fan-out --clients 20 --transport {transport} --rate 50"));
        assert!((15..=25).contains(&fan_out["published"].as_u64().unwrap()), "an open loop: {fan_out}");
        assert!(count(&fan_out, "room") >= 20 * 15, "{fan_out}");
    }
    for (scenario, latency) in [
        ("fan-out --clients 20 --in-flight 4", "room"),
        ("rooms --clients 20", "room"),
        ("rooms --clients 20 --transport sse --rate 100", "room"),
        ("connect --in-flight 4", "connected"),
        ("connect --rate 50 --transport sse", "connected"),
        ("publish --in-flight 4 --recipients 2", "accepted"),
        ("publish --rate 50", "accepted"),
        ("replay --clients 20 --history 50", "caught_up"),
        ("idle --clients 20 --transport sse", "connected"),
    ] {
        let report = shown(&app, scenario);
        assert!(count(&report, latency) >= 10, "{scenario}: {report}");
    }
    let mixed = shown(&app, "mixed --clients 30 --rate 100");
    for latency in ["room", "inbox", "accepted"] {
        assert!(count(&mixed, latency) >= 10, "{latency}: {mixed}");
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn what_goes_wrong_is_counted_and_named_and_the_exit_code_says_so() {
    // Three clients are let in, and what is published beyond a rate is refused.
    let app = App::start_with(&[
        ("limits.sessions_per_ip", "3"),
        ("session.messages_per_second", "10"),
        ("session.messages_burst", "10"),
    ]);
    let ended = run(&mut bench(&app, "fan-out --clients 5 --rate 200 --json"));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&report["clients"], &report["errors"]["refused: 429 rate_limited"]), (&json!(3), &json!(2)));
    assert!(report["errors"]["error: rate_limited"].as_u64() > Some(20), "{report}");
    assert!(ended.stderr.contains("limits.sessions_per_ip"), "it says what to look at: {}", ended.stderr);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, app.token("alice", "") + "\n").unwrap();
    let ended = run(&mut bench(&app, &format!("publish --token-file {}", file.display())));
    assert!(ended.code == Some(1) && ended.stdout.contains("refused: 403 insufficient_scope"), "{ended:?}");
    let forged = run(bench(&app, "idle").env("TIDINGS_AUTH_SECRET", "another secret, of 32 bytes and more"));
    assert!(forged.code == Some(1) && forged.stderr.contains("refused: 401 invalid_token"), "{forged:?}");
}

#[actix_web::test]
async fn a_server_that_dies_is_told_as_what_was_lost() {
    let mut app = server();
    let mut command = bench(&app, "fan-out --clients 10 --rate 20 --json --duration 4s");
    let running = Running::start(&mut command);
    // The first message comes when all clients are there.
    let (admin, deadline) = (app.http(&app.token("admin", "admin")), Instant::now() + DEADLINE);
    let has_begun =
        |rooms: Value| rooms["rooms"][0]["position"].as_str().is_some_and(|at| !at.ends_with(".0"));
    while !has_begun(admin.get("/v1/admin/rooms?prefix=bench:").await.json()) {
        assert!(Instant::now() < deadline, "nothing is published");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    app.kill();
    let ended = running.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let lost: u64 = report["errors"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(
        (lost, &report["clients"], &report["server_process"]),
        (10, &json!(0), &json!(null)),
        "{report}"
    );
}

#[actix_web::test]
async fn ctrl_c_ends_it_with_what_was_measured() {
    let app = server();
    let running = Running::start(&mut bench(&app, "fan-out --clients 5 --rate 50 --duration 1h"));
    app.logged(|line| line["message"] == "session opened").await;
    running.signal("-INT");
    let ended = running.end();
    assert!(ended.code == Some(0) && ended.stdout.contains("interrupted"), "{ended:?}");
}

/// A proxy that ends TLS, as one stands before a deployment.
async fn tls_before(app: &App, authority: &Authority) -> SocketAddr {
    let acceptor = acceptor(authority.certify("localhost"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (own, server) = (listener.local_addr().unwrap(), app.address);
    actix_web::rt::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            actix_web::rt::spawn(async move {
                let mut client = acceptor.accept(stream).await?;
                copy_bidirectional(&mut client, &mut TcpStream::connect(server).await?).await
            });
        }
    });
    own
}

#[actix_web::test]
async fn a_deployment_behind_tls_is_loaded_as_its_clients_see_it() {
    let (app, authority) = (server(), Authority::new());
    let port = tls_before(&app, &authority).await.port();
    let folder = tempfile::tempdir().unwrap();
    let cacert = folder.path().join("ca.pem");
    fs::write(&cacert, &authority.certificate).unwrap();
    for transport in ["ws", "sse", "poll"] {
        let arguments = format!("fan-out --clients 10 --rate 50 --transport {transport} --json");
        let mut command = bench_at(&format!("https://localhost:{port}"), &arguments);
        command.arg("--cacert").arg(&cacert);
        let ended = actix_web::rt::task::spawn_blocking(move || run(&mut command)).await.unwrap();
        assert_eq!(ended.code, Some(0), "{transport}: {ended:?}");
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert!(count(&report, "room") >= 10 * 15, "{transport}: {report}");
    }
}

#[test]
fn another_machine_is_refused_before_anything_is_sent_there() {
    let mut command = program();
    command
        .args(["bench", "fan-out", "--server", "http://192.0.2.1:8080"])
        .env("TIDINGS_AUTH_SECRET", SECRET);
    let refused = run(&mut command);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
    assert!(refused.stderr.contains("--yes-load-this-host"), "{}", refused.stderr);
}

#[actix_web::test]
async fn people_are_shown_a_table_and_how_latency_is_distributed() {
    let app = server();
    let table = run(&mut bench(&app, "fan-out --clients 10 --rate 50")).stdout;
    for words in ["fan-out, ws", "deliveries", "0 missing", "p99 ", "█", " %", "generator"] {
        assert!(table.contains(words), "{words}: {table}");
    }
}
