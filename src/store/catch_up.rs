//! Telling the hub what it has not heard: inboxes that other processes on the database have changed, and
//! what it had no room for (G7).
//!
//! What travels live is a doorbell, and this makes its loss harmless. Beside the writer it looks for inboxes
//! that have changed since its last completed sweep began, and a little before that. It must never count as
//! told what the hub did not take.

use std::{
    collections::HashMap,
    future::pending,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::watch, time::sleep};

use super::{
    Connection,
    counter_cache::CounterCache,
    doorbell::Doorbell,
    inboxes::{self, Changed, Place},
    messages::{InboxState, StoreError, StoreOptions},
    reader::Reader,
};
use crate::{
    domain::{Timestamp, UserId},
    hub::messages::InboxFact,
};

/// How often it looks: as a net under the bus, and while there is none.
const INTERVAL: Duration = Duration::from_secs(5);
const INTERVAL_WITHOUT_BUS: Duration = Duration::from_secs(1);

/// A change is seen when it is committed, and has the time at which its transaction began. Those that have not
/// changed anything yet when a sweep begins are not known to it, and may be as old as their askers are patient:
/// half of this at most, for the patience that is usual.
const OVERLAP: Duration = Duration::from_secs(15);

/// How long a full hub, or a database that fails, is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// Inboxes in one read, and in one message to the hub.
const PAGE_INBOXES: i64 = 500;

/// Inboxes that are remembered as told; those beyond are told again, which costs time and nothing else.
const TOLD_MAX: usize = 65_536;

pub(super) struct CatchUp {
    reader: Reader,
    doorbell: Doorbell,
    counters: Arc<CounterCache>,
    /// Whether the bus is live; each word of it is a reason to look. `None` without a bus.
    bus: Option<watch::Receiver<bool>>,
    /// Whether other processes may change the inboxes.
    is_shared: bool,
    /// From when on changes may be unheard; `None` if all are heard.
    pub(super) owed: Option<Timestamp>,
    /// What the hub has heard in the last sweep: most of what one finds, the one before has found, too.
    told: HashMap<UserId, InboxState>,
    has_warned: bool,
    /// How long a read or a write may take.
    patience: Duration,
}

impl CatchUp {
    /// Owes everything from now on, if it is shared: whoever is here comes later.
    ///
    /// # Errors
    /// If the database does not say what time it is.
    pub(super) fn new(
        reader: &Reader,
        doorbell: &Doorbell,
        counters: &Arc<CounterCache>,
        options: &StoreOptions,
        is_shared: bool,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            reader: reader.clone(),
            doorbell: doorbell.clone(),
            counters: counters.clone(),
            bus: options.others.bus.clone(),
            is_shared,
            owed: if is_shared { Some(reader.now()?) } else { None },
            told: HashMap::new(),
            has_warned: false,
            patience: options.busy_timeout.mul_f64(0.9),
        })
    }

    /// Sweeps whenever it is due, until the store closes.
    pub(super) async fn run(mut self) {
        loop {
            self.is_due().await;
            if let Err(error) = self.sweep().await {
                if self.reader.is_closing() {
                    return;
                }
                log::warn!("it could not be looked for what others have changed: {error}");
                sleep(PAUSE).await;
            }
        }
    }

    pub(super) async fn is_due(&mut self) {
        let is_bus_live = self.bus.as_ref().is_some_and(|bus| *bus.borrow());
        let interval = match (self.is_shared, is_bus_live) {
            // What nobody else changes is missed only where the hub was full.
            (false, _) => None,
            (true, true) => Some(INTERVAL),
            (true, false) => Some(INTERVAL_WITHOUT_BUS),
        };
        let time = async {
            match interval {
                Some(interval) => sleep(interval).await,
                None => pending().await,
            }
        };
        let bus = &mut self.bus;
        let word = async {
            match bus {
                Some(bus) if bus.has_changed().is_ok() => drop(bus.changed().await),
                // A bridge that is gone says nothing more.
                _ => pending().await,
            }
        };
        tokio::select! {
            () = time => {}
            () = word => {}
            () = self.doorbell.has_missed() => {}
        }
    }

    /// Tells the hub of every inbox that may have changed unheard. Nothing that is told moves the mark before
    /// all is told, so one that fails midway costs only time.
    pub(super) async fn sweep(&mut self) -> Result<(), StoreError> {
        self.owed = self.owed.into_iter().chain(self.doorbell.take_missed()).min();
        let Some(owed) = self.owed else { return Ok(()) };
        // In a transaction of its own, before those that look begin.
        let (begun, has_company) = self.read(|conn| Ok(conn.settled()?)).await?;
        self.warn_of(has_company);
        // The clock may have been set back.
        let start = owed.min(begun).minus(OVERLAP.max(self.patience * 3));
        let mut place = Place { changed_at: start, user: None };
        let mut told = HashMap::new();
        loop {
            // Without an end, since an inbox that changes all the time would always be behind it.
            let from = place.clone();
            let page = self.read(move |conn| Ok(inboxes::changed(conn, &from, PAGE_INBOXES)?)).await?;
            let is_last = page.len() < usize::try_from(PAGE_INBOXES).unwrap_or_default();
            let next = page.last().map(|last| last.place.clone());
            let is_untold = |changed: &&Changed| self.told.get(&changed.user) != Some(&changed.state);
            let facts: Vec<InboxFact> = page.iter().filter(is_untold).map(fact).collect();
            self.counters.note(&facts);
            if !self.doorbell.tell_found(facts) {
                sleep(PAUSE).await;
                continue;
            }
            let room = TOLD_MAX.saturating_sub(told.len());
            told.extend(page.into_iter().take(room).map(|changed| (changed.user, changed.state)));
            if is_last {
                self.owed = self.is_shared.then_some(begun);
                self.told = told;
                return Ok(());
            }
            place = next.unwrap_or(place);
        }
    }

    /// Says once that other processes share the database, where nothing tells them of each other.
    fn warn_of(&mut self, has_company: bool) {
        if has_company && self.bus.is_none() && !self.has_warned {
            self.has_warned = true;
            log::warn!(
                "other instances use the database and bridge.url is not set: what one of them stores, the others \
                 tell about a second later, and rooms are not shared"
            );
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.reader.clone().read(Instant::now() + self.patience, query).await
    }
}

fn fact(changed: &Changed) -> InboxFact {
    let Changed { user, state, .. } = changed;
    InboxFact::Changed { user: user.clone(), position: state.head.position(), counters: state.counters }
}
