//! `[http]`: the listeners and what is believed about requests.

use std::{net::SocketAddr, num::NonZeroUsize, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    config::{BasePath, check::WORKERS_MAX, units},
    domain::Network,
};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Public listener; port 0 picks one, and the log line `listening` names it.
    #[serde(with = "units::address")]
    pub listen: SocketAddr,
    /// Listener of its own for the metrics and the admin API, which are on no other then; port 0 picks one, as above.
    #[serde(with = "units::optional_address")]
    pub admin_listen: Option<SocketAddr>,
    /// Prefix of all routes; empty is none.
    #[serde(with = "units::text")]
    pub base_path: BasePath,
    /// Where people reach the server, behind its proxy.
    #[serde(with = "units::optional")]
    pub public_url: Option<String>,
    /// HTTP worker threads.
    pub workers: usize,
    /// Exact origins besides the request's own: scheme, host, and port where it is not the scheme's.
    #[serde(with = "units::list")]
    pub allowed_origins: Vec<String>,
    /// Peers whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    #[serde(with = "units::list")]
    pub trusted_proxies: Vec<Network>,
    /// Largest request body, in bytes; beyond it 413.
    #[serde(with = "units::size")]
    pub body_limit: usize,
    /// A body that is not complete by then gets 408, so a slow sender holds no worker's memory.
    #[serde(with = "units::duration")]
    pub body_timeout: Duration,
    /// The same for the head of a request.
    #[serde(with = "units::duration")]
    pub head_timeout: Duration,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            admin_listen: None,
            base_path: BasePath::default(),
            public_url: None,
            workers: std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(WORKERS_MAX),
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            body_limit: 256 << 10,
            body_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(5),
        }
    }
}
