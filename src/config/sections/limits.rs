//! `[limits]`: every bound that protects the node from many clients rather than from one message.
//!
//! `0` switches a limit off: a count is `None` then, a rate is 0 (see [`Rate::new`]).
//!
//! [`Rate::new`]: crate::domain::rate::Rate::new

use serde::{Deserialize, Serialize};

use crate::config::units;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Sessions of a node; beyond it 503.
    #[serde(with = "units::limit")]
    pub sessions: Option<usize>,
    /// Sessions of one client address; beyond it 429.
    #[serde(with = "units::limit")]
    pub sessions_per_ip: Option<usize>,
    /// Sessions of one user; beyond it the oldest ends with 4504.
    #[serde(with = "units::limit")]
    pub sessions_per_user: Option<usize>,
    /// Handshakes of one client address on the long run.
    pub handshakes_per_second: u32,
    pub handshakes_burst: u32,
    /// HTTP requests of one user on the long run; publishers with `notify` are not counted.
    pub requests_per_second: u32,
    pub requests_burst: u32,
    /// Messages to one room on the long run.
    pub room_messages_per_second: u32,
    pub room_messages_burst: u32,
    /// Rooms with members on a node.
    #[serde(with = "units::limit")]
    pub rooms: Option<usize>,
    /// Mutes of one user.
    #[serde(with = "units::limit")]
    pub mutes: Option<usize>,
    /// Open tickets of one user.
    #[serde(with = "units::limit")]
    pub tickets: Option<usize>,
    /// Push subscriptions of one user.
    #[serde(with = "units::limit")]
    pub push_subscriptions: Option<usize>,
    /// Publishes of one `sub` on the long run.
    pub publishes_per_second: u32,
    /// Publishes of one `sub` at once; where not set, one second's worth.
    #[serde(with = "units::optional")]
    pub publishes_burst: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: Some(50_000),
            sessions_per_ip: Some(200),
            sessions_per_user: Some(20),
            handshakes_per_second: 10,
            handshakes_burst: 50,
            requests_per_second: 50,
            requests_burst: 100,
            room_messages_per_second: 100,
            room_messages_burst: 200,
            rooms: Some(10_000),
            mutes: Some(200),
            tickets: Some(20),
            push_subscriptions: Some(20),
            publishes_per_second: 0,
            publishes_burst: None,
        }
    }
}
