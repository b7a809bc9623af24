//! Receivers that are slow, ill, gone or inside the network, and servers that die (PROTOCOL.md section 7; T9).

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    app::{App, program, until},
    clients::{program::run, scrape::samples, ws::Ws},
    database::Database,
    engines::{
        postgres::Server,
        push_service::{Plan, PushService},
        send,
    },
    push_refusals::where_names_are,
    traffic::Dice,
    webhooks::{PATH, SECRET, admin, enter, expect, expect_state, short, start, test_event, told},
};

async fn numbers(app: &App) -> BTreeMap<String, f64> {
    samples(&admin(app).get("/metrics").await)
}

/// Runs `tidings webhooks` against a server; answers with its exit code and what it has said.
///
/// Not on the thread of the test, on which its receiver answers.
async fn cli(app: &App, args: &[&str]) -> (Option<i32>, String) {
    let mut command = program();
    let server = format!("http://{}", app.address);
    command
        .env("TIDINGS_AUTH_SECRET", crate::app::SECRET)
        .arg("webhooks")
        .args(args)
        .args(["--server", &server]);
    let ended = actix_web::rt::task::spawn_blocking(move || run(&mut command)).await.unwrap();
    (ended.code, format!("{}{}", ended.stdout, ended.stderr))
}

#[actix_web::test]
async fn what_is_not_taken_is_sent_again_by_the_schedule_and_then_given_up() {
    let receiver = PushService::start().await;
    let app = start(&receiver, &[("webhooks.retries", "200ms,200ms")]);
    receiver.plan(PATH, [Plan::Status(503), Plan::Redirect(receiver.endpoint("elsewhere"))]);
    let id = test_event(&app).await;
    let trace = expect_state(&app, &id, "sent").await;
    assert_eq!((&trace["attempts"], &trace["status"]), (&json!(3), &json!(201)));
    let received = receiver.received(PATH);
    for again in &received[1..] {
        assert_eq!((&again.headers["webhook-id"], &again.body), (&id, &received[0].body));
    }
    let pause = received[1].at - received[0].at;
    assert!(pause >= Duration::from_millis(180), "{pause:?}");
    assert!(receiver.received("elsewhere").is_empty(), "it was followed");

    receiver.plan(PATH, [Plan::With(429, "Retry-After: 1"), Plan::Cut, Plan::Status(500)]);
    let id = test_event(&app).await;
    let trace = expect_state(&app, &id, "dead").await;
    assert_eq!((&trace["attempts"], &trace["status"]), (&json!(3), &json!(500)), "{trace}");
    let received = receiver.received(PATH);
    let pause = received[4].at - received[3].at;
    assert!(pause >= Duration::from_secs(1), "it has asked for a second: {pause:?}");
    let numbers = numbers(&app).await;
    let count = |result: &str| numbers[&format!("tidings_webhooks_total{{result=\"{result}\"}}")];
    assert_eq!((count("sent"), count("retried"), count("dead")), (1.0, 4.0, 1.0), "{numbers:?}");
    assert_eq!(numbers["tidings_webhooks_on_their_way"], 0.0);
}

#[actix_web::test]
async fn what_was_given_up_is_sent_again_under_its_old_id_when_somebody_says_so() {
    let receiver = PushService::start().await;
    let app = start(&receiver, &[("webhooks.retries", "")]);
    receiver.plan(PATH, [Plan::Status(400)]);
    let id = test_event(&app).await;
    expect_state(&app, &id, "dead").await;
    let stand = admin(&app).get("/v1/admin/webhooks").await.json();
    assert_eq!((&stand["dead"], &stand["waiting"]), (&json!(1), &json!(0)), "{stand}");
    assert_eq!(stand["receiver"], format!("https://{}", receiver.host()));
    let (code, said) = cli(&app, &["retry"]).await;
    assert_eq!((code, said.trim()), (Some(0), "1 are due again"));
    expect_state(&app, &id, "sent").await;
    assert_eq!(receiver.received(PATH).len(), 2);
    let answer = admin(&app).post("/v1/admin/webhooks/retry", &json!({})).await;
    assert_eq!(answer.json(), json!({"retried": 0, "has_more": false}));
}

