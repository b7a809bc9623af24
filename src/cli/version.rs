//! `tidings version`.

use clap::Args;

use super::{Failure, output::print};

#[derive(Args)]
pub struct Version {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Version {
    pub fn run(&self) -> Result<(), Failure> {
        let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        let json = || serde_json::json!({ "name": name, "version": version }).to_string();
        print(&if self.json { json() } else { format!("{name} {version}") })
    }
}
