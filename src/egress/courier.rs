//! An actor's task that carries what is owed: claims what is due, has it attempted, records what became of it.
//!
//! Nothing of this is kept anywhere but in the store. What was claimed and is not recorded, since the process has
//! died or the store was away, is due again when its lease ends; so it may come twice, and is never lost.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    sync::oneshot,
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep_until},
};

use crate::{domain::Timestamp, store::messages::StoreError};

/// How often it is looked for what is due.
const CLAIM_INTERVAL: Duration = Duration::from_millis(500);

/// How long what has come to its end waits for more at most: each record is a transaction, and publishing waits for it.
const RECORD_PAUSE: Duration = Duration::from_millis(50);

/// Rows in one record, unless one errand is more by itself.
const RECORD_ROWS: usize = 500;

/// How long a record is tried: what was taken stays so, whatever has become of its lease.
const RECORD_PATIENCE: Duration = Duration::from_secs(600);

/// What a courier carries, and for whom.
pub trait Trade: 'static {
    /// One thing to be carried, as the store hands it out.
    type Errand: 'static;
    /// What is to be recorded of it.
    type Outcome: 'static;

    /// What is carried, in the log.
    const NAME: &'static str;

    /// Errands that are on their way at once, each with a connection at most.
    const PLACES: usize;

    /// How many of so many free places are to be filled now.
    fn limit(&self, places: usize) -> usize {
        places
    }

    /// Claims what is due.
    fn claim(&self, limit: usize) -> impl Future<Output = Result<Claimed<Self::Errand>, StoreError>>;

    /// Tries once, and says within a time that is well below the lease what is to be recorded. `now` is the time of
    /// the store when it was claimed, which was at most `since` ago.
    fn attempt(
        self: Rc<Self>,
        errand: Self::Errand,
        now: Timestamp,
        claimed_at: Instant,
    ) -> impl Future<Output = Self::Outcome>;

    /// Whether whoever it is for has failed, so that more of the same is in no hurry.
    fn has_failed(&self, outcome: &Self::Outcome) -> bool;

    /// Has the store keep these.
    fn record(&self, outcomes: Vec<&Self::Outcome>) -> impl Future<Output = Result<(), StoreError>>;

    /// How many rows a record of it changes.
    fn rows(&self, outcome: &Self::Outcome) -> usize;

    /// Says in the log what has been recorded, as far as somebody should know.
    fn tell(&self, outcome: &Self::Outcome);
}

/// What the store has handed out.
pub struct Claimed<E> {
    pub errands: Vec<E>,
    /// More may be due: it is asked again at once, if there is room.
    pub has_more: bool,
    /// When that was, by the clock of the store.
    pub now: Timestamp,
}

pub struct Courier<T: Trade> {
    trade: Rc<T>,
    stop: oneshot::Receiver<oneshot::Sender<()>>,
    under_way: JoinSet<Done<T::Outcome>>,
    /// What the store was not there to record, or has not been asked to yet.
    unrecorded: Vec<Done<T::Outcome>>,
    /// When the first of it came that has not been tried to be recorded.
    unrecorded_since: Option<Instant>,
    has_more: bool,
    /// The store did not answer the last time.
    is_store_away: bool,
}

/// An attempt that has come to its end.
struct Done<O> {
    outcome: O,
    claimed_at: Instant,
}

impl<T: Trade> Courier<T> {
    pub fn new(trade: T, stop: oneshot::Receiver<oneshot::Sender<()>>) -> Self {
        Self {
            trade: Rc::new(trade),
            stop,
            under_way: JoinSet::new(),
            unrecorded: Vec::new(),
            unrecorded_since: None,
            has_more: false,
            is_store_away: false,
        }
    }

