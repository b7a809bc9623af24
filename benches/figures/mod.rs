//! What the benchmark of rooms prints: figures of runs, as a table in Markdown.

use tidings::load::{Report, Span, machine};

use crate::load::{Lasting, median};

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

impl Figures {
    pub fn of(report: &Report) -> Self {
        let latency = report.latency(Span::Room);
        let quantile = |part| latency.map_or(f64::NAN, |latency| latency.quantile_millis(part));
        Self {
            deliveries_per_second: report.deliveries_per_second(),
            cpu_micros_per_delivery: report.cpu_micros_per(report.deliveries).unwrap_or(f64::NAN),
            p50_millis: quantile(0.50),
            p99_millis: quantile(0.99),
            server_busy: report.server.map_or(f64::NAN, |server| server.busy),
            generator_busy: report.generator_busy,
            steal: report.steal,
            memory_bytes: report.server.map_or(f64::NAN, |server| server.memory_bytes),
        }
    }
}

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
