//! `tidings restore-epoch`: what makes a restored database safe to go on with.

use clap::Args;

use crate::{config::Config, store::offline::renew_epochs};

use super::{Failure, Settings, output::print};

#[derive(Args)]
pub struct RestoreEpoch {
    /// Print nothing
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl RestoreEpoch {
    pub fn run(self, settings: &Settings) -> Result<(), Failure> {
        let config = Config::read_for_database(&settings.sources())?;
        let inboxes = renew_epochs(&config.store.url).map_err(Failure::Failed)?;
        if self.quiet {
            return Ok(());
        }
        if self.json {
            return print(&serde_json::json!({ "inboxes": inboxes }).to_string());
        }
        print(&format!("{inboxes} inboxes begin anew"))
    }
}
