//! Why the settings cannot be used: one line that names the setting, its origin and the fix.

use std::io;

/// What stops the start with exit code 2. Never holds the value of a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{what} cannot be read: {cause}; {fix}")]
    Unreadable { what: String, cause: io::Error, fix: &'static str },
    #[error("{path:?} is not TOML: {detail}")]
    Malformed { path: std::path::PathBuf, detail: String },
    #[error("{name} is not a setting{}", hint(.suggestion))]
    Unknown { name: String, suggestion: Option<String> },
    #[error("{key}{}: {problem}", from(.origin))]
    Setting { key: String, origin: Option<String>, problem: String },
}

/// What a setting has to be, in words of those who write it.
fn in_words(expected: &str) -> &str {
    match expected {
        "a boolean" => "true or false",
        "an unsigned 32 bit integer" => "a whole number from 0 to 4294967295",
        integer if integer.ends_with("integer") => "a whole number from 0",
        other => other,
    }
}

fn hint(suggestion: &Option<String>) -> String {
    match suggestion {
        Some(name) => format!("; did you mean {name}?"),
        None => "; `tidings config doc` lists all there are".to_owned(),
    }
}

fn from(origin: &Option<String>) -> String {
    origin.as_ref().map(|origin| format!(" (from {origin})")).unwrap_or_default()
}

impl ConfigError {
    /// Names the setting that a failed conversion was about, as its own text tells.
    pub(super) fn of_conversion(error: config::ConfigError, origin: impl Fn(&str) -> Option<String>) -> Self {
        let (key, problem) = match error {
            config::ConfigError::Type { unexpected, expected, key, .. } => {
                (key, format!("{} is expected, not {unexpected}", in_words(expected)))
            }
            config::ConfigError::At { error, key, .. } => (key, error.to_string()),
            other => (None, other.to_string()),
        };
        let key = key.unwrap_or_default();
        // An error within a list names its element too: `http.trusted_proxies[1]`.
        let setting = key.split('[').next().unwrap_or_default();
        Self::Setting { origin: origin(setting), key, problem }
    }
}
