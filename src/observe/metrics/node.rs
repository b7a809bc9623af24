//! How the node is at the moment: set when somebody looks.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    metrics::{gauge::Gauge, info::Info},
    registry::Unit,
};
use tikv_jemalloc_ctl::{epoch, stats};

use super::{
    families::{Gauges, Known, Register, each, number},
    sessions::TRANSPORTS,
};
use crate::mailbox::Standing;

/// How the bus can be.
const BUS_STATES: [&str; 4] = ["connecting", "live", "backoff", "off"];

/// Where messages wait.
const MAILBOXES: [&str; 3] = ["hub", "workers", "store"];

/// What is so when somebody looks.
#[derive(Debug, Clone)]
pub struct Now {
    pub is_ready: bool,
    /// `None` where the hub is late.
    pub known_by_hub: Option<HubNow>,
    /// How long it was waited for.
    pub hub_response: Duration,
    pub outboxes: Waiting,
    pub hub: Standing,
    pub store: StoreStanding,
    pub bus_state: &'static str,
    /// Orders that wait to be sent to it.
    pub bus_orders: usize,
    /// Messages on the bus that were not believed, since the start.
    pub bus_rejected: u64,
}

/// What the hub alone knows.
#[derive(Debug, Clone)]
pub struct HubNow {
    /// By transport.
    pub sessions: [(&'static str, usize); 3],
    pub users: usize,
    pub rooms: usize,
    pub history_bytes: usize,
    pub workers: Standing,
}

/// What waits, and how much may.
#[derive(Debug, Clone, Copy, Default)]
pub struct Waiting {
    pub bytes: usize,
    pub bytes_max: usize,
}

/// How the store is.
#[derive(Debug, Clone, Copy, Default)]
pub struct StoreStanding {
    /// Writes that wait.
    pub writes: Standing,
    pub reads_waiting: usize,
    pub readers: usize,
    pub readers_busy: usize,
}

#[derive(Debug)]
pub(super) struct Node {
    ready: Gauge,
    sessions: Gauges<1>,
    users: Known,
    rooms: Known,
    room_history: Known,
    hub_response: Gauge<f64, AtomicU64>,
    outboxes: Gauge,
    outboxes_max: Gauge,
    mailbox_messages: Gauges<1>,
    mailbox_bytes: Gauges<1>,
    mailbox_limits: Gauges<1>,
    reads_waiting: Gauge,
    readers: Gauge,
    readers_busy: Gauge,
    bridge_state: Gauges<1>,
    allocated: Gauge,
}

impl Node {
    pub fn register(register: &mut Register<'_>) -> Self {
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        register.0.register("build", "What was built", Info::new(version.to_vec()));
        let hub_response = Gauge::default();
        let mailboxes = || each("mailbox", &MAILBOXES);
        let node = Self {
            ready: register.gauge("ready", "1 where /ready says that the node should be sent work"),
            sessions: register.gauges(
                "sessions",
                "Sessions that are open, by transport",
                each("transport", &TRANSPORTS),
            ),
            users: register.known("users", "Users with a session", None),
            rooms: register.known("rooms", "Rooms with somebody in them", None),
            room_history: register.known(
                "room_history",
                "What the histories of all rooms take",
                Some(Unit::Bytes),
            ),
            hub_response: hub_response.clone(),
            outboxes: register.bytes("outboxes", "What waits for clients to read it, over all of them"),
            outboxes_max: register
                .bytes("outboxes_limit", "Beyond so much nobody is given more who leaves what there is unread"),
            mailbox_messages: register.gauges(
                "mailbox_messages",
                "Messages that wait: publishes for the hub, news and messages to rooms for the workers, writes for the \
                 store",
                mailboxes(),
            ),
            mailbox_bytes: register.gauges("mailbox_bytes", "What they carry, and weigh", mailboxes()),
            mailbox_limits: register
                .gauges("mailbox_limit_bytes", "Beyond so much no more is taken", mailboxes()),
            reads_waiting: register.gauge("store_reads_waiting", "Reads that wait for a connection"),
            readers: register.gauge("store_readers", "Connections to the database for reading, at most"),
            readers_busy: register.gauge("store_readers_busy", "Those of them that read"),
            bridge_state: register.gauges(
                "bridge_state",
                "How the bus is: 1 for the state that it is in",
                each("state", &BUS_STATES),
            ),
            allocated: register
                .bytes("allocated", "Memory that the program has in use, as its allocator counts it"),
        };
        let help = "How long the hub was waited for by whoever asked for these numbers; where it did not answer, those that it \
                    alone knows are missing";
        register.0.register_with_unit("hub_response", help, Unit::Seconds, hub_response);
        node
    }

    pub fn set(&self, now: &Now) {
        self.ready.set(i64::from(now.is_ready));
        let hub = now.known_by_hub.as_ref();
        self.users.set(hub.map(|hub| hub.users));
        self.rooms.set(hub.map(|hub| hub.rooms));
        self.room_history.set(hub.map(|hub| hub.history_bytes));
        match hub {
            Some(hub) => hub.sessions.iter().for_each(|(transport, count)| {
                self.sessions.get_or_create(&[("transport", *transport)]).set(number(*count));
            }),
            None => self.sessions.clear(),
        }
        self.hub_response.set(now.hub_response.as_secs_f64());
        self.outboxes.set(number(now.outboxes.bytes));
        self.outboxes_max.set(number(now.outboxes.bytes_max));
        let standings = [Some(now.hub), hub.map(|hub| hub.workers), Some(now.store.writes)];
        for (mailbox, standing) in MAILBOXES.into_iter().zip(standings) {
            let labels = [("mailbox", mailbox)];
            let figures = standing.map_or([None; 3], |Standing { messages, bytes, bytes_max }| {
                [Some(messages), Some(bytes), Some(bytes_max)]
            });
            let gauges = [&self.mailbox_messages, &self.mailbox_bytes, &self.mailbox_limits];
            for (gauges, figure) in gauges.into_iter().zip(figures) {
                match figure {
                    Some(figure) => _ = gauges.get_or_create(&labels).set(number(figure)),
                    None => _ = gauges.remove(&labels),
                }
            }
        }
        self.reads_waiting.set(number(now.store.reads_waiting));
        self.readers.set(number(now.store.readers));
        self.readers_busy.set(number(now.store.readers_busy));
        for state in BUS_STATES {
            self.bridge_state.get_or_create(&[("state", state)]).set(i64::from(state == now.bus_state));
        }
        self.allocated.set(number(allocated().unwrap_or_default()));
    }
}

/// What was asked of the allocator and not given back. The allocator adds up at every new epoch.
fn allocated() -> Option<usize> {
    epoch::advance().ok()?;
    stats::allocated::read().ok()
}
