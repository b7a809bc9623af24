//! Rooms over two nodes: two servers and the Redis between them on one core, beside one server alone on it.
//!
//! Both sides do the same work for as many members, so the ratio says what the second node and the bus cost.
//! docs/performance.md says what the columns mean.

// A benchmark that is wrong may end.
#![allow(clippy::indexing_slicing)]

mod load;
mod server;

use std::{
    net::{TcpListener, TcpStream},
    process::Stdio,
    time::{Duration, Instant},
};

use clap::Parser;
use load::{Figures, House, Lasting, Load, Plan, Way, run, table};
use server::{Outcome, Server, cores, program, tidings, token};

/// Measures rooms of two nodes.
#[derive(Parser)]
struct Arguments {
    /// One run of a second each: to see that all works
    #[arg(long)]
    quick: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// 500 of them on each node, where there are two.
const FAN_OUT: Plan = Plan {
    way: Way::WebSocket,
    rooms: 1,
    readers: 1000,
    publishers: 1,
    silent: 0,
    burst: 0,
    data_bytes: 128,
    load: Load::InFlight(16),
};

const NODES: [usize; 2] = [2, 1];

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let is_split = cores::split_cores();
    let core = is_split.then_some(cores::SERVER_CORE);
    let token = token("bench", "join:* publish:*")?;
    let runs = if arguments.quick { 1 } else { 3 };
    let lasting = Lasting {
        warm_up: Duration::from_millis(600),
        measured: Duration::from_millis(if arguments.quick { 1000 } else { 2500 }),
    };
    table::introduce(is_split, runs, lasting);
    let plans = [
        ("fan-out 2 × 500, W=16, published on one node", FAN_OUT),
        ("fan-out 2 × 500, W=16, published on both", Plan { publishers: 2, ..FAN_OUT }),
        ("fan-out 2 × 500, 20/s", Plan { load: Load::PerSecond(20.0), ..FAN_OUT }),
    ];
    for (name, plan) in plans {
        let mut figures: [Vec<Figures>; 2] = [Vec::new(), Vec::new()];
        for round in 0..runs {
            // Neither side is always the first.
            for side in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
                figures[side].push(run(&start(core, NODES[side])?, &token, &plan, lasting)?);
            }
        }
        for (server, figures) in ["two nodes and Redis", "one node alone"].iter().zip(&figures) {
            table::print_row(name, server, figures);
        }
        table::print_ratio(name, &figures);
    }
    Ok(())
}

/// So many servers on this core, with a bus where they are several.
fn start(core: Option<usize>, nodes: usize) -> Outcome<House> {
    let bus = if nodes > 1 { Some(start_bus(core)?) } else { None };
    let url = bus.as_ref().map(|bus| format!("bridge.url=redis://{}", bus.address));
    let mut settings = table::SETTINGS.to_vec();
    settings.extend(url.as_deref());
    let servers = (0..nodes).map(|_| Server::start(tidings(core, &settings)));
    Ok(House { servers: servers.collect::<Outcome<_>>()?, bus })
}

/// A Redis that listens, and keeps nothing.
fn start_bus(core: Option<usize>) -> Outcome<Server> {
    const TIME: Duration = Duration::from_secs(5);
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut command = program("redis-server", core);
    command.args(["--bind", "127.0.0.1", "--save", "", "--port", &address.port().to_string()]);
    let folder = tempfile::tempdir()?;
    let child = command.current_dir(&folder).stdout(Stdio::null()).spawn()?;
    let bus = Server { child, address, _folder: folder };
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        if start.elapsed() > TIME {
            return Err("redis-server does not listen".into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(bus)
}
