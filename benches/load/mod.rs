//! The generator: one thread that is all members of all rooms, publishes, and counts what each one gets.
//!
//! Readers parse frame headers alone, or look for the ends of events, and allocate nothing for a message, so
//! that the generator is not what is measured.

mod connection;
mod events;
mod frames;
mod house;
mod machine;
mod member;
mod plan;
pub mod raw;
pub mod table;
mod tally;

use std::{
    io::ErrorKind,
    ops::Range,
    time::{Duration, Instant},
};

use connection::{Connection, SCRATCH_BYTES};
pub use house::House;
use machine::{cpu_seconds, memory_bytes, steal_seconds};
use member::Member;
use mio::{Events, Poll, Token, event::Event};
pub use plan::{Figures, Lasting, Load, Plan, Way};
use tally::Tally;

use crate::server::Outcome;

/// Handshakes under way at the same time.
const HANDSHAKES_MAX: usize = 64;

/// Between two looks at the sockets where nothing is timed: what comes meanwhile is read in one go, or
/// the generator would cost more than the server.
const GATHERING: Duration = Duration::from_micros(300);

/// The server has nothing left to do for those who have joined.
const SETTLING: Duration = Duration::from_millis(300);

/// The longest time without any message that has reached everybody.
const STALL: Duration = Duration::from_secs(5);

/// What the kernel may take for who does not read, so that it waits in the server.
const SILENT_RECEIVE_BUFFER: usize = 4096;

/// Messages in flight while an outbox is filled.
const BURST_WINDOW: usize = 16;

/// Runs a plan against servers that are fresh.
///
/// # Errors
/// If a connection ends, or a message does not reach everybody.
pub fn run(house: &House, token: &str, plan: &Plan, lasting: Lasting) -> Outcome<Figures> {
    let mut generator = Generator::new(house, token, plan)?;
    generator.join(0..1)?;
    generator.join(1..1 + plan.silent)?;
    generator.burst()?;
    generator.join(1 + plan.silent..plan.readers + plan.silent)?;
    generator.rest(SETTLING)?;
    let figures = generator.measure(lasting)?;
    generator.ask_the_silent()?;
    Ok(figures)
}

struct Generator<'a> {
    house: &'a House,
    token: &'a str,
    plan: &'a Plan,
    poll: Poll,
    events: Events,
    /// The first one publishes alone, where one does; the silent ones follow it.
    members: Vec<Member>,
    scratch: Vec<u8>,
    tally: Tally,
    start: Instant,
    /// When the next message is due, where they come at a rate.
    due: u64,
    /// How many messages were complete when it was last looked, and when that changed.
    progress: (usize, Instant),
}

/// Counters at one moment.
struct Snapshot {
    at: Instant,
    deliveries: u64,
    server: f64,
    generator: f64,
    steal: f64,
}

impl<'a> Generator<'a> {
    fn new(house: &'a House, token: &'a str, plan: &'a Plan) -> Outcome<Self> {
        Ok(Self {
            house,
            token,
            plan,
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            members: Vec::new(),
            scratch: vec![0; SCRATCH_BYTES],
            tally: Tally::new(1),
            start: Instant::now(),
            due: 0,
            progress: (0, Instant::now()),
        })
    }

    fn room(&self, member: usize) -> String {
        format!("bench{}", member % self.plan.rooms)
    }

    /// Opens connections and waits until all of them are members.
    fn join(&mut self, numbers: Range<usize>) -> Outcome<()> {
        let deadline = Instant::now() + STALL.mul_f64(4.0);
        for number in numbers.clone() {
            let is_silent = (1..=self.plan.silent).contains(&number);
            let buffer = is_silent.then_some(SILENT_RECEIVE_BUFFER);
            let connection =
                Connection::open(self.house.address(number), buffer, self.poll.registry(), number)?;
            // The first one publishes.
            let way = if number == 0 { Way::WebSocket } else { self.plan.way };
            self.members.push(Member::new(connection, way, &self.room(number), self.token, is_silent)?);
            let is_last = number + 1 == numbers.end;
            let waiting_max = if is_last { 1 } else { HANDSHAKES_MAX };
            while self.members[numbers.start..].iter().filter(|member| !member.has_joined()).count()
                >= waiting_max
            {
                self.turn(SETTLING)?;
                if Instant::now() > deadline {
                    return Err("not all members could join".into());
                }
            }
        }
        Ok(())
    }

    /// Fills the outboxes of those who do not read; the publisher alone reads yet.
    fn burst(&mut self) -> Outcome<()> {
        self.progress.1 = Instant::now();
        while self.tally.complete < self.plan.burst {
            while self.tally.published() < self.plan.burst.min(self.tally.complete + BURST_WINDOW) {
                self.publish(0, self.now())?;
            }
            self.gather()?;
        }
        self.tally = Tally::new(self.plan.readers / self.plan.rooms);
        Ok(())
    }

