//! Rooms: the real program over WebSocket beside the limit of the machine, and beside itself over event streams,
//! on two nodes, and with slow consumers.
//!
//! Each pair of servers is measured in turn and alone, on a core of its own where there are two, by one
//! generator; so the ratio of a pair says more than its figures, which move with the machine. Prints a
//! table in Markdown. docs/performance.md says what the columns mean.

// A benchmark that is wrong may end.
#![allow(clippy::indexing_slicing)]

mod figures;
mod load;
mod server;

use std::time::Duration;

use clap::Parser;
use figures::Figures;
use load::{House, Lasting, SETTINGS, fan_out, median, raw, run};
use server::{Outcome, Server, cores, program, tidings, token};
use tidings::load::{Broadcast, Pace, Plan, Way};

/// Measures rooms of the real program.
#[derive(Parser)]
struct Arguments {
    /// Measure only what has this in its name
    #[arg(long, value_name = "NAME", default_value = "")]
    only: String,
    /// One run of a second each: to see that all works
    #[arg(long)]
    quick: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
    /// Be the limit of the machine
    #[arg(long, hide = true)]
    raw: Option<raw::Writes>,
}

const SILENT: usize = 50;

#[derive(Clone, Copy)]
enum Program {
    Tidings,
    /// Two nodes and the Redis between them, on the one core.
    TwoNodes,
    Raw,
}

/// Two sides of a comparison; the ratio is the first by the second.
type Pair = [(&'static str, Program, Broadcast); 2];

fn beside_raw(plan: Broadcast) -> Pair {
    [("tidings", Program::Tidings, plan.clone()), ("raw loop", Program::Raw, plan)]
}

fn beside_websocket(plan: Broadcast) -> Pair {
    let streams = Broadcast { ways: vec![Way::EventStream], ..plan.clone() };
    [("SSE", Program::Tidings, streams), ("WebSocket", Program::Tidings, plan)]
}

fn beside_one_node(plan: Broadcast) -> Pair {
    [("two nodes and Redis", Program::TwoNodes, plan.clone()), ("one node", Program::Tidings, plan)]
}

/// Large data, so that outboxes are full by bytes: 1 MiB, and what the kernel takes.
fn slow_consumers() -> Pair {
    let all_read = Broadcast { burst: 1500, bytes: 1024, ..fan_out(Pace::PerSecond(20.0)) };
    let with_silent = Broadcast { silent: SILENT, ..all_read.clone() };
    [("+ 50 silent", Program::Tidings, with_silent), ("all read", Program::Tidings, all_read)]
}

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    if let Some(writes) = arguments.raw {
        return raw::serve(writes);
    }
    let bench = Bench {
        is_split: cores::split_cores(),
        token: token("bench", "join:* publish:*")?,
        runs: if arguments.quick { 1 } else { 3 },
        lasting: Lasting {
            warm_up: Duration::from_millis(600),
            measured: Duration::from_millis(if arguments.quick { 1000 } else { 2500 }),
        },
    };
    let rooms = Broadcast { rooms: 100, speakers: 1000, ..fan_out(Pace::OneEach) };
    let of_5000 = Broadcast { readers: 5000, ..fan_out(Pace::InFlight(4)) };
    let by_both = Broadcast { speakers: 2, ..fan_out(Pace::InFlight(16)) };
    let comparisons = [
        ("fan-out 1,000, W=1", beside_raw(fan_out(Pace::InFlight(1)))),
        ("fan-out 1,000, W=16", beside_raw(fan_out(Pace::InFlight(16)))),
        ("fan-out 1,000, W=64", beside_raw(fan_out(Pace::InFlight(64)))),
        ("fan-out 5,000, W=4", beside_raw(of_5000)),
        ("rooms 100 × 10, one in flight each", beside_raw(rooms)),
        ("fan-out 1,000, 20/s", beside_raw(fan_out(Pace::PerSecond(20.0)))),
        ("SSE, fan-out 1,000, W=1", beside_websocket(fan_out(Pace::InFlight(1)))),
        ("SSE, fan-out 1,000, W=16", beside_websocket(fan_out(Pace::InFlight(16)))),
        ("SSE, fan-out 1,000, 20/s", beside_websocket(fan_out(Pace::PerSecond(20.0)))),
        ("nodes, fan-out 2 × 500, W=16 by one", beside_one_node(fan_out(Pace::InFlight(16)))),
        ("nodes, fan-out 2 × 500, W=16 by both", beside_one_node(by_both)),
        ("nodes, fan-out 2 × 500, 20/s", beside_one_node(fan_out(Pace::PerSecond(20.0)))),
    ];
    const SLOW: &str = "slow consumers, 1,000 readers, 20/s of 1 KiB";
    let is_asked = |name: &str| name.contains(&arguments.only);
    if !comparisons.iter().any(|(name, _)| is_asked(name)) && !is_asked(SLOW) {
        return Err(format!("nothing has {:?} in its name", arguments.only).into());
    }
    figures::introduce(bench.is_split, bench.runs, bench.lasting);
    for (name, pair) in comparisons.iter().filter(|(name, _)| is_asked(name)) {
        bench.compare(name, pair)?;
    }
    if is_asked(SLOW) {
        let [with, without] = bench.compare(SLOW, &slow_consumers())?;
        report_memory(&with, &without);
    }
    Ok(())
}

struct Bench {
    is_split: bool,
    token: String,
    runs: usize,
    lasting: Lasting,
}

impl Bench {
    /// Measures both sides in turn and prints them with their ratio.
    fn compare(&self, name: &str, pair: &Pair) -> Outcome<[Vec<Figures>; 2]> {
        let mut measured = [Vec::new(), Vec::new()];
        for round in 0..self.runs {
            // Neither side is always the first.
            for side in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
                let (_, program, plan) = &pair[side];
                let house = self.start(*program)?;
                let report = run(&house, &self.token, &Plan::Broadcast(plan.clone()), self.lasting)?;
                measured[side].push(Figures::of(&report));
            }
        }
        for ((server, ..), runs) in pair.iter().zip(&measured) {
            figures::print_row(name, server, runs);
        }
        figures::print_ratio(name, &measured);
        Ok(measured)
    }

    fn start(&self, which: Program) -> Outcome<House> {
        let core = self.is_split.then_some(cores::SERVER_CORE);
        let server = Server::start(match which {
            Program::TwoNodes => {
                return House::with_bus(2, core, |url| {
                    let url = format!("bridge.url={url}");
                    tidings(core, &[&SETTINGS[..], &[url.as_str()]].concat())
                });
            }
            Program::Tidings => tidings(core, &SETTINGS),
            Program::Raw => {
                let mut command = program(std::env::current_exe()?, core);
                command.args(["--raw", "joined"]);
                command
            }
        });
        Ok(House::of(server?))
    }
}

/// What those who do not read cost in memory, at the worst, and what they may.
fn report_memory(with: &[Figures], without: &[Figures]) {
    const MIB: f64 = 1024.0 * 1024.0;
    let before = median(without.iter().map(|run| run.memory_bytes)) / MIB;
    let after = with.iter().map(|run| run.memory_bytes / MIB).fold(0.0, f64::max);
    println!(
        "\nWith {SILENT} members that do not read the server holds {:.1} MiB more than the {before:.1} MiB without them; \
         the bound is {SILENT} × 1.25 MiB + 10 % = {:.1} MiB.",
        after - before,
        SILENT as f64 * 1.25 + before / 10.0
    );
}
