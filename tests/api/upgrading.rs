//! X33: a database of an older version is served by this one; this one goes on beside a newer version on one
//! PostgreSQL and one Redis, and can be gone back to where that version allows it.

use std::time::{SystemTime, UNIX_EPOCH};

use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use serde_json::json;

use crate::{
    app::{App, SECRET, program},
    clients::{
        program::run,
        room::{member, message, say},
        scrape::samples,
        ws::Ws,
    },
    engines::{postgres::Server, redis::Redis},
};

const FIRST_FILE: &str = include_str!("../../migrations/sqlite/2026-11-20-000000_inbox/up.sql");
const FIRST_SERVER: &str = include_str!("../../migrations/postgres/2026-11-25-000002_store/up.sql");

/// The id of a notification of now: for its age it would be deleted.
fn id(n: u64) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let time = (0..10).rev().map(|place| char::from(DIGITS[(millis >> (5 * place) & 31) as usize]));
    format!("ntf_{}{n:016}", time.collect::<String>())
}

/// What the first version has left: the tables of its migration, which is written down as done, and an inbox.
fn first_version(tables: &str, migration: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    let rows = [1, 2].map(|n| {
        format!(
            "INSERT INTO notifications (user_id, \"offset\", id, \"type\", v, created_at, payload)
             VALUES ('alice', {n}, '{}', 'test.event', 1, {now}, '{{\"n\":{n}}}');",
            id(n)
        )
    });
    format!(
        "{tables}
         CREATE TABLE __diesel_schema_migrations (
             version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
         );
         INSERT INTO __diesel_schema_migrations (version) VALUES ('{migration}');
         INSERT INTO inboxes (user_id, epoch, last_offset, unread, unseen, version, changed_at)
         VALUES ('alice', 'k3x9q2ab', 2, 2, 2, 2, {now});
         {}",
        rows.concat()
    )
}

/// A client of before goes on where it stood, and everything of today works.
async fn expect_served(app: &App) {
    let mut alice = app.ws_at("alice", "?since=inbox@k3x9q2ab.1").await;
    assert_eq!(alice.welcome["resume"], "complete");
    assert_eq!(alice.next_ns(1).await, [2]);
    assert_eq!(app.publish("alice", 3).await, "k3x9q2ab.3");
    assert_eq!(alice.next_ns(1).await, [3]);
    assert_eq!(app.unread("alice").await["unread"], 3);
    let user = app.user("alice");
    assert_eq!(user.put("/v1/mutes/other.*", &json!({})).await.status, 200);
    assert_eq!(user.send(user.request("POST", "/v1/tickets"), "").await.status, 201);
}

#[actix_web::test]
async fn x33_a_file_of_the_first_version_is_served_by_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tidings.db");
    let mut old = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    old.batch_execute(&first_version(FIRST_FILE, "20261120000000")).unwrap();
    drop(old);
    let app = App::start_with(&[("store.url", &format!("sqlite://{}", path.display()))]);
    expect_served(&app).await;
}

#[actix_web::test]
async fn x33_a_server_of_the_first_version_is_served_by_this_one() {
    let server = Server::start().await;
    server.connect().batch_execute(&first_version(FIRST_SERVER, "20261125000002")).unwrap();
    let app = server.app();
    expect_served(&app).await;
}

/// What a version that is still to come does to the tables: it only adds, and says which migration must be known.
const ONE_AHEAD: &str = "
    ALTER TABLE inboxes ADD COLUMN later BIGINT NOT NULL DEFAULT 0;
    ALTER TABLE notifications ADD COLUMN later TEXT;
    CREATE TABLE later (user_id TEXT PRIMARY KEY);
    INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000000')";

/// That whoever knows the newest migration of today may live with it.
const ALLOWED: &str = "
    INSERT INTO meta (name, value)
    SELECT 'compatible_with.99991231000000', max(version) FROM __diesel_schema_migrations
    WHERE version < '99991231000000'";

/// What comes after that, and is not to be lived with: it says nothing.
const TWO_AHEAD: &str = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000001')";

/// Whoever starts with this database is refused, in one line that names this migration.
fn expect_refused(url: &str, migration: &str) {
    let settings =
        [format!("auth.secret={SECRET}"), format!("store.url={url}"), "http.listen=127.0.0.1:0".into()];
    let settings = settings.iter().flat_map(|setting| ["--set", setting]);
    let refused = run(program().arg("serve").args(settings));
    let line = format!("a newer version of tidings made it (migration {migration})");
    assert!(refused.code == Some(1) && refused.stderr.contains(&line), "{refused:?}");
}

