//! What is done to a database by hand: bringing it to this version, erasing a user, applying retention.

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::Path,
    process::Command,
};

use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    app::{App, SECRET, program},
    clients::program::{Ended, run},
    database::Database,
    engines::is_root,
};

/// A verb that works on the database in a folder; no key is needed.
fn verb(folder: &TempDir, arguments: &[&str]) -> Ended {
    run(program().current_dir(folder).args(arguments))
}

fn serve(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = program();
    command.current_dir(folder).env("TIDINGS_AUTH_SECRET", SECRET).arg("serve").args(arguments);
    command.args(["--set", "http.listen=127.0.0.1:0"]);
    command
}

fn sql(path: &Path, text: &str) {
    SqliteConnection::establish(path.to_str().unwrap()).unwrap().batch_execute(text).unwrap();
}

#[test]
fn a_database_is_brought_to_this_version_by_hand_and_a_server_that_may_not_refuses_another() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("tidings.db");
    let status = verb(&folder, &["migrate", "status"]);
    assert!(status.code == Some(1) && status.stderr.contains("tidings migrate up"), "{status:?}");
    assert!(status.stdout.lines().all(|line| line.starts_with("pending  2026-")), "{status:?}");
    let refused = run(&mut serve(&folder, &["--no-migrate"]));
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let line = refused.stderr.lines().find(|line| line.starts_with("tidings: store.url: ")).unwrap();
    assert!(line.contains("tidings migrate up") && line.contains("--no-migrate"), "{line}");
    assert!(!database.exists(), "looking makes nothing");

    let count = status.stdout.lines().count();
    let up = verb(&folder, &["migrate", "up"]);
    assert_eq!((up.code, up.stdout.lines().count()), (Some(0), count), "{up:?}");
    let again: Value = serde_json::from_str(&verb(&folder, &["migrate", "up", "--json"]).stdout).unwrap();
    assert_eq!(again, json!({"database": "sqlite://tidings.db", "applied": []}));
    let status = verb(&folder, &["migrate", "status", "--json"]);
    let found: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!((status.code, found["applied"].as_array().unwrap().len()), (Some(0), count));
    assert_eq!((&found["pending"], &found["unknown"]), (&json!([]), &json!([])));

    sql(
        &database,
        "DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)",
    );
    let refused = run(&mut serve(&folder, &["--no-migrate"]));
    assert!(refused.code == Some(1) && refused.stderr.contains("lacks 1 migration"), "{refused:?}");
    sql(&database, "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')");
    let newer = verb(&folder, &["migrate", "status"]);
    assert!(newer.code == Some(1) && newer.stdout.contains("unknown  29991231000000"), "{newer:?}");
    let up = verb(&folder, &["migrate", "up"]);
    assert!(up.code == Some(1) && up.stderr.contains("newer version"), "{up:?}");
}

/// A server that is not root starts after any of them.
#[test]
fn what_root_makes_belongs_to_whom_the_folder_and_the_database_belong() {
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let of_others = || {
        let entries = fs::read_dir(&folder).unwrap().map(Result::unwrap);
        let others = entries.filter(|entry| entry.metadata().unwrap().uid() != 4711);
        others.map(|entry| entry.file_name()).collect::<Vec<_>>()
    };
    chown(&folder, Some(4711), Some(4711)).unwrap();
    assert_eq!(verb(&folder, &["migrate", "up"]).code, Some(0));
    assert_eq!(of_others(), [""; 0]);
    for arguments in [&["migrate", "status"][..], &["restore-epoch"], &["prune"], &["doctor"]] {
        // Nobody has it in a folder where the database was just restored.
        fs::remove_file(file("tidings.db-lock")).unwrap();
        run(program().current_dir(&folder).env("TIDINGS_AUTH_SECRET", SECRET).args(arguments));
        assert_eq!(of_others(), [""; 0], "{arguments:?}");
        fs::write(file("tidings.db-lock"), "").unwrap();
        chown(file("tidings.db-lock"), Some(4711), Some(4711)).unwrap();
    }
    // Whoever has the folder could lead root to what is not theirs.
    let other = tempfile::NamedTempFile::new().unwrap();
    fs::remove_file(file("tidings.db-lock")).unwrap();
    std::os::unix::fs::symlink(&other, file("tidings.db-lock")).unwrap();
    assert_eq!(verb(&folder, &["prune"]).code, Some(0));
    assert_eq!(fs::metadata(&other).unwrap().uid(), 0);
}

