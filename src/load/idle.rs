//! Clients that are there and are told nothing: what one of them costs.

use std::time::Instant;

use super::{
    Lasting, Outcome, Phase, Progress, Report, Target, Way,
    generator::{Asked, Generator},
    latency::Span,
    report::{self, Snapshot},
};

#[derive(Debug, Clone, Copy)]
pub struct Idle {
    pub way: Way,
    pub clients: usize,
    /// Each is in one of them, and none where there are none.
    pub rooms: usize,
}

/// Nothing is asked of the server while it is measured, but its heartbeats are answered.
pub fn run(target: &Target, plan: &Idle, lasting: Lasting, progress: &Progress) -> Outcome<Report> {
    let mut generator = Generator::new(target, progress)?;
    let memory_before = report::memory(&generator);
    let begun = Snapshot::take(&generator);
    generator.tally.measured_from = Some(0);
    generator.join(plan.clients, |place| Asked {
        way: plan.way,
        user: place,
        room: place.checked_rem(plan.rooms),
        is_from_start: false,
        is_silent: false,
    })?;
    let connecting_cpu_seconds = begun.cpu_seconds_until(&Snapshot::take(&generator));
    let connected = generator.tally.latencies.get(Span::Connected).map_or(0, super::Latency::count);
    generator.rest(lasting.warm_up)?;
    let before = Snapshot::take(&generator);
    let end = before.end(lasting.measured);
    while Instant::now() < end && !generator.is_stopped() {
        let done = before.elapsed().as_millis() as u64;
        generator.tell(Phase::Measuring, done, lasting.measured.as_millis() as u64);
        generator.turn(end.saturating_duration_since(Instant::now()))?;
    }
    let after = Snapshot::take(&generator);
    let memory = [memory_before, report::memory(&generator)];
    let report = report::between(&mut generator, [before, after], memory);
    Ok(Report { connected, connecting_cpu_seconds, ..report })
}
