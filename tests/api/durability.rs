//! What was accepted is there for good (G1, G2, G3): the server dies at any instant, the answer is lost, and
//! nothing is missing or double.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
    rc::Rc,
};

use actix_web::rt;
use serde_json::{Value, json};

use crate::{
    app::{App, until},
    clients::{
        http::{Answer, Http},
        raw::Raw,
    },
    database::Database,
    traffic::{Dice, Follower, Receipt, draft, receipts},
};

const KILLS: usize = 20;
const PUBLISHERS: u64 = 12;
const USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// What a publisher under way shares with the test.
#[derive(Default)]
struct Load {
    is_over: Cell<bool>,
    /// Answers with 201, by their idempotency key: the receipts, byte for byte.
    accepted: RefCell<BTreeMap<String, String>>,
}

async fn publish(http: &Http, key: &str, draft: &Value) -> Result<Answer, String> {
    let request = http.request("POST", "/v1/notifications").insert_header(("Idempotency-Key", key));
    http.try_send(request.insert_header(("Content-Type", "application/json")), draft.to_string()).await
}

/// Publishes one after the other, each with a key of its own and again with the same until it is accepted,
/// and now and then once more.
async fn publisher(number: u64, http: Http, mut dice: Dice, load: Rc<Load>) {
    for n in 0.. {
        if load.is_over.get() {
            return;
        }
        let first = dice.below(USERS.len() as u64) as usize;
        let users = &USERS[first..=first + dice.below((USERS.len() - first) as u64) as usize];
        let (key, draft) = (format!("{number}-{n}"), draft(users, n, 100));
        let mut repeats = u64::from(dice.below(8) == 0);
        loop {
            // No answer: the server died meanwhile. 409: what it did not answer is still under way.
            let Ok(answer) = publish(&http, &key, &draft).await else { continue };
            assert!([201, 409].contains(&answer.status), "{}", answer.text());
            if answer.status == 409 {
                continue;
            }
            let body = answer.text();
            let first = load.accepted.borrow_mut().entry(key.clone()).or_insert_with(|| body.clone()).clone();
            assert_eq!(first, body, "{key} was answered in two ways");
            if repeats == 0 {
                break;
            }
            repeats -= 1;
        }
    }
}

/// X1.
#[actix_web::test]
async fn accepted_notifications_survive_kill_9_20_times_under_load() {
    let mut dice = Dice::new();
    let mut app = App::start();
    let load = Rc::new(Load::default());
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|number| rt::spawn(publisher(number, app.http(&app.publisher()), dice.fork(), load.clone())))
        .collect();
    for _ in 0..KILLS {
        let before = load.accepted.borrow().len();
        until("a publish is accepted", || (load.accepted.borrow().len() > before).then_some(())).await;
        tokio::time::sleep(dice.millis(250)).await;
        app.kill();
        app.restart();
    }
    load.is_over.set(true);
    for publisher in publishers {
        publisher.await.unwrap();
    }

    let accepted: Vec<Receipt> = load
        .accepted
        .borrow()
        .values()
        .flat_map(|body| receipts(&serde_json::from_str(body).unwrap()))
        .collect();
    for user in USERS {
        check_inbox(&app, user, accepted.iter().filter(|receipt| receipt.user == user)).await;
    }
    Database::open(&app.database()).check();
    println!("X1 {KILLS} times kill -9: accepted {}, lost 0, doubled 0, phantom 0", accepted.len());
}

/// Every accepted notification is in the table, listed, fetched and replayed exactly once, numbered from 1
/// without a hole; and nothing else is.
async fn check_inbox(app: &App, user: &str, accepted: impl Iterator<Item = &Receipt>) {
    let mut accepted: Vec<(u64, String)> =
        accepted.map(|receipt| (receipt.offset, receipt.id.clone())).collect();
    accepted.sort();
    let offsets: Vec<u64> = accepted.iter().map(|(offset, _)| *offset).collect();
    assert_eq!(offsets, (1..=accepted.len() as u64).collect::<Vec<_>>());
    assert_eq!(accepted.iter().map(|(_, id)| id).collect::<BTreeSet<_>>().len(), accepted.len());
    assert_eq!(Database::open(&app.database()).inbox(user), accepted);

    let http = app.http(&app.token(user, ""));
    let mut listed = list(&http).await;
    listed.reverse();
    assert_eq!(listed, accepted.iter().map(|(_, id)| id.clone()).collect::<Vec<_>>());
    for (offset, id) in &accepted {
        let fetched = http.get(&format!("/v1/notifications/{id}")).await.json();
        assert!(fetched["position"].as_str().unwrap().ends_with(&format!(".{offset}")), "{fetched}");
    }

    let mut follower = Follower::from_start(user);
    let mut ws = follower.connect(app).await;
    follower.read_to(&mut ws, accepted.len() as u64).await;
    assert_eq!(follower.seen, accepted);
    assert_eq!(app.unread(user).await["unread"], accepted.len());
}

