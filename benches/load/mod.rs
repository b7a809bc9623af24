//! What benchmarks of rooms have in common: the servers that are measured, the load, and the limit of the machine.
//!
//! The generator is that of `tidings bench`, `tidings::load`.

mod house;
pub mod raw;

pub use house::House;
pub use tidings::load::Lasting;
use tidings::load::{Broadcast, Pace, Plan, Progress, Report, Way};

use crate::server::Outcome;

/// Lifts the limits that one generator with one token would meet, and nothing else: tokens are verified,
/// outboxes bounded, messages numbered and kept.
pub const SETTINGS: [&str; 11] = [
    "session.messages_per_second=1000000",
    "session.messages_burst=1000000",
    "limits.sessions=0",
    "limits.sessions_per_ip=0",
    "limits.sessions_per_user=0",
    "limits.handshakes_per_second=0",
    "limits.requests_per_second=0",
    "limits.room_messages_per_second=0",
    "limits.rooms=0",
    "limits.publishes_per_second=0",
    // Who does not read stays to the end of a run.
    "session.slow_timeout=1m",
];

/// A thousand in one room, one of whom publishes.
pub fn fan_out(pace: Pace) -> Broadcast {
    Broadcast {
        ways: vec![Way::WebSocket],
        readers: 1000,
        rooms: 1,
        speakers: 1,
        silent: 0,
        burst: 0,
        bytes: 128,
        to_rooms: Some(pace),
        to_inboxes: None,
        recipients: 1,
        publishers: 0,
    }
}

/// Runs a plan against servers that are fresh.
///
/// # Errors
/// If a connection ends, or a message does not reach everybody.
pub fn run(house: &House, token: &str, plan: &Plan, lasting: Lasting) -> Outcome<Report> {
    let report = tidings::load::run(&house.target(token), plan, lasting, &Progress::default())?;
    if let Some((fault, count)) = report.faults.iter().next() {
        return Err(format!("{count} × {fault}").into());
    }
    if report.missing > 0 {
        return Err(format!("{} deliveries are missing", report.missing).into());
    }
    Ok(report)
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
