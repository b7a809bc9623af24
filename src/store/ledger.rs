//! The account of who is here: what each node says of itself, and what becomes true over all nodes by that, told in the
//! same transaction.
//!
//! A transaction locks its node, then the subjects that it is about, in order, and nothing else; so those of several
//! nodes wait for each other, and never in a circle. Whether a subject is present is not counted but looked up, so it
//! cannot drift.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use super::{
    error::Fault,
    job::Write,
    ledger_rows::{self, Arrival, Departure, NodeRow},
    messages::{LedgerKey, LedgerRules, TellLive, Told},
    rows::{Entry, Kind},
    transaction::Transaction,
    webhook_jobs::{self, NewJob},
};
use crate::domain::{
    NodeId, Timestamp, WebhookEvent,
    live::{LiveChange, LiveFact},
};

/// Why sessions have ended whose node has stopped: the word of their close code.
pub(super) const RESTART: &str = "restart";

impl Write for TellLive {
    type Done = Told;

    fn rows(&self) -> usize {
        self.facts.len() * 2
    }

    /// Its locks are of another kind than those of a batch.
    fn is_alone(&self) -> bool {
        true
    }

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<Told, Fault> {
        match renew(tx, self)? {
            Renewal::Held => {}
            Renewal::Repeated => return Ok(Told::Kept),
            Renewal::Lost => return Ok(Told::Lost),
        }
        if self.facts.is_empty() {
            return Ok(Told::Kept);
        }
        let facts: Vec<Dated<'_>> =
            self.facts.iter().map(|fact| Dated::new(fact, &self.node, tx.now)).collect();
        take_in(tx, self.rules, &facts)?;
        Ok(Told::Kept)
    }
}

enum Renewal {
    Held,
    /// This batch was taken in before, and its answer got lost.
    Repeated,
    Lost,
}

fn renew(tx: &mut Transaction<'_>, tell: &TellLive) -> Result<Renewal, Fault> {
    let known = ledger_rows::hold_node(tx.conn, &tell.node)?;
    let now = tx.bounds.earliest.as_micros();
    let lease_until = tx.bounds.latest.plus(tell.rules.lease).as_micros();
    let held_since = match known {
        Some(row) if row.batch >= tell.batch => return Ok(Renewal::Repeated),
        Some(row) if row.lease_until > 0 && row.lease_until >= now => row.held_since.min(now),
        // Nobody has noticed that it was late.
        Some(row) if row.lease_until > 0 || tell.is_first => now,
        None if tell.is_first => now,
        _ => return Ok(Renewal::Lost),
    };
    ledger_rows::put_node(tx.conn, &tell.node, &NodeRow { lease_until, held_since, batch: tell.batch })?;
    Ok(Renewal::Held)
}

/// A fact in rows, by the clock of the database.
struct Dated<'a> {
    fact: &'a LiveFact,
    kind: Kind,
    entry: Entry,
    at: Timestamp,
}

impl<'a> Dated<'a> {
    fn new(fact: &'a LiveFact, node: &NodeId, now: Timestamp) -> Self {
        let at = now.minus(fact.at.elapsed());
        let (kind, entry) = match &fact.change {
            LiveChange::Opened(session) | LiveChange::Closed(session, _) => {
                let entry = Entry {
                    kind: Kind::User.as_str().to_owned(),
                    name: session.user.to_string(),
                    entry: session.id.to_string(),
                    node: node.to_string(),
                    transport: Some(session.transport.word().to_owned()),
                    since: now.minus(session.opened_at.elapsed()).as_micros(),
                };
                (Kind::User, entry)
            }
            LiveChange::Occupied(room) | LiveChange::Vacated(room) => {
                let entry = Entry {
                    kind: Kind::Room.as_str().to_owned(),
                    name: room.to_string(),
                    entry: node.to_string(),
                    node: node.to_string(),
                    transport: None,
                    since: at.as_micros(),
                };
                (Kind::Room, entry)
            }
        };
        Self { fact, kind, entry, at }
    }

    fn is_arrival(&self) -> bool {
        matches!(self.fact.change, LiveChange::Opened(_) | LiveChange::Occupied(_))
    }
}

