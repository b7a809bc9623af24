//! The settings: names, defaults, where they come from and what must hold between them.
//!
//! Owns nothing at run time: [`Config::load`] reads once, and everyone is given the values it needs.
//! Never reads the environment by itself and never shows a secret.

mod base_path;
mod check;
mod error;
mod keys;
mod sections;
mod sources;
mod units;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub use base_path::BasePath;
use config::{Source, Value};
pub use error::ConfigError;
pub use sections::{
    Algorithm, Auth, Bridge, Http, Limits, Log, LogFormat, Push, Retention, Rooms, ServerUrl, Session,
    Shutdown, Store, StoreUrl, Synchronous,
};
use serde::{Deserialize, Serialize};
use sources::Layer;
pub use sources::Sources;
pub use units::{format_duration, parse_duration};

/// All settings, by section. Serialised, secrets are left out.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub http: Http,
    pub auth: Auth,
    pub store: Store,
    pub bridge: Bridge,
    pub rooms: Rooms,
    pub session: Session,
    pub limits: Limits,
    pub retention: Retention,
    pub push: Push,
    pub shutdown: Shutdown,
    pub log: Log,
}

impl Config {
    /// Reads the settings of a server: file, then environment, then flags. Beside them is what should be
    /// known at the start, each as one line.
    ///
    /// # Errors
    /// One line that names the setting, where it came from and the fix: for what cannot be read, is
    /// unknown or malformed, or is unsafe.
    pub fn load(sources: &Sources) -> Result<(Self, Vec<String>), ConfigError> {
        let (config, origins) = read(sources, |_| true)?;
        check::check(&config).map_err(|problem| named(problem, &origins))?;
        let warnings = check::warnings(&config, |key| origins.contains_key(key));
        Ok((config, warnings))
    }

    /// Reads what a client on the server's machine needs: where the server is (`http`), and how its
    /// tokens are signed (`auth`). All else keeps its default.
    ///
    /// # Errors
    /// As [`Config::load`], but without asking whether a server could run with them.
    pub fn read_for_client(sources: &Sources) -> Result<Self, ConfigError> {
        read(sources, |key| key.starts_with("http.") || key.starts_with("auth.")).map(|(config, _)| config)
    }

    /// Reads what is needed for work on the database without a server (`store`, `retention`). All else keeps its
    /// default.
    ///
    /// # Errors
    /// As [`Config::load`], but for what has nothing to do with it.
    pub fn read_for_database(sources: &Sources) -> Result<Self, ConfigError> {
        let is_wanted = |key: &str| key.starts_with("store.") || key.starts_with("retention.");
        let (config, origins) = read(sources, is_wanted)?;
        check::nothing_is_zero(&config).map_err(|problem| named(problem, &origins))?;
        Ok(config)
    }
}

/// The same with the place that the setting has come from.
fn named(problem: check::Problem, origins: &HashMap<String, String>) -> ConfigError {
    let origin = origins.get(problem.key).cloned();
    ConfigError::Setting { key: problem.key.to_owned(), origin, problem: problem.text }
}

/// The settings that are wanted, and where each that was set came from.
fn read(
    sources: &Sources,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<(Config, HashMap<String, String>), ConfigError> {
    let mut origins = HashMap::new();
    let mut builder = config::Config::builder();
    for mut layer in sources.layers()? {
        layer.retain(|key, _| is_wanted(key));
        let named = layer.iter().filter_map(|(key, value)| Some((key.clone(), value.origin()?.to_owned())));
        origins.extend(named);
        builder = builder.add_source(Settings(layer));
    }
    let config = builder
        .build()
        .and_then(config::Config::try_deserialize)
        .map_err(|error| ConfigError::of_conversion(error, |key| origins.get(key).cloned()))?;
    Ok((config, origins))
}

/// A layer as the `config` crate takes it.
#[derive(Clone)]
struct Settings(Layer);

/// Secrets are among the values.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Settings")
    }
}

impl Source for Settings {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<config::Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}