/// The ids of all pages, newest first.
async fn list(http: &Http) -> Vec<String> {
    let mut ids = Vec::new();
    let mut path = "/v1/notifications?limit=200".to_owned();
    loop {
        let page = http.get(&path).await.json();
        let notifications = page["notifications"].as_array().unwrap();
        ids.extend(notifications.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(before) = page["next_before"].as_str() else { return ids };
        path = format!("/v1/notifications?limit=200&before={before}");
    }
}

/// X2.
#[actix_web::test]
async fn a_publish_whose_answer_was_lost_with_the_process_is_answered_and_not_done_again() {
    let mut app = App::start();
    let mut ws = app.ws("alice").await;
    let body = draft(&["alice"], 1, 0).to_string();
    let mut lost = Raw::connect(app.address).await;
    lost.write(format!(
        "POST /v1/notifications HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nIdempotency-Key: order 7\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        app.address,
        app.publisher(),
        body.len(),
    ))
    .await;
    let event = ws.next_numbered().await;
    app.kill();
    app.restart();

    let answer = publish(&app.http(&app.publisher()), "order 7", &serde_json::from_str(&body).unwrap()).await;
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.header("Idempotent-Replayed")), (201, Some("true")));
    let receipt = json!({ "id": event["id"], "to": "alice", "position": event["position"] });
    assert_eq!(answer.json()["notifications"], json!([receipt]));
    assert_eq!(Database::open(&app.database()).inbox("alice").len(), 1);
}

/// X3.
#[actix_web::test]
async fn a_201_is_written_only_after_the_log_of_the_database_is_synced_to_disk() {
    assert!(is_synced_before_201("full").await);
    // The measure itself is right: it tells the other setting from this one.
    assert!(!is_synced_before_201("normal").await);
    println!("X3 a publish: the log synced before the 201");
}

/// Watches the system calls of one publish: whether, after the request was read and before the 201 was
/// written, the write-ahead log was synced.
async fn is_synced_before_201(synchronous: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let mut app = App::start_as(traced(&trace), &[("store.synchronous", synchronous)]);
    // The very first begins a new log, which is synced in any case; the second is judged.
    app.publish("alice", 1).await;
    app.publish("alice", 2).await;
    app.kill();
    let calls = until("the trace is whole", || {
        let calls = fs::read_to_string(&trace).unwrap();
        calls.trim_end().ends_with("+++ killed by SIGKILL +++").then_some(calls)
    });
    let calls = calls.await;

    let lines: Vec<&str> = calls.lines().collect();
    let last = |what: &str| lines.iter().rposition(|line| line.contains(what)).expect(what);
    let (read, answered) = (last("POST /v1/notifications"), last("HTTP/1.1 201 Created"));
    assert!(read < answered, "{calls}");
    let between = &lines[read..answered];
    let is_write = |line: &&str| line.contains("pwrite64(") && line.contains("tidings.db-wal");
    assert!(between.iter().any(is_write), "{calls}");
    between.iter().enumerate().any(|(at, line)| is_sync_of_log(line) && is_done(line, &between[at..]))
}

/// The program under strace, which is its child so that it may watch it, and ends with it.
pub fn traced(trace: &Path) -> Command {
    let is_there = Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    assert!(is_there, "this test needs strace, which is not installed");
    let mut command = Command::new("strace");
    command.env_clear().args(["-D", "-f", "-y", "-s", "64", "-e"]);
    command.arg("trace=read,recvfrom,write,writev,sendto,pwrite64,fdatasync,fsync");
    command.arg("-o").arg(trace).arg(env!("CARGO_BIN_EXE_tidings"));
    command
}

fn is_sync_of_log(line: &str) -> bool {
    (line.contains(" fdatasync(") || line.contains(" fsync(")) && line.contains("tidings.db-wal")
}

/// Whether a call has returned 0, at once or in a later line of its thread.
fn is_done(call: &str, following: &[&str]) -> bool {
    let thread = call.split_whitespace().next().unwrap();
    let resumed = |line: &&&str| line.starts_with(thread) && line.contains("sync resumed>");
    let end = if call.contains("<unfinished") { following.iter().find(resumed) } else { Some(&call) };
    end.is_some_and(|line| line.trim_end().ends_with("= 0"))
}
