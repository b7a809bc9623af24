//! What a database is refused for, and how migrations go back and forth.

use diesel_migrations::MigrationHarness;

use super::*;

pub(super) fn refusal(dir: &TempDir) -> String {
    let (facts, _heard) = mpsc::unbounded_channel();
    match Store::open(options(dir), Listener(facts).start().recipient(), LocalUsers::default()) {
        Err(StoreError::Unavailable(line)) => {
            assert!(!line.contains('\n'), "{line}");
            line
        }
        other => panic!("{:?}", other.err()),
    }
}

#[actix::test]
async fn a_database_of_a_newer_version_is_refused() {
    let store = TestStore::new();
    store.link.flush().await;
    store.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000000')");
    assert!(refusal(&store.dir).contains("newer version"));
}

#[actix::test]
async fn a_failed_migration_is_refused() {
    let dir = TempDir::new().unwrap();
    let mut conn = connect(&url(&dir));
    conn.batch_execute("CREATE TABLE inboxes (other TEXT)").unwrap();
    drop(conn);
    assert!(refusal(&dir).contains("migration"));
}

#[actix::test]
async fn every_migration_can_be_undone_and_done_again_on_a_filled_database() {
    let store = TestStore::new();
    store.publish_many("alice", 3).await;
    store.link.flush().await;
    match store.other_connection() {
        Connection::Sqlite(mut conn) => {
            conn.revert_all_migrations(file::MIGRATIONS).unwrap();
            conn.run_pending_migrations(file::MIGRATIONS).unwrap();
        }
        Connection::Postgres(mut conn) => {
            conn.revert_all_migrations(server::MIGRATIONS).unwrap();
            conn.run_pending_migrations(server::MIGRATIONS).unwrap();
        }
    }
    let store = store.reopened().await;
    assert_eq!(store.publish("alice").await.position.offset, 1);
}

#[actix::test]
async fn what_was_accepted_is_there_in_the_next_process() {
    let store = TestStore::new();
    let receipts = store.publish_many("alice", 5).await;
    let store = store.reopened().await;
    assert_eq!(offsets(&store.read(Position::START, 10, 1000).await), [1, 2, 3, 4, 5]);
    assert_eq!(store.state("alice").await.head.position(), receipts[4].position);
}
