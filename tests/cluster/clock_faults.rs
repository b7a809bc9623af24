//! The wall clock of one node jumps (X28, G16), as libfaketime has it for that process; the monotonic clock goes on.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::time::sleep;

use crate::{
    app::{App, DEADLINE, program},
    clients::{http::Http, ws::Ws},
    cluster::Cluster,
    load::Plan,
    run::Run,
    scale::lasting,
    traffic::Dice,
};

/// By how much a process believes its clock to be off, from outside.
struct FakeClock {
    file: PathBuf,
}

impl FakeClock {
    fn new(folder: &Path) -> Self {
        let clock = Self { file: folder.join("clock") };
        clock.set("+0");
        clock
    }

    fn set(&self, off: &str) {
        // At once, for whoever reads it meanwhile.
        let next = self.file.with_extension("next");
        fs::write(&next, off).unwrap();
        fs::rename(next, &self.file).unwrap();
    }

    /// The program with this clock.
    fn program(&self) -> Command {
        let folders = fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path().join("faketime"));
        let library = folders.map(|folder| folder.join("libfaketimeMT.so.1")).find(|path| path.exists());
        let mut command = program();
        command.env("LD_PRELOAD", library.expect("libfaketime is missing: apt-get install faketime"));
        command.env("FAKETIME_TIMESTAMP_FILE", &self.file).env("FAKETIME_NO_CACHE", "1");
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
        command
    }
}

/// A publish that can be repeated: its id.
async fn repeatable(app: &App, token: &str) -> String {
    let http = app.http(token);
    let body = json!({ "to": "carol", "type": "test.event", "payload": {} }).to_string();
    let request = http.request("POST", "/v1/notifications").insert_header(("Idempotency-Key", "once"));
    let answer = http.send(request.insert_header(("Content-Type", "application/json")), body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["notifications"][0]["id"].as_str().unwrap().to_owned()
}

/// A publish to dave whose hour is not over in this test, whatever the clock says.
async fn for_an_hour(app: &App, token: &str) {
    let body = json!({ "to": "dave", "type": "test.event", "payload": {}, "expires_in": 3600 });
    assert_eq!(app.http(token).post("/v1/notifications", &body).await.status, 201);
}

/// Fails unless a device that resumes is told of all of these, and they are listed and counted.
async fn expect_all(dave: &Http, count: usize) {
    let poll = dave.get("/v1/poll?since=inbox@00000000.0").await.json();
    let of_type =
        |kind: &str| poll["events"].as_array().unwrap().iter().filter(|event| event["type"] == kind).count();
    assert_eq!((of_type("test.event"), of_type("skip")), (count, 0), "{poll}");
    let listing = dave.get("/v1/notifications").await.json();
    assert_eq!(listing["notifications"].as_array().unwrap().len(), count, "{listing}");
    assert_eq!(listing["counters"]["unread"], count, "{listing}");
}

#[actix_web::test]
async fn x28_the_clock_jumps_by_a_day_forward_and_back_and_by_minutes() {
    let (mut dice, folder) = (Dice::new(), tempfile::tempdir().unwrap());
    let clock = FakeClock::new(folder.path());
    let settings = [
        ("retention.max_age", "12h"),
        ("retention.idempotency", "12h"),
        ("auth.expiry_grace", "1s"),
        ("session.pong_timeout", "60s"),
    ];
    let mut cluster = Cluster::alone_as(clock.program(), &settings);
    let run = Run::start(&cluster, Plan::default(), &mut dice).await;
    run.more(100).await;
    let app = cluster.app(0);
    let lasting_token = |user: &str, scope: &str| app.token_for(user, scope, 3 * 24 * 3600);
    let backend = lasting_token("backend", "notify");
    let id = repeatable(app, &backend).await;
    let (mut hours, dave) = (1, app.http(&lasting_token("dave", "")));
    for_an_hour(app, &backend).await;
    let mut stays = Ws::connect(app.address, "", &lasting_token("erin", "")).await;
    let mut expires = app.ws("frank").await;

    let while_off = lasting(3, 20);
    for off in ["+1d", "+0", "-1d", "+0", "+60", "+120", "+60", "+0"] {
        clock.set(off);
        let start = Instant::now();
        if off == "+1d" {
            assert_eq!(expires.end().await, Some(4001));
        }
        // Longer than between two looks for what has come to its end.
        while start.elapsed() < while_off {
            assert_eq!(stays.ask(json!({ "type": "ping" })).await["type"], "pong", "{off}");
            sleep(Duration::from_millis(200)).await;
        }
        for_an_hour(app, &backend).await;
        hours += 1;
        expect_all(&dave, hours).await;
        run.more(50).await;
        assert_eq!(repeatable(app, &backend).await, id, "{off}: what is repeated is done once");
    }
    let mut database = cluster.database();
    assert_eq!(database.inbox("carol").len(), 1);

    cluster.nodes[0].app.expect_healthy().await;
    let scene = run.scene.clone();
    // What has an end would be waited for, and has not come to it.
    database.execute("PRAGMA busy_timeout = 5000; DELETE FROM notifications WHERE user_id = 'dave'");
    let verdict = run.judge(&cluster).await;
    for account in &scene.history().accounts {
        let ends: Vec<&String> = account.ends.keys().filter(|how| how.as_str() != "own").collect();
        assert!(ends.is_empty(), "{} ended by {ends:?}", account.name);
    }
    let jumps = cluster.app(0).logs().iter().filter(|line| line.contains("the clock has jumped")).count();
    assert!((4..10).contains(&jumps), "{jumps}");
    verdict.expect_clean(&format!("X28 clock off by +1 day, -1 day, steps of 60 s, {while_off:?} each"));
}

/// A ticket that was given before the clock went back is not good for a day.
#[actix_web::test]
async fn x28_a_ticket_outlives_no_jump() {
    let folder = tempfile::tempdir().unwrap();
    let clock = FakeClock::new(folder.path());
    let mut app = App::start_as(clock.program(), &[]);
    let http = app.http(&app.token_for("alice", "", 3 * 24 * 3600));
    let mut good = 0;
    for off in ["+1d", "+0", "+60"] {
        let ticket = http.post("/v1/tickets", &json!({})).await;
        assert_eq!(ticket.status, 201, "{}", ticket.text());
        clock.set(off);
        let path = format!("/v1/poll?ticket={}", ticket.json()["ticket"].as_str().unwrap());
        assert_eq!(app.anonymous().get(&path).await.status, 401, "{off}");
        let ticket = http.post("/v1/tickets", &json!({})).await.json();
        let path = format!("/v1/poll?ticket={}", ticket["ticket"].as_str().unwrap());
        assert_eq!(app.anonymous().get(&path).await.status, 200, "{off}");
        good += 1;
    }
    app.expect_healthy().await;
    println!("X28 tickets over {good} jumps: accepted {good}, refused {good}");
}

#[actix_web::test]
async fn x28_a_process_that_starts_by_a_clock_that_is_right_deletes_what_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let clock = FakeClock::new(folder.path());
    let mut app = App::start_as(clock.program(), &[("retention.max_age", "12h")]);
    app.publish("alice", 1).await;
    app.kill();
    clock.set("+1d");
    app.restart_as(clock.program());
    let start = Instant::now();
    while !crate::database::Database::open(&app.database()).inbox("alice").is_empty() {
        assert!(start.elapsed() < DEADLINE, "it is never deleted");
        sleep(Duration::from_millis(50)).await;
    }
}
