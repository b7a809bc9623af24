//! Pushes to browsers that are closed.

use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;

use super::{
    METRICS,
    families::{Counters, Histogram, Register, each},
};

#[derive(Debug)]
pub(super) struct Push {
    attempts: Counters<1>,
    durations: Histogram,
    on_their_way: Gauge,
}

impl Push {
    pub fn register(register: &mut Register<'_>) -> Self {
        Self {
            attempts: register.counters(
                "pushes",
                "Attempts to push, by what became of them",
                each("result", &["sent", "retried", "gone", "dead", "address_refused"]),
            ),
            durations: register.times("push_duration", "How long an attempt to push has taken"),
            on_their_way: register
                .gauge("pushes_on_their_way", "Pushes that a push service has not answered yet"),
        }
    }
}

/// `result` is one of a few words.
pub fn push_attempted(result: &'static str, time: Duration) {
    METRICS.push.attempts.get_or_create(&[("result", result)]).inc();
    METRICS.push.durations.observe_time(time);
}

/// Counts a push for as long as its service is waited for.
pub struct PushOnItsWay(());

impl PushOnItsWay {
    pub fn count() -> Self {
        METRICS.push.on_their_way.inc();
        Self(())
    }
}

impl Drop for PushOnItsWay {
    fn drop(&mut self) {
        METRICS.push.on_their_way.dec();
    }
}
