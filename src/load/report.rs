//! What a load has shown.

use std::time::{Duration, Instant};

use super::{
    Faults,
    generator::Generator,
    latency::{Latencies, Latency, Span},
    machine::{cpu_seconds, memory_bytes, steal_seconds},
};

pub struct Report {
    pub seconds: f64,
    /// Clients that listened at the end.
    pub clients: usize,
    pub published: u64,
    pub deliveries: u64,
    /// Clients that were let in, where that is what was asked for.
    pub connected: u64,
    /// Processor time of the server while they were, where they stay.
    pub connecting_cpu_seconds: Option<f64>,
    /// Deliveries that did not come, of all that was published.
    pub missing: u64,
    pub faults: Faults,
    pub latencies: Latencies,
    /// Share of a core that the generator took: near one it was the limit, and not the server.
    pub generator_busy: f64,
    /// What the hypervisor took, of all cores together.
    pub steal: f64,
    pub server: Option<ServerReport>,
    pub is_interrupted: bool,
}

/// What the processes of the server took.
#[derive(Debug, Clone, Copy)]
pub struct ServerReport {
    /// Shares of a core.
    pub busy: f64,
    pub cpu_seconds: f64,
    /// Before the first client came, and at the end.
    pub memory_bytes_before: f64,
    pub memory_bytes: f64,
}

impl Report {
    /// Whether all that was asked for has happened.
    pub fn is_whole(&self) -> bool {
        self.missing == 0 && self.faults.is_empty()
    }

    pub fn deliveries_per_second(&self) -> f64 {
        self.deliveries as f64 / self.seconds
    }

    /// Processor time of the server for each of so many.
    pub fn cpu_micros_per(&self, count: u64) -> Option<f64> {
        self.server.filter(|_| count > 0).map(|server| server.cpu_seconds * 1e6 / count as f64)
    }

    /// Processor time of the server for each client that was let in.
    pub fn cpu_micros_per_handshake(&self) -> Option<f64> {
        let seconds = self.connecting_cpu_seconds.or(self.server.map(|server| server.cpu_seconds));
        seconds.filter(|_| self.connected > 0).map(|seconds| seconds * 1e6 / self.connected as f64)
    }

    /// Memory of the server for each client.
    pub fn bytes_per_client(&self) -> Option<f64> {
        let grown = |server: ServerReport| server.memory_bytes - server.memory_bytes_before;
        self.server.filter(|_| self.clients > 0).map(|server| grown(server) / self.clients as f64)
    }

    pub fn latency(&self, span: Span) -> Option<&Latency> {
        self.latencies.get(span)
    }
}

/// Counters at one moment.
pub struct Snapshot {
    at: Instant,
    published: u64,
    deliveries: u64,
    server_seconds: Option<f64>,
    own_seconds: f64,
    steal_seconds: f64,
}

impl Snapshot {
    pub fn take(generator: &Generator<'_>) -> Self {
        Self {
            at: Instant::now(),
            published: generator.tally.published,
            deliveries: generator.tally.deliveries,
            server_seconds: sum(&generator.target.processes, cpu_seconds),
            own_seconds: cpu_seconds(std::process::id()).unwrap_or_default(),
            steal_seconds: steal_seconds(),
        }
    }

    /// When so much time has passed since.
    pub fn end(&self, time: Duration) -> Instant {
        self.at + time
    }

    /// Processor time of the server since then.
    pub fn cpu_seconds_until(&self, later: &Self) -> Option<f64> {
        self.server_seconds.zip(later.server_seconds).map(|(before, after)| after - before)
    }

    pub fn elapsed(&self) -> Duration {
        self.at.elapsed()
    }
}

/// Memory of the server.
pub fn memory(generator: &Generator<'_>) -> Option<f64> {
    sum(&generator.target.processes, memory_bytes)
}

/// What has happened from one moment to another. What is under way is in the generator's tally until it is given up, so
/// a report is made when all of that has come to its end.
pub fn between(
    generator: &mut Generator<'_>,
    [before, after]: [Snapshot; 2],
    [memory_before, memory_after]: [Option<f64>; 2],
) -> Report {
    let seconds = after.at.duration_since(before.at).as_secs_f64().max(f64::MIN_POSITIVE);
    let server = before.server_seconds.zip(after.server_seconds).zip(memory_before.zip(memory_after));
    let server = server.map(|((before, after), (memory_before, memory_after))| ServerReport {
        busy: (after - before) / seconds,
        cpu_seconds: after - before,
        memory_bytes_before: memory_before,
        memory_bytes: memory_after,
    });
    let tally = &mut generator.tally;
    Report {
        seconds,
        clients: generator.crowd.ready,
        published: after.published - before.published,
        deliveries: after.deliveries - before.deliveries,
        connected: 0,
        connecting_cpu_seconds: None,
        missing: tally.missing(),
        faults: std::mem::take(&mut tally.faults),
        latencies: std::mem::take(&mut tally.latencies),
        generator_busy: (after.own_seconds - before.own_seconds) / seconds,
        steal: (after.steal_seconds - before.steal_seconds) / seconds,
        server,
        is_interrupted: generator.is_stopped(),
    }
}

/// Over all processes; `None` where there are none, or one is gone.
fn sum(processes: &[u32], figure: fn(u32) -> Option<f64>) -> Option<f64> {
    let sum = processes.iter().try_fold(0.0, |sum, process| Some(sum + figure(*process)?));
    sum.filter(|_| !processes.is_empty())
}
