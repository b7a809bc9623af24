//! A copy of the database is made while the server runs, and restored later: clients that have seen more than it holds
//! are told so, and never take a new number for an old one (G6).

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::{
    app::{App, program},
    clients::{
        poll::Poll,
        program::{Ended, run},
        room::{member, say},
        sse::Sse,
        ws::Ws,
    },
    database::Database,
    engines::postgres::Server,
};

fn verb(store: &str, arguments: &[&str]) -> Ended {
    run(program().args(arguments).args(["--set", &format!("store.url={store}")]))
}

/// A server on a file that a test knows.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn store(&self) -> String {
        format!("sqlite://{}", self.file("tidings.db").display())
    }

    fn app(&self) -> App {
        App::start_with(&[("store.url", &self.store())])
    }

    fn back_up(&self, name: &str) -> Ended {
        verb(&self.store(), &["backup", &self.file(name).display().to_string()])
    }
}

/// What clients know who have seen everything before the loss: a cursor, and counters.
struct Known {
    position: String,
    counters: Value,
}

/// What they are told when they come back, on every transport; and what is published then reaches them.
async fn expect_gap(app: &App, user: &str, known: &Known, kept: u64) {
    let (token, since) = (app.token(user, ""), format!("?since=inbox@{}", known.position));
    let mut ws = Ws::connect(app.address, &since, &token).await;
    let mut sse = Sse::connect(app.address, &since, &token).await;
    let cursor = format!("inbox@{}", known.position);
    let mut poll = Poll::at(app, user, "", "", &cursor);
    assert_eq!((&ws.welcome["resume"], &sse.welcome["resume"]), (&json!("gap"), &json!("gap")));
    let gaps = [ws.next_numbered().await, sse.next_numbered().await, poll.next(0).await[0].clone()];
    let listed = app.user(user).get("/v1/notifications").await.json();
    assert_eq!(listed["notifications"].as_array().unwrap().len() as u64, kept);
    let top = listed["cursor"].as_str().unwrap().trim_start_matches("inbox@").to_owned();
    for gap in gaps {
        let told = ["type", "stream", "reason", "from", "to"].map(|field| gap[field].as_str().unwrap());
        assert_eq!(told, ["gap", "inbox", "epoch", &known.position, &top]);
    }
    // Of the counters that a client knows none is newer than what it is told now, so it shows these.
    let counters = &ws.welcome["inbox"]["counters"];
    for version in ["version", "marks_version"] {
        assert!(counters[version].as_u64() > known.counters[version].as_u64(), "{counters}");
    }
    assert_eq!(counters["unread"], kept);
    app.publish(user, 100).await;
    assert_eq!((ws.next_ns(1).await, sse.next_ns(1).await), (vec![100], vec![100]));
    assert_eq!(poll.collect(1, |event| event["type"] == "test.event").await[0]["payload"]["n"], 100);
}

/// Publishes, and reads what clients know then.
async fn lose_later(app: &App, user: &str) -> Known {
    for n in 3..=5 {
        app.publish(user, n).await;
    }
    let marked = app.user(user).post("/v1/notifications/mark", &json!({"as": "read", "all": true})).await;
    let position = app.publish(user, 6).await;
    assert_eq!(marked.status, 200);
    Known { position, counters: app.ws(user).await.welcome["inbox"]["counters"].clone() }
}

async fn stop(mut app: App) {
    app.signal("-TERM");
    assert!(app.ended().await.success());
}

