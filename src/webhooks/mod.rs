//! ACTOR `Webhooks`: tells an application what happens, by POST requests that it can verify.
//!
//! It owns what is on its way and the connections to the receiver; what is to be told is in the store, written with
//! what it tells of. Its only handler never waits. Two tasks of its own, on a thread of its own, do the rest:
//! [`delivery`] claims, sends and records; [`ledger`] keeps the account of who is here over all nodes.

mod delivery;
mod ledger;
mod outcome;
mod signature;

use std::{
    cell::Cell,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, Arbiter, AsyncContext, Context, Handler, ResponseFuture,
    WrapFuture,
};
use aws_lc_rs::digest::{SHA256, digest};
use delivery::Delivery;
use ledger::LedgerTask;
use secrecy::SecretString;
use signature::Signer;
pub use signature::check as check_secret;
use tokio::sync::oneshot;

use crate::{
    domain::{Invalid, NodeId},
    egress::{
        self, Endpoint, EndpointRule, Patience, Stop,
        client::{Clients, Trust},
        courier::Courier,
    },
    hub::{HubLink, LiveQueue},
    mailbox,
    store::{
        StoreLink,
        messages::{LedgerRules, ReceiverDigest},
    },
};

/// Events that are on their way at once, each with a connection at most.
const IN_FLIGHT_MAX: usize = 32;

/// How long the end is waited for: what is noted of who was here, an attempt, and its record.
const FAREWELL: Duration = Duration::from_secs(25);

/// How the actor runs.
pub struct WebhookOptions {
    pub node: NodeId,
    /// Where the receiver is, as far as its name goes it may be sent to.
    pub endpoint: Endpoint,
    pub receiver: ReceiverDigest,
    pub secret: SecretString,
    pub previous_secret: Option<SecretString>,
    /// PEM text of an authority that is believed besides those of the web.
    pub ca: Option<String>,
    /// The operator has named the host as one that may be private.
    pub is_trusted: bool,
    pub pauses: Vec<Duration>,
    pub disable_after: Duration,
    pub rules: LedgerRules,
    /// Other nodes may use the same database.
    pub is_shared: bool,
    /// What the hub says of who is here, where anybody wants to know.
    pub live: Option<LiveQueue>,
}

/// What http needs to show how the receiver does.
#[derive(Clone)]
pub struct WebhookDesk {
    pub receiver: ReceiverDigest,
    /// Without what may be secret in its address.
    pub origin: Arc<str>,
}

/// The address of a receiver, by the rule for where requests may go (T9): without names of its own the host of the
/// address, on the port that goes without saying.
///
/// # Errors
/// Where it may not be sent to; the message names the part that is wrong.
pub fn receiver(url: &str, allowed: &[String]) -> Result<(Endpoint, ReceiverDigest), Invalid> {
    let own = url.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#', ':']).next());
    let rule = match (allowed, own) {
        ([], Some(host)) => EndpointRule::new(&[host.to_owned()]),
        (allowed, _) => EndpointRule::new(allowed),
    };
    let endpoint = rule?.check(url)?;
    let mut receiver = [0; 32];
    receiver.copy_from_slice(digest(&SHA256, url.as_bytes()).as_ref());
    Ok((endpoint, receiver))
}

pub struct Webhooks {
    /// Each until its task has been told to stop: first the account, whose last word is told by the next start if need
    /// be, then what is on its way.
    stops: [Option<oneshot::Sender<oneshot::Sender<()>>>; 2],
    courier: Option<Courier<Delivery>>,
    ledger: Option<LedgerTask>,
}

/// The way to it.
#[derive(Clone)]
pub struct WebhookLink(Addr<Webhooks>);

