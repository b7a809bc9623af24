//! Rooms: the real program over WebSocket beside the limit of the machine, and beside itself over event streams,
//! on two nodes, and with slow consumers.
//!
//! Each pair of servers is measured in turn and alone, on a core of its own where there are two, by one
//! generator; so the ratio of a pair says more than its figures, which move with the machine. Prints a
//! table in Markdown. docs/performance.md says what the columns mean.

// A benchmark that is wrong may end.
#![allow(clippy::indexing_slicing)]

mod load;
mod server;

use std::time::Duration;

use clap::Parser;
use load::{
    Figures, House, Lasting, Load, Plan, Way, raw, run,
    table::{self, median},
};
use server::{Outcome, Server, cores, program, tidings, token};

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
    raw: bool,
}

const FAN_OUT: Plan = Plan {
    way: Way::WebSocket,
    rooms: 1,
    readers: 1000,
    publishers: 1,
    silent: 0,
    burst: 0,
    data_bytes: 128,
    load: Load::InFlight(1),
};

/// Large data, so that outboxes are full by bytes: 1 MiB, and what the kernel takes.
const ALL_READ: Plan = Plan { burst: 1500, data_bytes: 1024, load: Load::PerSecond(20.0), ..FAN_OUT };
const SILENT: usize = 50;

#[derive(Clone, Copy)]
enum Program {
    Tidings,
    /// Two nodes and the Redis between them, on the one core.
    TwoNodes,
    Raw,
}

/// Two sides of a comparison; the ratio is the first by the second.
type Pair = [(&'static str, Program, Plan); 2];

fn beside_raw(plan: Plan) -> Pair {
    [("tidings", Program::Tidings, plan), ("raw loop", Program::Raw, plan)]
}

fn beside_websocket(plan: Plan) -> Pair {
    [("SSE", Program::Tidings, Plan { way: Way::EventStream, ..plan }), ("WebSocket", Program::Tidings, plan)]
}

fn beside_one_node(plan: Plan) -> Pair {
    [("two nodes and Redis", Program::TwoNodes, plan), ("one node", Program::Tidings, plan)]
}

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    if arguments.raw {
        return raw::serve();
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
    let saturated = |load| Plan { load, ..FAN_OUT };
    let comparisons = [
        ("fan-out 1,000, W=1", beside_raw(saturated(Load::InFlight(1)))),
        ("fan-out 1,000, W=16", beside_raw(saturated(Load::InFlight(16)))),
        ("fan-out 1,000, W=64", beside_raw(saturated(Load::InFlight(64)))),
        ("fan-out 5,000, W=4", beside_raw(Plan { readers: 5000, ..saturated(Load::InFlight(4)) })),
        ("rooms 100 × 10, one in flight each", beside_raw(Plan { rooms: 100, ..saturated(Load::OneEach) })),
        ("fan-out 1,000, 20/s", beside_raw(saturated(Load::PerSecond(20.0)))),
        ("SSE, fan-out 1,000, W=1", beside_websocket(saturated(Load::InFlight(1)))),
        ("SSE, fan-out 1,000, W=16", beside_websocket(saturated(Load::InFlight(16)))),
        ("SSE, fan-out 1,000, 20/s", beside_websocket(saturated(Load::PerSecond(20.0)))),
        ("nodes, fan-out 2 × 500, W=16 by one", beside_one_node(saturated(Load::InFlight(16)))),
        (
            "nodes, fan-out 2 × 500, W=16 by both",
            beside_one_node(Plan { publishers: 2, ..saturated(Load::InFlight(16)) }),
        ),
        ("nodes, fan-out 2 × 500, 20/s", beside_one_node(saturated(Load::PerSecond(20.0)))),
    ];
    const SLOW: &str = "slow consumers, 1,000 readers, 20/s of 1 KiB";
    let is_asked = |name: &str| name.contains(&arguments.only);
    if !comparisons.iter().any(|(name, _)| is_asked(name)) && !is_asked(SLOW) {
        return Err(format!("nothing has {:?} in its name", arguments.only).into());
    }
    table::introduce(bench.is_split, bench.runs, bench.lasting);
    for (name, pair) in comparisons.iter().filter(|(name, _)| is_asked(name)) {
        bench.compare(name, pair)?;
    }
    if is_asked(SLOW) {
        let with_silent = Plan { silent: SILENT, ..ALL_READ };
        let pair = [("+ 50 silent", Program::Tidings, with_silent), ("all read", Program::Tidings, ALL_READ)];
        let [with, without] = bench.compare(SLOW, &pair)?;
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
        let mut figures = [Vec::new(), Vec::new()];
        for round in 0..self.runs {
            // Neither side is always the first.
            for side in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
                let (_, program, plan) = &pair[side];
                let house = self.start(*program)?;
                figures[side].push(run(&house, &self.token, plan, self.lasting)?);
            }
        }
        for ((server, ..), figures) in pair.iter().zip(&figures) {
            table::print_row(name, server, figures);
        }
        table::print_ratio(name, &figures);
        Ok(figures)
    }

    fn start(&self, which: Program) -> Outcome<House> {
        let core = self.is_split.then_some(cores::SERVER_CORE);
        let server = Server::start(match which {
            Program::TwoNodes => return House::of_two(core),
            Program::Tidings => tidings(core, &table::SETTINGS),
            Program::Raw => {
                let mut command = program(std::env::current_exe()?, core);
                command.arg("--raw");
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
