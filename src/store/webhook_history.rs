//! What has become of events for the receiver: shown, tried again, forgotten, erased; and a receiver that is sent to
//! again.

use std::time::Duration;

use diesel::{dsl::count_star, prelude::*};

use super::{
    Connection,
    error::Fault,
    job::Write,
    messages::{
        CountWebhooks, EnableWebhooks, ReadWebhooks, RetryWebhooks, StoreError, TestWebhook, TraceWebhook,
        WebhookStand, WebhookTrace,
    },
    rows::broken,
    schema::webhook_jobs::{self as j, table},
    transaction::Transaction,
    webhook_jobs::{self, NewJob},
};
use crate::domain::{Timestamp, UserId, WebhookEvent, WebhookState};

/// How long what was sent is kept, for administrators to see; and what was given up, or could not be sent at all.
const SENT_AGE: Duration = Duration::from_secs(24 * 3600);
const DEAD_AGE: Duration = Duration::from_secs(30 * 24 * 3600);

impl Write for EnableWebhooks {
    type Done = ();

    fn is_alone(&self) -> bool {
        true
    }

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<(), Fault> {
        Ok(webhook_jobs::forget_receiver(tx.conn, &self.receiver)?)
    }
}

impl Write for RetryWebhooks {
    type Done = usize;

    fn rows(&self) -> usize {
        self.limit
    }

    /// What it changes shows only in what it finds.
    fn is_alone(&self) -> bool {
        true
    }

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<usize, Fault> {
        let mut sequences = ended(tx.conn, WebhookState::Dead, self.before, self.limit)?;
        sequences.sort_unstable();
        let mut revived = 0;
        for sequence in sequences {
            let dead = table.find(sequence).filter(j::state.eq(WebhookState::Dead.as_str()));
            let revive = diesel::update(dead).set((
                j::state.eq(WebhookState::Waiting.as_str()),
                j::due_at.eq(tx.bounds.earliest.as_micros()),
                j::ended_at.eq(None::<i64>),
                j::attempts.eq(0),
            ));
            revived += revive.execute(tx.conn)?;
        }
        Ok(revived)
    }
}

impl Write for TestWebhook {
    type Done = ();

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<(), Fault> {
        let test = NewJob::test(self.id.clone(), tx.now);
        let events = [WebhookEvent::Test].into_iter().collect();
        Ok(webhook_jobs::write(tx.conn, events, vec![test], tx.now)?)
    }
}

pub(super) fn count(conn: &mut Connection, _: &CountWebhooks) -> Result<u64, StoreError> {
    Ok(u64::try_from(waiting(conn)?).unwrap_or_default())
}

fn waiting(conn: &mut Connection) -> QueryResult<i64> {
    table.filter(j::due_at.is_not_null()).select(count_star()).first(conn)
}

pub(super) fn stand(conn: &mut Connection, read: &ReadWebhooks) -> Result<WebhookStand, StoreError> {
    // Each by a partial index: what was sent is not looked at, and a receiver that is away has many that wait.
    let dead = table.filter(j::state.eq(WebhookState::Dead.as_str()).and(j::ended_at.is_not_null()));
    let dead: i64 = dead.select(count_star()).first(conn)?;
    let oldest = table.filter(j::due_at.is_not_null()).order(j::sequence).select(j::occurred_at);
    let oldest: Option<i64> = oldest.first(conn).optional()?;
    let receiver = webhook_jobs::receiver(conn, &read.receiver)?;
    Ok(WebhookStand {
        waiting: count(conn, &CountWebhooks)?,
        dead: u64::try_from(dead).unwrap_or_default(),
        waiting_since: oldest.map(Timestamp::from_micros),
        failing_since: receiver.failing_since.map(Timestamp::from_micros),
        disabled_at: receiver.disabled_at.map(Timestamp::from_micros),
        reason: receiver.reason,
    })
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = j)]
struct TraceRow {
    type_: String,
    occurred_at: i64,
    state: String,
    attempts: i64,
    status: Option<i64>,
    reason: Option<String>,
    due_at: Option<i64>,
    ended_at: Option<i64>,
}

