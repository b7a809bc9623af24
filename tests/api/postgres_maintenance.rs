//! What is done by hand to a database on a server of PostgreSQL, beside the instances that use it.

use serde_json::{Value, json};

use crate::{
    app::{SECRET, program},
    clients::program::{Ended, run},
    engines::postgres::Server,
};

fn verb(server: &Server, arguments: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program();
    command.current_dir(&folder).env("TIDINGS_AUTH_SECRET", SECRET).args(arguments);
    run(command.args(["--set", &format!("store.url={}", server.url())]))
}

fn read(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap()
}

#[actix_web::test]
async fn a_server_is_brought_to_this_version_by_hand() {
    let server = Server::start().await;
    let status = verb(&server, &["migrate", "status"]);
    assert!(status.code == Some(1) && status.stderr.contains("tidings migrate up"), "{status:?}");
    let pending: Vec<&str> = status.stdout.lines().collect();
    assert!(pending.iter().all(|line| line.starts_with("pending  2026-")), "{status:?}");
    assert_eq!(server.numbers("SELECT count(*) AS number FROM pg_tables WHERE tablename = 'inboxes'"), [0]);
    let up = verb(&server, &["migrate", "up"]);
    assert_eq!((up.code, up.stdout.lines().count()), (Some(0), pending.len()), "{up:?}");
    let status = verb(&server, &["migrate", "status", "--json"]);
    assert_eq!(status.code, Some(0), "{status:?}");
    assert_eq!(read(&status)["applied"].as_array().unwrap().len(), pending.len());
    // Beside an instance it is the same.
    let app = server.app();
    let again = verb(&server, &["migrate", "up", "--json"]);
    assert_eq!((again.code, &read(&again)["applied"]), (Some(0), &json!([])), "{again:?}");
    app.publish("alice", 1).await;
}

#[actix_web::test]
async fn retention_is_applied_at_once_beside_an_instance() {
    let server = Server::start().await;
    let app = server.app();
    for n in 1..=4 {
        app.publish("alice", n).await;
    }
    let mark = json!({"as": "read", "all": true});
    assert_eq!(app.user("alice").post("/v1/notifications/mark", &mark).await.status, 200);
    let pruned = verb(&server, &["prune", "--json", "--set", "retention.max_read_per_user=1"]);
    assert_eq!(pruned.code, Some(0), "{pruned:?}");
    assert_eq!(read(&pruned), json!({"expired": 0, "aged": 0, "read": 3}));
    assert_eq!(server.numbers("SELECT count(*) AS number FROM notifications"), [1]);
    let mut late = app.ws_at("alice", "?since=inbox@00000000.0").await;
    assert_eq!(late.next_numbered().await["type"], "skip");
    assert_eq!(late.next_ns(1).await, [4]);
    let again = verb(&server, &["prune", "-q"]);
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), "0\n"), "{again:?}");
}

#[actix_web::test]
async fn a_server_is_looked_at_with_its_version_and_its_clock() {
    let server = Server::start().await;
    let looked = |ended: &Ended, check: &str| -> Vec<(String, String)> {
        let all = read(ended);
        let of_it = all.as_array().unwrap().iter().filter(|finding| finding["check"] == check);
        let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or_default().to_owned();
        of_it.map(|finding| (text(finding, "state"), text(finding, "detail"))).collect()
    };
    let empty = verb(&server, &["doctor", "--json"]);
    let (state, detail) = looked(&empty, "database").remove(0);
    assert!(state == "ok" && detail.contains("migrations behind"), "{empty:?}");
    let _app = server.app();
    let well = verb(&server, &["doctor", "--json"]);
    let (state, detail) = looked(&well, "database").remove(0);
    assert!(state == "ok" && detail.contains("is of this version"), "{well:?}");
    let clock = looked(&well, "clock");
    assert!(
        clock.iter().any(|(state, detail)| state == "ok" && detail.contains("of the database")),
        "{well:?}"
    );
}
