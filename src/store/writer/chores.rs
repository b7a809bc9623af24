//! What the writer does besides what it is asked, a small part at a time between two batches: it forgets what
//! nobody can use any more, and deletes what has expired.

use std::time::{Duration, Instant};

use super::Writer;
use crate::{
    clock::ClockWatch,
    domain::Timestamp,
    observe::metrics,
    store::{
        Connection, idempotency,
        job::Queued,
        messages::StoreOptions,
        push_history, revocations,
        sweep::{Ended, Sweep},
        tickets,
        webhook_history::{self, Forgotten},
    },
};

const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(60);

/// Idempotency keys, tickets, ends of sessions, of pushes and of webhooks, that are deleted in one go.
const FORGOTTEN_ROWS: usize = 500;

/// How often expired notifications are looked for: they are gone, and said to be, within 5 s.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(2);

/// Expired notifications that are deleted in one go, and how long that may wait for the lock: it stands in
/// front of those who ask, and comes again.
const EXPIRED_ROWS: usize = 500;
const EXPIRY_PATIENCE: Duration = Duration::from_millis(250);

/// What one of the writers does for all, and when.
pub(super) struct Chores {
    /// How long idempotency keys are kept.
    retention: Duration,
    /// How many events for webhooks may wait.
    webhooks_max: usize,
    clock: ClockWatch,
    housekeeping_due: Instant,
    expiry_due: Instant,
    /// Events that were forgotten unsent, and not told of yet.
    unsent: usize,
}

impl Chores {
    pub(super) fn new(options: &StoreOptions, clock: ClockWatch) -> Self {
        let now = Instant::now();
        Self {
            retention: options.idempotency_retention,
            webhooks_max: options.webhooks_max,
            unsent: 0,
            clock,
            housekeeping_due: now + HOUSEKEEPING_INTERVAL,
            expiry_due: now + EXPIRY_INTERVAL,
        }
    }

    pub(super) fn due(&self) -> Instant {
        self.housekeeping_due.min(self.expiry_due)
    }
}

/// Forgets what nobody can use any more, at most so many of each kind; says whether there may be more, and how many
/// events for webhooks were among it that nobody has heard of.
pub(in crate::store) fn forget(
    conn: &mut Connection,
    now: Timestamp,
    keys: Duration,
    webhooks_max: usize,
    limit: usize,
) -> diesel::QueryResult<Forgotten> {
    let webhooks = webhook_history::forget(conn, now, webhooks_max, limit)?;
    let more = [
        idempotency::forget(conn, now.minus(keys), limit)?,
        tickets::forget(conn, now, limit)?,
        push_history::forget(conn, now, limit)?,
        webhooks.has_more,
        revocations::forget_sessions(conn, now, limit)?,
    ];
    Ok(Forgotten { has_more: more.contains(&true), unsent: webhooks.unsent })
}

/// Nothing is dropped in silence.
pub(in crate::store) fn tell_unsent(events: usize) {
    if events > 0 {
        metrics::webhooks_forgotten(events);
        log::warn!(events; "webhooks have waited for 30 days, or were more than webhooks.max_waiting: forgotten unsent");
    }
}

impl Writer {
    /// A small part of what is due besides the jobs; the rest comes after the next batch.
    pub(super) fn do_chores(&mut self) {
        let now = Instant::now();
        // Taken while it is worked on, so that both can be changed.
        let Some(mut chores) = self.chores.take() else { return };
        if chores.housekeeping_due <= now {
            self.forget_old(&mut chores);
        }
        if chores.expiry_due <= now {
            self.sweep_expired(&mut chores);
        }
        self.chores = Some(chores);
    }

    fn forget_old(&mut self, chores: &mut Chores) {
        chores.housekeeping_due = Instant::now() + HOUSEKEEPING_INTERVAL;
        let (keys, webhooks_max) = (chores.retention, chores.webhooks_max);
        let forgotten = self.connection().and_then(|conn| {
            Ok(conn.writing(|conn, now| match chores.clock.is_settled(now) {
                true => forget(conn, now, keys, webhooks_max, FORGOTTEN_ROWS).map(Some),
                false => Ok(None),
            })?)
        });
        match forgotten {
            Ok(Some(Forgotten { has_more, unsent })) => {
                chores.unsent += unsent;
                if has_more {
                    chores.housekeeping_due = Instant::now();
                } else {
                    tell_unsent(std::mem::take(&mut chores.unsent));
                }
            }
            Ok(None) => {}
            Err(error) => {
                log::warn!("what is old could not be deleted: {error}");
                self.conn = None;
            }
        }
    }

    fn sweep_expired(&mut self, chores: &mut Chores) {
        chores.expiry_due = Instant::now() + EXPIRY_INTERVAL;
        // A look first, so that an idle server takes no lock for nothing.
        let found = self.connection().and_then(|conn| {
            let now = chores.clock.look(|| conn.now())?;
            let by = chores.clock.bounds(now).earliest;
            Ok((!Ended::Expired.rows(conn, by, 1)?.is_empty()).then_some(by))
        });
        let by = match found {
            Ok(None) => return,
            Ok(Some(by)) => by,
            Err(error) => return log::warn!("expired notifications could not be looked for: {error}"),
        };
        let sweep = Sweep { ended: Ended::Expired, by, limit: EXPIRED_ROWS };
        let (job, mut answer) = Queued::new(sweep, None, Instant::now() + EXPIRY_PATIENCE);
        self.work(vec![Box::new(job)]);
        match answer.try_recv() {
            Ok(Ok(true)) => chores.expiry_due = Instant::now(),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => log::warn!("expired notifications could not be deleted: {error}"),
            Err(_) => log::error!("a sweep has no outcome"),
        }
    }
}
