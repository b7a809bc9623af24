//! How the process ends: on a signal, in order, and within its time.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{parts::Parts, server::Servers};
use crate::hub::messages::Settle;

/// How often it is looked whether all sessions are gone.
const DRAIN_INTERVAL: Duration = Duration::from_millis(20);

/// How long the last session may take to go after it was told.
const FAREWELL: Duration = Duration::from_secs(2);

/// The two signals that stop the process, listened for before anybody is told that it runs.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Closes the sessions, spread over `drain`; lets requests finish; closes the database; says what the other
/// nodes still have to hear; within `timeout`. Whatever of it is cut short, nothing accepted is lost.
pub async fn stop(
    parts: &Parts,
    servers: Servers,
    sessions: &AtomicUsize,
    drain: Duration,
    timeout: Duration,
) {
    let end = Instant::now() + timeout;
    // Where the database or a receiver is away, none takes the time of the next one, however long it took up to here.
    let half_of_the_rest = || {
        let now = Instant::now();
        now + end.saturating_duration_since(now) / 2
    };
    let pushes_until = half_of_the_rest();
    parts.hub.drain(drain);
    // Push services take their time to answer.
    let push = parts.push.clone();
    let pushed = actix::spawn(async move {
        if let Some(push) = push {
            push.stop(pushes_until).await;
        }
    });
    let drained_at = Instant::now() + drain;
    // All have been told by then; who asks all the same is a request, and the server lets those finish.
    let deadline = drained_at + FAREWELL;
    while sessions.load(Ordering::Relaxed) > 0 && Instant::now() < deadline {
        tokio::time::sleep(DRAIN_INTERVAL).await;
    }
    if parts.has_company {
        // Whoever shares the clients out among the instances is to see that this one is not ready.
        tokio::time::sleep_until(drained_at.into()).await;
    }
    servers.stop().await;
    let _ = pushed.await;
    // Each has said all that it has to say when the next one stops: push, webhooks, store, hub, bridge.
    if let Some(webhooks) = &parts.webhooks {
        webhooks.stop(half_of_the_rest()).await;
    }
    if tokio::time::timeout_at(half_of_the_rest().into(), parts.store.flush()).await.is_err() {
        log::warn!("the store was not flushed in time");
    }
    if let Some(bridge) = &parts.bridge {
        if let Err(error) = parts.hub.ask(Settle).await {
            log::warn!("the hub does not answer any more: {error}");
        }
        bridge.stop().await;
    }
}
