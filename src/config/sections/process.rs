//! `[push]`, `[shutdown]` and `[log]`: what the process does beside serving.

use std::time::Duration;

use log::LevelFilter;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::config::units;

/// Web Push (RFC 8030, 8291, 8292).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Push {
    pub enabled: bool,
    /// Where not set, made at the first start and kept in the database.
    #[serde(with = "units::secret")]
    pub vapid_private_key: Option<SecretString>,
    /// Whom a push service may write to: `mailto:` or `https:` (RFC 8292 section 2.1).
    #[serde(with = "units::optional")]
    pub subject: Option<String>,
    /// How long a notification may be seen elsewhere before it is pushed.
    #[serde(with = "units::duration")]
    pub grace: Duration,
    /// How long a push service keeps what it cannot deliver.
    #[serde(with = "units::duration")]
    pub ttl: Duration,
    /// Hosts that may be pushed to; where empty, the known push services.
    #[serde(with = "units::list")]
    pub allowed_hosts: Vec<String>,
    /// PEM text of an authority that is believed in tests only.
    #[serde(with = "units::optional")]
    pub test_ca: Option<String>,
}

impl Default for Push {
    fn default() -> Self {
        Self {
            enabled: false,
            vapid_private_key: None,
            subject: None,
            grace: Duration::from_secs(10),
            ttl: Duration::from_secs(86_400),
            allowed_hosts: Vec::new(),
            test_ca: None,
        }
    }
}

/// How the process ends (G12).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shutdown {
    /// Sessions are closed spread over this time, so that they do not all come back at once.
    #[serde(with = "units::duration")]
    pub drain: Duration,
    /// The process is gone by then.
    #[serde(with = "units::duration")]
    pub timeout: Duration,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { drain: Duration::from_secs(5), timeout: Duration::from_secs(30) }
    }
}

units::words! {
    /// How log lines are written.
    LogFormat {
        /// Text on a terminal, JSON elsewhere.
        Auto = "auto",
        Json = "json",
        Text = "text",
    }
}

/// Log lines on standard error.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `off`, `error`, `warn`, `info`, `debug` or `trace`, for our own lines; `RUST_LOG` wins, and is for
    /// those of libraries too.
    #[serde(with = "units::level")]
    pub level: LevelFilter,
    #[serde(with = "units::text")]
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: LevelFilter::Info, format: LogFormat::Auto }
    }
}
