//! `tidings serve`: the server as it runs for others.

use clap::Args;

use crate::{
    app::{self, Mode},
    config::Config,
    observe::logs,
};

use super::{Failure, Settings};

#[derive(Args, Default)]
pub struct Serve {
    /// Leave the database as it is: refuse to start where it is not of this version (see `migrate`)
    #[arg(long)]
    no_migrate: bool,
}

impl Serve {
    pub fn run(&self, settings: &Settings) -> Result<(), Failure> {
        let (config, warnings) = Config::load(&settings.sources())?;
        start_logs(&config)?;
        for warning in warnings {
            log::warn!("{warning}");
        }
        Ok(app::serve(config, Mode::Serve { migrates: !self.no_migrate }, |_| {})?)
    }
}

pub fn start_logs(config: &Config) -> Result<(), Failure> {
    let rust_log = std::env::var("RUST_LOG").ok();
    logs::start(&config.log, rust_log.as_deref()).map_err(|error| Failure::Failed(error.to_string()))
}
