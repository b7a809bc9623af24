//! What a run does, and what it shows.

use std::time::Duration;

#[derive(Clone, Copy)]
pub enum Load {
    /// One member publishes, and the next when one has reached everybody.
    InFlight(usize),
    /// Every member has one in flight.
    OneEach,
    /// One member publishes at this rate, whatever comes back.
    PerSecond(f64),
}

/// How members are connected. Whoever publishes is over WebSocket in any case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    WebSocket,
    EventStream,
}

#[derive(Clone, Copy)]
pub struct Plan {
    /// Of those who only read.
    pub way: Way,
    pub rooms: usize,
    /// Members that read, in all rooms together.
    pub readers: usize,
    /// Members that publish in turn, where the load is one of so many in flight.
    pub publishers: usize,
    /// Members that never read.
    pub silent: usize,
    /// Messages that are published before the readers come: more than an outbox holds, where some do not read.
    pub burst: usize,
    pub data_bytes: usize,
    pub load: Load,
}

#[derive(Clone, Copy)]
pub struct Lasting {
    pub warm_up: Duration,
    pub measured: Duration,
}

/// What one run has shown.
#[derive(Clone, Copy)]
pub struct Figures {
    pub deliveries_per_second: f64,
    pub cpu_micros_per_delivery: f64,
    pub p50_millis: f64,
    pub p99_millis: f64,
    /// Shares of a core.
    pub server_busy: f64,
    pub generator_busy: f64,
    /// Of all cores together.
    pub steal: f64,
    pub memory_bytes: f64,
}
