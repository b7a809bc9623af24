//! Events for the receiver of webhooks that are forgotten: for their age, and where they are too many.

use actix::ResponseFuture;
use diesel::{QueryableByName, RunQueryDsl, connection::InstrumentationEvent, sql_query, sql_types::Text};

use super::{
    webhooks::{DAY, GIVEN_UP, RECEIVER, SENT, failed},
    *,
};
use crate::{
    domain::{WebhookId, WebhookState},
    store::{webhook_history::Excess, writer::chores::Chores},
};

const SENT_ONE: Option<WebhookState> = Some(WebhookState::Sent);
const DEAD_ONE: Option<WebhookState> = Some(WebhookState::Dead);
const WAITING: Option<WebhookState> = Some(WebhookState::Waiting);

impl TestStore {
    /// What is too much, if so many may wait and so many that were given up are kept.
    fn excess(&self, waiting: usize, dead: usize) -> Excess {
        webhook_history::excess(&mut self.other_connection(), WebhookBounds { waiting, dead }).unwrap()
    }

    /// Whether there may be more, and how many events were forgotten undelivered.
    fn forget(&self, excess: Excess, limit: usize, after: Duration) -> (bool, usize) {
        let mut conn = self.other_connection();
        let now = conn.now().unwrap().plus(after);
        let forgotten = webhook_history::forget(&mut conn, now, excess, limit).unwrap();
        (forgotten.has_more, forgotten.undelivered)
    }

    /// What has become of each, if it is still there.
    async fn states(&self, ids: &[WebhookId]) -> Vec<Option<WebhookState>> {
        let mut states = Vec::new();
        for id in ids {
            states.push(self.link.ask(TraceWebhook { id: id.clone() }).await.ok().map(|trace| trace.state));
        }
        states
    }
}

#[actix::test]
async fn what_was_sent_is_forgotten_after_a_day_and_what_was_given_up_after_a_month() {
    let store = TestStore::new();
    let ids = [store.test_webhook().await, store.test_webhook().await, store.test_webhook().await];
    let claimed = store.claim_webhooks().await.webhooks;
    store.record_webhook(claimed[0].claim, SENT).await;
    store.record_webhook(claimed[1].claim, GIVEN_UP).await;
    store.record_webhook(claimed[2].claim, failed(Duration::ZERO)).await;
    let left = async |after: Duration| {
        store.forget(Excess::default(), 100, after);
        store.states(&ids).await.iter().map(Option::is_some).collect::<Vec<_>>()
    };
    assert_eq!(left(DAY - Duration::from_secs(60)).await, [true, true, true]);
    assert_eq!(left(DAY + Duration::from_secs(60)).await, [false, true, true]);
    assert_eq!(left(DAY * 30 - Duration::from_secs(60)).await, [false, true, true]);
    assert_eq!(left(DAY * 30 + Duration::from_secs(60)).await, [false, false, false]);
}

#[actix::test]
async fn beyond_what_may_wait_the_oldest_events_are_forgotten_and_counted() {
    let store = TestStore::new();
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(store.test_webhook().await);
    }
    let claimed = store.claim_so_many(3).await.webhooks;
    store.record_webhook(claimed[0].claim, failed(DAY)).await;
    store.record_webhook(claimed[1].claim, SENT).await;
    store.record_webhook(claimed[2].claim, GIVEN_UP).await;
    assert_eq!(store.link.ask(CountWebhooks).await, Ok(WebhookCounts { waiting: 4, dead: 1 }));
    assert_eq!(store.forget(store.excess(4, 1), 100, Duration::ZERO), (false, 0));
    // What comes meanwhile is not too much by what was found before.
    let excess = store.excess(2, 1);
    ids.push(store.test_webhook().await);
    let forget = || store.forget(excess, 1, Duration::ZERO);
    assert_eq!((forget(), forget(), forget()), ((true, 1), (true, 1), (false, 0)));
    assert_eq!(store.states(&ids).await, [None, SENT_ONE, DEAD_ONE, None, WAITING, WAITING, WAITING]);
    let stand = store.stand().await;
    assert_eq!((stand.waiting, stand.dead), (3, 1));
}

/// More than is deleted in one go, of something else.
const OLD_KEYS: &str = "
    INSERT INTO idempotency_keys (publisher, key, digest, receipts, created_at)
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000)
    SELECT 'backend', 'key ' || n, '', '', 0 FROM numbers";

#[actix::test]
async fn events_are_bounded_while_there_is_more_of_something_else_to_forget() {
    let store = TestStore::new();
    let bounded =
        StoreOptions { webhook_bounds: WebhookBounds { waiting: 2, dead: 1 }, ..options(&store.dir) };
    let mut conn = store.other_connection();
    let clock = ClockWatch::start(|| conn.now()).unwrap();
    let mut chores = Chores::new(&bounded, clock);
    store.execute(OLD_KEYS);
    let start = Instant::now();
    let mut ids = Vec::new();
    for minute in [0, 2] {
        for _ in 0..3 {
            ids.push(store.test_webhook().await);
        }
        let has_more = chores.forget(&mut conn, start + Duration::from_secs(60 * minute));
        assert_eq!(has_more, Ok(true), "of the keys");
    }
    assert_eq!(store.states(&ids).await, [None, None, None, None, WAITING, WAITING]);
}

/// Have a count come to no end until it is let go.
#[derive(actix::Message)]
#[rtype(result = "Result<(), StoreError>")]
struct Hold(std::sync::mpsc::Receiver<()>);

impl Handler<Hold> for Store {
    type Result = ResponseFuture<Result<(), StoreError>>;

