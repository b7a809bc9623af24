//! A load on a server: clients that connect, publish, and count what each of them is told.
//!
//! One thread is all of them, by bare readiness: it reads the heads of frames alone, finds the mark of a message
//! without decoding it, and allocates nothing for one, so that what measures costs less than what is measured.
//! `tidings bench` and the project's own benchmarks use it. It knows the protocol as a client does, and of the
//! server's inside nothing. It must never be part of a server.

mod answer;
mod arrivals;
mod broadcast;
mod client;
mod connection;
mod crowd;
mod event_stream;
mod fault;
pub mod frames;
mod generator;
mod idle;
mod latency;
pub mod machine;
mod progress;
mod publisher;
mod replay;
mod report;
mod stream;
mod tally;
mod target;

use std::time::Duration;

pub use arrivals::Arrivals;
pub use broadcast::Broadcast;
pub use client::Way;
pub use connection::{Connection, SCRATCH_BYTES};
pub use fault::{Fault, Faults, Outcome};
pub use idle::Idle;
pub use latency::{Latencies, Latency, Span};
pub use progress::{Phase, Progress};
pub use replay::Replay;
pub use report::Report;
pub use target::{Passport, Target, Trust};

/// What is done to the server.
pub enum Plan {
    Broadcast(Broadcast),
    Idle(Idle),
    Arrivals(Arrivals),
    Replay(Replay),
}

/// How much is asked of the server at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// A closed loop: the next one begins when one of so many has come to its end.
    InFlight(usize),
    /// A closed loop in which everybody who publishes has one in flight.
    OneEach,
    /// An open loop: at this rate, whatever comes back. Each is timed from when it was due.
    PerSecond(f64),
}

impl Pace {
    /// Nanoseconds from one to the next, in an open loop.
    pub fn gap(self) -> Option<u64> {
        match self {
            Self::PerSecond(rate) => Some((1e9 / rate) as u64),
            Self::InFlight(_) | Self::OneEach => None,
        }
    }
}

/// How long it is worked, and for how much of that it is counted.
#[derive(Debug, Clone, Copy)]
pub struct Lasting {
    pub warm_up: Duration,
    pub measured: Duration,
}

/// Runs a plan to its end, or until it is stopped; what goes wrong with single clients is in the report.
///
/// # Errors
/// Where nothing can be measured: nobody listens there, or no file can be opened.
pub fn run(target: &Target, plan: &Plan, lasting: Lasting, progress: &Progress) -> Outcome<Report> {
    match plan {
        Plan::Broadcast(plan) => broadcast::run(target, plan, lasting, progress),
        Plan::Idle(plan) => idle::run(target, plan, lasting, progress),
        Plan::Arrivals(plan) => arrivals::run(target, plan, lasting, progress),
        Plan::Replay(plan) => replay::run(target, plan, progress),
    }
}
