//! The actor's task: claims what is due, has it sent, records what became of it.
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

use super::{
    IN_FLIGHT_MAX,
    outcome::{judge, word},
    provider::Provider,
};
use crate::{
    domain::Timestamp,
    observe::metrics,
    store::{
        StoreLink,
        messages::{ClaimPushes, ClaimedPush, PushClaim, PushOutcome, RecordPush, StoreError},
    },
};

/// How often it is looked for what is due.
const CLAIM_INTERVAL: Duration = Duration::from_millis(500);

/// Free places for which it is worth to look at once, where more is known to be due: each look is a transaction.
const PLACES_MIN: usize = IN_FLIGHT_MAX / 4;

/// How long what has come to its end waits for more: each record is a transaction, and publishing waits for it.
const RECORD_PAUSE: Duration = Duration::from_millis(50);

/// Jobs in one record, unless one push is more by itself.
const RECORD_JOBS: usize = 500;

/// How long a record is tried: a push that was taken stays so, whatever has become of its lease.
const RECORD_PATIENCE: Duration = Duration::from_secs(600);

/// How often it is said that pushes are given up.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

pub struct Driver {
    store: StoreLink,
    provider: Rc<dyn Provider>,
    ttl: Duration,
    stop: oneshot::Receiver<oneshot::Sender<()>>,
    under_way: JoinSet<Done>,
    /// What the store was not there to record, or has not been asked to yet.
    unrecorded: Vec<Done>,
    record_at: Option<Instant>,
    has_more: bool,
    /// The store did not answer the last time.
    is_store_away: bool,
    complained_at: Option<Instant>,
}

/// An attempt that has come to its end.
struct Done {
    claim: PushClaim,
    outcome: PushOutcome,
    claimed_at: Instant,
}

impl Driver {
    pub fn new(
        store: StoreLink,
        provider: Rc<dyn Provider>,
        ttl: Duration,
        stop: oneshot::Receiver<oneshot::Sender<()>>,
    ) -> Self {
        Self {
            store,
            provider,
            ttl,
            stop,
            under_way: JoinSet::new(),
            unrecorded: Vec::new(),
            record_at: None,
            has_more: false,
            is_store_away: false,
            complained_at: None,
        }
    }

    /// Runs until it is told to stop, or the actor is gone.
    pub async fn run(mut self) {
        let mut ticks = interval(CLAIM_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stopped = loop {
            let is_worth_a_look = self.has_more && !self.is_store_away && self.places() >= PLACES_MIN;
            let record_at = self.record_at.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                stopped = &mut self.stop => break stopped,
                Some(done) = self.under_way.join_next() => self.keep(done.ok()),
                () = sleep_until(record_at.into()), if self.record_at.is_some() => self.record().await,
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
            self.record().await;
        }
        if let Ok(done) = stopped {
            let _ = done.send(());
        }
    }

    /// What has come to its end is recorded soon, with what comes to its end meanwhile.
    fn keep(&mut self, done: Option<Done>) {
        if done.is_some() {
            self.record_at.get_or_insert_with(|| Instant::now() + RECORD_PAUSE);
        }
        self.unrecorded.extend(done);
    }

    fn places(&self) -> usize {
        IN_FLIGHT_MAX.saturating_sub(self.under_way.len() + self.unrecorded.len())
    }

    async fn claim(&mut self) {
        let limit = self.places();
        if limit == 0 {
            return;
        }
        // The lease runs from some time after this.
        let claimed_at = Instant::now();
        let claimed = self.store.ask(ClaimPushes { limit }).await;
        match claimed {
            Ok(claimed) => {
                self.note(None);
                self.has_more = claimed.has_more;
                for push in claimed.pushes {
                    self.send(push, claimed.now, claimed_at);
                }
            }
            Err(error) => {
                self.has_more = false;
                self.note(Some(error.to_string()));
            }
        }
    }

    fn send(&mut self, push: ClaimedPush, now: Timestamp, claimed_at: Instant) {
        let (provider, ttl) = (self.provider.clone(), self.ttl);
        let on_its_way = metrics::PushOnItsWay::count();
        self.under_way.spawn_local(async move {
            let begun = Instant::now();
            let answer = provider.attempt(&push, now).await;
            let took = begun.elapsed();
            drop(on_its_way);
            let outcome = judge(answer, &push, now.plus(claimed_at.elapsed()), ttl);
            metrics::push_attempted(word(&outcome), took);
            Done { claim: push.claim, outcome, claimed_at }
        });
    }

    /// Has the store keep what has come to its end, in parts; after a failure one by one, so that none that it does
    /// not take keeps the others from being recorded.
    async fn record(&mut self) {
        self.record_at = None;
        while let Some(done) = self.under_way.try_join_next() {
            self.unrecorded.extend(done.ok());
        }
        // It holds a place until then; what is due again meanwhile is not clobbered.
        self.unrecorded.retain(|done| done.claimed_at.elapsed() < RECORD_PATIENCE);
        let mut rest = std::mem::take(&mut self.unrecorded);
        while !rest.is_empty() {
            let part: Vec<Done> = rest.drain(..self.part(&rest)).collect();
            let outcomes = part.iter().map(|done| (done.claim.clone(), done.outcome.clone()));
            match self.store.ask(RecordPush { outcomes: outcomes.collect() }).await {
                Ok(()) => {
                    self.note(None);
                    part.iter().for_each(|done| self.tell(done));
                }
                // What it will never take is not kept from being due again.
                Err(StoreError::Internal(error)) if part.len() == 1 => {
                    log::error!("a push could not be recorded: {error}");
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
    fn part(&self, rest: &[Done]) -> usize {
        if self.is_store_away {
            return 1;
        }
        let mut jobs = 0;
        let fits = |done: &&Done| {
            jobs += done.claim.jobs.len();
            jobs <= RECORD_JOBS
        };
        rest.iter().take_while(fits).count().max(1)
    }

    /// Says once that the store is away, and once that it is back.
    fn note(&mut self, error: Option<String>) {
        match (&error, self.is_store_away) {
            (Some(error), false) => log::warn!("pushes wait for the store: {error}"),
            (None, true) => log::info!("pushes go on"),
            _ => {}
        }
        self.is_store_away = error.is_some();
    }

    /// Neither the endpoint nor what was pushed is for the log.
    fn tell(&mut self, done: &Done) {
        let subscription = done.claim.subscription.as_str();
        match &done.outcome {
            // Each subscription only once, since it is disabled by it.
            PushOutcome::Refused { reason } => {
                log::warn!(subscription; "a push was not sent, and its subscription is disabled: {reason}");
            }
            PushOutcome::Dead { status, reason }
                if self.complained_at.is_none_or(|at| at.elapsed() >= COMPLAINT_INTERVAL) =>
            {
                self.complained_at = Some(Instant::now());
                log::warn!(subscription, status:?; "pushes are given up; the last one: {reason}");
            }
            outcome => log::debug!(subscription, result = word(outcome); "a push was attempted"),
        }
    }
}
