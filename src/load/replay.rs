//! Clients that come at once to a room and read what it holds: what a server has to do when all reconnect.

use std::time::Duration;

use super::{
    Fault, Faults, Outcome, Phase, Progress, Report, Target, Way,
    generator::{Asked, Generator},
    latency::Span,
    report::{self, Snapshot},
};

/// Messages in flight while the history is made.
const WINDOW: u64 = 16;

#[derive(Debug, Clone, Copy)]
pub struct Replay {
    pub way: Way,
    pub clients: usize,
    /// Messages that the room holds when they come.
    pub history: u64,
    pub bytes: usize,
}

/// Timed for each client from its first packet until the last message that it has missed.
pub fn run(target: &Target, plan: &Replay, progress: &Progress) -> Outcome<Report> {
    let mut generator = Generator::new(target, progress)?;
    let memory_before = report::memory(&generator);
    let asked = Asked { way: Way::WebSocket, user: 0, room: Some(0), is_from_start: false, is_silent: false };
    make_history(&mut generator, &asked, plan)?;
    generator.crowd.newcomers.clear();

    let before = Snapshot::take(&generator);
    generator.tally.measured_from = Some(generator.now());
    // The connections are there before anybody reads, as when a server is back after all have waited for it.
    let begun = generator.now();
    let asked = |place| Asked { way: plan.way, user: place, is_from_start: true, ..asked };
    let mut waiting =
        (1..=plan.clients).map(|place| generator.open(&asked(place), begun)).collect::<Outcome<Vec<_>>>()?;
    let mut caught_up = 0;
    while !waiting.is_empty() && !generator.is_stopped() {
        generator.turn(Duration::from_millis(100))?;
        generator.tell(Phase::Measuring, caught_up, plan.clients as u64);
        let now = generator.now();
        waiting.retain(|number| match generator.listener(*number) {
            Some(client) if client.heard < plan.history => true,
            Some(client) => {
                let begun = client.begun;
                generator.tally.record(Span::CaughtUp, begun, now);
                caught_up += 1;
                false
            }
            None => false,
        });
        if generator.has_stalled(generator.tally.deliveries) {
            break;
        }
    }
    let after = Snapshot::take(&generator);
    let told: u64 = waiting.iter().filter_map(|number| Some(generator.listener(*number)?.heard)).sum();
    let missing = (plan.history * waiting.len() as u64).saturating_sub(told);
    let memory = [memory_before, report::memory(&generator)];
    let report = report::between(&mut generator, [before, after], memory);
    Ok(Report { connected: caught_up, missing, ..report })
}

/// One client says all that there is to read, and goes.
fn make_history(generator: &mut Generator<'_>, asked: &Asked, plan: &Replay) -> Outcome<()> {
    let speaker = generator.join(1, |_| *asked)?.first().copied().unwrap_or_default();
    let (room, mut command) = (generator.target.room(0), Vec::new());
    while generator.tally.complete < plan.history && !generator.is_stopped() {
        generator.tell(Phase::WarmingUp, generator.tally.complete, plan.history);
        let tally = &generator.tally;
        for _ in tally.under_way()..WINDOW.min(plan.history - tally.complete) {
            let message = (generator.now(), generator.tally.publish(speaker, Span::Room, 1));
            if let Some(client) = generator.listener(speaker) {
                client.publish(&room, message, plan.bytes, &mut command)?;
            }
        }
        let refused = generator.tally.refused;
        generator.gather()?;
        if generator.tally.refused > refused {
            // Too fast for that server; what was refused is published again.
            generator.rest(Duration::from_secs(1))?;
        }
        if generator.has_stalled(generator.tally.complete) {
            return Err(generator
                .tally
                .faults
                .first()
                .unwrap_or_else(|| Fault::new("the room cannot be filled")));
        }
    }
    generator.tally.done.clear();
    generator.tally.faults = Faults::default();
    generator.release(speaker);
    Ok(())
}
