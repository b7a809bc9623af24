//! Retention: how long notifications are kept, and how many of those that were read.
//!
//! The store looks for what must go beside its writer, and has the writer delete it in small parts, among
//! the other writes and with a pause after each, so that publishing never waits for it.

use std::time::{Duration, Instant};

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::{
    Connection, Store,
    inboxes::{self, Place},
    messages::{StoreError, StoreOptions},
    sweep::{Ended, Sweep},
};
use crate::{clock::ClockWatch, domain::Timestamp};

/// How often it is looked when there is nothing to do: two reads by an index.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Notifications that are deleted in one go: one to three milliseconds of the writer, as they are of few
/// users or of many.
const SWEPT_ROWS: usize = 100;

/// What comes after each go, and after each page of the walk: the writer is left alone for nineteen
/// twentieths of the time, and up to two thousand go in a second, far more than come in the long run.
const PAUSE: Duration = Duration::from_millis(50);

/// Inboxes that are looked into in one go: a fraction of a millisecond each, of a thread for reading.
const WALKED_INBOXES: i64 = 32;

/// How long a transaction may have taken that began before a walk ended: its inboxes are looked at again.
const OVERLAP: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(super) struct Retention {
    max_age: Duration,
    clock: ClockWatch,
    /// Read notifications that a user keeps.
    keep: i64,
    /// How far the walk over the inboxes has come, by the time of their last change; from the start in each
    /// process.
    walked: Place,
}

/// What one look has found.
struct Look {
    ended: Option<Ended>,
    walked: Place,
    /// There is nothing more to be found for a while.
    is_done: bool,
}

impl Retention {
    pub(super) fn new(options: &StoreOptions, clock: ClockWatch) -> Self {
        Self {
            clock,
            max_age: options.max_age,
            keep: i64::try_from(options.max_read).unwrap_or(i64::MAX),
            walked: Place::START,
        }
    }

    /// Finds what is to be deleted next.
    fn look(&self, conn: &mut Connection, now: Timestamp) -> Result<Look, StoreError> {
        let mut walked = self.walked.clone();
        let aged = Ended::Aged(self.max_age);
        if self.clock.is_settled(now) && !aged.rows(conn, now, 1)?.is_empty() {
            return Ok(Look { ended: Some(aged), walked, is_done: false });
        }
        // The clock may have been set back.
        walked.changed_at = walked.changed_at.min(now);
        let page = inboxes::crowded(conn, &walked, self.keep, WALKED_INBOXES)?;
        let is_done = page.len() < usize::try_from(WALKED_INBOXES).unwrap_or_default();
        for place in page {
            if let Some(user) = place.user.clone() {
                let outnumbered = Ended::Outnumbered { user, keep: self.keep };
                if !outnumbered.rows(conn, now, 1)?.is_empty() {
                    return Ok(Look { ended: Some(outnumbered), walked, is_done: false });
                }
            }
            walked = place;
        }
        if is_done {
            walked = Place { changed_at: now.minus(OVERLAP), user: None };
        }
        Ok(Look { ended: None, walked, is_done })
    }
}

impl Store {
    /// Goes on with retention after a while, for as long as the store lives.
    pub(super) fn await_retention(ctx: &mut Context<Self>) {
        Self::retain_after(LOOK_INTERVAL, ctx);
    }

    fn retain_after(pause: Duration, ctx: &mut Context<Self>) {
        ctx.run_later(pause, |store, ctx| store.retain(ctx));
    }

    /// Looks once, and has deleted what is found.
    fn retain(&self, ctx: &mut Context<Self>) {
        let retention = self.retention.clone();
        let deadline = Instant::now() + self.patience;
        let look = self.reader.clone().read(deadline, move |conn| {
            let now = conn.now()?;
            Ok((retention.look(conn, now)?, now))
        });
        let sweep = look.into_actor(self).then(|looked, store, _| {
            let swept = looked.map(|(Look { ended, walked, is_done }, by)| {
                store.retention.walked = walked;
                (ended.map(|ended| store.write(Sweep { ended, by, limit: SWEPT_ROWS })), is_done)
            });
            async move {
                let (sweep, is_done) = swept?;
                if let Some(sweep) = sweep {
                    sweep.await?;
                }
                Ok(is_done)
            }
            .into_actor(store)
        });
        ctx.spawn(sweep.map(|outcome: Result<bool, StoreError>, store, ctx| {
            // What fails because the store is closing is nobody's business.
            if store.writer.is_ending() {
                return;
            }
            let is_done = outcome.unwrap_or_else(|error| {
                log::warn!("old notifications could not be deleted: {error}");
                true
            });
            Self::retain_after(if is_done { LOOK_INTERVAL } else { PAUSE }, ctx);
        }));
    }
}