#[actix_web::test]
async fn a_file_that_was_copied_while_it_was_written_is_restored_under_another_epoch() {
    let place = Place::new();
    let app = place.app();
    for n in 1..=2 {
        app.publish("alice", n).await;
    }
    app.publish("bob", 1).await;
    let mut alice = member(&app, "alice", &["chat"]).await;
    let said = say(&mut alice, "chat", json!("before")).await;
    let copied = place.back_up("copy.db");
    assert_eq!((copied.code, copied.stderr.as_str()), (Some(0), ""), "{copied:?}");
    assert!(copied.stdout.contains(" bytes\n"), "{copied:?}");
    let mode = fs::metadata(place.file("copy.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it holds what people are told");
    let known = lose_later(&app, "alice").await;
    let bobs = Database::open(&place.file("tidings.db")).epoch("bob");

    // The disk is lost, and with it all that is beside the file.
    let epoch = verb(&place.store(), &["restore-epoch"]);
    assert!(epoch.code == Some(1) && epoch.stderr.contains("another process uses it"), "{epoch:?}");
    stop(app).await;
    for name in ["tidings.db", "tidings.db-wal", "tidings.db-shm"] {
        let _ = fs::remove_file(place.file(name));
    }
    fs::copy(place.file("copy.db"), place.file("tidings.db")).unwrap();
    let epoch = verb(&place.store(), &["restore-epoch"]);
    assert_eq!((epoch.code, epoch.stdout.as_str()), (Some(0), "2 inboxes begin anew\n"), "{epoch:?}");
    let app = place.app();
    expect_gap(&app, "alice", &known, 2).await;
    let mut database = Database::open(&place.file("tidings.db"));
    assert!(database.epoch("bob") != bobs && database.epoch("bob") != database.epoch("alice"));
    assert_eq!(database.count("sqlite_sequence", "name = 'webhook_jobs' AND seq >= 4294967296"), 1);
    database.check();
    // A room is in no database, and begins anew with its server.
    let mut alice = member(&app, "alice", &[]).await;
    let joined = crate::clients::room::join_since(&mut alice, "chat", &said).await;
    assert_eq!(joined["resume"], "gap");
}

#[actix_web::test]
async fn a_server_that_was_dumped_while_it_was_written_is_restored_under_another_epoch() {
    let server = Server::start().await;
    // Others may be there, so whoever stops takes its time to send clients to them.
    let node = || App::start_with(&[("store.url", &server.url()), ("shutdown.drain", "100ms")]);
    let (a, b) = (node(), node());
    for n in 1..=2 {
        a.publish("alice", n).await;
    }
    b.publish("bob", 1).await;
    let dump = server.folder.path().join("tidings.dump");
    let run_pg = |tool: &str, arguments: &[&str]| {
        let ended = run(Command::new(server.tool(tool)).args(arguments));
        assert_eq!(ended.code, Some(0), "{ended:?}");
    };
    let (url, file) = (server.url(), dump.display().to_string());
    run_pg("pg_dump", &["--format=custom", "--file", &file, &url]);
    let known = lose_later(&a, "alice").await;
    let epochs = || server.names("SELECT epoch AS name FROM inboxes ORDER BY user_id");
    let before = epochs();
    let refused = verb(&url, &["restore-epoch", "--json"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("an instance uses it"), "{refused:?}");
    assert_eq!(epochs(), before);
    stop(a).await;
    stop(b).await;
    run_pg("pg_restore", &["--clean", "--if-exists", "--dbname", &url, &file]);
    let epoch = verb(&url, &["restore-epoch", "--json"]);
    assert_eq!((epoch.code, epoch.stdout.as_str()), (Some(0), "{\"inboxes\":2}\n"), "{epoch:?}");
    let after = epochs();
    assert!(after[0] != before[0] && after[1] != before[1] && after[0] != after[1], "{after:?}");
    let (a, _b) = (node(), node());
    expect_gap(&a, "alice", &known, 2).await;
    let usage = verb(&url, &["backup", "copy"]);
    assert!(usage.code == Some(2) && usage.stderr.contains("pg_dump"), "{usage:?}");
}

/// Publishers go on meanwhile: what was accepted before it began is in the copy, and it is of one instant.
#[actix_web::test]
async fn a_copy_is_whole_whatever_is_written_meanwhile_and_never_takes_the_place_of_another() {
    let place = Place::new();
    let app = place.app();
    let is_over = std::cell::Cell::new(false);
    let writing = async {
        let mut n = 0;
        while !is_over.get() {
            n += 1;
            app.publish("alice", n).await;
        }
    };
    let copying = async {
        for (name, least) in [("one.db", 1), ("two.db", 2)] {
            while Database::open(&place.file("tidings.db")).inbox("alice").len() < least * 20 {
                tokio::task::yield_now().await;
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            let mut command = program();
            let file = place.file(name).display().to_string();
            command.args(["backup", &file, "-q", "--set", &format!("store.url={}", place.store())]);
            let ended = tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap();
            assert_eq!((ended.code, ended.stdout), (Some(0), format!("{file}\n")), "{}", ended.stderr);
            let mut copy = Database::open(&place.file(name));
            let offsets: Vec<u64> = copy.inbox("alice").into_iter().map(|(offset, _)| offset).collect();
            assert!(offsets.len() >= least * 20 && offsets.iter().copied().eq(1..=offsets.len() as u64));
            assert_eq!(copy.unread("alice"), offsets.len() as u64);
            copy.check();
        }
        is_over.set(true);
    };
    futures_util::future::join(writing, copying).await;
    let before = fs::read(place.file("one.db")).unwrap();
    let taken = place.back_up("one.db");
    assert!(taken.code == Some(1) && taken.stderr.contains("is there already"), "{taken:?}");
    assert_eq!(fs::read(place.file("one.db")).unwrap(), before);
    let nowhere = place.back_up("no/such/folder.db");
    assert!(nowhere.code == Some(1) && nowhere.stderr.lines().count() == 1, "{nowhere:?}");
    // One that was interrupted has left its part behind.
    fs::write(place.file("three.db.part"), "half of a copy").unwrap();
    assert_eq!(place.back_up("three.db").code, Some(0));
    assert!(!place.file("three.db.part").exists());
    drop(app);
    // Beside no server it is the same, also where that was killed and what it has written is in its log; and it makes
    // nothing.
    assert_eq!(place.back_up("four.db").code, Some(0));
    let inboxes = ["four.db", "tidings.db"].map(|name| Database::open(&place.file(name)).inbox("alice"));
    assert_eq!(inboxes[0], inboxes[1]);
    let none = verb(&format!("sqlite://{}", place.file("none.db").display()), &["backup", "x"]);
    assert!(none.code == Some(1) && !place.file("none.db").exists() && !Path::new("x").exists(), "{none:?}");
    let none = verb(&format!("sqlite://{}", place.file("none.db").display()), &["restore-epoch"]);
    assert!(none.code == Some(1) && none.stderr.contains("not there"), "{none:?}");
    assert!(!place.file("none.db").exists());
}
