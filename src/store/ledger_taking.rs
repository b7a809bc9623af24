//! What nodes have left in the account that are gone, or about to go; and who has been away for longer than the grace.

use actix::{ActorFutureExt, Context, Handler, ResponseActFuture, WrapFuture};

use super::{
    Connection, Store,
    error::Fault,
    job::Write,
    ledger::{self, RESTART},
    ledger_rows,
    messages::{DropStale, LeaveLive, LedgerKey, LedgerRules, StoreError, TakeLost},
    rows::Kind,
    transaction::Transaction,
    webhook_jobs::{self, NewJob},
};
use crate::{
    clock::Bounds,
    domain::{NodeId, Timestamp},
};

/// Entries, and subjects, in one transaction.
const TOGETHER: usize = 500;

/// Why sessions have ended whose node is gone without a word, and those that their node does not know any more.
const NODE_LOST: &str = "node_lost";
const UNKNOWN: &str = "unknown";

impl Handler<TakeLost> for Store {
    type Result = ResponseActFuture<Self, Result<bool, StoreError>>;

    /// A look first, so that where nothing happens the writer does nothing.
    fn handle(&mut self, take: TakeLost, _: &mut Context<Self>) -> Self::Result {
        let clock = self.kept.clock.clone();
        let node = take.node;
        let lease = take.rules.lease;
        let look = self.read(move |conn| {
            let now = conn.now()?;
            let by = clock.bounds(now);
            Ok(ledger_rows::is_any_gone(conn, by.earliest)?
                || match judge(conn, &node, lease, by)? {
                    Some(before) => ledger_rows::is_any_lapsed(conn, &node, before)?,
                    None => false,
                })
        });
        Box::pin(look.into_actor(self).then(move |looked, store, _| {
            let taken = match looked {
                Ok(true) => store.write(take),
                other => Box::pin(async move { other }),
            };
            taken.into_actor(store)
        }))
    }
}

/// When leases must have ended by which nodes are taken to be gone, if this node may say so at all; without a time any
/// other node is: a file has one process. On a server a node says so only when it has held its own lease for as long
/// as one is good: after the database was away all may come late, and none is to say of the others that they do.
fn judge(
    conn: &mut Connection,
    node: &NodeId,
    lease: std::time::Duration,
    by: Bounds,
) -> diesel::QueryResult<Option<Option<Timestamp>>> {
    if !conn.is_shared() {
        return Ok(Some(None));
    }
    let held_since = ledger_rows::held_since(conn, node, by.earliest)?;
    let may_judge = held_since.is_some_and(|since| since.plus(lease) <= by.earliest);
    Ok(may_judge.then_some(Some(by.earliest)))
}

impl Write for TakeLost {
    type Done = bool;

    fn rows(&self) -> usize {
        TOGETHER
    }

    fn is_alone(&self) -> bool {
        true
    }

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<bool, Fault> {
        let by = tx.bounds;
        let lost = match judge(tx.conn, &self.node, self.rules.lease, by)? {
            Some(before) => ledger_rows::lapsed(tx.conn, &self.node, before)?,
            None => None,
        };
        if let Some(lost) = &lost {
            let entries = ledger_rows::entries_of(tx.conn, lost, None, TOGETHER as i64)?;
            // Those of a server have had the time of the lease to come back.
            let LedgerRules { grace, return_grace, .. } = self.rules;
            let grace = if tx.conn.is_shared() { grace } else { return_grace };
            ledger::end(tx, self.rules, &entries, NODE_LOST, grace)?;
            if entries.len() < TOGETHER {
                ledger_rows::remove_node(tx.conn, lost)?;
            } else {
                ledger_rows::end_lease(tx.conn, lost)?;
            }
        }
        let gone = ledger_rows::take_gone(tx.conn, by.earliest, TOGETHER as i64)?;
        let jobs = gone
            .iter()
            .map(|row| {
                let at = row.left_at.map_or(tx.now, Timestamp::from_micros);
                NewJob::presence(Kind::of(&row.kind), &row.name, false, at)
            })
            .collect();
        webhook_jobs::write(tx.conn, self.rules.events, jobs, tx.now)?;
        Ok(lost.is_some() || gone.len() == TOGETHER)
    }
}

impl Write for LeaveLive {
    type Done = bool;

    fn rows(&self) -> usize {
        TOGETHER
    }

    fn is_alone(&self) -> bool {
        true
    }

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<bool, Fault> {
        if ledger_rows::hold_node(tx.conn, &self.node)?.is_none() {
            return Ok(false);
        }
        let entries = ledger_rows::entries_of(tx.conn, self.node.as_str(), None, TOGETHER as i64)?;
        ledger::end(tx, self.rules, &entries, RESTART, self.rules.return_grace)?;
        let has_more = entries.len() == TOGETHER;
        if !has_more {
            ledger_rows::remove_node(tx.conn, self.node.as_str())?;
        }
        Ok(has_more)
    }
}

impl Write for DropStale {
    type Done = Option<LedgerKey>;

    fn rows(&self) -> usize {
        TOGETHER
    }

    fn is_alone(&self) -> bool {
        true
    }

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<Option<LedgerKey>, Fault> {
        ledger_rows::hold_node(tx.conn, &self.node)?;
        let mut entries =
            ledger_rows::entries_of(tx.conn, self.node.as_str(), self.after.as_ref(), TOGETHER as i64)?;
        let next = entries.last().filter(|_| entries.len() == TOGETHER).map(|last| last.key());
        entries.retain(|entry| match Kind::of(&entry.kind) {
            Kind::User => !self.sessions.contains(entry.entry.as_str()),
            Kind::Room => !self.rooms.contains(entry.name.as_str()),
        });
        if !entries.is_empty() {
            ledger::end(tx, self.rules, &entries, UNKNOWN, self.rules.grace)?;
        }
        Ok(next)
    }
}
