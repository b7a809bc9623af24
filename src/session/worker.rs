//! What the sessions of one worker share.

use std::{
    cell::OnceCell,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    auth::gate::Gate,
    domain::{NodeId, Transport},
    hub::{HubQueue, seats::Seats, slots::Slots},
    limits::Limits,
    observe::metrics::{self, Tally},
    outbox::{OutboxLimits, OutboxPool},
    protocol::CloseCode,
    random,
    store::StoreLink,
};

/// A browser comes back to an event stream within these times (PROTOCOL.md section 4).
const SSE_RETRY_MIN: Duration = Duration::from_secs(1);
const SSE_RETRY_SPREAD: Duration = Duration::from_secs(2);

/// The bounds and habits of every session.
#[derive(Debug, Clone)]
pub struct SessionPolicy {
    pub outbox: OutboxLimits,
    /// What the outboxes of all workers share.
    pub pool: OutboxPool,
    /// Largest inbound message, in bytes, and most fragments it may come in.
    pub message_bytes: usize,
    pub fragments: usize,
    /// Largest `data` of a command, in bytes.
    pub data_bytes: usize,
    pub rooms: usize,
    /// Rooms that an event stream or a poll may follow.
    pub sse_rooms: usize,
    pub messages_per_second: u32,
    pub messages_burst: u32,
    pub ping_interval: Duration,
    pub sse_heartbeat: Duration,
    /// A client that is sent away to come back is told a random time up to this.
    pub retry_window: Duration,
}

impl SessionPolicy {
    pub fn rooms(&self, transport: Transport) -> usize {
        match transport {
            Transport::WebSocket => self.rooms,
            Transport::EventStream | Transport::LongPoll => self.sse_rooms,
        }
    }

    /// When a client that is sent away is to come again: each after its own time.
    pub fn retry_after(&self, transport: Transport) -> Duration {
        match transport {
            Transport::EventStream => SSE_RETRY_MIN + random::up_to(SSE_RETRY_SPREAD),
            Transport::WebSocket | Transport::LongPoll => random::up_to(self.retry_window),
        }
    }

    pub(super) fn heartbeat(&self, transport: Transport) -> Duration {
        match transport {
            Transport::WebSocket => self.ping_interval,
            Transport::EventStream | Transport::LongPoll => self.sse_heartbeat,
        }
    }
}

pub struct Worker {
    /// Name of this process among others.
    pub node: NodeId,
    pub slots: Rc<Slots>,
    pub seats: Rc<Seats>,
    pub hub: Rc<HubQueue>,
    pub store: StoreLink,
    pub gate: Arc<Gate>,
    pub limits: Arc<Limits>,
    pub policy: SessionPolicy,
    /// Sessions of the whole node, and how many it takes; 0 is no limit.
    pub sessions: Arc<AtomicUsize>,
    pub sessions_max: usize,
    /// What its sessions are sent and send.
    pub tally: Arc<Tally>,
    /// The process is about to stop and takes no new sessions.
    pub is_draining: Arc<AtomicBool>,
    /// When the first of its sessions was sent away for that.
    pub drained_since: OnceCell<Instant>,
}

impl Worker {
    pub fn is_full(&self) -> bool {
        self.sessions_max > 0 && self.sessions.load(Ordering::Relaxed) >= self.sessions_max
    }

    /// Whether whoever comes now to stay is turned away, and counted as such.
    pub fn turns_away(&self) -> bool {
        let is_full = self.is_full();
        if is_full {
            metrics::limit_exceeded("sessions");
        }
        is_full
    }

    /// When a client that is sent away for this reason is to come again.
    ///
    /// Those of a process that stops are told over its drain, each to wait about as long as that has lasted: so they
    /// come back evenly over twice the time. A time by chance up to the whole drain would add one spread to another
    /// of the same length, and bring twice as many back in the middle.
    pub(super) fn retry_after(&self, transport: Transport, code: CloseCode) -> Duration {
        if code != CloseCode::Restart || transport == Transport::EventStream {
            return self.policy.retry_after(transport);
        }
        let lasted = self.drained_since.get_or_init(Instant::now).elapsed();
        let window = self.policy.retry_window;
        // They are told tick by tick, and are not to come back so.
        let spread = window / 3;
        let share = (lasted.as_secs_f64() / window.as_secs_f64().max(0.001)).min(1.0);
        (window - spread).mul_f64(share) + random::up_to(spread)
    }

    pub(super) fn count_opened(&self, transport: Transport) {
        metrics::session_opened(transport);
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_closed(&self) {
        self.sessions.fetch_sub(1, Ordering::Relaxed);
    }
}
