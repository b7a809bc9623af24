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
    time::{MissedTickBehavior, interval},
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
        messages::{ClaimPushes, ClaimedPush, LEASE, PushClaim, PushOutcome, RecordPush},
    },
};

/// How often it is looked for what is due.
const CLAIM_INTERVAL: Duration = Duration::from_millis(500);

/// Free places for which it is worth to look at once, where more is known to be due: each look is a transaction.
const PLACES_MIN: usize = IN_FLIGHT_MAX / 4;

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
            let is_worth_a_look = self.has_more && self.places() >= PLACES_MIN;
            tokio::select! {
                biased;
                stopped = &mut self.stop => break stopped,
                Some(done) = self.under_way.join_next() => {
                    self.unrecorded.extend(done.ok());
                    self.record().await;
                }
                () = std::future::ready(()), if is_worth_a_look => self.claim().await,
                _ = ticks.tick() => {
                    self.record().await;
                    self.claim().await;
                }
            }
        };
        while let Some(done) = self.under_way.join_next().await {
            self.unrecorded.extend(done.ok());
        }
        self.record().await;
        if let Ok(done) = stopped {
            let _ = done.send(());
        }
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
            let answer = provider.attempt(&push, now).await;
            drop(on_its_way);
            let outcome = judge(answer, &push, now.plus(claimed_at.elapsed()), ttl);
            metrics::push_attempted(word(&outcome));
            Done { claim: push.claim, outcome, claimed_at }
        });
    }

    /// Has the store keep what has come to its end, and with it whatever else has by now.
    async fn record(&mut self) {
        while let Some(done) = self.under_way.try_join_next() {
            self.unrecorded.extend(done.ok());
        }
        // What is due again anyway would clobber nothing, and say nothing that is true.
        self.unrecorded.retain(|done| done.claimed_at.elapsed() < LEASE);
        if self.unrecorded.is_empty() {
            return;
        }
        let outcomes = self.unrecorded.iter().map(|done| (done.claim.clone(), done.outcome.clone()));
        match self.store.ask(RecordPush { outcomes: outcomes.collect() }).await {
            Ok(()) => {
                self.note(None);
                for done in std::mem::take(&mut self.unrecorded) {
                    self.tell(&done);
                }
            }
            Err(error) => self.note(Some(error.to_string())),
        }
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
