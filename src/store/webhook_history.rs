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
        WebhookBounds, WebhookCounts, WebhookStand, WebhookTrace,
    },
    rows::broken,
    schema::webhook_jobs::{self as j, table},
    transaction::Transaction,
    webhook_claiming::LEASE,
    webhook_jobs::{self, NewJob},
};
use crate::domain::{Timestamp, UserId, WebhookEvent, WebhookState};

/// How long what was sent is kept, for administrators to see; and what was given up, or could not be sent at all.
const SENT_AGE: Duration = Duration::from_secs(24 * 3600);
const DEAD_AGE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Whether it was given up.
macro_rules! is_dead {
    () => {
        j::state.eq(WebhookState::Dead.as_str()).and(j::ended_at.is_not_null())
    };
}

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

/// Each by a partial index: what was sent is not looked at, and a receiver that is away has many that wait.
pub(super) fn count(conn: &mut Connection, _: &CountWebhooks) -> Result<WebhookCounts, StoreError> {
    let waiting: i64 = table.filter(j::due_at.is_not_null()).select(count_star()).first(conn)?;
    let dead: i64 = table.filter(is_dead!()).select(count_star()).first(conn)?;
    let counted = |count: i64| u64::try_from(count).unwrap_or_default();
    Ok(WebhookCounts { waiting: counted(waiting), dead: counted(dead) })
}

pub(super) fn stand(conn: &mut Connection, read: &ReadWebhooks) -> Result<WebhookStand, StoreError> {
    let WebhookCounts { waiting, dead } = count(conn, &CountWebhooks)?;
    let oldest = table.filter(j::due_at.is_not_null()).order(j::sequence).select(j::occurred_at);
    let oldest: Option<i64> = oldest.first(conn).optional()?;
    let receiver = webhook_jobs::receiver(conn, &read.receiver)?;
    Ok(WebhookStand {
        waiting,
        dead,
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
        .limit(rows(limit))
        .select(j::sequence)
        .load(conn)
}

/// Where those end that are too many: what is as old, or older, is to go. Known by that and not by how many they are,
/// since other instances delete them, too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Excess {
    /// By their sequence.
    waiting: Option<i64>,
    /// By when they were given up, and their sequence.
    dead: Option<(i64, i64)>,
}

/// Looks for what is too much: it shares its disk with what is published. A look may pass over as many entries of an
/// index as may be there, so whoever looks holds no lock meanwhile; on a file writes wait all the same, since its one
/// writer looks, once a minute.
pub(super) fn excess(conn: &mut Connection, bounds: WebhookBounds) -> QueryResult<Excess> {
    let newest_first = table.filter(is_dead!()).order((j::ended_at.desc(), j::sequence.desc()));
    let newest_first = newest_first.select((j::ended_at.assume_not_null(), j::sequence));
    let dead = newest_first.offset(rows(bounds.dead)).first(conn).optional()?;
    Ok(Excess { waiting: waiting_beyond(conn, rows(bounds.waiting))?, dead })
}

fn waiting_beyond(conn: &mut Connection, most: i64) -> QueryResult<Option<i64>> {
    let waiting = || table.filter(j::due_at.is_not_null()).select(j::sequence);
    let oldest: Option<i64> = waiting().order(j::sequence).first(conn).optional()?;
    let newest: Option<i64> = waiting().order(j::sequence.desc()).first(conn).optional()?;
    // There are no more of them than numbers from the first to the last: so mostly none is passed over.
    let may_be_more = oldest.zip(newest).is_some_and(|(oldest, newest)| newest - oldest >= most);
    if !may_be_more {
        return Ok(None);
    }
    waiting().order(j::sequence.desc()).offset(most).first(conn).optional()
}

/// What [`forget`] has deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Forgotten {
    /// There may be more.
    pub(super) has_more: bool,
    /// Events that the receiver has not taken, and could have.
    pub(super) undelivered: usize,
    /// What is too much still.
    pub(super) excess: Excess,
}

