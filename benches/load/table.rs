//! What benchmarks of rooms have in common: how servers are set, and the table in Markdown.

use super::{Figures, Lasting, machine};

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

/// Says where it runs and how, and begins the table.
pub fn introduce(is_split: bool, runs: usize, lasting: Lasting) {
    println!("{}.", machine::description());
    println!(
        "{}; {runs} × {:?} a row, medians.\n",
        if is_split {
            "The server is pinned to core 0, the generator to core 1"
        } else {
            "Nothing is pinned (that takes taskset and two cores)"
        },
        lasting.measured
    );
    println!(
        "| what | server | deliveries/s | CPU µs per delivery | p50 ms | p99 ms | server busy | generator busy | steal |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
}

/// The medians of runs.
pub fn print_row(name: &str, server: &str, runs: &[Figures]) {
    let median_of = |pick: fn(&Figures) -> f64| median(runs.iter().map(pick));
    println!(
        "| {name} | {server} | {:.0} | {:.2} | {:.1} | {:.1} | {:.2} | {:.2} | {:.2} |",
        median_of(|run| run.deliveries_per_second),
        median_of(|run| run.cpu_micros_per_delivery),
        median_of(|run| run.p50_millis),
        median_of(|run| run.p99_millis),
        median_of(|run| run.server_busy),
        median_of(|run| run.generator_busy),
        median_of(|run| run.steal),
    );
}

/// The ratio of each pair of neighbours in time, and of those the median.
pub fn print_ratio(name: &str, [first, second]: &[Vec<Figures>; 2]) {
    let ratio_of = |pick: fn(&Figures) -> f64| {
        median(first.iter().zip(second).map(|(first, second)| pick(first) / pick(second)))
    };
    println!(
        "| {name} | **ratio** | **{:.2}** | **{:.2}** | **{:.2}** | **{:.2}** | | | |",
        ratio_of(|run| run.deliveries_per_second),
        ratio_of(|run| run.cpu_micros_per_delivery),
        ratio_of(|run| run.p50_millis),
        ratio_of(|run| run.p99_millis),
    );
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
