//! What is so of a file only: how it is refused, moved away, and brought to this version from the first.

use std::{fs::File, os::unix::fs::PermissionsExt};

use diesel_migrations::MigrationHarness;

use super::{faults::unavailable, file::MIGRATIONS, file_lock::FileLock, opening::refusal, *};

#[actix::test]
async fn a_file_that_is_no_database_is_refused() {
    let dir = TempDir::new().unwrap();
    std::fs::write(path(&dir), "certainly not a database file".repeat(300)).unwrap();
    assert!(refusal(&dir).contains("file is not a database"));
}

#[actix::test]
async fn a_corrupt_file_is_refused() {
    let store = TestStore::new();
    store.publish_many("alice", 200).await;
    store.link.flush().await;
    let mut bytes = std::fs::read(path(&store.dir)).unwrap();
    // Behind the first pages, which say what tables there are.
    let page = bytes.len() / 16_384 * 3 * 4096;
    bytes[page..page + 4096].fill(0xA5);
    std::fs::write(path(&store.dir), bytes).unwrap();
    let refused = refusal(&store.dir);
    // By the check as a whole, or by whoever reads that page before it.
    assert!(refused.contains("corrupt") || refused.contains("malformed"), "{refused}");
}

#[actix::test]
async fn a_file_that_cannot_be_made_is_refused() {
    let dir = TempDir::new().unwrap();
    std::fs::create_dir(path(&dir)).unwrap();
    assert!(refusal(&dir).contains("Is a directory"));
}

#[actix::test]
async fn a_start_waits_for_whoever_writes_with_another_program_and_loses_nothing_of_it() {
    let store = TestStore::new();
    store.publish("alice").await;
    store.link.flush().await;
    let mut other = store.held();
    other.batch_execute("UPDATE inboxes SET mutes = 0").unwrap();
    let reopened = std::thread::spawn({
        let options = options(&store.dir);
        move || Database::open(&options).map(drop)
    });
    std::thread::sleep(Duration::from_millis(300));
    assert!(!reopened.is_finished(), "it waits for the lock");
    other.batch_execute("CREATE TABLE theirs (n INTEGER); COMMIT").unwrap();
    reopened.join().unwrap().unwrap();
    assert_eq!(store.other_connection().batch_execute("SELECT n FROM theirs"), Ok(()));
}

#[actix::test]
async fn a_file_that_nobody_may_write_is_refused() {
    let store = TestStore::new();
    store.link.flush().await;
    std::fs::set_permissions(path(&store.dir), PermissionsExt::from_mode(0o444)).unwrap();
    // Root may, but is not meant to.
    let line = refusal(&store.dir);
    assert!(line.contains("read-only") || line.contains("denied"), "{line}");
}

#[actix::test]
async fn a_start_that_is_refused_for_a_log_without_its_file_makes_no_file() {
    let dir = TempDir::new().unwrap();
    std::fs::write(path(&dir).with_extension("db-wal"), "what was accepted".repeat(10)).unwrap();
    assert!(refusal(&dir).contains("gone or empty"));
    assert!(!path(&dir).exists());
}

#[actix::test]
async fn a_database_of_the_first_version_is_brought_to_this_one_with_all_that_is_in_it() {
    let store = TestStore::new();
    let receipts = store.publish_many("alice", 3).await;
    store.mute("comment.*", None).await.unwrap();
    store.publish("alice").await;
    store.link.flush().await;
    let mut conn = SqliteConnection::establish(path(&store.dir).to_str().unwrap()).unwrap();
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
async fn a_moved_file_is_unavailable_until_it_is_back() {
    let store = TestStore::new();
    store.publish("alice").await;
    let away = store.dir.path().join("away.db");
    std::fs::rename(path(&store.dir), &away).unwrap();
    assert!(unavailable(store.link.ask(publish(draft("alice"))).await));
    assert!(unavailable(store.link.ask(Probe).await));
    assert!(unavailable(store.link.ask(list(ListState::All)).await));
    assert!(!path(&store.dir).exists(), "no empty database takes its place");
    std::fs::rename(away, path(&store.dir)).unwrap();
    assert_eq!(store.publish("alice").await.position.offset, 2);
}

#[actix::test]
async fn a_database_that_a_store_has_is_refused_to_another_one_until_it_ends() {
    let store = TestStore::new();
    store.publish("alice").await;
    assert!(refusal(&store.dir).contains("another process uses it"));
    store.publish("alice").await;
    let store = store.reopened().await;
    assert_eq!(store.publish("alice").await.position.offset, 3);
}

/// `doctor` and `migrate status` hold it together for an instant.
#[actix::test]
async fn a_start_waits_for_those_who_only_look_and_who_looks_makes_no_lock() {
    let dir = TempDir::new().unwrap();
    let lock = path(&dir).with_extension("db-lock");
    assert!(!examine(&options(&dir)).unwrap().is_taken && !lock.exists());
    let looking = File::create(&lock).unwrap();
    looking.lock_shared().unwrap();
    assert!(!examine(&options(&dir)).unwrap().is_taken, "others look, too");
    let opening = std::thread::spawn({
        let options = options(&dir);
        move || Database::lock(&options.url).map(drop)
    });
    std::thread::sleep(Duration::from_millis(100));
    assert!(!opening.is_finished());
    drop(looking);
    opening.join().unwrap().unwrap();
    let _taken = Database::lock(&options(&dir).url).unwrap();
    assert!(examine(&options(&dir)).unwrap().is_taken);
}

/// Else it would see the log of one that has just begun.
#[test]
fn nobody_takes_a_database_while_somebody_looks_at_it() {
    let dir = TempDir::new().unwrap();
    let (database, take) = (path(&dir), || FileLock::take(&path(&dir)).unwrap());
    drop(take());
    let looked = FileLock::while_free(&database, || take().is_none()).unwrap();
    assert_eq!(looked, Some(true));
    let _taken = take().unwrap();
    assert_eq!(FileLock::while_free(&database, || ()).unwrap(), None);
}

#[actix::test]
async fn who_looks_is_told_what_is_wrong_and_not_that_a_server_is_there() {
    let dir = TempDir::new().unwrap();
    let lock = path(&dir).with_extension("db-lock");
    std::os::unix::fs::symlink(&lock, &lock).unwrap();
    let error = examine(&options(&dir)).unwrap_err().to_string();
    assert!(error.contains("lock"), "{error}");
    std::fs::remove_file(&lock).unwrap();
    std::fs::write(path(&dir).with_extension("db-wal"), "what was accepted".repeat(10)).unwrap();
    let error = examine(&options(&dir)).unwrap_err().to_string();
    assert!(error.contains("gone or empty"), "{error}");
}
