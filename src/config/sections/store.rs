//! `[store]` and `[retention]`: where notifications are kept, and for how long.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{config::units, domain::Invalid};

/// Which database, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file: `sqlite://tidings.db` is beside the process, `sqlite:///var/lib/tidings.db` is absolute.
    Sqlite(PathBuf),
    Postgres(ServerUrl),
}

impl FromStr for StoreUrl {
    type Err = Invalid;

    /// The text is not repeated in the error: the address of a database may hold a password.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return ServerUrl::new(text).map(Self::Postgres);
        }
        match text.strip_prefix("sqlite://") {
            // A database in memory would be lost with the process, and with it what was accepted (G1).
            Some(path)
                if !path.is_empty() && !path.contains(['?', '#', '\0']) && !path.contains(":memory:") =>
            {
                Ok(Self::Sqlite(path.into()))
            }
            _ => Err(Invalid::new(
                "sqlite://PATH of a file is expected, such as sqlite://tidings.db, or \
                 postgres://USER:PASSWORD@HOST/DATABASE",
            )),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

/// Where a PostgreSQL server is, and how to log in: a URI as libpq reads it. It is shown without its password
/// and its parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl(String);

impl ServerUrl {
    fn new(text: &str) -> Result<Self, Invalid> {
        if cfg!(not(feature = "postgres")) {
            return Err(Invalid::new("this program was built without PostgreSQL; use sqlite://PATH"));
        }
        if text.contains('\0') {
            return Err(Invalid::new("an address has no zero byte"));
        }
        let (_, parameters) = text.split_once('?').unwrap_or_default();
        if cfg!(not(feature = "postgres-tls")) && parameters.split('&').any(asks_for_tls) {
            return Err(Invalid::new(
                "this program was built without TLS to PostgreSQL (the feature postgres-tls); reach it over a \
                 socket or a network you trust, and leave its ssl parameters out",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The URI with all that is secret in it, and with these parameters where it has none of its own.
    pub fn with_defaults(&self, defaults: &str) -> String {
        let (address, own) = self.0.split_once('?').unwrap_or((&self.0, ""));
        format!("{address}?{defaults}{}{own}", if own.is_empty() { "" } else { "&" })
    }
}

/// Whether this parameter of a URI is about TLS and does not leave it to chance. Plain text in its place
/// would be silent.
fn asks_for_tls(parameter: &str) -> bool {
    let decoded = percent_decode_str(parameter).decode_utf8_lossy();
    let (name, value) = decoded.split_once('=').unwrap_or((&decoded, ""));
    match name {
        "sslmode" => !["disable", "allow", "prefer"].contains(&value),
        _ => name.starts_with("ssl") || name == "requiressl",
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.0.split('?').next().unwrap_or_default();
        let (scheme, address) = address.split_once("://").unwrap_or_default();
        match address.rsplit_once('@') {
            Some((login, host)) => {
                write!(f, "{scheme}://{}@{host}", login.split(':').next().unwrap_or_default())
            }
            None => write!(f, "{scheme}://{address}"),
        }
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

units::words! {
    /// What a commit waits for (SQLite's `synchronous`, PostgreSQL's `synchronous_commit`).
    Synchronous {
        /// The disk: an accepted notification survives power loss.
        Full = "full",
        /// The operating system, or the memory of the server: it survives the death of the process only.
        Normal = "normal",
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// One process at a time has the database.
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
