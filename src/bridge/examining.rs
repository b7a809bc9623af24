//! A look at the bus for the command line: whether it is there, how far away, and what must hold of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use redis::{aio::MultiplexedConnection, cmd};
use secrecy::{ExposeSecret, SecretString};

use super::{
    connection::{Address, Loss, connect, info, within},
    pushes,
};
use crate::domain::Timestamp;

/// Nothing is subscribed to, so what comes by itself is small.
const PUSH_BYTES: usize = 4096;

/// How the bus is, seen from here.
#[derive(Debug)]
pub struct Examined {
    /// How long one question and its answer took, the connection left out.
    pub round_trip: Duration,
    /// What time it is there.
    pub clock: Timestamp,
    /// Of Redis; empty where that may not be asked.
    pub version: String,
    /// What it does when its memory is full.
    pub eviction: String,
}

/// Connects, and asks. `timeout` is what one answer may take.
///
/// # Errors
/// One line that says what is wrong, without the address: it may hold a password.
pub async fn examine(url: &SecretString, timeout: Duration) -> Result<Examined, String> {
    let address = Address::parse(url.expose_secret()).map_err(|error| error.0)?;
    ask(&address, timeout).await.map_err(|loss| loss.to_string())
}

async fn ask(address: &Address, timeout: Duration) -> Result<Examined, Loss> {
    let (pushes, _queue) = pushes::queue(PUSH_BYTES, Arc::default());
    // Name, socket, TLS and login are more than one request.
    let mut connection = within(timeout * 4, connect(address, &pushes)).await??;
    let start = Instant::now();
    within(timeout, cmd("PING").exec_async(&mut connection)).await??;
    let round_trip = start.elapsed();
    let (seconds, micros): (i64, i64) = within(timeout, cmd("TIME").query_async(&mut connection)).await??;
    let field = async |connection: &MultiplexedConnection, section: &str, name: &str| {
        let text = within(timeout, info(connection.clone(), section)).await??;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        Ok::<_, Loss>(value.unwrap_or_default().trim().to_owned())
    };
    Ok(Examined {
        round_trip,
        clock: Timestamp::from_micros(seconds.saturating_mul(1_000_000).saturating_add(micros)),
        version: field(&connection, "server", "redis_version").await?,
        eviction: field(&connection, "memory", "maxmemory_policy").await?,
    })
}