#[actix_web::test]
async fn a_receiver_that_wants_nothing_or_fails_for_too_long_is_disabled_until_somebody_says_so() {
    let receiver = PushService::start().await;
    let mut app = start(&receiver, &[]);
    let (code, said) = cli(&app, &["test"]).await;
    assert!(code == Some(0) && said.contains("was taken, and answered 201"), "{said}");
    receiver.plan(PATH, [Plan::Status(410)]);
    let (code, said) = cli(&app, &["test"]).await;
    assert!(code == Some(1) && said.contains("it wants nothing any more (410)"), "{said}");
    app.logged(|line| {
        line["level"] == "error" && line["message"].to_string().contains("webhooks are disabled")
    })
    .await;
    let waiting = test_event(&app).await;
    let (code, said) = cli(&app, &["status"]).await;
    assert!(code == Some(0) && said.contains("disabled since") && said.contains("2 waiting"), "{said}");
    assert_eq!(numbers(&app).await["tidings_webhooks_disabled"], 1.0);
    // It stays so, whoever runs next.
    app.kill();
    app.restart();
    assert!(admin(&app).get("/v1/admin/webhooks").await.json()["disabled_at"].is_string());
    assert_eq!(cli(&app, &["enable"]).await.0, Some(0));
    expect_state(&app, &waiting, "sent").await;
    receiver.expect(PATH, 4).await;
    assert_eq!(receiver.received(PATH).len(), 4, "what waited has come, and nothing before");
    let (_, said) = cli(&app, &["status", "--json"]).await;
    let stand: Value = serde_json::from_str(&said).unwrap();
    assert!(stand.get("failing_since").is_none() && stand["waiting"] == 0, "{stand}");

    app.kill();
    app.set("webhooks.disable_after", "150ms");
    app.set("webhooks.retries", "200ms,200ms,200ms,200ms");
    app.restart();
    receiver.plan(PATH, vec![Plan::Status(500); 5]);
    let failing = test_event(&app).await;
    app.logged(|line| line["message"].to_string().contains("it has failed for too long")).await;
    let stand = admin(&app).get("/v1/admin/webhooks").await.json();
    assert_eq!(stand["reason"], "it has failed for too long", "{stand}");
    let answer = admin(&app).post("/v1/admin/webhooks/enable", &json!({})).await;
    assert_eq!(answer.status, 204);
    receiver.replan(PATH, []);
    expect_state(&app, &failing, "sent").await;
}

