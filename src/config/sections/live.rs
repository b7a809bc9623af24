//! `[session]`, `[rooms]` and `[bridge]`: what is live between clients and nodes.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::config::units;

/// One connection of a client, over any transport (PROTOCOL.md section 3).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Session {
    #[serde(with = "units::duration")]
    pub ping_interval: Duration,
    /// Silence after a ping that ends the session with 4012.
    #[serde(with = "units::duration")]
    pub pong_timeout: Duration,
    /// Comment lines on Server-Sent Events, so that proxies keep the stream open.
    #[serde(with = "units::duration")]
    pub sse_heartbeat: Duration,
    /// Events that may wait for a slow reader.
    pub outbox_events: usize,
    /// Bytes that may wait for a slow reader.
    #[serde(with = "units::size")]
    pub outbox_bytes: usize,
    /// How long an outbox may stay over half full after it overflowed, before 4008.
    #[serde(with = "units::duration")]
    pub slow_timeout: Duration,
    /// Largest message from a client, in bytes; beyond it 1009.
    #[serde(with = "units::size")]
    pub message_bytes: usize,
    /// Largest `data` of a room message, in bytes.
    #[serde(with = "units::size")]
    pub data_bytes: usize,
    /// Frames that one message may come in.
    pub fragments: usize,
    /// Rooms that one WebSocket may join.
    pub rooms: usize,
    /// Rooms that one event stream or poll may follow.
    pub sse_rooms: usize,
    /// Commands of one session on the long run.
    pub messages_per_second: u32,
    /// Commands of one session at once.
    pub messages_burst: u32,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            pong_timeout: Duration::from_secs(10),
            sse_heartbeat: Duration::from_secs(15),
            outbox_events: 1000,
            outbox_bytes: 1 << 20,
            slow_timeout: Duration::from_secs(10),
            message_bytes: 64 << 10,
            data_bytes: 32 << 10,
            fragments: 64,
            rooms: 100,
            sse_rooms: 10,
            messages_per_second: 20,
            messages_burst: 40,
        }
    }
}

/// Rooms and who is in them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rooms {
    /// Bytes of one room's history.
    #[serde(with = "units::size")]
    pub history_bytes: usize,
    /// Bytes of all histories of a node; the least recently used go first.
    #[serde(with = "units::size")]
    pub total_bytes: usize,
    /// How long epoch and offset of an empty room are kept.
    #[serde(with = "units::duration")]
    pub position_ttl: Duration,
    /// Lease of a node's members: after a crash they are gone by then.
    #[serde(with = "units::duration")]
    pub presence_ttl: Duration,
    /// Messages of one room's history.
    pub history_size: usize,
    /// Age at which a message leaves the history.
    #[serde(with = "units::duration")]
    pub history_ttl: Duration,
    /// How long a user may be away before `user_left`, so that a reload shows nothing.
    #[serde(with = "units::duration")]
    pub leave_grace: Duration,
    /// How long one `typing` lasts.
    #[serde(with = "units::duration")]
    pub typing_ttl: Duration,
}

impl Default for Rooms {
    fn default() -> Self {
        Self {
            history_bytes: 1 << 20,
            total_bytes: 256 << 20,
            position_ttl: Duration::from_secs(86_400),
            presence_ttl: Duration::from_secs(30),
            history_size: 1000,
            history_ttl: Duration::from_secs(600),
            leave_grace: Duration::from_secs(3),
            typing_ttl: Duration::from_secs(3),
        }
    }
}

/// What joins several nodes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bridge {
    /// Address of the bus; may hold a password.
    #[serde(with = "units::secret")]
    pub url: Option<SecretString>,
    /// Start of all names on the bus, so that several services can share one.
    pub prefix: String,
    /// Key that signs what nodes tell each other.
    #[serde(with = "units::secret")]
    pub secret: Option<SecretString>,
    /// How long one request to the bus may take.
    #[serde(with = "units::duration")]
    pub timeout: Duration,
}

impl Default for Bridge {
    fn default() -> Self {
        Self { url: None, prefix: "tidings:".to_owned(), secret: None, timeout: Duration::from_millis(500) }
    }
}
