//! What the writer does besides what it is asked, a small part at a time between two batches: it forgets what
//! nobody can use any more, and deletes what has expired.

use std::time::{Duration, Instant};

use super::Writer;
use crate::{
    clock::ClockWatch,
    domain::Timestamp,
    store::{
        Connection, idempotency,
        job::Queued,
        messages::StoreOptions,
        push_history, revocations,
        sweep::{Ended, Sweep},
        tickets, webhook_history,
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
    clock: ClockWatch,
    housekeeping_due: Instant,
    expiry_due: Instant,
}

impl Chores {
    pub(super) fn new(options: &StoreOptions, clock: ClockWatch) -> Self {
        let now = Instant::now();
        Self {
            retention: options.idempotency_retention,
            clock,
            housekeeping_due: now + HOUSEKEEPING_INTERVAL,
            expiry_due: now + EXPIRY_INTERVAL,
        }
    }

    pub(super) fn due(&self) -> Instant {
        self.housekeeping_due.min(self.expiry_due)
    }
}

/// Forgets what nobody can use any more, at most so many of each kind; says whether there may be more.
pub(in crate::store) fn forget(
    conn: &mut Connection,
    now: Timestamp,
    keys: Duration,
    limit: usize,
) -> diesel::QueryResult<bool> {
    let more = [
        idempotency::forget(conn, now.minus(keys), limit)?,
        tickets::forget(conn, now, limit)?,
        push_history::forget(conn, now, limit)?,
        webhook_history::forget(conn, now, limit)?,
        revocations::forget_sessions(conn, now, limit)?,
    ];
    Ok(more.contains(&true))
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
        let retention = chores.retention;
        let forgotten = self.connection().and_then(|conn| {
            Ok(conn.writing(|conn, now| {
                Ok(chores.clock.is_settled(now) && forget(conn, now, retention, FORGOTTEN_ROWS)?)
            })?)
        });
        match forgotten {
            Ok(true) => chores.housekeeping_due = Instant::now(),
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
