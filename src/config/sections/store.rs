//! `[store]` and `[retention]`: where notifications are kept, and for how long.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{config::units, domain::Invalid};

/// Which database, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file: `sqlite://tidings.db` is beside the process, `sqlite:///var/lib/tidings.db` is absolute.
    Sqlite(PathBuf),
}

impl FromStr for StoreUrl {
    type Err = Invalid;

    /// The text is not repeated in the error: the address of a database may hold a password.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Err(Invalid::new("PostgreSQL is not in this version; use sqlite://PATH"));
        }
        match text.strip_prefix("sqlite://") {
            // A database in memory would be lost with the process, and with it what was accepted (G1).
            Some(path)
                if !path.is_empty() && !path.contains(['?', '#', '\0']) && !path.contains(":memory:") =>
            {
                Ok(Self::Sqlite(path.into()))
            }
            _ => Err(Invalid::new("sqlite://PATH of a file is expected, such as sqlite://tidings.db")),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Sqlite(path) = self;
        write!(f, "sqlite://{}", path.display())
    }
}

units::words! {
    /// What a commit waits for (SQLite's `PRAGMA synchronous`).
    Synchronous {
        /// The disk: an accepted notification survives power loss.
        Full = "full",
        /// The operating system: it survives the death of the process only.
        Normal = "normal",
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    #[serde(serialize_with = "units::text::serialize", deserialize_with = "read_url")]
    pub url: StoreUrl,
    /// Connections for reading; writing has its own.
    pub pool_size: usize,
    /// How long a transaction waits for another process that holds the database.
    #[serde(with = "units::duration")]
    pub busy_timeout: Duration,
    /// Publishes that may wait for their transaction; beyond it 503.
    pub queue: usize,
    #[serde(with = "units::text")]
    pub synchronous: Synchronous,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            url: StoreUrl::Sqlite("tidings.db".into()),
            pool_size: 8,
            busy_timeout: Duration::from_secs(5),
            queue: 10_000,
            synchronous: Synchronous::Full,
        }
    }
}

fn read_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StoreUrl, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Age at which a notification goes, read or not; who missed it is told by a `gap`.
    #[serde(with = "units::duration")]
    pub max_age: Duration,
    /// Read notifications kept for each user, 0 keeps none; unread ones are never counted out.
    pub max_read_per_user: usize,
    /// How long an idempotency key is remembered.
    #[serde(with = "units::duration")]
    pub idempotency: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(90 * 86_400),
            max_read_per_user: 1000,
            idempotency: Duration::from_secs(86_400),
        }
    }
}
