//! What the courier carries for `webhooks`: one POST for each event, signed.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use awc::http::header::{CONTENT_TYPE, USER_AGENT};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    IN_FLIGHT_MAX,
    outcome::{judge, word},
    signature::Signer,
};
use crate::{
    clock,
    domain::Timestamp,
    egress::{
        Endpoint, Patience,
        client::{Clients, Reply, exchange},
        courier::{Claimed, Trade},
    },
    observe::metrics,
    store::{
        StoreLink,
        messages::{
            ClaimWebhooks, ClaimedWebhook, CountWebhooks, ReceiverDigest, RecordWebhooks, StoreError,
            WebhookClaim, WebhookCounts, WebhookOutcome,
        },
    },
};

/// How often it is said that events are given up.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

/// How often it is counted how many wait, and were given up.
const COUNT_INTERVAL: Duration = Duration::from_secs(10);

const AGENT: &str = concat!("tidings/", env!("CARGO_PKG_VERSION"));

pub struct Delivery {
    pub store: StoreLink,
    pub endpoint: Endpoint,
    pub receiver: ReceiverDigest,
    pub signer: Signer,
    pub clients: Clients,
    pub patience: Patience,
    /// The pauses between attempts.
    pub pauses: Vec<Duration>,
    pub disable_after: Duration,
    pub complained_at: Cell<Option<Instant>>,
    pub counted_at: Cell<Option<Instant>>,
}

/// An event as the receiver reads it: at each attempt the same bytes.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    event: &'a str,
    timestamp: Timestamp,
    /// Of what concerns the same user or room, what happened later has the higher one.
    sequence: i64,
    data: &'a RawValue,
}

impl Trade for Delivery {
    type Errand = ClaimedWebhook;
    type Outcome = (WebhookClaim, WebhookOutcome);

    const NAME: &'static str = "webhooks";
    const PLACES: usize = IN_FLIGHT_MAX;

    /// One that does not answer is asked now and then, and no event loses an attempt by that.
    fn limit(&self, places: usize) -> usize {
        let origin = &self.endpoint.origin;
        match self.patience.is_away(origin) {
            false => places,
            true if places > 0 && self.patience.has_any_for(origin, Instant::now()) => 1,
            true => 0,
        }
    }

    async fn claim(&self, limit: usize) -> Result<Claimed<ClaimedWebhook>, StoreError> {
        let claimed = self.store.ask(ClaimWebhooks { receiver: self.receiver, limit }).await?;
        metrics::webhooks_disabled(claimed.disabled_at.is_some());
        if self.counted_at.get().is_none_or(|at| at.elapsed() >= COUNT_INTERVAL) {
            self.counted_at.set(Some(Instant::now()));
            tokio::task::spawn_local(count(self.store.clone()));
        }
        // Of one that is asked alone nothing more is wanted before it has answered.
        let has_more = claimed.has_more && limit > 1;
        Ok(Claimed { errands: claimed.webhooks, has_more, now: claimed.now })
    }

    async fn attempt(self: Rc<Self>, webhook: ClaimedWebhook, _: Timestamp, _: Instant) -> Self::Outcome {
        let on_its_way = metrics::WebhookOnItsWay::count();
        let begun = Instant::now();
        let reply = self.post(&webhook).await;
        let took = begun.elapsed();
        drop(on_its_way);
        let has_answered = matches!(reply, Reply::Answered { .. });
        self.patience.note(&self.endpoint.origin, has_answered, Instant::now());
        let outcome = judge(reply, webhook.claim.attempt, &self.pauses);
        metrics::webhook_attempted(word(&outcome), took);
        (webhook.claim, outcome)
    }

    fn has_failed(&self, (_, outcome): &Self::Outcome) -> bool {
        !matches!(outcome, WebhookOutcome::Sent { .. })
    }

    async fn record(&self, outcomes: Vec<&Self::Outcome>) -> Result<(), StoreError> {
        let outcomes = outcomes.into_iter().cloned().collect();
        let (receiver, disable_after) = (self.receiver, self.disable_after);
        if let Some(reason) = self.store.ask(RecordWebhooks { receiver, disable_after, outcomes }).await? {
            metrics::webhooks_disabled(true);
            log::error!(
                "webhooks are disabled: {reason}; what is to be told waits until `tidings webhooks enable`"
            );
        }
        Ok(())
    }

    fn rows(&self, _: &Self::Outcome) -> usize {
        1
    }

    /// Neither the address nor what is told is for the log.
    fn tell(&self, (claim, outcome): &Self::Outcome) {
        match outcome {
            WebhookOutcome::Dead { status, reason }
                if self.complained_at.get().is_none_or(|at| at.elapsed() >= COMPLAINT_INTERVAL) =>
            {
                self.complained_at.set(Some(Instant::now()));
                log::warn!(status:?; "webhooks are given up; the last one: {reason}");
            }
            WebhookOutcome::Retry { status, reason, .. }
                if claim.attempt == 1
                    && self.complained_at.get().is_none_or(|at| at.elapsed() >= COMPLAINT_INTERVAL) =>
            {
                self.complained_at.set(Some(Instant::now()));
                log::warn!(status:?; "a webhook was not taken, and will be sent again: {reason}");
            }
            outcome => {
                log::debug!(sequence = claim.sequence, result = word(outcome); "a webhook was attempted");
            }
        }
    }
}

impl Delivery {
    async fn post(&self, webhook: &ClaimedWebhook) -> Reply {
        let Some(body) = body(webhook) else { return Reply::Silence("it could not be written") };
        // By the wall clock, since it is judged by that of the receiver.
        let timestamp = clock::now().as_secs();
        let signature = self.signer.sign(webhook.id.as_str(), timestamp, &body);
        let request = self
            .clients
            .get()
            .post(self.endpoint.uri.clone())
            .insert_header((CONTENT_TYPE, "application/json"))
            .insert_header((USER_AGENT, AGENT))
            .insert_header(("webhook-id", webhook.id.as_str()))
            .insert_header(("webhook-timestamp", timestamp))
            .insert_header(("webhook-signature", signature));
        exchange(request, body.into_bytes()).await
    }
}

/// Beside what is sent: nothing waits for a number.
async fn count(store: StoreLink) {
    match store.ask(CountWebhooks).await {
        Ok(WebhookCounts { waiting, dead }) => metrics::webhooks_counted(waiting, dead),
        // Others are counting, or it takes long: that is no fault, and it is counted again soon.
        Err(error) if error.is_late() => log::debug!("webhooks were not counted in time"),
        Err(error) => log::warn!("webhooks could not be counted: {error}"),
    }
}

fn body(webhook: &ClaimedWebhook) -> Option<String> {
    let data: &RawValue = serde_json::from_str(&webhook.data).ok()?;
    let body = Body {
        event: &webhook.event,
        timestamp: webhook.occurred_at,
        sequence: webhook.claim.sequence,
        data,
    };
    serde_json::to_string(&body).ok()
}
