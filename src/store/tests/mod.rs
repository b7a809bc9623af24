//! The store on real databases: a file in a temporary directory for each test, or, where
//! `TIDINGS_TEST_POSTGRES` says that there is a server, a schema of its own. Every wait has a deadline.

mod access;
mod appends;
mod at_once;
mod catching_up;
pub(crate) mod chores;
mod collapse;
mod facts;
mod faults;
mod files;
mod ledger;
mod ledger_nodes;
mod marking;
mod model;
mod muting;
mod opening;
mod preferences;
mod push_at_once;
mod push_clock;
mod push_model;
mod push_quiet;
mod push_records;
mod pushing;
mod reading;
mod retaining;
mod subscribing;
mod webhook_bounds;
mod webhooks;

use std::{path::PathBuf, time::Duration};

use actix::{Actor, Context, Handler};
use diesel::{Connection as _, PgConnection, SqliteConnection, connection::SimpleConnection};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::{append::Append, *};
use crate::{
    clock,
    config::StoreUrl,
    domain::{
        Draft, Json, Mark, MarkAs, MarkTarget, Notification, NotificationId, Position, Timestamp, UserId,
        push::PushWish,
    },
    hub::messages::InboxFact,
    stream::{Item, PageLimit},
};

/// A hub that only writes down what it is told.
struct Listener(mpsc::UnboundedSender<InboxFact>);

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<Committed> for Listener {
    type Result = ();

    fn handle(&mut self, committed: Committed, _: &mut Self::Context) {
        // The sweep's come when its time has come.
        let of_writes = |fact: &InboxFact| !matches!(fact, InboxFact::Changed { .. });
        for fact in committed.facts.into_iter().filter(of_writes) {
            self.0.send(fact).unwrap();
        }
    }
}

struct TestStore {
    dir: TempDir,
    link: StoreLink,
    facts: mpsc::UnboundedReceiver<InboxFact>,
}

impl TestStore {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut StoreOptions)) -> Self {
        let dir = TempDir::new().unwrap();
        let mut options = options(&dir);
        change(&mut options);
        let (link, facts) = start(options);
        Self { dir, link, facts }
    }

    /// Closes the file and opens it again, as a new process would.
    async fn reopened(self) -> Self {
        self.link.flush().await;
        let (link, facts) = start(options(&self.dir));
        Self { dir: self.dir, link, facts }
    }

    /// Another process that looks into the same database.
    fn other_connection(&self) -> Connection {
        connect(&options(&self.dir).url)
    }

    /// Another process that lets nobody write until it is gone, and everybody read.
    fn held(&self) -> Connection {
        let mut conn = self.other_connection();
        let hold = match conn {
            Connection::Sqlite(_) => "BEGIN EXCLUSIVE",
            Connection::Postgres(_) => "BEGIN; LOCK TABLE inboxes IN SHARE ROW EXCLUSIVE MODE",
        };
        conn.batch_execute(hold).unwrap();
        conn
    }

    fn execute(&self, sql: &str) {
        self.other_connection().batch_execute(sql).unwrap();
    }

    async fn publish(&self, to: &str) -> Receipt {
        self.link.ask(publish(draft(to))).await.unwrap().receipts.remove(0)
    }

    async fn publish_many(&self, to: &str, count: usize) -> Vec<Receipt> {
        let mut receipts = Vec::new();
        for _ in 0..count {
            receipts.push(self.publish(to).await);
        }
        receipts
    }

    async fn mark(&self, mark_as: MarkAs, target: MarkTarget) -> Result<Counters, StoreError> {
        self.link.ask(ApplyMark { user: user("alice"), mark: Mark { mark_as, target }, origin: None }).await
    }

    /// Mutes, until so many seconds from now.
    async fn mute(&self, pattern: &str, until: Option<i64>) -> Result<Mute, StoreError> {
        let until = until.map(|seconds| Timestamp::from_secs(clock::now().as_secs() + seconds));
        self.link.ask(PutMute { user: user("alice"), pattern: pattern.parse().unwrap(), until }).await
    }

    async fn state(&self, of: &str) -> InboxState {
        self.link.ask(ReadState { user: user(of) }).await.unwrap()
    }

    async fn read(&self, since: Position, rows: usize, bytes: usize) -> InboxRead {
        let limit = PageLimit { rows, bytes };
        self.link.ask(ReadInbox { user: user("alice"), since: Some(since), limit }).await.unwrap()
    }

    async fn list(&self, state: ListState) -> Listing {
        self.link.ask(list(state)).await.unwrap()
    }

    async fn fact(&mut self) -> InboxFact {
        within(self.facts.recv()).await.unwrap()
    }
}