pub(super) fn trace(conn: &mut Connection, trace: &TraceWebhook) -> Result<WebhookTrace, StoreError> {
    let find = table.filter(j::id.eq(trace.id.as_str())).select(TraceRow::as_select());
    let row: TraceRow = find.first(conn).optional()?.ok_or(StoreError::NotFound)?;
    Ok(WebhookTrace {
        id: trace.id.clone(),
        event: row.type_,
        occurred_at: Timestamp::from_micros(row.occurred_at),
        state: row.state.parse().map_err(broken)?,
        attempts: u32::try_from(row.attempts).map_err(broken)?,
        status: row.status.map(u16::try_from).transpose().map_err(broken)?,
        reason: row.reason,
        due_at: row.due_at.map(Timestamp::from_micros),
        ended_at: row.ended_at.map(Timestamp::from_micros),
    })
}

/// What has ended so, before then, the oldest first.
fn ended(
    conn: &mut Connection,
    state: WebhookState,
    before: Timestamp,
    limit: usize,
) -> QueryResult<Vec<i64>> {
    table
        .filter(j::state.eq(state.as_str()).and(j::ended_at.le(before.as_micros())))
        .order(j::ended_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(j::sequence)
        .load(conn)
}

/// What [`forget`] has deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Forgotten {
    /// There may be more.
    pub(super) has_more: bool,
    /// Events that the receiver was never sent.
    pub(super) unsent: usize,
}

/// Deletes at most `limit` of each kind of those that ended long ago, that nobody has sent for long, or that are too many
/// to wait.
pub(super) fn forget(
    conn: &mut Connection,
    now: Timestamp,
    waiting_max: usize,
    limit: usize,
) -> QueryResult<Forgotten> {
    let rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let overdue = table.filter(j::due_at.lt(now.minus(DEAD_AGE).as_micros())).limit(rows);
    let mut unsent: Vec<i64> = overdue.select(j::sequence).load(conn)?;
    unsent.extend(crowded_out(conn, waiting_max, rows)?);
    let mut ended_ones = ended(conn, WebhookState::Sent, now.minus(SENT_AGE), limit)?;
    ended_ones.extend(ended(conn, WebhookState::Dead, now.minus(DEAD_AGE), limit)?);
    let unsent = unsent.into_iter().map(|sequence| (sequence, true));
    let mut found: Vec<(i64, bool)> =
        unsent.chain(ended_ones.into_iter().map(|sequence| (sequence, false))).collect();
    found.sort_unstable();
    found.dedup();
    let mut forgotten = Forgotten { has_more: found.len() >= limit, unsent: 0 };
    for (sequence, is_unsent) in found {
        // Another instance may have deleted it meanwhile.
        let deleted = diesel::delete(table.find(sequence)).execute(conn)?;
        forgotten.unsent += if is_unsent { deleted } else { 0 };
    }
    Ok(forgotten)
}

/// The oldest of those that wait, where they are more than may: they share their disk with what is published. Known by
/// where they end and not by how many they are, since other instances delete them, too.
fn crowded_out(conn: &mut Connection, waiting_max: usize, limit: i64) -> QueryResult<Vec<i64>> {
    let waiting_max = i64::try_from(waiting_max).unwrap_or(i64::MAX);
    let newest_first = table.filter(j::due_at.is_not_null()).order(j::sequence.desc()).select(j::sequence);
    let Some(last) = newest_first.offset(waiting_max).limit(1).first::<i64>(conn).optional()? else {
        return Ok(Vec::new());
    };
    let oldest = table.filter(j::due_at.is_not_null().and(j::sequence.le(last))).order(j::sequence);
    oldest.limit(limit).select(j::sequence).load(conn)
}

/// Deletes at most `limit` that name a user, in the order in which others lock them, and says whether there may be more.
pub(super) fn erase(conn: &mut Connection, user: &UserId, limit: usize) -> QueryResult<bool> {
    let of_user = table.filter(j::user_id.eq(user.as_str())).order(j::sequence);
    let of_user = of_user.limit(i64::try_from(limit).unwrap_or(i64::MAX)).select(j::sequence);
    let sequences: Vec<i64> = of_user.load(conn)?;
    for sequence in &sequences {
        diesel::delete(table.find(sequence)).execute(conn)?;
    }
    Ok(sequences.len() == limit)
}
