//! What others have changed is found by the sweep: from where the last one began, and each state once.

use futures_util::FutureExt;
use tokio::sync::watch;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

/// A hub that only writes down of whom it is told, and up to where.
struct Ear(mpsc::UnboundedSender<String>);

impl Actor for Ear {
    type Context = Context<Self>;
}

impl Handler<Committed> for Ear {
    type Result = ();

    fn handle(&mut self, committed: Committed, _: &mut Self::Context) {
        for fact in committed.facts {
            if let InboxFact::Changed { user, position, .. } = fact {
                self.0.send(format!("{user} {}", position.offset)).unwrap();
            }
        }
    }
}

/// A store, the sweep of another process on its database, and what that tells.
struct Neighbour {
    store: TestStore,
    sweep: CatchUp,
    reader: Reader,
    told: mpsc::UnboundedReceiver<String>,
}

impl Neighbour {
    fn new(bus: Option<watch::Receiver<bool>>) -> Self {
        let store = TestStore::new();
        let options = StoreOptions { others: Others { bus }, ..options(&store.dir) };
        let database = Database::open(&options).unwrap();
        let reader = Reader::open(database, &options, options.busy_timeout).unwrap();
        let (ear, told) = mpsc::unbounded_channel();
        let doorbell = Doorbell::new(Ear(ear).start().recipient());
        let counters = Arc::new(CounterCache::new(8, None));
        let sweep = CatchUp::new(&reader, &doorbell, &counters, &options, true).unwrap();
        Self { store, sweep, reader, told }
    }

    /// Sweeps, and answers with what was told, by user.
    async fn swept(&mut self) -> Vec<String> {
        self.sweep.sweep().await.unwrap();
        // The ear lives on this thread, and has heard before an answer comes that is asked for now.
        self.store.state("nobody").await;
        let mut told: Vec<String> = std::iter::from_fn(|| self.told.try_recv().ok()).collect();
        told.sort_unstable();
        told
    }

    /// As if the last change of a user had been made so long ago.
    fn age(&self, user: &str, by: Duration) {
        let micros = by.as_micros();
        let age = format!("UPDATE inboxes SET changed_at = changed_at - {micros} WHERE user_id = '{user}'");
        self.store.execute(&age);
    }

    async fn now(&self) -> Timestamp {
        let deadline = Instant::now() + Duration::from_secs(5);
        self.reader.clone().read(deadline, |conn| Ok(conn.now()?)).await.unwrap()
    }
}

#[actix::test]
async fn what_has_changed_since_the_last_sweep_began_is_told_and_each_state_once() {
    let mut other = Neighbour::new(None);
    other.store.publish_many("alice", 2).await;
    other.store.publish("bob").await;
    assert_eq!(other.swept().await, ["alice 2", "bob 1"]);
    assert_eq!(other.swept().await, [""; 0]);
    other.store.publish("bob").await;
    other.store.publish("carol").await;
    // Its transaction began a while before it was committed, and before the last sweep.
    other.age("carol", Duration::from_secs(10));
    assert_eq!(other.swept().await, ["bob 2", "carol 1"]);
    other.store.mark(MarkAs::Read, MarkTarget::All).await.unwrap();
    assert_eq!(other.swept().await, ["alice 2"]);
}

#[actix::test]
async fn who_could_not_sweep_for_long_tells_what_has_changed_since() {
    let mut other = Neighbour::new(None);
    for (name, age) in [("alice", 3), ("bob", 1), ("carol", 0)] {
        other.store.publish(name).await;
        other.age(name, HOUR * age);
    }
    let since = Some(other.now().await.minus(HOUR * 2));
    other.sweep.owed = since;
    other.store.execute("ALTER TABLE inboxes RENAME TO away");
    assert!(other.sweep.sweep().await.is_err());
    assert_eq!(other.sweep.owed, since);
    other.store.execute("ALTER TABLE away RENAME TO inboxes");
    assert_eq!(other.swept().await, ["bob 1", "carol 1"]);
    assert!(other.sweep.owed > since);
}

/// The other process writes here; on a file there is none, and this stands for it.
#[actix::test]
async fn those_whose_first_session_has_come_are_looked_for_when_the_bus_tells_of_them() {
    let dir = TempDir::new().unwrap();
    let (ear, mut told) = mpsc::unbounded_channel();
    let (_bus, heard) = watch::channel(true);
    let options = StoreOptions { others: Others { bus: Some(heard) }, ..options(&dir) };
    let local = LocalUsers::default();
    let store = Store::open(options, Ear(ear).start().recipient(), local.clone()).unwrap();
    let link = StoreLink::start(store, Duration::from_secs(5));
    for name in ["alice", "bob", "carol"] {
        link.ask(publish(draft(name))).await.unwrap();
    }
    let here = [user("alice"), user("nobody")];
    here.iter().for_each(|name| local.enter(name.clone()));
    local.follow([&here[..], &[user("bob")]].concat());
    let first = tokio::time::timeout(Duration::from_secs(4), told.recv()).await;
    assert_eq!(first.unwrap().unwrap(), "alice 1");
    link.flush().await;
}

/// A commit may take as long as the disk likes, and is seen when it is over.
#[actix::test]
async fn a_transaction_under_way_is_waited_for_however_long_it_takes() {
    let mut other = Neighbour::new(None);
    other.store.publish("alice").await;
    let mut slow = other.store.other_connection();
    if matches!(slow, Connection::Sqlite(_)) {
        return;
    }
    let lock = "SELECT pg_advisory_lock_shared(1953064052, hashtext(current_schema()))";
    slow.batch_execute(lock).unwrap();
    let began = slow.begin().unwrap();
    slow.batch_execute("UPDATE inboxes SET version = version + 1").unwrap();
    for _ in 0..2 {
        other.swept().await;
        assert_eq!(other.sweep.owed, Some(began));
    }
    slow.commit().unwrap();
    assert_eq!(other.swept().await, ["alice 1"]);
    assert!(other.sweep.owed > Some(began));
}

/// G16.
#[actix::test]
async fn a_clock_that_was_set_back_hides_nothing() {
    let mut other = Neighbour::new(None);
    other.store.publish("alice").await;
    other.sweep.owed = Some(other.now().await.plus(HOUR * 24));
    assert_eq!(other.swept().await, ["alice 1"]);
}

#[actix::test]
async fn each_word_of_the_bus_makes_a_sweep_due_and_one_that_is_gone_is_silent() {
    let (bus, heard) = watch::channel(false);
    let mut other = Neighbour::new(Some(heard));
    for is_live in [true, true, false] {
        bus.send_replace(is_live);
        assert!(other.sweep.is_due().now_or_never().is_some(), "it is due at once");
    }
    drop(bus);
    let start = Instant::now();
    within(other.sweep.is_due()).await;
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
}
