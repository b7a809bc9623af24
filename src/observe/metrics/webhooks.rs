//! Events for the receiver of webhooks.

use std::time::Duration;

use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

use super::{
    METRICS,
    families::{Counters, Histogram, Register, each},
};

#[derive(Debug)]
pub(super) struct Webhooks {
    attempts: Counters<1>,
    durations: Histogram,
    on_their_way: Gauge,
    waiting: Gauge,
    dead: Gauge,
    forgotten: Counter,
    disabled: Gauge,
}

impl Webhooks {
    pub fn register(register: &mut Register<'_>) -> Self {
        Self {
            attempts: register.counters(
                "webhooks",
                "Attempts to tell the receiver of webhooks, by what became of them",
                each("result", &["sent", "retried", "dead", "address_refused"]),
            ),
            durations: register.times("webhook_duration", "How long an attempt to tell it has taken"),
            on_their_way: register
                .gauge("webhooks_on_their_way", "Events that the receiver of webhooks has not answered yet"),
            waiting: register.gauge(
                "webhooks_waiting",
                "Events that wait for the receiver of webhooks, in the whole database, counted every 10 s",
            ),
            dead: register.gauge(
                "webhooks_dead",
                "Events that were given up and are kept to be tried again, in the whole database, counted every 10 s",
            ),
            forgotten: register.counter(
                "webhooks_forgotten",
                "Events that were forgotten undelivered: they had waited for 30 days, or were more than webhooks.max_waiting or webhooks.max_dead",
            ),
            disabled: register.gauge(
                "webhooks_disabled",
                "1 where nothing is sent to the receiver of webhooks, since it has failed for too long or wants nothing",
            ),
        }
    }
}

/// `result` is one of a few words.
pub fn webhook_attempted(result: &'static str, time: Duration) {
    METRICS.webhooks.attempts.get_or_create(&[("result", result)]).inc();
    METRICS.webhooks.durations.observe_time(time);
}

pub fn webhooks_disabled(are_disabled: bool) {
    METRICS.webhooks.disabled.set(are_disabled.into());
}

pub fn webhooks_counted(waiting: u64, dead: u64) {
    METRICS.webhooks.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
    METRICS.webhooks.dead.set(i64::try_from(dead).unwrap_or(i64::MAX));
}

pub fn webhooks_forgotten(events: usize) {
    METRICS.webhooks.forgotten.inc_by(events as u64);
}

/// Counts an event for as long as the receiver is waited for.
pub struct WebhookOnItsWay(());

impl WebhookOnItsWay {
    pub fn count() -> Self {
        METRICS.webhooks.on_their_way.inc();
        Self(())
    }
}

impl Drop for WebhookOnItsWay {
    fn drop(&mut self) {
        METRICS.webhooks.on_their_way.dec();
    }
}
