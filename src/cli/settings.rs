//! The flags that every verb takes: where settings come from.

use std::path::PathBuf;

use clap::Args;

use crate::config::Sources;

#[derive(Args, Default)]
pub struct Settings {
    /// Settings file [default: TIDINGS_CONFIG, or tidings.toml if it is there]
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Set one setting, over file and environment
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
}

impl Settings {
    /// File, environment of this process, and flags.
    pub fn sources(&self) -> Sources {
        // A name that is not UTF-8 is none of ours.
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Sources {
            file: self.config.clone(),
            environment: environment.collect(),
            overrides: self.set.clone(),
            ..Sources::default()
        }
    }
}
