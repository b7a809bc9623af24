//! What was accepted, what was read again, and what was dropped on its way.

use prometheus_client::metrics::counter::Counter;

use super::{
    METRICS,
    families::{COUNTS, Counters, Histogram, Histograms, Register, each},
    sessions::stream,
};

/// Why something on its way to clients is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// A message to a room, for a client that reads too slowly; a `gap` tells it.
    OutboxFull,
    /// Presence or typing, for such a client: a newer one is told, or none.
    Overtaken,
    /// What waited for a client that is cut off since it does not read.
    CutOff,
    /// For a worker that is behind: its sessions read it from the store.
    WorkerFull,
    /// Presence or typing, for a worker that is half behind.
    WorkerStrained,
    /// For a hub that is full: a sweep finds it.
    HubFull,
    /// On the bus, for a node that does not keep up: it reads again what it missed.
    BusFull,
}

impl Dropped {
    const ALL: [Self; 7] = [
        Self::OutboxFull,
        Self::Overtaken,
        Self::CutOff,
        Self::WorkerFull,
        Self::WorkerStrained,
        Self::HubFull,
        Self::BusFull,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::OutboxFull => "outbox_full",
            Self::Overtaken => "overtaken",
            Self::CutOff => "cut_off",
            Self::WorkerFull => "worker_full",
            Self::WorkerStrained => "worker_strained",
            Self::HubFull => "hub_full",
            Self::BusFull => "bus_full",
        }
    }
}

#[derive(Debug)]
pub(super) struct Messages {
    notifications: Counter,
    room_messages: Counter,
    dropped: Counters<1>,
    replays: Histograms<1>,
}

impl Messages {
    pub fn register(register: &mut Register<'_>) -> Self {
        Self {
            notifications: register.counter(
                "notifications_accepted",
                "Notifications that were stored, one for each recipient",
            ),
            room_messages: register.counter(
                "room_messages_accepted",
                "Messages that rooms have taken, those repeated by their nonce included",
            ),
            dropped: register.counters(
                "messages_dropped",
                "Events that were dropped on their way, by reason. outbox_full: of a room, for a slow reader, told by \
                 a gap; overtaken: presence and typing for such a one, while a newer one waits; cut_off: what waited \
                 for a reader that was sent away; worker_full, hub_full and bus_full: read again from the truth; \
                 worker_strained: presence and typing",
                each("reason", &Dropped::ALL.map(Dropped::word)),
            ),
            replays: register.histograms(
                "replay_events",
                "Events in a page that was read for a client that was behind, by stream",
                None,
                || Histogram::of_numbers(&COUNTS),
                each("stream", &["inbox", "room"]),
            ),
        }
    }
}

pub fn notifications_accepted(count: usize) {
    METRICS.messages.notifications.inc_by(count as u64);
}

pub fn room_message_accepted() {
    METRICS.messages.room_messages.inc();
}

pub fn dropped(reason: Dropped, count: usize) {
    if count > 0 {
        METRICS.messages.dropped.get_or_create(&[("reason", reason.word())]).inc_by(count as u64);
    }
}

pub fn replayed(is_room: bool, events: usize) {
    METRICS.messages.replays.get_or_create(&[("stream", stream(is_room))]).observe(events as u64);
}