/// The database of a test, which is known by its directory.
fn url(dir: &TempDir) -> StoreUrl {
    let Ok(server) = std::env::var("TIDINGS_TEST_POSTGRES") else { return StoreUrl::Sqlite(path(dir)) };
    let name = dir.path().file_name().unwrap().to_str().unwrap().trim_start_matches('.').to_lowercase();
    let schema = format!("{name}_{}", std::process::id());
    connect(&server.parse().unwrap())
        .batch_execute(&format!("SET client_min_messages = warning; CREATE SCHEMA IF NOT EXISTS {schema}"))
        .unwrap();
    format!("{server}&options=-csearch_path%3D{schema}").parse().unwrap()
}

fn path(dir: &TempDir) -> PathBuf {
    dir.path().join("a b%?#.db")
}

fn connect(url: &StoreUrl) -> Connection {
    match url {
        StoreUrl::Sqlite(path) => {
            Connection::Sqlite(SqliteConnection::establish(path.to_str().unwrap()).unwrap())
        }
        StoreUrl::Postgres(url) => Connection::Postgres(
            PgConnection::establish(&url.with_defaults("application_name=test")).unwrap(),
        ),
    }
}

fn options(dir: &TempDir) -> StoreOptions {
    StoreOptions {
        url: url(dir),
        migrates: true,
        pool_size: 4,
        busy_timeout: Duration::from_secs(5),
        queue: 10_000,
        memory: usize::MAX,
        is_fully_synchronous: true,
        idempotency_retention: Duration::from_secs(24 * 3600),
        mutes_max: 200,
        tickets_max: 20,
        max_age: Duration::from_secs(90 * 24 * 3600),
        max_read: 1000,
        push: PushPolicy {
            is_enabled: true,
            grace: Duration::ZERO,
            ttl: Duration::from_secs(24 * 3600),
            subscriptions_max: 20,
        },
        webhooks: WebhookEvents::default(),
        webhook_bounds: WebhookBounds { waiting: 1_000_000, dead: 100_000 },
        others: Others::default(),
    }
}

fn start(options: StoreOptions) -> (StoreLink, mpsc::UnboundedReceiver<InboxFact>) {
    let (facts, heard) = mpsc::unbounded_channel();
    let deadline = options.busy_timeout;
    let store = Store::open(options, Listener(facts).start().recipient(), LocalUsers::default()).unwrap();
    (StoreLink::start(store, deadline), heard)
}

async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it takes too long")
}

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn numbers(counters: Counters) -> [u64; 4] {
    [counters.unread, counters.unseen, counters.version, counters.marks_version]
}

/// A draft to users with commas between.
fn draft(to: &str) -> Draft {
    Draft {
        to: to.split(',').map(user).collect(),
        notification_type: "comment.created".parse().unwrap(),
        v: 1,
        payload: Json::parse(r#"{"text":"hello"}"#).unwrap(),
        key: None,
        expires_in: None,
        push: Some(PushWish::default()),
    }
}

fn publish(draft: Draft) -> Publish {
    Publish { publisher: user("backend"), idempotency_key: None, draft }
}

fn list(state: ListState) -> List {
    List { user: user("alice"), state, notification_type: None, limit: 50, before: None }
}

fn ids(receipts: &[Receipt]) -> Vec<NotificationId> {
    receipts.iter().map(|receipt| receipt.id.clone()).collect()
}

fn offsets(read: &InboxRead) -> Vec<u64> {
    let offset = |item: &Item<std::sync::Arc<Notification>>| match item {
        Item::Event(notification) => Some(notification.position.offset),
        _ => None,
    };
    read.page.items.iter().filter_map(offset).collect()
}