fn take_in(tx: &mut Transaction<'_>, rules: LedgerRules, facts: &[Dated<'_>]) -> Result<(), Fault> {
    let mut subjects: BTreeMap<(Kind, &str), i64> = BTreeMap::new();
    // What comes and goes within a batch leaves nothing behind.
    let mut last: BTreeMap<LedgerKey, &Dated<'_>> = BTreeMap::new();
    let mut came: HashSet<LedgerKey> = HashSet::new();
    for fact in facts {
        *subjects.entry((fact.kind, &fact.entry.name)).or_default() += i64::from(fact.is_arrival());
        if fact.is_arrival() {
            came.insert(fact.entry.key());
        }
        last.insert(fact.entry.key(), fact);
    }
    let mut new = newcomers(tx, &subjects)?;
    let entries = |is_there: bool| {
        let meant = last.values().filter(|fact| fact.is_arrival() == is_there);
        meant.map(|fact| fact.entry.clone()).collect::<Vec<Entry>>()
    };
    let entered: HashSet<LedgerKey> = ledger_rows::enter(tx.conn, &entries(true))?.into_iter().collect();
    let left: HashSet<LedgerKey> = ledger_rows::leave(tx.conn, &entries(false))?.into_iter().collect();
    // A session that came and went at once, and one that was there before, are told each once.
    let has_passed = |key: &LedgerKey| came.contains(key) && !entered.contains(key) && !is_there(&last, key);
    let mut jobs = Vec::new();
    for fact in facts {
        let (key, name) = (fact.entry.key(), fact.entry.name.as_str());
        match &fact.fact.change {
            LiveChange::Opened(_) if entered.contains(&key) || has_passed(&key) => {
                jobs.push(NewJob::session(WebhookEvent::SessionOpened, &fact.entry, None, fact.at));
            }
            LiveChange::Closed(_, reason) if left.contains(&key) || has_passed(&key) => {
                jobs.push(NewJob::session(WebhookEvent::SessionClosed, &fact.entry, Some(reason), fact.at));
            }
            _ => {}
        }
        if fact.is_arrival() && new.remove(&(fact.kind, name.to_owned())) {
            jobs.push(NewJob::presence(fact.kind, name, true, fact.at));
        }
    }
    webhook_jobs::write(tx.conn, rules.events, jobs, tx.now)?;
    let due_at = |fact: &Dated<'_>| match fact.fact.change {
        LiveChange::Closed(_, RESTART) => tx.bounds.latest.plus(rules.return_grace),
        LiveChange::Closed(..) | LiveChange::Opened(_) => tx.bounds.latest.plus(rules.grace),
        // A room has had its grace on its node already.
        LiveChange::Vacated(_) | LiveChange::Occupied(_) => tx.bounds.latest,
    };
    let gone: BTreeMap<(Kind, &str), &Dated<'_>> = facts
        .iter()
        .filter(|fact| !fact.is_arrival())
        .map(|fact| ((fact.kind, fact.entry.name.as_str()), fact))
        .collect();
    let departures: Vec<Departure<'_>> = gone
        .into_iter()
        .map(|((kind, name), fact)| Departure {
            kind,
            name,
            left_at: fact.at.as_micros(),
            due_at: due_at(fact).as_micros(),
        })
        .collect();
    ledger_rows::settle(tx.conn, &departures)?;
    Ok(())
}

fn is_there(last: &BTreeMap<LedgerKey, &Dated<'_>>, key: &LedgerKey) -> bool {
    last.get(key).is_some_and(|fact| fact.is_arrival())
}

/// Locks these subjects; gives those that were not present before.
fn newcomers(
    tx: &mut Transaction<'_>,
    subjects: &BTreeMap<(Kind, &str), i64>,
) -> Result<HashSet<(Kind, String)>, Fault> {
    let arrivals: Vec<Arrival<'_>> = subjects
        .iter()
        .map(|((kind, name), arrivals)| Arrival { kind: *kind, name, arrivals: *arrivals })
        .collect();
    let arrived = ledger_rows::arrive(tx.conn, &arrivals)?;
    let given: HashMap<(Kind, &str), i64> =
        subjects.iter().map(|(subject, given)| (*subject, *given)).collect();
    let is_new = |kind: Kind, name: &str, arrivals: i64| {
        given.get(&(kind, name)).is_some_and(|given| *given > 0 && *given == arrivals)
    };
    let new = arrived.into_iter().filter_map(|row| {
        let kind = Kind::of(&row.kind);
        is_new(kind, &row.name, row.arrivals).then_some((kind, row.name))
    });
    Ok(new.collect())
}

/// Ends what has been said of these, for this reason, as nobody has said it: their subjects are told to be gone after the
/// grace, unless something comes to them.
pub(super) fn end(
    tx: &mut Transaction<'_>,
    rules: LedgerRules,
    entries: &[Entry],
    reason: &str,
    grace: Duration,
) -> Result<(), Fault> {
    let subjects: BTreeMap<(Kind, &str), i64> =
        entries.iter().map(|entry| ((Kind::of(&entry.kind), entry.name.as_str()), 0)).collect();
    newcomers(tx, &subjects)?;
    let left: HashSet<LedgerKey> = ledger_rows::leave(tx.conn, entries)?.into_iter().collect();
    let is_session = |entry: &&Entry| Kind::of(&entry.kind) == Kind::User && left.contains(&entry.key());
    let jobs = entries
        .iter()
        .filter(is_session)
        .map(|entry| NewJob::session(WebhookEvent::SessionClosed, entry, Some(reason), tx.now))
        .collect();
    webhook_jobs::write(tx.conn, rules.events, jobs, tx.now)?;
    let (left_at, due_at) = (tx.now.as_micros(), tx.bounds.latest.plus(grace).as_micros());
    let departures: Vec<Departure<'_>> =
        subjects.keys().map(|(kind, name)| Departure { kind: *kind, name, left_at, due_at }).collect();
    ledger_rows::settle(tx.conn, &departures)?;
    Ok(())
}
