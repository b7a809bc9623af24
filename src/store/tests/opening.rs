//! What a database file is refused for, and how migrations go back and forth.

use diesel_migrations::MigrationHarness;

use super::{file::MIGRATIONS, *};

fn refusal(dir: &TempDir) -> String {
    let (facts, _heard) = mpsc::unbounded_channel();
    match Store::open(options(dir), Listener(facts).start().recipient()) {
        Err(StoreError::Unavailable(line)) => {
            assert!(!line.contains('\n'), "{line}");
            line
        }
        other => panic!("{:?}", other.err()),
    }
}

#[actix::test]
async fn a_file_that_is_no_database_is_refused() {
    let dir = TempDir::new().unwrap();
    std::fs::write(options(&dir).path, "certainly not a database file".repeat(300)).unwrap();
    assert!(refusal(&dir).contains("file is not a database"));
}

#[actix::test]
async fn a_corrupt_file_is_refused() {
    let store = TestStore::new();
    store.publish_many("alice", 200).await;
    store.link.flush().await;
    let mut bytes = std::fs::read(store.path()).unwrap();
    let middle = bytes.len() / 8192 * 4096;
    bytes[middle..middle + 4096].fill(0xA5);
    std::fs::write(store.path(), bytes).unwrap();
    assert!(refusal(&store.dir).contains("corrupt"));
}

#[actix::test]
async fn a_file_that_cannot_be_made_is_refused() {
    let dir = TempDir::new().unwrap();
    std::fs::create_dir(options(&dir).path).unwrap();
    assert!(refusal(&dir).contains("Is a directory"));
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
    let mut conn = Connection::establish(options(&dir).path.to_str().unwrap()).unwrap();
    conn.batch_execute("CREATE TABLE inboxes (other TEXT)").unwrap();
    drop(conn);
    assert!(refusal(&dir).contains("migration"));
}

#[actix::test]
async fn every_migration_can_be_undone_and_done_again_on_a_filled_database() {
    let store = TestStore::new();
    store.publish_many("alice", 3).await;
    store.link.flush().await;
    let mut conn = store.other_connection();
    conn.revert_all_migrations(MIGRATIONS).unwrap();
    conn.run_pending_migrations(MIGRATIONS).unwrap();
    drop(conn);
    let store = store.reopened().await;
    assert_eq!(store.publish("alice").await.position.offset, 1);
}

#[actix::test]
async fn a_database_of_the_first_version_is_brought_to_this_one_with_all_that_is_in_it() {
    let store = TestStore::new();
    let receipts = store.publish_many("alice", 3).await;
    store.mute("comment.*", None).await.unwrap();
    store.publish("alice").await;
    store.link.flush().await;
    let mut conn = store.other_connection();
    for _ in 1..conn.applied_migrations().unwrap().len() {
        conn.revert_last_migration(MIGRATIONS).unwrap();
    }
    drop(conn);
    let store = store.reopened().await;
    let state = store.state("alice").await;
    assert_eq!((state.head.epoch, state.head.last), (receipts[0].position.epoch, 4));
    assert_eq!(offsets(&store.read(Position::START, 10, 1000).await), [1, 2, 3]);
    store.publish("alice").await;
    assert_eq!(store.state("alice").await.counters.unread, 4, "its mutes were not in the first version");
}

#[actix::test]
async fn what_was_accepted_is_there_in_the_next_process() {
    let store = TestStore::new();
    let receipts = store.publish_many("alice", 5).await;
    let store = store.reopened().await;
    assert_eq!(offsets(&store.read(Position::START, 10, 1000).await), [1, 2, 3, 4, 5]);
    assert_eq!(store.state("alice").await.head.position(), receipts[4].position);
}