/// What is asked for from outside goes only where it may.
#[actix_web::test]
async fn t9_a_receiver_inside_the_network_is_told_only_where_it_is_named() {
    let receiver = PushService::start().await;
    // The program asks for whole names, which end in a dot.
    let (command, _hosts) =
        where_names_are("127.0.0.1 hooks.example.com.\n93.184.215.14 hooks.example.com.\n");
    let settings = [("webhooks.url", "https://hooks.example.com/x"), ("webhooks.secret", SECRET)];
    let app = App::start_as(command, &settings);
    let id = test_event(&app).await;
    let refused =
        |trace: &Value| trace["reason"].as_str().is_some_and(|reason| reason.contains("not public"));
    let deadline = Instant::now() + crate::app::DEADLINE;
    loop {
        let trace = admin(&app).get(&format!("/v1/admin/webhooks/{id}")).await.json();
        if refused(&trace) {
            assert!(trace["state"] == "waiting" && trace.get("status").is_none(), "{trace}");
            break;
        }
        assert!(Instant::now() < deadline, "{trace}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let numbers = numbers(&app).await;
    assert_eq!(numbers["tidings_webhooks_total{result=\"address_refused\"}"], 1.0);
    assert_eq!(receiver.connections(), 0);
    let named = format!("https://{}/hooks", receiver.host());
    for (settings, words) in [
        (["webhooks.url=https://example.com/hooks", "webhooks.secret=x"], "a secret is whsec_"),
        (["webhooks.url=http://example.com/hooks", &format!("webhooks.secret={SECRET}")], "https://"),
        (["webhooks.url=https://10.0.0.1/hooks", &format!("webhooks.secret={SECRET}")], "webhooks.url"),
        ([&format!("webhooks.url={named}"), &format!("webhooks.secret={SECRET}")], "webhooks.url"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = program();
        command.current_dir(&folder).env("TIDINGS_AUTH_SECRET", crate::app::SECRET);
        command.args([
            "serve",
            "--set",
            "http.listen=127.0.0.1:0",
            "--set",
            settings[0],
            "--set",
            settings[1],
        ]);
        let ended = run(&mut command);
        assert!(ended.code == Some(2) && ended.stderr.contains(words), "{ended:?}");
        assert!(!ended.stderr.contains(SECRET), "{ended:?}");
    }
}

#[actix_web::test]
async fn x30_publishing_does_not_wait_for_a_receiver_that_does_not_answer() {
    let receiver = PushService::start().await;
    let app = start(&receiver, &[]);
    let held = Arc::new(Notify::new());
    receiver.plan(PATH, vec![Plan::Hold(held.clone(), 201); 60]);
    for _ in 0..60 {
        test_event(&app).await;
    }
    until("as many are on their way as may be", || (receiver.connections() == 32).then_some(())).await;
    let began = Instant::now();
    let mut alice = app.ws("alice").await;
    app.publish("alice", 1).await;
    alice.expect("test.event").await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(receiver.connections() <= 32, "the others wait for a place");
    until("all have come", || {
        held.notify_waiters();
        (told(&receiver).len() >= 60).then_some(())
    })
    .await;
}

/// Neither the address, which may hold a secret, nor what is told.
#[actix_web::test]
async fn t15_neither_the_address_nor_what_is_told_is_in_the_log() {
    let receiver = PushService::start().await;
    let url = receiver.endpoint("hooks?key=a-marked-key");
    let app = start(&receiver, &[("webhooks.url", &url), ("log.level", "trace"), ("webhooks.retries", "")]);
    receiver.plan("hooks?key=a-marked-key", [Plan::Status(500)]);
    let id = test_event(&app).await;
    expect_state(&app, &id, "dead").await;
    app.logged(|line| line["message"].to_string().contains("webhooks are given up")).await;
    let log = app.logs().join("\n");
    for secret in ["a-marked-key", SECRET, "v1,"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    let stand = admin(&app).get("/v1/admin/webhooks").await.text();
    assert!(!stand.contains("a-marked-key"), "{stand}");
}

#[actix_web::test]
async fn what_a_killed_server_leaves_behind_is_told_by_the_next_start_once() {
    let receiver = PushService::start().await;
    let mut app = start(&receiver, &[]);
    let (alice, bob) = (enter(&app, "alice", "general").await, enter(&app, "bob", "general").await);
    expect(&receiver, &["user.online alice", "user.online bob", "room.occupied general"]).await;
    app.kill();
    drop((alice, bob));
    app.restart();
    let left = [
        "session.closed alice",
        "session.closed bob",
        "user.offline alice",
        "user.offline bob",
        "room.vacated general",
    ];
    let events = expect(&receiver, &left).await;
    assert_eq!(events.len(), 10, "{:?}", short(&events));
    let lost = events.iter().filter(|event| event["data"]["reason"] == "node_lost").count();
    assert_eq!(lost, 2);
    // Who comes now is online again.
    let _alice = app.ws("alice").await;
    until("alice is online again", || {
        let online = short(&told(&receiver)).iter().filter(|told| *told == "user.online alice").count();
        (online == 2).then_some(())
    })
    .await;
}

#[actix_web::test]
async fn what_a_server_leaves_behind_that_stops_is_told_by_the_next_one() {
    let receiver = PushService::start().await;
    let mut app = start(&receiver, &[]);
    let mut alice = enter(&app, "alice", "general").await;
    expect(&receiver, &["user.online alice", "room.occupied general"]).await;
    app.signal("-TERM");
    while alice.try_next().await.is_ok() {}
    assert!(app.ended().await.success());
    app.restart();
    let left = ["session.closed alice", "user.offline alice", "room.vacated general"];
    let events = expect(&receiver, &left).await;
    assert_eq!(events.len(), 6, "{:?}", short(&events));
    let reasons: Vec<&str> = events.iter().filter_map(|event| event["data"]["reason"].as_str()).collect();
    assert_eq!(reasons, ["restart"]);
}

/// Whenever it dies: what was told to have begun is told to have ended, each once.
#[actix_web::test]
async fn every_event_of_a_server_that_is_killed_while_it_tells_arrives() {
    const KILLS: usize = 4;
    let mut dice = Dice::new();
    let receiver = PushService::start().await;
    let mut app = start(&receiver, &[]);
    for round in 0..KILLS {
        let delays = (0..40).map(|_| Plan::After(dice.millis(60), 201)).collect::<Vec<_>>();
        receiver.replan(PATH, delays);
        let mut sessions: Vec<Ws> = Vec::new();
        for n in 0..4 {
            sessions.push(enter(&app, &format!("user{n}"), &format!("room{round}")).await);
        }
        sessions.truncate(2);
        tokio::time::sleep(dice.millis(900)).await;
        app.kill();
        // What was on its way is due again when its lease ends; nobody waits for that here.
        let sooner = "UPDATE webhook_jobs SET due_at = due_at - 30000000 WHERE state = 'waiting'";
        Database::open(&app.database()).execute(sooner);
        app.restart();
    }
    receiver.replan(PATH, []);
    let is_whole = || {
        let mut database = Database::open(&app.database());
        let is_over = database.count("ledger_entries", "TRUE") == 0
            && database.count("ledger_subjects", "TRUE") == 0
            && database.count("webhook_jobs", "state <> 'sent'") == 0;
        is_over.then_some(())
    };
    until("all is told", is_whole).await;
    let events = told(&receiver);
    let mut sessions: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for event in &events {
        let data = &event["data"];
        let name = data["session"].as_str().or(data["user"].as_str()).or(data["room"].as_str()).unwrap();
        sessions.entry(name.to_owned()).or_default().push(event["type"].as_str().unwrap());
    }
    for (name, told) in &sessions {
        let pair = match name.split_at(4).0 {
            "ses_" => ["session.opened", "session.closed"],
            "user" => ["user.online", "user.offline"],
            _ => ["room.occupied", "room.vacated"],
        };
        assert!(told.chunks(2).all(|turn| turn == pair), "{name}: {told:?}");
    }
    assert!(sessions.keys().filter(|name| name.starts_with("ses_")).count() >= KILLS, "{:?}", short(&events));
}

/// Two nodes on one PostgreSQL: one stands still, comes back, and is killed.
#[actix_web::test]
async fn what_a_lost_node_leaves_behind_is_told_by_the_other_one_once() {
    let (receiver, server) = (PushService::start().await, Server::start().await);
    let url = server.url();
    let node = || start(&receiver, &[("store.url", &url), ("rooms.presence_ttl", "6s")]);
    let (mut a, b) = (node(), node());
    let (_alice, _bob) = (enter(&a, "alice", "general").await, enter(&a, "bob", "own").await);
    let _elsewhere = enter(&b, "alice", "general").await;
    expect(
        &receiver,
        &["session.opened alice", "session.opened alice", "user.online bob", "room.occupied own"],
    )
    .await;
    let count = |event: &str| short(&told(&receiver)).iter().filter(|told| *told == event).count();

    send("-STOP", a.pid());
    expect(
        &receiver,
        &["session.closed alice", "session.closed bob", "user.offline bob", "room.vacated own"],
    )
    .await;
    send("-CONT", a.pid());
    // It says everything anew.
    let again = [
        "session.opened bob",
        "session.opened bob",
        "user.online bob",
        "user.online bob",
        "room.occupied own",
        "room.occupied own",
    ];
    expect(&receiver, &again).await;

    a.kill();
    let left = [
        "session.closed bob",
        "session.closed bob",
        "user.offline bob",
        "user.offline bob",
        "room.vacated own",
        "room.vacated own",
    ];
    let events = expect(&receiver, &left).await;
    for (event, times) in [
        ("user.online alice", 1),
        ("room.occupied general", 1),
        ("user.offline bob", 2),
        ("session.closed bob", 2),
    ] {
        assert_eq!(count(event), times, "{event}: {:?}", short(&events));
    }
    // Alice is on the other one all the while.
    assert_eq!((count("user.offline alice"), count("room.vacated general")), (0, 0));
    assert_eq!(count("session.opened alice"), 3);
    assert!(
        events
            .iter()
            .filter_map(|event| event["data"]["reason"].as_str())
            .all(|reason| reason == "node_lost")
    );
}
