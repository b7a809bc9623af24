//! What the store is built with.

use std::time::Duration;

use tokio::sync::watch;

use super::PushPolicy;
use crate::{config::StoreUrl, domain::WebhookEvents};

/// What the store is built with.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    pub url: StoreUrl,
    /// Whether a database of an older version is changed; else it is refused.
    pub migrates: bool,
    /// Connections for reading.
    pub pool_size: u32,
    /// How long a locked or a slow database is waited for.
    pub busy_timeout: Duration,
    /// Most writes waiting, and most reads waiting.
    pub queue: usize,
    /// Memory that the process may use, in bytes: caches and what waits keep to a part of it.
    pub memory: usize,
    /// Whether a commit survives the loss of power, or only the death of the process.
    pub is_fully_synchronous: bool,
    pub idempotency_retention: Duration,
    /// Most mutes of a user; 0 is no limit.
    pub mutes_max: usize,
    /// Most open tickets of a user; 0 is no limit.
    pub tickets_max: usize,
    /// Age at which a notification is deleted, read or not.
    pub max_age: Duration,
    /// Read notifications that a user keeps.
    pub max_read: usize,
    pub push: PushPolicy,
    /// What webhooks tell of; nothing where they are off.
    pub webhooks: WebhookEvents,
    pub webhook_bounds: WebhookBounds,
    pub others: Others,
}

/// How many events are kept for the receiver of webhooks.
#[derive(Debug, Clone, Copy)]
pub struct WebhookBounds {
    /// Those that wait.
    pub waiting: usize,
    /// Those that were given up.
    pub dead: usize,
}

/// What is known of other instances, with which the database may be shared.
#[derive(Debug, Clone, Default)]
pub struct Others {
    /// Whether the bus is live; `None` without a bus. At each word, the same one again too, it is looked for
    /// what the bus may have lost.
    pub bus: Option<watch::Receiver<bool>>,
}
