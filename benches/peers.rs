//! tidings beside its peers and the limit of the machine; and how its cost grows with the work.
//!
//! Each contender is measured in turn and alone, on a core of its own where there are two, by one generator; the
//! rounds begin with another one each time. Writes tables and plots: below `target/performance`, or with
//! `--publish` into `docs/performance`. `make peers` installs the peers before.

// A benchmark that is wrong may end.
#![allow(clippy::indexing_slicing)]

mod comparison;
mod load;
mod server;

use std::time::Duration;

use clap::Parser;
use comparison::{
    Bench,
    page::Page,
    rows::{comparisons, series},
};
use load::{Lasting, raw};
use server::{Outcome, cores, token};

/// Measures tidings beside its peers.
#[derive(Parser)]
struct Arguments {
    /// Measure only what has this in its name
    #[arg(long, value_name = "NAME", default_value = "")]
    only: String,
    /// One short run of a tenth of the clients: to see that all works
    #[arg(long)]
    quick: bool,
    /// Write into docs/performance, for everybody to read
    #[arg(long, conflicts_with = "quick")]
    publish: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
    /// Be the limit of the machine
    #[arg(long, hide = true)]
    raw: Option<raw::Writes>,
}

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    if let Some(writes) = arguments.raw {
        return raw::serve(writes);
    }
    let millis = |slow, quick| Duration::from_millis(if arguments.quick { quick } else { slow });
    let bench = Bench {
        is_quick: arguments.quick,
        is_split: cores::split_cores(),
        token: token("bench", "join:* publish:* notify")?,
        runs: if arguments.quick { 1 } else { 3 },
        lasting: Lasting { warm_up: millis(600, 100), measured: millis(2500, 300) },
    };
    let scale = if arguments.quick { 10 } else { 1 };
    let mut page =
        Page::begin(&bench, if arguments.publish { "docs/performance" } else { "target/performance" })?;
    let is_asked = |name: &str| name.contains(&arguments.only);
    for comparison in comparisons(scale).iter().filter(|comparison| is_asked(comparison.name)) {
        page.compare(comparison, &bench.compare(comparison)?)?;
    }
    for series in series(scale).iter().filter(|series| is_asked(series.name)) {
        page.grow(series, &bench.grow(series)?)?;
    }
    println!("{}", page.path().display());
    Ok(())
}
