//! `tidings serve`: the server as it runs for others.

use crate::{
    app::{self, Mode},
    config::Config,
    observe::logs,
};

use super::{Failure, Settings};

pub fn run(settings: &Settings) -> Result<(), Failure> {
    let (config, warnings) = Config::load(&settings.sources())?;
    start_logs(&config)?;
    for warning in warnings {
        log::warn!("{warning}");
    }
    Ok(app::serve(config, Mode::Serve, |_| {})?)
}

pub fn start_logs(config: &Config) -> Result<(), Failure> {
    let rust_log = std::env::var("RUST_LOG").ok();
    logs::start(&config.log, rust_log.as_deref()).map_err(|error| Failure::Failed(error.to_string()))
}
