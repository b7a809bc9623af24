//! `tidings serve`: the server as it runs for others.

use std::sync::Arc;

use clap::Args;

use crate::{
    app::{self, Mode},
    config::{Config, ConfigError, Resolved, Sources},
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
        let Resolved { config, warnings, .. } = load(settings)?;
        start_logs(&config)?;
        for warning in warnings {
            log::warn!("{warning}");
        }
        let sources = settings.sources();
        let reader = Arc::new(move || resolve(&sources).map(|resolved| resolved.config));
        Ok(app::serve(config, Mode::Serve { reader, migrates: !self.no_migrate }, |_| {})?)
    }
}

/// The settings that a server would start with.
///
/// # Errors
/// Where it would not.
pub fn load(settings: &Settings) -> Result<Resolved, Failure> {
    Ok(resolve(&settings.sources())?)
}

/// The same, from these sources.
///
/// # Errors
/// Where a server would not start with them.
pub fn resolve(sources: &Sources) -> Result<Resolved, ConfigError> {
    let resolved = Config::resolve(sources)?;
    app::check(&resolved.config).map_err(|problem| resolved.refusal(problem))?;
    Ok(resolved)
}

pub fn start_logs(config: &Config) -> Result<(), Failure> {
    let rust_log = std::env::var("RUST_LOG").ok();
    logs::start(&config.log, rust_log.as_deref()).map_err(|error| Failure::Failed(error.to_string()))
}
