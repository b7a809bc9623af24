//! ACTOR `Push`: tells browsers that are closed, by their push services.
//!
//! It owns what is on its way, the connections to push services, and the key by which they know us. It knows no
//! user and decides nothing about what is worth a push: the store does, when it hands one out. Its only handler
//! never waits; a task of its own claims, sends and records, see [`carrying`], on a thread of its own, since
//! encryption takes time.

mod carrying;
mod encrypt;
mod outcome;
mod payload;
mod provider;
mod vapid;
mod web_push;

use std::{
    cell::Cell,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, Arbiter, AsyncContext, Context, Handler, ResponseFuture,
    WrapFuture,
};
use carrying::Carrying;
pub use encrypt::{PLAIN_MAX, Receiver};
use payload::Payload;
use tokio::sync::oneshot;
pub use vapid::{Vapid, VapidKey};
use web_push::WebPush;

use crate::{
    domain::Invalid,
    egress::{
        self, EndpointRule, Patience, Stop,
        client::{Clients, Trust},
        courier::Courier,
    },
    mailbox,
    store::StoreLink,
};

/// Pushes that are on their way at once, each with a connection at most.
const IN_FLIGHT_MAX: usize = 64;

/// How long the end of what is on its way is waited for: an attempt, and what its record may take.
const FAREWELL: Duration = Duration::from_secs(20);

/// What http needs to take a subscription.
#[derive(Clone)]
pub struct PushDesk {
    pub rule: Arc<EndpointRule>,
    /// What pages subscribe with.
    pub public_key: Arc<str>,
}

/// How the actor runs.
pub struct PushOptions {
    pub key: VapidKey,
    /// Whom a push service may write to: `mailto:` or `https:`.
    pub subject: String,
    pub rule: Arc<EndpointRule>,
    /// PEM text of an authority that is believed in tests.
    pub test_ca: Option<String>,
    /// How long a push service keeps what it cannot deliver.
    pub ttl: Duration,
    /// Where people reach the server.
    pub public_url: Option<String>,
}

pub struct Push {
    /// Until the courier has been told to stop.
    stop: Option<oneshot::Sender<oneshot::Sender<()>>>,
    courier: Option<Courier<Carrying<WebPush>>>,
}

/// The way to it.
#[derive(Clone)]
pub struct PushLink(Addr<Push>);

impl PushLink {
    /// Starts the actor on a thread of its own.
    ///
    /// # Errors
    /// Where `test_ca` is no certificate.
    pub fn start(options: PushOptions, store: StoreLink) -> Result<Self, Invalid> {
        let ca = options.test_ca.as_deref();
        let trust = Trust::new(ca, ca.is_some(), IN_FLIGHT_MAX)?;
        let started = Push::start_in_arbiter(&Arbiter::new().handle(), move |_| {
            let ttl = options.ttl;
            let web_push = WebPush {
                rule: options.rule,
                vapid: Vapid::new(options.key, options.subject),
                clients: Clients::new(trust),
                patience: Patience::new(),
                payload: Payload { public_url: options.public_url },
                ttl,
            };
            let carrying = Carrying { store, provider: web_push, ttl, complained_at: Cell::new(None) };
            let (stop, stopped) = egress::stop();
            Push { stop: Some(stop), courier: Some(Courier::new(carrying, stopped)) }
        });
        Ok(Self(started))
    }

    pub fn is_alive(&self) -> bool {
        self.0.connected()
    }

    /// Has what is on its way come to its end, if it does until then.
    pub async fn stop(&self, until: Instant) {
        let patience = FAREWELL.min(until.saturating_duration_since(Instant::now()));
        if let Err(error) = mailbox::ask(&self.0.clone().recipient(), Stop, patience).await {
            log::warn!("pushes that are on their way will be sent again: {error}");
        }
    }
}

impl Actor for Push {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let Some(courier) = self.courier.take() else { return };
        // Without its task it is gone itself, so that it is missed.
        let task = actix::spawn(courier.run()).into_actor(self);
        ctx.spawn(task.map(|_, _, ctx| ctx.stop()));
    }
}

impl Handler<Stop> for Push {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Stop, _: &mut Self::Context) -> Self::Result {
        Box::pin(egress::stopped(self.stop.take()))
    }
}

#[cfg(test)]
mod tests;