    fn handle(&mut self, Hold(until): Hold, _: &mut Self::Context) -> Self::Result {
        self.count(move |_| {
            // It is let go by the end of the other side.
            let _ = until.recv();
            Ok(())
        })
    }
}

#[actix::test]
async fn events_are_counted_once_at_a_time_and_inboxes_are_read_meanwhile() {
    let store = TestStore::with(|options| options.pool_size = 2);
    store.test_webhook().await;
    let (release, until) = std::sync::mpsc::channel();
    let counted = std::cell::Cell::new(0);
    let count = async {
        let counts = store.link.ask(CountWebhooks).await;
        counted.set(counted.get() + 1);
        counts
    };
    let stand = async {
        let stand = store.stand().await;
        counted.set(counted.get() + 1);
        stand
    };
    let read = async {
        store.state("alice").await;
        drop(release);
        counted.get()
    };
    let (held, counts, stand, counted_before) = tokio::join!(store.link.ask(Hold(until)), count, stand, read);
    assert_eq!((held, counted_before), (Ok(()), 0));
    assert_eq!(counts, Ok(WebhookCounts { waiting: 1, dead: 0 }));
    assert_eq!((stand.waiting, stand.dead), (1, 0));
}

#[actix::test]
async fn who_waits_to_count_is_one_of_those_who_may_wait_and_is_late_where_no_turn_comes() {
    let store = TestStore::with(|options| {
        (options.pool_size, options.queue) = (1, 1);
        options.busy_timeout = Duration::from_secs(1);
    });
    let count = || store.link.ask(CountWebhooks);
    let (release, until) = std::sync::mpsc::channel();
    let (held, late, refused) = tokio::join!(store.link.ask(Hold(until)), count(), count());
    assert_eq!(refused, Err(StoreError::Overloaded));
    assert!(held.unwrap_err().is_late() && late.unwrap_err().is_late() && !StoreError::Overloaded.is_late());
    drop(release);
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    text: String,
}

/// Planned for any parameters, and as by a writer.
const AS_A_WRITER: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off";

/// Whether the database finds what a query asks for in an index, in its order, without a look at the table.
fn is_of_an_index_alone(conn: &mut Connection, query: &str) -> bool {
    match conn {
        Connection::Sqlite(conn) => {
            let plan: Vec<Step> = sql_query(format!("EXPLAIN QUERY PLAN {query}")).load(conn).unwrap();
            plan.iter().all(|step| step.detail.contains("USING COVERING INDEX"))
        }
        Connection::Postgres(conn) => {
            let parameters = (1..).take_while(|n| query.contains(&format!("${n}"))).count();
            let values = vec!["NULL"; parameters].join(", ");
            let values = if values.is_empty() { values } else { format!("({values})") };
            conn.batch_execute(&format!("{AS_A_WRITER}; PREPARE asked AS {query}")).unwrap();
            let plan: Vec<Line> = sql_query(format!("EXPLAIN EXECUTE asked{values}")).load(conn).unwrap();
            conn.batch_execute("DEALLOCATE asked").unwrap();
            let plan: Vec<String> = plan.into_iter().map(|line| line.text).collect();
            let has = |step: &str| plan.iter().any(|line| line.contains(step));
            has("Index Only Scan") && !has("Sort")
        }
    }
}

/// A million may be passed over, and the table is as large.
#[actix::test]
async fn what_is_too_much_is_found_by_indexes_alone() {
    let store = TestStore::new();
    for _ in 0..3 {
        store.test_webhook().await;
    }
    let mut conn = store.other_connection();
    let (said, asked) = std::sync::mpsc::channel();
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            // The test's own are not looked at.
            drop(said.send(query.to_string()));
        }
    });
    webhook_history::excess(&mut conn, WebhookBounds { waiting: 1, dead: 1 }).unwrap();
    let asked: Vec<String> = asked.try_iter().collect();
    assert_eq!(asked.len(), 4, "{asked:?}");
    for query in asked {
        assert!(is_of_an_index_alone(&mut conn, &query), "{query}");
    }
}

#[actix::test]
async fn what_is_being_sent_is_not_forgotten_by_whoever_has_too_many() {
    let store = TestStore::new();
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(store.test_webhook().await);
    }
    let on_its_way = store.claim_so_many(1).await.webhooks.remove(0);
    assert_eq!(store.forget(store.excess(1, 1), 100, Duration::ZERO), (false, 2));
    assert_eq!(store.states(&ids).await, [WAITING, None, None, WAITING]);
    // Nothing was heard of it within its lease.
    assert_eq!(store.forget(store.excess(1, 1), 100, Duration::from_secs(31)), (false, 1));
    store.record_webhook(on_its_way.claim, SENT).await;
    assert_eq!(store.states(&ids).await, [None, None, None, WAITING]);
}

#[actix::test]
async fn beyond_what_is_kept_those_given_up_first_are_forgotten_and_counted() {
    let store = TestStore::new();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(store.test_webhook().await);
    }
    let claimed = store.claim_webhooks().await.webhooks;
    store.record_webhook(claimed[4].claim, GIVEN_UP).await;
    // Together, so at the same time.
    let outcomes = [0, 1, 2].map(|n: usize| (claimed[n].claim, GIVEN_UP)).into();
    store.link.ask(RecordWebhooks { receiver: RECEIVER, disable_after: DAY, outcomes }).await.unwrap();
    assert_eq!(store.forget(store.excess(100, 4), 100, Duration::ZERO), (false, 0));
    let excess = store.excess(100, 2);
    let forget = || store.forget(excess, 1, Duration::ZERO);
    assert_eq!((forget(), forget(), forget()), ((true, 1), (true, 1), (false, 0)));
    assert_eq!(store.states(&ids).await, [None, DEAD_ONE, DEAD_ONE, WAITING, None]);
}
