//! `tidings completions`: for bash, zsh, fish and others.

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use super::{Cli, Failure, output::print};

#[derive(Args)]
pub struct Completions {
    /// Of which shell
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "tidings", &mut script);
        print(String::from_utf8_lossy(&script).trim_end())
    }
}