/// How often a node has heard something on the bus that it does not believe.
async fn not_believed(app: &App) -> f64 {
    let metrics = app.http(&app.token("scraper", "admin")).get("/metrics").await;
    samples(&metrics)["tidings_bus_rejected_total"]
}

/// Two clients on two nodes hear each other, in their inboxes and in a room.
async fn expect_company(a: &App, b: &App, n: u64) {
    let (mut here, mut there) = (member(a, "alice", &["chat"]).await, member(b, "bob", &["chat"]).await);
    say(&mut here, "chat", json!(n)).await;
    assert_eq!(message(&mut there).await["data"], n);
    say(&mut there, "chat", json!([n])).await;
    while message(&mut here).await["data"] != json!([n]) {}
    let mut away = Ws::connect(b.address, "", &b.token("alice", "")).await;
    a.publish("alice", n).await;
    assert_eq!((here.next_ns(1).await, away.next_ns(1).await), (vec![n], vec![n]));
}

#[actix_web::test]
async fn x33_this_version_goes_on_beside_a_newer_one_and_starts_where_that_allows_it() {
    let (server, redis) = (Server::start().await, Redis::start().await);
    let bus = format!("redis+unix://{}", redis.socket().display());
    let node = || App::start_with(&[("store.url", &server.url()), ("bridge.url", &bus)]);
    let (a, mut b) = (node(), node());
    expect_company(&a, &b, 1).await;

    // The newer one has come, and has changed the tables under those that run.
    server.connect().batch_execute(ONE_AHEAD).unwrap();
    expect_company(&a, &b, 2).await;

    // It says on the bus what is known here and something besides, and words that are not known.
    a.publish("carol", 1).await;
    let mut carol = a.ws("carol").await;
    let before = not_believed(&a).await;
    let channel = "tidings:{carol}:inbox";
    let tell = |text: String| redis.run::<()>(&["PUBLISH", channel, &text]);
    let counters = json!({ "unread": 7, "unseen": 7, "version": 1000, "marks_version": 0, "later": true });
    let position = &carol.welcome["inbox"]["position"];
    let changed = json!({ "node": "newernod", "position": position, "counters": counters, "later": [1] });
    tell(format!("1 - {}", json!({ "later": { "node": "newernod" } })));
    tell("2 - {}".to_owned());
    tell(format!("1 - {}", json!({ "changed": changed })));
    while carol.expect("unread").await["counters"]["unread"] != 7 {}
    assert_eq!(not_believed(&a).await, before + 2.0);
    expect_company(&a, &b, 3).await;

    // Whoever has to start again is refused, in one line, unless the newer one has said that it may.
    b.kill();
    expect_refused(&server.url(), "99991231000000");
    expect_told(&a).await;
    server.connect().batch_execute(ALLOWED).unwrap();
    b.restart();
    b.logged(|record| record["migration"] == "99991231000000" && record["level"] == "warn").await;
    expect_company(&a, &b, 4).await;

    // What was said of one migration says nothing of the next.
    b.kill();
    server.connect().batch_execute(TWO_AHEAD).unwrap();
    expect_refused(&server.url(), "99991231000001");
    expect_told(&a).await;
}

/// One that runs goes on whoever is refused.
async fn expect_told(app: &App) {
    let mut bob = app.ws("bob").await;
    app.publish("bob", 9).await;
    assert_eq!(bob.next_ns(1).await, [9]);
}

/// Back to the version before: its program and the same file, which the newer one has changed in between.
#[actix_web::test]
async fn x33_a_version_is_gone_back_to_where_the_newer_one_allows_it() {
    let mut app = App::start_with(&[]);
    let top = app.publish("alice", 1).await;
    app.signal("-TERM");
    assert!(app.ended().await.success());
    let mut file = SqliteConnection::establish(app.database().to_str().unwrap()).unwrap();
    file.batch_execute(ONE_AHEAD).unwrap();
    let url = format!("sqlite://{}", app.database().display());
    expect_refused(&url, "99991231000000");
    file.batch_execute(ALLOWED).unwrap();
    app.restart();
    let mut alice = app.ws_at("alice", "?since=inbox@00000000.0").await;
    assert_eq!(alice.next_numbered().await["position"], top.as_str());
    app.publish("alice", 2).await;
    assert_eq!(alice.next_ns(1).await, [2]);
    app.signal("-TERM");
    assert!(app.ended().await.success());
    file.batch_execute(TWO_AHEAD).unwrap();
    expect_refused(&url, "99991231000001");
}