#[actix_web::test]
async fn a_file_that_a_server_works_with_is_left_to_it() {
    let mut app = App::start();
    let url = format!("store.url=sqlite://{}", app.database().display());
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["migrate", "up"][..], &["prune"]] {
        let ended = verb(&folder, &[arguments, &["--set", &url]].concat());
        assert!(ended.code == Some(1) && ended.stderr.contains("a server works with"), "{ended:?}");
    }
    assert_eq!(verb(&folder, &["migrate", "status", "--set", &url]).code, Some(0));
    app.expect_healthy().await;
}

#[actix_web::test]
async fn retention_is_applied_at_once_and_tells_how_much_it_took() {
    let mut app = App::start();
    let http = app.http(&app.publisher());
    for number in 0..6 {
        let body = json!({"to": "alice", "type": "a.b", "payload": {"number": number}});
        assert_eq!(http.post("/v1/notifications", &body).await.status, 201);
    }
    let ids: Vec<String> =
        Database::open(&app.database()).inbox("alice").into_iter().map(|(_, id)| id).collect();
    let user = app.user("alice");
    let mark = json!({"as": "read", "ids": &ids[1..5]});
    assert_eq!(user.post("/v1/notifications/mark", &mark).await.status, 200);
    app.signal("-TERM");
    assert_eq!(app.wait().code(), Some(0));
    Database::open(&app.database()).execute(&format!(
        "UPDATE notifications SET expires_at = 1 WHERE id = '{}'; \
         UPDATE notifications SET id = 'ntf_00000000000000000000000000' WHERE id = '{}'",
        ids[5], ids[0],
    ));
    let folder = tempfile::tempdir().unwrap();
    let url = format!("store.url=sqlite://{}", app.database().display());
    let prune = |more: &[&str]| {
        let keep = ["prune", "--set", &url, "--set", "retention.max_read_per_user=1"];
        verb(&folder, &[&keep, more].concat())
    };
    let pruned = prune(&["--json"]);
    let counts: Value = serde_json::from_str(&pruned.stdout).unwrap();
    assert_eq!(counts, json!({"expired": 1, "aged": 1, "read": 3}), "{pruned:?}");
    assert_eq!(prune(&[]).stdout, "deleted 0 that had expired, 0 for their age, 0 that were read\n");
    assert_eq!(prune(&["-q"]).stdout, "0\n");
    let zero = verb(&folder, &["prune", "--set", &url, "--set", "retention.max_age=0s"]);
    assert!(zero.code == Some(2) && zero.stderr.contains("retention.max_age"), "{zero:?}");
    app.restart();
    assert_eq!(app.unread("alice").await["unread"], 0);
    assert_eq!(
        app.user("alice").get("/v1/notifications").await.json()["notifications"].as_array().unwrap().len(),
        1
    );
}

#[actix_web::test]
async fn a_user_is_forgotten_from_a_shell() {
    let app = App::start_with(&[("http.admin_listen", "127.0.0.1:0")]);
    let admin = app.logged(|line| line["message"] == "listening for administrators").await;
    let admin = admin["address"].as_str().unwrap();
    let body = json!({"to": "a@b.c", "type": "a.b", "payload": {}});
    assert_eq!(app.http(&app.publisher()).post("/v1/notifications", &body).await.status, 201);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tidings.toml"), format!("[http]\nadmin_listen = \"{admin}\"\n")).unwrap();
    let forget = |more: &[&str]| {
        let mut command = program();
        command.current_dir(&folder).env("TIDINGS_AUTH_SECRET", SECRET);
        run(command.args(["user", "forget", "a@b.c"]).args(more))
    };
    let forgotten = forget(&[]);
    assert_eq!(
        (forgotten.code, forgotten.stdout.as_str()),
        (Some(0), "nothing of a@b.c is left\n"),
        "{forgotten:?}"
    );
    assert!(Database::open(&app.database()).inbox("a@b.c").is_empty());
    assert_eq!(forget(&["--json"]).stdout, "{\"erased\":true,\"user\":\"a@b.c\"}\n");
    let refused = forget(&["--token", &app.token("alice", "")]);
    assert!(refused.code == Some(1) && refused.stderr.contains("403"), "{refused:?}");
}
