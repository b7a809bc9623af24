//! `[webhooks]`: what an application is told, and where.

use std::{fmt, str::FromStr, time::Duration};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{
    config::units,
    domain::{Invalid, WebhookEvent},
};

/// One of several durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause(pub Duration);

impl FromStr for Pause {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        units::parse_duration(text).map(Self)
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&units::format_duration(&self.0))
    }
}

/// What an application is told by requests to it (Standard Webhooks).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// Where it is told; may hold a secret of its own. Without it webhooks are off.
    #[serde(with = "units::secret")]
    pub url: Option<SecretString>,
    /// `whsec_` and 24 to 64 bytes in base64; required with the address.
    #[serde(with = "units::secret")]
    pub secret: Option<SecretString>,
    /// Signs as well, while receivers change to the new one.
    #[serde(with = "units::secret")]
    pub previous_secret: Option<SecretString>,
    /// Of what it is told; where empty, of everything.
    #[serde(with = "units::list")]
    pub events: Vec<WebhookEvent>,
    /// Hosts of the own network, which may be private, with their port where it is not 443.
    #[serde(with = "units::list")]
    pub allowed_hosts: Vec<String>,
    /// PEM text of an authority that is believed besides those of the web.
    #[serde(with = "units::optional")]
    pub ca: Option<String>,
    /// The pauses between attempts; after the last one an event is given up.
    #[serde(with = "units::list")]
    pub retries: Vec<Pause>,
    /// After nothing but failures for this long nothing is sent any more, until somebody says so.
    #[serde(with = "units::duration")]
    pub disable_after: Duration,
    /// How many events may wait; beyond it the oldest are forgotten.
    pub max_waiting: usize,
    /// How many that were given up are kept; beyond it the oldest are forgotten.
    pub max_dead: usize,
}

impl Default for Webhooks {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        let pauses = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR];
        Self {
            url: None,
            secret: None,
            previous_secret: None,
            events: Vec::new(),
            allowed_hosts: Vec::new(),
            ca: None,
            retries: pauses.map(|seconds| Pause(Duration::from_secs(seconds))).into(),
            disable_after: Duration::from_secs(5 * 24 * HOUR),
            max_waiting: 1_000_000,
            max_dead: 100_000,
        }
    }
}