    fn rest(&mut self, time: Duration) -> Outcome<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.turn(GATHERING)?;
        }
        Ok(())
    }

    fn measure(&mut self, Lasting { warm_up, measured }: Lasting) -> Outcome<Figures> {
        self.progress = (0, Instant::now());
        self.due = self.now();
        let first: Vec<usize> = match self.plan.load {
            Load::InFlight(count) => (0..count).map(|n| n % self.plan.publishers).collect(),
            Load::OneEach => (0..self.members.len()).collect(),
            Load::PerSecond(_) => Vec::new(),
        };
        first.into_iter().try_for_each(|member| self.publish(member, self.now()))?;
        self.work_until(Instant::now() + warm_up)?;
        let before = self.snapshot()?;
        self.tally.measured_from = Some(self.now());
        self.work_until(before.at + measured)?;
        let after = self.snapshot()?;
        let memory_bytes = sum(self.house.processes().map(memory_bytes))?;
        if let Load::PerSecond(_) = self.plan.load {
            // What is late counts, too.
            while self.tally.complete < self.tally.published() {
                self.gather()?;
            }
        }
        let seconds = (after.at - before.at).as_secs_f64();
        let deliveries = (after.deliveries - before.deliveries) as f64;
        let micros = &mut self.tally.micros;
        micros.sort_unstable();
        let percentile = |part: f64| {
            let place = ((micros.len() as f64 - 1.0) * part).round() as usize;
            micros.get(place).map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
        };
        Ok(Figures {
            deliveries_per_second: deliveries / seconds,
            cpu_micros_per_delivery: (after.server - before.server) * 1e6 / deliveries,
            p50_millis: percentile(0.50),
            p99_millis: percentile(0.99),
            server_busy: (after.server - before.server) / seconds,
            generator_busy: (after.generator - before.generator) / seconds,
            steal: (after.steal - before.steal) / seconds,
            memory_bytes,
        })
    }

    fn work_until(&mut self, end: Instant) -> Outcome<()> {
        let end = self.nanos(end);
        while self.now() < end {
            let Load::PerSecond(rate) = self.plan.load else {
                self.gather()?;
                for member in std::mem::take(&mut self.tally.done) {
                    self.publish(member, self.now())?;
                }
                continue;
            };
            while self.due <= self.now() {
                // Timed from when it was due: a late publish is a late delivery.
                self.publish(0, self.due)?;
                self.due += (1e9 / rate) as u64;
            }
            let wait = Duration::from_nanos(self.due.min(end).saturating_sub(self.now()));
            // Rounded down, since the kernel rounds up: the last millisecond is waited for awake.
            self.turn(Duration::from_millis(wait.as_millis() as u64))?;
        }
        Ok(())
    }

    fn publish(&mut self, member: usize, now: u64) -> Outcome<()> {
        let data = self.tally.publish(member, self.plan.data_bytes, now);
        let room = self.room(member);
        self.members[member].publish(&room, &data)
    }

    /// Reads all there is, then lets more gather.
    fn gather(&mut self) -> Outcome<()> {
        self.turn(Duration::ZERO)?;
        if self.tally.complete != self.progress.0 {
            self.progress = (self.tally.complete, Instant::now());
        } else if self.progress.1.elapsed() > STALL {
            let missing = self.tally.published() - self.tally.complete;
            return Err(format!("{missing} messages do not reach everybody").into());
        }
        std::thread::sleep(GATHERING);
        Ok(())
    }

    /// Hears whoever has something to say, within this time.
    fn turn(&mut self, wait: Duration) -> Outcome<()> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        let start = self.start;
        let now = || start.elapsed().as_nanos() as u64;
        for Token(number) in self.events.iter().map(Event::token) {
            self.members[number].turn(&mut self.scratch, &mut self.tally, now)?;
        }
        Ok(())
    }

    /// Who has not read learns that something is lost; else its outbox was not full, and nothing was shown.
    fn ask_the_silent(&mut self) -> Outcome<()> {
        let deadline = Instant::now() + STALL;
        for member in self.members.iter_mut().filter(|member| member.is_silent()) {
            while !member.is_told_of_loss(&mut self.scratch)? {
                if Instant::now() > deadline {
                    return Err("a member that did not read has lost nothing".into());
                }
                std::thread::sleep(GATHERING);
            }
        }
        Ok(())
    }

    fn snapshot(&self) -> Outcome<Snapshot> {
        Ok(Snapshot {
            at: Instant::now(),
            deliveries: self.tally.deliveries,
            server: sum(self.house.processes().map(cpu_seconds))?,
            generator: cpu_seconds(std::process::id())?,
            steal: steal_seconds(),
        })
    }

    fn now(&self) -> u64 {
        self.nanos(Instant::now())
    }

    fn nanos(&self, at: Instant) -> u64 {
        at.duration_since(self.start).as_nanos() as u64
    }
}

fn sum(mut figures: impl Iterator<Item = Outcome<f64>>) -> Outcome<f64> {
    figures.try_fold(0.0, |sum, figure| Ok(sum + figure?))
}
