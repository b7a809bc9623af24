//! Numbers for operators (OpenMetrics); docs/metrics.md lists them, made from what is registered here.
//!
//! What is counted belongs to the process, as its log does, so it is counted where it happens. What is so at the
//! moment is set when somebody looks. No label names a user, a room or an address: there are as many as are written
//! here, and no more.
//!
//! What it costs: something that happens once to a request or a session, a look for its counter and an addition. What
//! happens to each delivery is counted by its worker alone ([`tally`]).

mod bus;
mod families;
mod http;
mod messages;
mod node;
mod process;
mod push;
mod sessions;
mod store;
mod tally;
mod webhooks;

use std::sync::LazyLock;

use prometheus_client::{encoding::text::encode, registry::Registry};

use self::{
    bus::Bus, families::Register, http::Http, messages::Messages, node::Node, process::Process, push::Push,
    sessions::Sessions, store::Store, webhooks::Webhooks,
};
pub use self::{
    bus::{bridge_answered, bridge_lost, bus_heard},
    http::{RouteFigures, problem_answered},
    messages::{Dropped, dropped, notifications_accepted, replayed, room_message_accepted},
    node::{HubNow, Now, StoreStanding, Waiting},
    process::process_started,
    push::{PushOnItsWay, push_attempted},
    sessions::{
        OpenConnection, credential_refused, gap_told, limit_exceeded, outbox_overflowed, resumed,
        session_closed, session_opened,
    },
    store::{StoreOperation, store_answered, store_committed},
    tally::Tally,
    webhooks::{WebhookOnItsWay, webhook_attempted, webhooks_counted, webhooks_disabled, webhooks_forgotten},
};

/// The media type of what [`render`] gives.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::register);

#[derive(Debug)]
struct Metrics {
    registry: Registry,
    node: Node,
    sessions: Sessions,
    messages: Messages,
    store: Store,
    bus: Bus,
    push: Push,
    webhooks: Webhooks,
    http: Http,
}

impl Metrics {
    fn register() -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Process));
        let mut register = Register(registry.sub_registry_with_prefix("tidings"));
        let node = Node::register(&mut register);
        let sessions = Sessions::register(&mut register);
        let messages = Messages::register(&mut register);
        tally::register(&mut register);
        let store = Store::register(&mut register);
        let bus = Bus::register(&mut register);
        let push = Push::register(&mut register);
        let webhooks = Webhooks::register(&mut register);
        let http = Http::register(&mut register);
        Self { registry, node, sessions, messages, store, bus, push, webhooks, http }
    }
}

/// All of it, as text.
pub fn render(now: &Now) -> String {
    METRICS.node.set(now);
    METRICS.bus.set(now);
    let mut text = String::new();
    // A text takes whatever is written to it.
    let _ = encode(&mut text, &METRICS.registry);
    text
}
