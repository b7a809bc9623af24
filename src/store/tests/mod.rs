//! The store on real files: one temporary directory a test, every wait with a deadline.

mod appends;
pub(crate) mod chores;
mod collapse;
mod facts;
mod faults;
mod marking;
mod model;
mod muting;
mod opening;
mod preferences;
mod reading;
mod retaining;

use std::{path::PathBuf, time::Duration};

use actix::{Actor, Context, Handler};
use diesel::{Connection as _, connection::SimpleConnection};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::*;
use crate::{
    domain::{Draft, Json, Mark, MarkAs, MarkTarget, NotificationId, Position, Timestamp, UserId},
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
        for fact in committed.facts {
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

    fn path(&self) -> PathBuf {
        options(&self.dir).path
    }

    /// Another process that looks into the same file.
    fn other_connection(&self) -> Connection {
        Connection::establish(self.path().to_str().unwrap()).unwrap()
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

fn options(dir: &TempDir) -> StoreOptions {
    StoreOptions {
        path: dir.path().join("a b%?#.db"),
        pool_size: 4,
        busy_timeout: Duration::from_secs(5),
        queue: 10_000,
        is_fully_synchronous: true,
        idempotency_retention: Duration::from_secs(24 * 3600),
        mutes_max: 200,
        max_age: Duration::from_secs(90 * 24 * 3600),
        max_read: 1000,
    }
}

fn start(options: StoreOptions) -> (StoreLink, mpsc::UnboundedReceiver<InboxFact>) {
    let (facts, heard) = mpsc::unbounded_channel();
    let deadline = options.busy_timeout;
    let store = Store::open(options, Listener(facts).start().recipient()).unwrap();
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