    /// Runs until it is told to stop, or the actor is gone.
    pub async fn run(mut self) {
        let mut ticks = interval(CLAIM_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stopped = loop {
            // Each look is a transaction, so some places are to be free for it.
            let is_worth_a_look = self.has_more && !self.is_store_away && self.places() >= T::PLACES / 4;
            let record_at = self.record_at();
            tokio::select! {
                biased;
                stopped = &mut self.stop => break stopped,
                Some(done) = self.under_way.join_next() => self.keep(done.ok()),
                () = sleep_until(record_at.unwrap_or_else(Instant::now).into()), if record_at.is_some() => {
                    self.record().await;
                }
                () = std::future::ready(()), if is_worth_a_look => self.claim().await,
                _ = ticks.tick() => {
                    self.record().await;
                    // What waits to be recorded may be due again, and must not be sent again.
                    if self.unrecorded.is_empty() {
                        self.claim().await;
                    }
                }
            }
        };
        // Whoever is killed meanwhile sends again what is not recorded.
        self.record().await;
        while let Some(done) = self.under_way.join_next().await {
            self.keep(done.ok());
            // A store that is away would be waited for after each of them.
            if !self.is_store_away {
                self.record().await;
            }
        }
        if self.is_store_away {
            self.record().await;
        }
        if let Ok(done) = stopped {
            let _ = done.send(());
        }
    }

    fn keep(&mut self, done: Option<Done<T::Outcome>>) {
        self.unrecorded.extend(done);
        self.unrecorded_since.get_or_insert_with(Instant::now);
    }

    /// What has come to its end is recorded soon, with what comes to its end meanwhile: the sooner, the more of the
    /// places it holds that more is waiting for, and at once where it holds most of them. Those that hang put it off by
    /// a little; a failure has it wait for its whole time, or who fails quickly would be asked the more often.
    fn record_at(&self) -> Option<Instant> {
        let most = T::PLACES * 3 / 4;
        let missing = most.saturating_sub(self.unrecorded.len());
        let has_failed = self.unrecorded.iter().any(|done| self.trade.has_failed(&done.outcome));
        let pause = match self.has_more && !has_failed {
            true => RECORD_PAUSE.mul_f64(missing as f64 / most.max(1) as f64),
            false => RECORD_PAUSE,
        };
        Some(self.unrecorded_since? + pause)
    }

    fn places(&self) -> usize {
        T::PLACES.saturating_sub(self.under_way.len() + self.unrecorded.len())
    }

    async fn claim(&mut self) {
        let places = self.places();
        let limit = self.trade.limit(places);
        if limit == 0 {
            // It is looked again at once where a place was all that was missing.
            self.has_more &= places == 0;
            return;
        }
        // The lease runs from some time after this.
        let claimed_at = Instant::now();
        match self.trade.claim(limit).await {
            Ok(claimed) => {
                self.note(None);
                self.has_more = claimed.has_more;
                for errand in claimed.errands {
                    let trade = self.trade.clone();
                    self.under_way.spawn_local(async move {
                        let outcome = trade.attempt(errand, claimed.now, claimed_at).await;
                        Done { outcome, claimed_at }
                    });
                }
            }
            Err(error) => {
                self.has_more = false;
                self.note(Some(error.to_string()));
            }
        }
    }

    /// Has the store keep what has come to its end, in parts; after a failure one by one, so that none that it does
    /// not take keeps the others from being recorded.
    async fn record(&mut self) {
        self.unrecorded_since = None;
        while let Some(done) = self.under_way.try_join_next() {
            self.unrecorded.extend(done.ok());
        }
        // It holds a place until then; what is due again meanwhile is not clobbered.
        self.unrecorded.retain(|done| done.claimed_at.elapsed() < RECORD_PATIENCE);
        let mut rest = std::mem::take(&mut self.unrecorded);
        while !rest.is_empty() {
            let part: Vec<Done<T::Outcome>> = rest.drain(..self.part(&rest)).collect();
            match self.trade.record(part.iter().map(|done| &done.outcome).collect()).await {
                Ok(()) => {
                    self.note(None);
                    part.iter().for_each(|done| self.trade.tell(&done.outcome));
                }
                // What it will never take is not kept from being due again.
                Err(StoreError::Internal(error)) if part.len() == 1 => {
                    log::error!("one of the {} could not be recorded: {error}", T::NAME);
                }
                Err(error) => {
                    self.note(Some(error.to_string()));
                    self.unrecorded.extend(part);
                    // One that does not answer would not answer to the others, either.
                    if !matches!(error, StoreError::Internal(_)) {
                        break;
                    }
                }
            }
        }
        self.unrecorded.append(&mut rest);
    }

    /// How many of these are recorded together.
    fn part(&self, rest: &[Done<T::Outcome>]) -> usize {
        if self.is_store_away {
            return 1;
        }
        let mut rows = 0;
        let fits = |done: &&Done<T::Outcome>| {
            rows += self.trade.rows(&done.outcome);
            rows <= RECORD_ROWS
        };
        rest.iter().take_while(fits).count().max(1)
    }

    /// Says once that the store is away, and once that it is back.
    fn note(&mut self, error: Option<String>) {
        match (&error, self.is_store_away) {
            (Some(error), false) => log::warn!("{} wait for the store: {error}", T::NAME),
            (None, true) => log::info!("{} go on", T::NAME),
            _ => {}
        }
        self.is_store_away = error.is_some();
    }
}

#[cfg(test)]
mod tests;
