//! Clients that come, are welcomed, and go: what a handshake costs, and how long it takes.

use std::time::{Duration, Instant};

use super::{
    Lasting, Outcome, Pace, Phase, Progress, Report, Target, Way,
    generator::{Asked, Generator},
    report::{self, Snapshot},
    target::STALL,
};

/// Handshakes under way at most where they come at a rate; beyond, those that are due are late.
const UNDER_WAY_MAX: usize = 1024;

#[derive(Debug, Clone, Copy)]
pub struct Arrivals {
    pub way: Way,
    pub pace: Pace,
}

pub fn run(target: &Target, plan: &Arrivals, lasting: Lasting, progress: &Progress) -> Outcome<Report> {
    let mut run = Run { generator: Generator::new(target, progress)?, plan, place: 0, due: 0, welcomed: 0 };
    let memory_before = report::memory(&run.generator);
    run.due = run.generator.now();
    run.work_until(Instant::now() + lasting.warm_up, lasting.warm_up, Phase::WarmingUp)?;
    let (before, welcomed) = (Snapshot::take(&run.generator), run.welcomed);
    run.generator.tally.measured_from = Some(run.generator.now());
    run.work_until(before.end(lasting.measured), lasting.measured, Phase::Measuring)?;
    let (after, connected) = (Snapshot::take(&run.generator), run.welcomed - welcomed);
    let memory = [memory_before, report::memory(&run.generator)];
    run.finish()?;
    Ok(Report { connected, ..report::between(&mut run.generator, [before, after], memory) })
}

struct Run<'a> {
    generator: Generator<'a>,
    plan: &'a Arrivals,
    place: usize,
    /// When the next one is due, where they come at a rate.
    due: u64,
    welcomed: u64,
}

impl Run<'_> {
    fn work_until(&mut self, end: Instant, all: Duration, phase: Phase) -> Outcome<()> {
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || self.generator.is_stopped() {
                return Ok(());
            }
            self.generator.tell(phase, (all - left.min(all)).as_millis() as u64, all.as_millis() as u64);
            let wait = match self.plan.pace {
                Pace::PerSecond(_) => self.open_those_due()?,
                Pace::InFlight(count) => self.keep(count)?,
                Pace::OneEach => self.keep(1)?,
            };
            self.generator.turn(wait.min(left))?;
            self.let_go();
        }
    }

    fn keep(&mut self, count: usize) -> Outcome<Duration> {
        while self.generator.crowd.opening < count {
            self.open(self.generator.now())?;
        }
        Ok(Duration::from_millis(100))
    }

    fn open_those_due(&mut self) -> Outcome<Duration> {
        let gap = self.plan.pace.gap().unwrap_or(u64::MAX);
        while self.due <= self.generator.now() && self.generator.crowd.opening < UNDER_WAY_MAX {
            self.open(self.due)?;
            self.due = self.due.saturating_add(gap);
        }
        let wait = Duration::from_nanos(self.due.saturating_sub(self.generator.now()));
        // Rounded down, since the kernel rounds up: the last millisecond is waited for awake.
        Ok(Duration::from_millis(wait.as_millis() as u64))
    }

    fn open(&mut self, due: u64) -> Outcome<()> {
        let asked = Asked {
            way: self.plan.way,
            user: self.place,
            room: None,
            is_from_start: false,
            is_silent: false,
        };
        self.place += 1;
        self.generator.open(&asked, due).map(drop)
    }

    /// Whoever was welcomed goes.
    fn let_go(&mut self) {
        for number in std::mem::take(&mut self.generator.crowd.newcomers) {
            self.welcomed += 1;
            self.generator.release(number);
        }
    }

    /// Waits for those whose handshakes are under way; who is not let in counts as a fault.
    fn finish(&mut self) -> Outcome<()> {
        let deadline = Instant::now() + STALL;
        while self.generator.crowd.opening > 0 && Instant::now() < deadline {
            self.generator.tell(Phase::Ending, 0, 1);
            self.generator.turn(Duration::from_millis(100))?;
            self.let_go();
        }
        self.generator.drop_those_not_let_in();
        Ok(())
    }
}