impl WebhookLink {
    /// Starts the actor on a thread of its own.
    ///
    /// # Errors
    /// Where a secret or the authority is not what it should be.
    pub fn start(options: WebhookOptions, store: StoreLink, hub: HubLink) -> Result<Self, Invalid> {
        let signer = Signer::new(&options.secret, options.previous_secret.as_ref())?;
        let trust = Trust::new(options.ca.as_deref(), options.is_trusted, IN_FLIGHT_MAX)?;
        let started = Webhooks::start_in_arbiter(&Arbiter::new().handle(), move |_| {
            let (stop_ledger, ledger_stopped) = egress::stop();
            let (stop_courier, courier_stopped) = egress::stop();
            let ledger = options.live.map(|queue| LedgerTask {
                store: store.clone(),
                hub,
                queue,
                node: options.node,
                rules: options.rules,
                is_shared: options.is_shared,
                stop: ledger_stopped,
            });
            let delivery = Delivery {
                store,
                endpoint: options.endpoint,
                receiver: options.receiver,
                signer,
                clients: Clients::new(trust),
                patience: Patience::new(),
                pauses: options.pauses,
                disable_after: options.disable_after,
                complained_at: Cell::new(None),
                counted_at: Cell::new(None),
            };
            let stop_ledger = ledger.is_some().then_some(stop_ledger);
            Webhooks {
                stops: [stop_ledger, Some(stop_courier)],
                courier: Some(Courier::new(delivery, courier_stopped)),
                ledger,
            }
        });
        Ok(Self(started))
    }

    pub fn is_alive(&self) -> bool {
        self.0.connected()
    }

    /// Has all that was said noted, and what is on its way come to its end, if it does until then.
    pub async fn stop(&self, until: Instant) {
        let patience = FAREWELL.min(until.saturating_duration_since(Instant::now()));
        if let Err(error) = mailbox::ask(&self.0.clone().recipient(), Stop, patience).await {
            log::warn!("webhooks that are on their way will be sent again: {error}");
        }
    }
}

impl Actor for Webhooks {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Without one of its tasks it is gone itself, so that it is missed.
        if let Some(courier) = self.courier.take() {
            let task = actix::spawn(courier.run()).into_actor(self);
            ctx.spawn(task.map(|_, _, ctx| ctx.stop()));
        }
        if let Some(ledger) = self.ledger.take() {
            // While it stops it has ended before the other one, which is waited for.
            let task = actix::spawn(ledger.run()).into_actor(self);
            ctx.spawn(task.map(|_, webhooks, ctx| {
                if webhooks.stops.iter().any(Option::is_some) {
                    ctx.stop();
                }
            }));
        }
    }
}

impl Handler<Stop> for Webhooks {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Stop, _: &mut Self::Context) -> Self::Result {
        let [ledger, courier] = std::mem::take(&mut self.stops);
        Box::pin(async move {
            egress::stopped(ledger).await;
            egress::stopped(courier).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t9_a_receiver_is_at_a_name_over_tls() {
        let origin = |url: &str, allowed: &[&str]| {
            let allowed: Vec<String> = allowed.iter().map(|host| (*host).to_owned()).collect();
            receiver(url, &allowed).map(|(endpoint, _)| endpoint.origin)
        };
        assert_eq!(origin("https://example.com/hooks?key=1", &[]).unwrap(), "https://example.com");
        let own = "https://app.internal:8443/hooks";
        assert_eq!(origin(own, &["app.internal:8443"]).unwrap(), "https://app.internal:8443");
        for url in [
            "",
            "https://",
            "http://example.com/hooks",
            "https://example.com:8443/hooks",
            "https://user@example.com/hooks",
            "https://127.0.0.1/hooks",
            "https://[::1]/hooks",
            "https://2130706433/hooks",
            "https://example.com/hooks#x",
        ] {
            assert!(origin(url, &[]).is_err(), "{url}");
        }
        assert!(origin("https://example.com/hooks", &["app.internal"]).is_err());
    }

    #[test]
    fn another_address_is_another_receiver() {
        let digest = |url| receiver(url, &[]).unwrap().1;
        assert_eq!(digest("https://example.com/a"), digest("https://example.com/a"));
        assert_ne!(digest("https://example.com/a"), digest("https://example.com/b"));
    }
}
