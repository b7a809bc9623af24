//! What the store does when the database or the load does not play along.

use std::time::Instant;

use futures_util::{
    future::join_all,
    stream::{FuturesUnordered, StreamExt},
};

use super::*;
use crate::store::{error::Fault, job::Write, transaction::Transaction, writer::Writer};

pub(super) fn unavailable<T>(answer: Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Unavailable(_)))
}

#[actix::test]
async fn a_locked_database_is_unavailable_within_the_deadline_and_works_again_after() {
    let store = TestStore::with(|options| options.busy_timeout = Duration::from_millis(600));
    let mut other = store.held();
    let start = Instant::now();
    let asks = join_all((0..3).map(|_| store.link.ask(publish(draft("alice")))));
    let (answers, probe) = within(futures_util::future::join(asks, store.link.ask(Probe))).await;
    assert!(answers.into_iter().all(unavailable));
    // On a server another writer may have none of those before it.
    assert!(unavailable(probe) || matches!(other, Connection::Postgres(_)));
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(store.state("alice").await.head, crate::stream::Head::NONE, "reads go on");
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(store.publish("alice").await.position.offset, 1, "nothing was stored for those who gave up");
    within(async {
        while store.link.ask(Probe).await.is_err() {
            actix::clock::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[actix::test]
async fn those_who_ask_whether_it_can_be_written_take_one_place_in_the_queue() {
    let store = TestStore::with(|options| options.queue = 4);
    let mut other = store.held();
    let mut asks = std::pin::pin!(join_all((0..200).map(|_| store.link.ask(Probe))));
    let while_held = tokio::time::timeout(Duration::from_millis(300), &mut asks).await;
    assert!(while_held.is_err(), "they wait for one outcome");
    let mut publishing = std::pin::pin!(store.publish("alice"));
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut publishing).await.is_err());
    other.batch_execute("ROLLBACK").unwrap();
    assert!(within(asks).await.iter().all(Result::is_ok));
    assert_eq!(within(publishing).await.position.offset, 1);
}

#[actix::test]
async fn a_database_that_lets_nobody_write_does_not_pass_for_one_that_can_be_written() {
    let store = TestStore::new();
    let mut conn = store.other_connection();
    conn.touch().unwrap();
    conn.batch_execute(match conn {
        Connection::Sqlite(_) => "PRAGMA query_only = ON",
        Connection::Postgres(_) => "SET default_transaction_read_only = on",
    })
    .unwrap();
    assert!(conn.touch().is_err());
}

#[actix::test]
async fn a_write_waits_for_a_lock_that_is_released_in_time() {
    let store = TestStore::new();
    let mut other = store.held();
    let mut publishing = std::pin::pin!(store.publish("alice"));
    let while_locked = tokio::time::timeout(Duration::from_millis(300), &mut publishing).await;
    assert!(while_locked.is_err());
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(within(publishing).await.position.offset, 1);
}

#[actix::test]
async fn beyond_the_queue_it_is_overloaded_and_what_was_taken_is_done() {
    let store = TestStore::with(|options| options.queue = 8);
    let mut other = store.held();
    let asks = (0..3000).map(|_| store.link.ask(publish(draft("alice"))));
    let mut asks: FuturesUnordered<_> = asks.collect();
    // One batch of at most 2000 waits for the lock and 8 wait in the queue, so of the rest these are sure.
    for _ in 0..900 {
        assert_eq!(within(asks.next()).await, Some(Err(StoreError::Overloaded)));
    }
    other.batch_execute("ROLLBACK").unwrap();
    let rest: Vec<_> = within(asks.collect()).await;
    let done = rest.iter().filter(|answer| answer.is_ok()).count();
    assert!(done >= 8, "{done}");
    assert_eq!(store.state("alice").await.head.last, done as u64);
}

#[actix::test]
async fn reads_beyond_their_bound_are_overloaded() {
    let store = TestStore::with(|options| (options.queue, options.pool_size) = (2, 1));
    let answers = within(join_all((0..50).map(|_| store.link.ask(list(ListState::All))))).await;
    let overloaded = answers.iter().filter(|answer| matches!(answer, Err(StoreError::Overloaded))).count();
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    // One reads and two wait; a read that ends while others still ask lets one more in.
    assert!(done >= 3 && overloaded > 0 && done + overloaded == 50, "{done} done, {overloaded} overloaded");
}

#[actix::test]
async fn a_draft_that_breaks_a_constraint_harms_no_other_in_its_batch() {
    let store = TestStore::new();
    let mut conn = store.other_connection();
    let no_bob = match conn {
        Connection::Sqlite(_) => {
            "CREATE TRIGGER no_bob BEFORE INSERT ON notifications WHEN NEW.user_id = 'bob'
             BEGIN SELECT RAISE(ABORT, 'no'); END"
        }
        Connection::Postgres(_) => "ALTER TABLE notifications ADD CHECK (user_id <> 'bob')",
    };
    conn.batch_execute(no_bob).unwrap();
    let drafts = ["alice", "alice,bob", "alice"].map(|to| store.link.ask(publish(draft(to))));
    let answers = within(join_all(drafts)).await;
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(store.state("alice").await.head.last, 2);
    assert_eq!(store.state("bob").await.head.last, 0);
}

/// A write that a fault of the code ends.
struct Panicking;

impl Write for Panicking {
    type Done = ();

    fn apply(&self, _: &mut Transaction<'_>) -> Result<(), Fault> {
        panic!("as it must not");
    }
}

#[actix::test]
async fn a_write_that_panics_is_an_internal_error_and_harms_no_other_in_its_batch() {
    let dir = TempDir::new().unwrap();
    let options = options(&dir);
    let (facts, _heard) = mpsc::unbounded_channel();
    let database = Database::open(&options).unwrap();
    let counters = Arc::new(CounterCache::new(1, None));
    let doorbell = Doorbell::new(Listener(facts).start().recipient());
    let writer =
        Writer::start(&database, None, &options, &ClockWatch::default(), &doorbell, &counters).unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    let append = || Append::new(publish(draft("alice")), Kept::default(), None);
    let first = writer.queue(append(), deadline).unwrap();
    let panicking = writer.queue(Panicking, deadline).unwrap();
    let last = writer.queue(append(), deadline).unwrap();
    let (first, panicking, last) = within(async { tokio::join!(first, panicking, last) }).await;
    assert!(first.unwrap().is_ok() && last.unwrap().is_ok());
    assert!(matches!(panicking.unwrap(), Err(StoreError::Internal(_))));
    writer.end();
    within(writer.ended()).await;
}

/// A write at which a writer's thread ends, where nothing catches it.
struct Fatal;

impl Write for Fatal {
    type Done = ();

    fn rows(&self) -> usize {
        panic!("as it must not");
    }

    fn apply(&self, _: &mut Transaction<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

/// On a server there are others.
#[actix::test]
async fn a_writer_that_panics_takes_the_others_and_the_store_with_it() {
    let dir = TempDir::new().unwrap();
    let (facts, _heard) = mpsc::unbounded_channel();
    let hub = Listener(facts).start().recipient();
    let store = Store::open(options(&dir), hub, LocalUsers::default()).unwrap();
    let writer = store.writer.clone();
    let link = StoreLink::start(store, Duration::from_secs(5));
    assert!(link.is_alive());
    drop(writer.queue(Fatal, Instant::now() + Duration::from_secs(5)).unwrap());
    within(async {
        while link.is_alive() {
            actix::clock::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[actix::test]
async fn a_flush_finishes_what_is_queued_refuses_the_rest_and_leaves_one_file() {
    let store = TestStore::new();
    let asks = join_all((0..20).map(|_| store.link.ask(publish(draft("alice")))));
    let (answers, ()) = within(futures_util::future::join(asks, store.link.flush())).await;
    assert!(answers.iter().all(Result::is_ok));
    assert!(unavailable(store.link.ask(publish(draft("alice"))).await));
    assert!(unavailable(store.link.ask(list(ListState::All)).await));
    let log = std::fs::metadata(path(&store.dir).with_extension("db-wal")).map_or(0, |log| log.len());
    assert_eq!(log, 0);
    within(async {
        while store.link.is_alive() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
