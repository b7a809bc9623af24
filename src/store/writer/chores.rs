//! What the writer does besides what it is asked, a small part at a time between two batches: it forgets old
//! idempotency keys, and deletes what has expired.

use std::time::{Duration, Instant};

use super::Writer;
use crate::store::{
    idempotency,
    job::Queued,
    sweep::{Ended, Sweep},
};

pub(super) const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(60);

/// Idempotency keys that are deleted in one go.
const FORGOTTEN_KEYS: usize = 500;

/// How often expired notifications are looked for: they are gone, and said to be, within 5 s.
pub(super) const EXPIRY_INTERVAL: Duration = Duration::from_secs(2);

/// Expired notifications that are deleted in one go, and how long that may wait for the lock: it stands in
/// front of those who ask, and comes again.
const EXPIRED_ROWS: usize = 500;
const EXPIRY_PATIENCE: Duration = Duration::from_millis(250);

impl Writer {
    /// A small part of what is due besides the jobs; the rest comes after the next batch.
    pub(super) fn do_chores(&mut self) {
        let now = Instant::now();
        if self.housekeeping_due <= now {
            self.forget_keys();
        }
        if self.expiry_due <= now {
            self.sweep_expired();
        }
    }

    fn forget_keys(&mut self) {
        self.housekeeping_due = Instant::now() + HOUSEKEEPING_INTERVAL;
        let retention = self.retention;
        let forgotten = self.connection().and_then(|conn| {
            Ok(conn.writing(|conn, now| idempotency::forget(conn, now.minus(retention), FORGOTTEN_KEYS))?)
        });
        match forgotten {
            Ok(true) => self.housekeeping_due = Instant::now(),
            Ok(false) => {}
            Err(error) => {
                log::warn!("old idempotency keys could not be deleted: {error}");
                self.conn = None;
            }
        }
    }

    fn sweep_expired(&mut self) {
        self.expiry_due = Instant::now() + EXPIRY_INTERVAL;
        // A look first, so that an idle server takes no lock for nothing.
        let found = self.connection().and_then(|conn| {
            let now = conn.now()?;
            Ok(Ended::Expired.rows(conn, now, 1)?)
        });
        match found {
            Ok(rows) if rows.is_empty() => return,
            Ok(_) => {}
            Err(error) => return log::warn!("expired notifications could not be looked for: {error}"),
        }
        let sweep = Sweep { ended: Ended::Expired, limit: EXPIRED_ROWS };
        let (job, mut answer) = Queued::new(sweep, None, Instant::now() + EXPIRY_PATIENCE);
        self.work(vec![Box::new(job)]);
        match answer.try_recv() {
            Ok(Ok(true)) => self.expiry_due = Instant::now(),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => log::warn!("expired notifications could not be deleted: {error}"),
            Err(_) => log::error!("a sweep has no outcome"),
        }
    }
}
