//! Taking back what was let in: on this instance at once, on the others within two seconds.
//!
//! The table of the store is the truth, and what is told between instances a doorbell: whoever hears it reads the
//! table. So it is read now and then by everybody who shares it, and nothing depends on the bus but the time.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Notify, watch};

use super::Gate;
use crate::{
    bridge::messages::TellKind,
    domain::{Revocation, Revoked, Timestamp},
    hub::HubLink,
    store::{
        StoreLink,
        messages::{ReadRevocations, Revoke, StoreError},
    },
};

/// How often the table is read while the bus rings, and while there is none.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);
const SWEEP_INTERVAL_ALONE: Duration = Duration::from_secs(1);

/// What is read again, since a transaction that began before a read may end behind it.
const OVERLAP: Duration = Duration::from_secs(15);

/// How often more than that is read again: nothing bounds how long a commit may wait for a disk, and by then the one
/// who asked has been told that it is not known.
const DEEP_INTERVAL: Duration = Duration::from_secs(10);
const DEEP_OVERLAP: Duration = Duration::from_secs(10 * 60);

/// How long the table is left alone after each look.
const PAUSE: Duration = Duration::from_millis(100);

/// Rows that are read at once.
const PAGE_ROWS: usize = 5000;

/// Shared by the requests of administrators and the one who sweeps.
pub struct Revoker {
    gate: Arc<Gate>,
    store: StoreLink,
    hub: HubLink,
    /// Rung when other instances have revoked something.
    doorbell: Arc<Notify>,
    /// Whether the bus is there; `None` where there is none.
    bus: Option<watch::Receiver<bool>>,
    /// When the table was last read to its end.
    read_at: Mutex<Timestamp>,
}

impl Revoker {
    /// Knows all that was ever revoked: nobody is let in before.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn load(
        gate: Arc<Gate>,
        store: StoreLink,
        hub: HubLink,
        doorbell: Arc<Notify>,
        bus: Option<watch::Receiver<bool>>,
    ) -> Result<Self, StoreError> {
        let revoker =
            Self { gate, store, hub, doorbell, bus, read_at: Mutex::new(Timestamp::from_micros(0)) };
        // There are no sessions yet.
        revoker.sweep(OVERLAP, |revocations| drop(revoker.learn(revocations))).await?;
        Ok(revoker)
    }

    /// Revokes these, and says as of when. When it answers, they are let in here no more, and their sessions
    /// here are being ended.
    ///
    /// # Errors
    /// Those of the store; nothing was revoked then, or it is not known.
    pub async fn revoke(&self, revoked: Vec<Revoked>) -> Result<Timestamp, StoreError> {
        let (at, revocations) = self.store.ask(Revoke { revoked }).await?;
        self.take(revocations);
        self.hub.tell_nodes(None, TellKind::Revoked, "{}".to_owned());
        Ok(at)
    }

    /// Hears for ever of what others revoke, if the store is shared, and of what was not known to be revoked.
    pub async fn listen(self: Arc<Self>, is_shared: bool) {
        let mut deep_at = Instant::now();
        loop {
            let is_bus_live = self.bus.as_ref().is_some_and(|bus| *bus.borrow());
            let interval = match (is_shared, is_bus_live) {
                (false, _) => DEEP_INTERVAL,
                (true, true) => SWEEP_INTERVAL,
                (true, false) => SWEEP_INTERVAL_ALONE,
            };
            tokio::select! {
                () = self.doorbell.notified() => {}
                () = tokio::time::sleep(interval) => {}
            }
            let is_deep = deep_at.elapsed() >= DEEP_INTERVAL;
            let overlap = if is_deep { DEEP_OVERLAP } else { OVERLAP };
            match self.sweep(overlap, |revocations| self.take(revocations)).await {
                Ok(()) if is_deep => deep_at = Instant::now(),
                Ok(()) => {}
                Err(error) => log::warn!("what others have revoked could not be read: {error}"),
            }
            // However often it rings.
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Reads what was revoked since the last time, page by page.
    async fn sweep(&self, overlap: Duration, take: impl Fn(Vec<Revocation>)) -> Result<(), StoreError> {
        let last = *self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, mut after) = (last.minus(overlap), None);
        loop {
            let page = self.store.ask(ReadRevocations { since, after, limit: PAGE_ROWS }).await?;
            after = page.revocations.last().cloned();
            take(page.revocations);
            if !page.has_more {
                *self.read_at.lock().unwrap_or_else(PoisonError::into_inner) = page.read_at;
                return Ok(());
            }
        }
    }

    /// The gate first, so that whoever comes in while the sessions are walked is stopped there.
    fn take(&self, revocations: Vec<Revocation>) {
        let news = self.learn(revocations);
        if !news.is_empty() {
            log::info!(count = news.len(); "revoked");
            self.hub.revoke(news);
        }
    }

    /// Has the gate know these, and says which were new to it.
    fn learn(&self, revocations: Vec<Revocation>) -> Vec<Revocation> {
        revocations.into_iter().filter(|revocation| self.gate.revocations.add(revocation)).collect()
    }
}
