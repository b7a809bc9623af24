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
        messages::{StoreOptions, WebhookBounds},
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
pub(super) struct Chores {
    /// How long idempotency keys are kept.
    retention: Duration,
    webhook_bounds: WebhookBounds,
    /// Events for webhooks that are too many, until they are gone.
    excess: Option<Excess>,
    clock: ClockWatch,
    housekeeping_due: Instant,
    expiry_due: Instant,
    /// Events that were forgotten undelivered, and not told of yet.
    undelivered: usize,
}

impl Chores {
    pub(super) fn new(options: &StoreOptions, clock: ClockWatch) -> Self {
        let now = Instant::now();
        Self {
            retention: options.idempotency_retention,
            webhook_bounds: options.webhook_bounds,
            excess: None,
            undelivered: 0,
            clock,
            housekeeping_due: now + HOUSEKEEPING_INTERVAL,
            expiry_due: now + EXPIRY_INTERVAL,
        }
    }

    pub(super) fn due(&self) -> Instant {
        self.housekeeping_due.min(self.expiry_due)
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
        metrics::webhooks_forgotten(events);
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
        chores.housekeeping_due = Instant::now() + HOUSEKEEPING_INTERVAL;
        let (keys, bounds, excess) = (chores.retention, chores.webhook_bounds, chores.excess.take());
        let forgotten = self.connection().and_then(|conn| {
            // Once for all that is deleted by it, and while nobody waits for the lock.
            let excess = match excess {
                Some(excess) => excess,
                None => webhook_history::excess(conn, bounds)?,
            };
            Ok(conn.writing(|conn, now| match chores.clock.is_settled(now) {
                true => forget(conn, now, keys, excess, FORGOTTEN_ROWS).map(|done| Some((done, excess))),
                false => Ok(None),
            })?)
        });
        match forgotten {
            Ok(Some((Forgotten { has_more, undelivered }, excess))) => {
                chores.undelivered += undelivered;
                if has_more {
                    chores.excess = Some(excess);
                    chores.housekeeping_due = Instant::now();
                } else {
                    tell_undelivered(std::mem::take(&mut chores.undelivered));
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
