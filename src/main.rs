//! Parses the command line, runs one verb and ends with its exit code.

use std::process::ExitCode;

use clap::Parser as _;
use tidings::cli::{Cli, say};

/// Keeps its footprint where many small frames come and go; the system's allocator lets it grow.
#[cfg(not(feature = "system-allocator"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(line) = failure.line() {
                say(&format!("tidings: {line}"));
            }
            failure.exit_code()
        }
    }
}