/// Whether nobody has it on lease: one that is being sent now is not deleted under its claimant. What is due later than
/// any lease is put off. Where the clock of the database has jumped back, an instance that has seen it takes leases by the
/// latest time that it may be: for one that has not, and for `tidings prune`, they are free, and what is deleted so counts
/// as undelivered even if it arrives.
macro_rules! is_free {
    ($now:expr) => {{
        let due_at = j::due_at.assume_not_null();
        let (now, lease_end) = ($now, $now.plus(LEASE));
        j::attempts.eq(0).or(due_at.le(now.as_micros())).or(due_at.gt(lease_end.as_micros()))
    }};
}

/// Deletes at most `limit` of each kind of those that ended long ago, that nobody has sent for long, or that are too
/// many.
pub(super) fn forget(
    conn: &mut Connection,
    now: Timestamp,
    mut excess: Excess,
    limit: usize,
) -> QueryResult<Forgotten> {
    let overdue = table.filter(j::due_at.lt(now.minus(DEAD_AGE).as_micros())).limit(rows(limit));
    let mut waiting: Vec<i64> = overdue.select(j::sequence).load(conn)?;
    if let Some(last) = excess.waiting {
        let crowded_out = table.filter(j::due_at.is_not_null().and(j::sequence.le(last)).and(is_free!(now)));
        let oldest = crowded_out.order(j::sequence).limit(rows(limit));
        let crowded_out: Vec<i64> = oldest.select(j::sequence).load(conn)?;
        excess.waiting = excess.waiting.filter(|_| crowded_out.len() >= limit);
        waiting.extend(crowded_out);
    }
    let dead = match excess.dead {
        Some((ended_at, last)) => {
            let is_as_old = j::ended_at.lt(ended_at).or(j::sequence.le(last));
            // So the index is read up to there, and not to its end.
            let crowded_out = table.filter(is_dead!().and(j::ended_at.le(ended_at)).and(is_as_old));
            let oldest = crowded_out.order((j::ended_at, j::sequence)).limit(rows(limit));
            oldest.select(j::sequence).load::<i64>(conn)?
        }
        None => Vec::new(),
    };
    excess.dead = excess.dead.filter(|_| dead.len() >= limit);
    let mut old = ended(conn, WebhookState::Sent, now.minus(SENT_AGE), limit)?;
    old.extend(ended(conn, WebhookState::Dead, now.minus(DEAD_AGE), limit)?);
    // Whether it waits, and whether it is told: what was sent, or was kept for its time, is not.
    let waiting = waiting.into_iter().map(|sequence| (sequence, true, true));
    let dead = dead.into_iter().map(|sequence| (sequence, false, true));
    let old = old.into_iter().map(|sequence| (sequence, false, false));
    let mut found: Vec<(i64, bool, bool)> = waiting.chain(dead).chain(old).collect();
    found.sort_unstable();
    let mut forgotten = Forgotten { has_more: found.len() >= limit, undelivered: 0, excess };
    for (sequence, is_waiting, is_told) in found {
        // Another instance may have claimed, revived or deleted it meanwhile.
        let one = table.find(sequence);
        let deleted = match is_waiting {
            true => diesel::delete(one.filter(j::due_at.is_not_null().and(is_free!(now)))).execute(conn)?,
            false => diesel::delete(one.filter(j::ended_at.is_not_null())).execute(conn)?,
        };
        forgotten.undelivered += if is_told { deleted } else { 0 };
    }
    Ok(forgotten)
}

fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Deletes at most `limit` that name a user, in the order in which others lock them, and says whether there may be more.
pub(super) fn erase(conn: &mut Connection, user: &UserId, limit: usize) -> QueryResult<bool> {
    let of_user = table.filter(j::user_id.eq(user.as_str())).order(j::sequence);
    let of_user = of_user.limit(rows(limit)).select(j::sequence);
    let sequences: Vec<i64> = of_user.load(conn)?;
    for sequence in &sequences {
        diesel::delete(table.find(sequence)).execute(conn)?;
    }
    Ok(sequences.len() == limit)
}
