//! Numbers for operators (OpenMetrics).
//!
//! What is counted belongs to the process, as its log does, so it is counted where it happens. What is so at the
//! moment is set when somebody looks. No label names a user, a room or an address: there are as many as are written
//! here, and no more.

use std::sync::{LazyLock, atomic::Ordering};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use tikv_jemalloc_ctl::{epoch, stats};

/// The media type of what [`render`] gives.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How the bus can be.
const BUS_STATES: [&str; 4] = ["connecting", "live", "backoff", "off"];

type Label = [(&'static str, &'static str); 1];

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::register);

#[derive(Default)]
struct Metrics {
    registry: Registry,
    notifications_accepted: Counter,
    room_messages_accepted: Counter,
    sessions_closed: Family<Label, Counter>,
    limits_exceeded: Family<Label, Counter>,
    bus_rejected: Counter,
    pushes: Family<Label, Counter>,
    pushes_on_their_way: Gauge,
    webhooks: Family<Label, Counter>,
    webhooks_on_their_way: Gauge,
    webhooks_disabled: Gauge,
    sessions: Family<Label, Gauge>,
    users: Gauge,
    rooms: Gauge,
    connections: Gauge,
    allocated: Gauge,
    bridge_state: Family<Label, Gauge>,
}

/// What is so when somebody looks.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// By transport.
    pub sessions: [(&'static str, usize); 3],
    pub users: usize,
    pub rooms: usize,
    pub bus_state: &'static str,
    /// Messages on the bus that were not believed, since the start.
    pub bus_rejected: u64,
}

impl Metrics {
    fn register() -> Self {
        let mut metrics = Self { registry: Registry::with_prefix("tidings"), ..Self::default() };
        let registry = &mut metrics.registry;
        let mut counter = |name: &str, help: &str, counter: &Counter| {
            registry.register(name, help, counter.clone());
        };
        counter(
            "notifications_accepted",
            "Notifications that were stored, one for each recipient",
            &metrics.notifications_accepted,
        );
        counter(
            "room_messages_accepted",
            "Messages that rooms have taken, those repeated by their nonce included",
            &metrics.room_messages_accepted,
        );
        counter("bus_rejected", "Messages on the bus that were not believed", &metrics.bus_rejected);
        registry.register(
            "sessions_closed",
            "Sessions that have ended, by the word of their close code; client and gone say that the client did it",
            metrics.sessions_closed.clone(),
        );
        registry.register(
            "limits_exceeded",
            "What was refused, or had to go, because the node, an address or a user had as much as it may, by setting",
            metrics.limits_exceeded.clone(),
        );
        registry.register(
            "pushes",
            "Attempts to push, by what became of them: sent, retried, gone, dead, address_refused",
            metrics.pushes.clone(),
        );
        registry.register(
            "pushes_on_their_way",
            "Pushes that a push service has not answered yet",
            metrics.pushes_on_their_way.clone(),
        );
        registry.register(
            "webhooks",
            "Attempts to tell the receiver of webhooks, by what became of them: sent, retried, dead, address_refused",
            metrics.webhooks.clone(),
        );
        registry.register(
            "webhooks_on_their_way",
            "Events that the receiver of webhooks has not answered yet",
            metrics.webhooks_on_their_way.clone(),
        );
        registry.register(
            "webhooks_disabled",
            "Whether nothing is sent to the receiver of webhooks, since it has failed for too long",
            metrics.webhooks_disabled.clone(),
        );
        registry.register("sessions", "Sessions that are open, by transport", metrics.sessions.clone());
        registry.register("users", "Users with a session", metrics.users.clone());
        registry.register("rooms", "Rooms with somebody in them", metrics.rooms.clone());
        registry.register("connections", "TCP connections that are open", metrics.connections.clone());
        registry.register_with_unit(
            "allocated",
            "Memory that the program has in use, as its allocator counts it",
            Unit::Bytes,
            metrics.allocated.clone(),
        );
        registry.register(
            "bridge_state",
            "How the bus is: 1 for the state that it is in",
            metrics.bridge_state.clone(),
        );
        metrics
    }

    fn set(&self, now: &Now) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        for (transport, count) in now.sessions {
            self.sessions.get_or_create(&[("transport", transport)]).set(number(count));
        }
        self.users.set(number(now.users));
        self.rooms.set(number(now.rooms));
        for state in BUS_STATES {
            self.bridge_state.get_or_create(&[("state", state)]).set(i64::from(state == now.bus_state));
        }
        self.allocated.set(number(allocated().unwrap_or_default()));
        self.bus_rejected.inner().store(now.bus_rejected, Ordering::Relaxed);
    }
}

pub fn notifications_accepted(count: usize) {
    METRICS.notifications_accepted.inc_by(count as u64);
}

pub fn room_message_accepted() {
    METRICS.room_messages_accepted.inc();
}

/// `reason` is one of a few words.
pub fn session_closed(reason: &'static str) {
    METRICS.sessions_closed.get_or_create(&[("reason", reason)]).inc();
}

/// `limit` is the name of its setting, without what it is counted by.
pub fn limit_exceeded(limit: &'static str) {
    METRICS.limits_exceeded.get_or_create(&[("limit", limit)]).inc();
}

/// `result` is one of a few words.
pub fn push_attempted(result: &'static str) {
    METRICS.pushes.get_or_create(&[("result", result)]).inc();
}

/// Counts a push for as long as its service is waited for.
pub struct PushOnItsWay(());

impl PushOnItsWay {
    pub fn count() -> Self {
        METRICS.pushes_on_their_way.inc();
        Self(())
    }
}

impl Drop for PushOnItsWay {
    fn drop(&mut self) {
        METRICS.pushes_on_their_way.dec();
    }
}

/// `result` is one of a few words.
pub fn webhook_attempted(result: &'static str) {
    METRICS.webhooks.get_or_create(&[("result", result)]).inc();
}

pub fn webhooks_disabled(are_disabled: bool) {
    METRICS.webhooks_disabled.set(are_disabled.into());
}

/// Counts an event for as long as the receiver is waited for.
pub struct WebhookOnItsWay(());

impl WebhookOnItsWay {
    pub fn count() -> Self {
        METRICS.webhooks_on_their_way.inc();
        Self(())
    }
}

impl Drop for WebhookOnItsWay {
    fn drop(&mut self) {
        METRICS.webhooks_on_their_way.dec();
    }
}

/// Counts a connection for as long as it is held.
pub struct OpenConnection(());

impl OpenConnection {
    pub fn count() -> Self {
        METRICS.connections.inc();
        Self(())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        METRICS.connections.dec();
    }
}

/// What was asked of the allocator and not given back. The allocator adds up at every new epoch.
fn allocated() -> Option<usize> {
    epoch::advance().ok()?;
    stats::allocated::read().ok()
}

/// All of it, as text.
pub fn render(now: &Now) -> String {
    METRICS.set(now);
    let mut text = String::new();
    // A text takes whatever is written to it.
    let _ = encode(&mut text, &METRICS.registry);
    text
}
