//! The bus between nodes.

use std::{sync::atomic::Ordering, time::Duration};

use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

use super::{
    METRICS,
    families::{Histogram, Register, number},
    node::Now,
};

#[derive(Debug)]
pub(super) struct Bus {
    round_trips: Histogram,
    losses: Counter,
    heard: Counter,
    rejected: Counter,
    waiting: Gauge,
}

impl Bus {
    pub fn register(register: &mut Register<'_>) -> Self {
        Self {
            round_trips: register
                .times("bridge_round_trip", "From when Redis was sent calls to its answers to all of them"),
            losses: register.counter("bridge_losses", "How often the bus was live and was lost"),
            heard: register.counter("bus_heard", "Words that were heard on the bus"),
            rejected: register.counter("bus_rejected", "Messages on the bus that were not believed"),
            waiting: register.gauge("bridge_orders_waiting", "Orders that wait to be sent to the bus"),
        }
    }

    pub fn set(&self, now: &Now) {
        self.rejected.inner().store(now.bus_rejected, Ordering::Relaxed);
        self.waiting.set(number(now.bus_orders));
    }
}

pub fn bridge_answered(time: Duration) {
    METRICS.bus.round_trips.observe_time(time);
}

pub fn bridge_lost() {
    METRICS.bus.losses.inc();
}

pub fn bus_heard(words: usize) {
    METRICS.bus.heard.inc_by(words as u64);
}
