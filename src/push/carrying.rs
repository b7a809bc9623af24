//! What the courier carries for `push`: what the store claims, the provider attempts and the store records.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use super::{
    outcome::{judge, word},
    provider::Provider,
};
use crate::{
    domain::Timestamp,
    egress::courier::{Claimed, Trade},
    observe::metrics,
    store::{
        StoreLink,
        messages::{ClaimPushes, ClaimedPush, PushClaim, PushOutcome, RecordPush, StoreError},
    },
};

/// How often it is said that pushes are given up.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

pub struct Carrying<P> {
    pub store: StoreLink,
    pub provider: P,
    pub ttl: Duration,
    pub complained_at: Cell<Option<Instant>>,
}

impl<P: Provider + 'static> Trade for Carrying<P> {
    type Errand = ClaimedPush;
    type Outcome = (PushClaim, PushOutcome);

    const NAME: &'static str = "pushes";
    const PLACES: usize = super::IN_FLIGHT_MAX;

    async fn claim(&self, limit: usize) -> Result<Claimed<ClaimedPush>, StoreError> {
        let claimed = self.store.ask(ClaimPushes { limit }).await?;
        Ok(Claimed { errands: claimed.pushes, has_more: claimed.has_more, now: claimed.now })
    }

    async fn attempt(
        self: Rc<Self>,
        push: ClaimedPush,
        now: Timestamp,
        claimed_at: Instant,
    ) -> Self::Outcome {
        let on_its_way = metrics::PushOnItsWay::count();
        let begun = Instant::now();
        let answer = self.provider.attempt(&push, now).await;
        let took = begun.elapsed();
        drop(on_its_way);
        let outcome = judge(answer, &push, now.plus(claimed_at.elapsed()), self.ttl);
        metrics::push_attempted(word(&outcome), took);
        (push.claim, outcome)
    }

    fn has_failed(&self, (_, outcome): &Self::Outcome) -> bool {
        matches!(outcome, PushOutcome::Retry { .. } | PushOutcome::Dead { .. })
    }

    async fn record(&self, outcomes: Vec<&Self::Outcome>) -> Result<(), StoreError> {
        let outcomes = outcomes.into_iter().cloned().collect();
        self.store.ask(RecordPush { outcomes }).await
    }

    fn rows(&self, (claim, _): &Self::Outcome) -> usize {
        claim.jobs.len()
    }

    /// Neither the endpoint nor what was pushed is for the log.
    fn tell(&self, (claim, outcome): &Self::Outcome) {
        let subscription = claim.subscription.as_str();
        match outcome {
            // Each subscription only once, since it is disabled by it.
            PushOutcome::Refused { reason } => {
                log::warn!(subscription; "a push was not sent, and its subscription is disabled: {reason}");
            }
            PushOutcome::Dead { status, reason }
                if self.complained_at.get().is_none_or(|at| at.elapsed() >= COMPLAINT_INTERVAL) =>
            {
                self.complained_at.set(Some(Instant::now()));
                log::warn!(subscription, status:?; "pushes are given up; the last one: {reason}");
            }
            outcome => log::debug!(subscription, result = word(outcome); "a push was attempted"),
        }
    }
}
