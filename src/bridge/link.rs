//! The way to the bridge, and how it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix::{Actor, Addr, Recipient};
use tokio::sync::{mpsc, watch};

use super::{
    BridgeOptions, RedisBridge,
    driver::Driver,
    messages::{BusEvents, HubReady, Orders, Stop},
};
use crate::{domain::Invalid, mailbox};

/// Whether the other nodes can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusState {
    /// Since the start.
    Connecting,
    Live,
    /// It was lost, or was not there.
    Backoff,
}

impl BusState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Backoff => "backoff",
        }
    }
}

#[derive(Clone)]
pub struct BridgeLink {
    addr: Addr<RedisBridge>,
    state: watch::Receiver<BusState>,
    is_live: watch::Receiver<bool>,
    rejected: Arc<AtomicU64>,
    waiting: Arc<AtomicUsize>,
    timeout: Duration,
}

impl BridgeLink {
    /// Starts the actor; it connects when the hub is there to hear of it.
    ///
    /// # Errors
    /// If the URL is not one of a Redis; it is not repeated.
    pub fn start(options: BridgeOptions) -> Result<Self, Invalid> {
        let (work, orders) = mpsc::unbounded_channel();
        let (state, states) = watch::channel(BusState::Connecting);
        let (lives, is_live) = watch::channel(false);
        let (rejected, waiting) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
        let timeout = options.timeout;
        let driver = Driver::new(options, orders, state, lives, rejected.clone(), waiting.clone())?;
        let addr = RedisBridge { work, shared: driver.shared.clone(), driver: Some(driver) }.start();
        Ok(Self { addr, state: states, is_live, rejected, waiting, timeout })
    }

    /// Where the hub gives its orders.
    pub fn orders(&self) -> Recipient<Orders> {
        self.addr.clone().recipient()
    }

    pub fn hub_ready(&self, events: Recipient<BusEvents>) {
        mailbox::signal(&self.addr, HubReady { events });
    }

    pub fn state(&self) -> BusState {
        *self.state.borrow()
    }

    /// Whether the bus is live. It says so again when something on it was missed.
    pub fn is_live(&self) -> watch::Receiver<bool> {
        self.is_live.clone()
    }

    /// Waits until the bus is there for the first time, or for as long as one request to it may take.
    pub async fn is_live_soon(&self) -> bool {
        let mut state = self.state.clone();
        let is_live = state.wait_for(|state| *state == BusState::Live);
        tokio::time::timeout(self.timeout, is_live).await.is_ok_and(|live| live.is_ok())
    }

    /// How many messages on the bus were not believed.
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    /// One more, that only its receiver could see to be nonsense.
    pub fn reject(&self) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
    }

    /// How many orders wait to be carried out; while the bus is away they are refused at once.
    pub fn orders_waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub fn is_alive(&self) -> bool {
        self.addr.connected()
    }

    /// Has what waits sent, and the lease of this node end soon.
    pub async fn stop(&self) {
        // One request is under way, and one is for the farewell.
        if let Err(error) = mailbox::ask(&self.addr.clone().recipient(), Stop, self.timeout * 2).await {
            log::warn!("the bridge was not stopped: {error}");
        }
    }
}
