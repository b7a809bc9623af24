//! What happened in one run, as it was seen from outside: what publishers were answered and what clients were
//! told, each in its order. Everybody writes it while it happens; nobody judges before the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::{Duration, Instant},
};

use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    /// Of this user.
    Inbox(String),
    Room(String),
}

/// `epoch.offset`. Positions compare for equality and within one epoch; the order over epochs is only for maps.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub epoch: String,
    pub offset: u64,
}

/// What was accepted: a notification in one inbox, or a message in a room.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub stream: Stream,
    pub position: Position,
    /// Tells it from all others: the id of a notification, the data of a message.
    pub key: String,
    /// When its publisher was answered, and how long that took.
    pub at: Instant,
    pub took: Duration,
}

/// One part of a stream, as a client was told of it.
#[derive(Debug, Clone)]
pub struct Told {
    pub at: Instant,
    pub stream: Stream,
    /// Where the client stood.
    pub before: Position,
    pub what: What,
}

#[derive(Debug, Clone)]
pub enum What {
    Shown {
        position: Position,
        key: String,
        /// The users or the room that its publisher meant, as they stand inside it.
        meant: Vec<String>,
    },
    /// `skip`, or a `gap` with its reason.
    Hole { from: Position, to: Position, reason: Option<String> },
}

/// What one client has lived through, over all its connections.
#[derive(Debug)]
pub struct Account {
    pub name: String,
    /// It stays connected, so what it is told late is late.
    pub is_steady: bool,
    /// What is owed to it is what lies behind these.
    pub start: BTreeMap<Stream, Position>,
    pub told: Vec<Told>,
    /// The newest it was told.
    pub counters: Value,
    /// How often it was let in, by transport.
    pub visits: BTreeMap<&'static str, usize>,
    /// How its connections ended: a close code, or a word.
    pub ends: BTreeMap<String, usize>,
    /// `degraded` and `restored`, in order.
    pub notices: Vec<String>,
}

#[derive(Debug, Default)]
pub struct History {
    pub accepted: Vec<Accepted>,
    /// Messages to rooms that were not accepted, and may be there all the same.
    pub unsure: BTreeSet<String>,
    /// Notifications that may be gone: they were deleted, archived, or given an end.
    pub hidden: BTreeSet<String>,
    /// What publishers met besides, by status or by word.
    pub refusals: BTreeMap<String, usize>,
    pub accounts: Vec<Account>,
}

/// How all stands when it is quiet, as the table and the rooms themselves have it.
#[derive(Debug, Default)]
pub struct Truth {
    /// Of each inbox, what is in the table.
    pub rows: BTreeMap<Stream, Vec<Row>>,
    pub tops: BTreeMap<Stream, Position>,
    /// Unread rows, by user.
    pub unread: BTreeMap<String, u64>,
}

#[derive(Debug, Clone)]
pub struct Row {
    pub position: Position,
    pub key: String,
    /// Every client is to see it: it is neither muted nor archived, and does not expire.
    pub is_shown: bool,
}

impl Position {
    /// Where nothing is yet, whatever the epoch.
    pub const VERY_START: &str = "00000000";

    pub fn parse(text: &str) -> Self {
        let (epoch, offset) = text.split_once('.').unwrap_or_else(|| panic!("no position: {text:?}"));
        Self { epoch: epoch.to_owned(), offset: offset.parse().unwrap() }
    }

    pub fn is_very_start(&self) -> bool {
        self.epoch == Self::VERY_START && self.offset == 0
    }

    /// Whether this is what follows `before`.
    pub fn follows(&self, before: &Self) -> bool {
        let is_same_life = self.epoch == before.epoch || before.is_very_start();
        is_same_life && self.offset == before.offset + 1
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.offset)
    }
}

impl Stream {
    /// As the protocol calls it.
    pub fn name(&self) -> &str {
        match self {
            Self::Inbox(_) => "inbox",
            Self::Room(room) => room,
        }
    }

    /// Whom what stands in it must be meant for.
    pub fn owner(&self) -> &str {
        match self {
            Self::Inbox(user) => user,
            Self::Room(room) => room,
        }
    }

    pub fn is_room(&self) -> bool {
        matches!(self, Self::Room(_))
    }
}

impl Account {
    pub fn new(name: &str, is_steady: bool, start: BTreeMap<Stream, Position>) -> Self {
        Self {
            name: name.to_owned(),
            is_steady,
            start,
            told: Vec::new(),
            counters: Value::Null,
            visits: BTreeMap::new(),
            ends: BTreeMap::new(),
            notices: Vec::new(),
        }
    }

    /// Where it stands in each stream.
    pub fn positions(&self) -> BTreeMap<Stream, Position> {
        let mut positions = self.start.clone();
        for told in &self.told {
            let at = match &told.what {
                What::Shown { position, .. } => position,
                What::Hole { to, .. } => to,
            };
            positions.insert(told.stream.clone(), at.clone());
        }
        positions
    }
}

impl History {
    /// How often somebody who roams was let in over this transport.
    pub fn visits(&self, transport: &str) -> usize {
        let roaming = self.accounts.iter().filter(|account| !account.is_steady);
        roaming.filter_map(|account| account.visits.get(transport)).sum()
    }

    pub fn refuse(&mut self, why: impl ToString) {
        *self.refusals.entry(why.to_string()).or_default() += 1;
    }
}
