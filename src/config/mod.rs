//! The settings: names, defaults, where they come from and what must hold between them.
//!
//! Owns nothing at run time: [`Config::load`] reads once, and everyone is given the values it needs.
//! Never reads the environment by itself and never shows a secret.

mod base_path;
mod check;
mod error;
mod keys;
mod lines;
pub mod reference;
mod sections;
mod sources;
pub mod table;
mod units;
mod webhooks;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub use base_path::BasePath;
pub use check::Problem;
use config::{Source, Value};
pub use error::ConfigError;
pub use sections::{
    Algorithm, Auth, Bridge, Http, Limits, Log, LogFormat, Pause, Push, Retention, Rooms, ServerUrl, Session,
    Shutdown, Store, StoreUrl, Synchronous, Webhooks,
};
use serde::{Deserialize, Serialize};
use sources::Layer;
pub use sources::Sources;
pub use units::{HIDDEN, format_duration, parse_duration};

/// All settings, by section. Serialised, a secret is [`HIDDEN`].
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
    pub webhooks: Webhooks,
    pub shutdown: Shutdown,
    pub log: Log,
}

/// What was read, and where from.
#[derive(Clone)]
pub struct Resolved {
    pub config: Config,
    /// What should be known at the start, each as one line.
    pub warnings: Vec<String>,
    origins: HashMap<String, String>,
}

impl Resolved {
    /// Where a setting came from; `None` for its default.
    pub fn origin(&self, key: &str) -> Option<&str> {
        self.origins.get(key).map(String::as_str)
    }

    /// The error about a setting that somebody refuses.
    pub fn refusal(&self, problem: Problem) -> ConfigError {
        ConfigError::Setting {
            key: problem.key.to_owned(),
            origin: self.origin(problem.key).map(str::to_owned),
            problem: problem.text,
        }
    }
}

impl Config {
    /// Reads the settings of a server: file, then environment, then flags. Beside them is what should be
    /// known at the start, each as one line.
    ///
    /// # Errors
    /// One line that names the setting, where it came from and the fix: for what cannot be read, is
    /// unknown or malformed, or is unsafe.
    pub fn load(sources: &Sources) -> Result<(Self, Vec<String>), ConfigError> {
        Self::resolve(sources).map(|resolved| (resolved.config, resolved.warnings))
    }

    /// The same, with where each setting came from.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn resolve(sources: &Sources) -> Result<Resolved, ConfigError> {
        let mut resolved = Self::read(sources)?;
        check::check(&resolved.config).map_err(|problem| resolved.refusal(problem))?;
        resolved.warnings = check::warnings(&resolved.config, |key| resolved.origins.contains_key(key));
        resolved.warnings.extend(sources.shown_secret());
        Ok(resolved)
    }

    /// The same without asking whether a server could run with them; nothing is warned of.
    ///
    /// # Errors
    /// For what cannot be read, is unknown or malformed.
    pub fn read(sources: &Sources) -> Result<Resolved, ConfigError> {
        let (config, origins) = read(sources, |_| true)?;
        Ok(Resolved { config, warnings: Vec::new(), origins })
    }

    /// Reads what a client on the server's machine needs: where the server is (`http`), and how its
    /// tokens are signed (`auth`). All else keeps its default.
    ///
    /// # Errors
    /// As [`Config::load`], but without asking whether a server could run with them.
    pub fn read_for_client(sources: &Sources) -> Result<Resolved, ConfigError> {
        let is_wanted = |key: &str| key.starts_with("http.") || key.starts_with("auth.");
        let (config, origins) = read(sources, is_wanted)?;
        Ok(Resolved { config, warnings: Vec::new(), origins })
    }

    /// Reads what is needed for work on the database without a server (`store`, `retention`). All else keeps its
    /// default.
    ///
    /// # Errors
    /// As [`Config::load`], but for what has nothing to do with it.
    pub fn read_for_database(sources: &Sources) -> Result<Self, ConfigError> {
        let is_wanted = |key: &str| key.starts_with("store.") || key.starts_with("retention.");
        let (config, origins) = read(sources, is_wanted)?;
        let resolved = Resolved { config, warnings: Vec::new(), origins };
        check::nothing_is_zero(&resolved.config).map_err(|problem| resolved.refusal(problem))?;
        Ok(resolved.config)
    }
}

/// The setting that was meant by a wrong name, if one is near.
pub fn nearest(name: &str) -> Option<String> {
    keys::nearest(name, keys::all().into_iter())
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
