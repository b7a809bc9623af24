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
        messages::{StoreError, StoreOptions, WebhookBounds},
        push_history, revocations,
        sweep::{Ended, Sweep},
        tickets,
        webhook_history::{self, Excess, Forgotten},
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
pub(in crate::store) struct Chores {
    /// How long idempotency keys are kept.
    retention: Duration,
    webhook_bounds: WebhookBounds,
    /// Events for webhooks that are too many, until they are gone, and when it is looked for more.
    excess: Excess,
    look_due: Instant,
    clock: ClockWatch,
    housekeeping_due: Instant,
    expiry_due: Instant,
    /// Events that were forgotten undelivered, and not told of yet.
    undelivered: usize,
}

impl Chores {
    pub(in crate::store) fn new(options: &StoreOptions, clock: ClockWatch) -> Self {
        let now = Instant::now();
        Self {
            retention: options.idempotency_retention,
            webhook_bounds: options.webhook_bounds,
            excess: Excess::default(),
            look_due: now,
            undelivered: 0,
            clock,
            housekeeping_due: now + HOUSEKEEPING_INTERVAL,
            expiry_due: now + EXPIRY_INTERVAL,
        }
    }

    pub(super) fn due(&self) -> Instant {
        self.housekeeping_due.min(self.expiry_due)
    }

    /// Forgets a part of what is old, and says whether there may be more. However long that goes on, what is too much is
    /// looked for again, and what was lost is told, once in an interval.
    pub(in crate::store) fn forget(
        &mut self,
        conn: &mut Connection,
        now: Instant,
    ) -> Result<bool, StoreError> {
        if self.look_due <= now {
            self.look_due = now + HOUSEKEEPING_INTERVAL;
            tell_undelivered(std::mem::take(&mut self.undelivered));
            self.excess = webhook_history::excess(conn, self.webhook_bounds)?;
        }
        let forgotten = conn.writing(|conn, now| match self.clock.is_settled(now) {
            true => forget(conn, now, self.retention, self.excess, FORGOTTEN_ROWS).map(Some),
            false => Ok(None),
        })?;
        let Some(Forgotten { has_more, undelivered, excess }) = forgotten else { return Ok(false) };
        self.excess = excess;
        self.undelivered += undelivered;
        metrics::webhooks_forgotten(undelivered);
        if !has_more {
            tell_undelivered(std::mem::take(&mut self.undelivered));
        }
        Ok(has_more)
    }
}

/// Forgets what nobody can use any more, and events for webhooks that are too many, at most so many of each kind.
pub(in crate::store) fn forget(
    conn: &mut Connection,
    now: Timestamp,
    keys: Duration,
    excess: Excess,
    limit: usize,
) -> diesel::QueryResult<Forgotten> {
    let webhooks = webhook_history::forget(conn, now, excess, limit)?;
    let more = [
        idempotency::forget(conn, now.minus(keys), limit)?,
        tickets::forget(conn, now, limit)?,
        push_history::forget(conn, now, limit)?,
        webhooks.has_more,
        revocations::forget_sessions(conn, now, limit)?,
    ];
    Ok(Forgotten { has_more: more.contains(&true), ..webhooks })
}

/// Nothing is dropped in silence.
pub(in crate::store) fn tell_undelivered(events: usize) {
    if events > 0 {
        log::warn!(events; "webhooks were forgotten undelivered: they had waited for 30 days, or were too many");
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
        let now = Instant::now();
        chores.housekeeping_due = now + HOUSEKEEPING_INTERVAL;
        match self.connection().and_then(|conn| chores.forget(conn, now)) {
            Ok(true) => chores.housekeeping_due = now,
            Ok(false) => {}
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
