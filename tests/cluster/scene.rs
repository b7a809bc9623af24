//! What everybody in a run shares: where the nodes are, who follows what, the history, and whether it is over.

use std::{
    cell::{Cell, Ref, RefCell, RefMut},
    collections::BTreeMap,
    net::SocketAddr,
    rc::Rc,
    time::Duration,
};

use awc::ClientRequest;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::{
    app::token,
    clients::{
        http::{Answer, Http},
        sse::cursor,
    },
    history::{Account, History, Position, Stream},
};

/// How long anybody waits for one answer before they ask again, maybe elsewhere.
pub const PATIENCE: Duration = Duration::from_secs(6);

/// How long tokens are good: a week, since clocks are set.
pub const TOKEN_SECONDS: i64 = 7 * 24 * 3600;

/// How often whoever is home looks whether the rest is over.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Clone)]
pub struct Scene(Rc<Inside>);

struct Inside {
    addresses: Vec<SocketAddr>,
    history: RefCell<History>,
    is_resting: Cell<bool>,
    is_over: Cell<bool>,
}

impl Scene {
    pub fn new(addresses: Vec<SocketAddr>) -> Self {
        Self(Rc::new(Inside {
            addresses,
            history: RefCell::default(),
            is_resting: Cell::new(false),
            is_over: Cell::new(false),
        }))
    }

    pub fn nodes(&self) -> usize {
        self.0.addresses.len()
    }

    pub fn address(&self, node: usize) -> SocketAddr {
        self.0.addresses[node % self.nodes()]
    }

    /// A client of each node.
    pub fn https(&self, user: &str, scope: &str) -> Vec<Http> {
        let token = token(user, scope, TOKEN_SECONDS);
        self.0.addresses.iter().map(|address| Http::new(*address, Some(&token))).collect()
    }

    pub fn end(&self) {
        self.0.is_over.set(true);
    }

    /// Everybody goes home, and nobody says anything, as long as it rests.
    pub fn rest(&self, is_resting: bool) {
        self.0.is_resting.set(is_resting);
    }

    pub fn is_resting(&self) -> bool {
        self.0.is_resting.get()
    }

    /// Returns when it rests no more.
    pub async fn until_awake(&self) {
        while self.is_resting() {
            sleep(LOOK).await;
        }
    }

    pub fn is_over(&self) -> bool {
        self.0.is_over.get()
    }

    pub fn history(&self) -> Ref<'_, History> {
        self.0.history.borrow()
    }

    pub fn record(&self) -> RefMut<'_, History> {
        self.0.history.borrow_mut()
    }

    /// Opens the account of a client; its number.
    pub fn enter(&self, account: Account) -> usize {
        let accounts = &mut self.record().accounts;
        accounts.push(account);
        accounts.len() - 1
    }

    /// How much was accepted until now.
    pub fn accepted(&self) -> usize {
        self.history().accepted.len()
    }
}

/// Sends, and waits for an answer only so long: it, or why there is none.
pub async fn attempt(http: &Http, request: ClientRequest, body: String) -> Result<Answer, &'static str> {
    let answer = timeout(PATIENCE, http.try_send(request, body)).await;
    answer.map_err(|_| "no answer in time")?.map_err(|error| {
        // What no process listens for was never sent.
        if error.contains("refused") { "connection refused" } else { "connection lost" }
    })
}

/// The positions of a cursor of this user.
pub fn positions(text: &str, user: &str) -> BTreeMap<Stream, Position> {
    let named = cursor(text).into_iter().map(|(name, position)| {
        let stream = if name == "inbox" { Stream::Inbox(user.to_owned()) } else { Stream::Room(name) };
        (stream, Position::parse(&position))
    });
    named.collect()
}

/// The text of positions.
pub fn cursor_of(positions: &BTreeMap<Stream, Position>) -> String {
    let parts = positions.iter().map(|(stream, position)| format!("{}@{position}", stream.name()));
    parts.collect::<Vec<_>>().join(",")
}

pub fn text(event: &Value, field: &str) -> String {
    event[field].as_str().unwrap_or_else(|| panic!("no {field} in {event}")).to_owned()
}
