//! The way to the hub, from any thread.

use std::time::Duration;

use actix::{Addr, Handler, Message, Recipient};

use super::{
    NotificationHub, ShardLink,
    messages::{Drain, EndRevoked, Requests, ShardReady},
};
use crate::{
    bridge::messages::{Tell, TellKind},
    domain::{NodeId, Revocation},
    mailbox::{self, AskError, Budget, Load, Standing},
    peers::messages::{FollowBus, PeerNews},
};

/// Bytes of publishes that may wait for the hub.
const PUBLISHES_BYTES: usize = 64 * 1024 * 1024;

/// What a publish weighs beside its bytes, so that some thousands may wait however small they are.
const PUBLISH_BYTES: usize = 16 * 1024;

/// How long http waits for an answer; the hub's handlers are short, so this means that it is in trouble.
const ASK_DEADLINE: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub struct HubLink {
    addr: Addr<NotificationHub>,
    publishes: Budget,
}

impl HubLink {
    pub fn new(addr: Addr<NotificationHub>) -> Self {
        Self { addr, publishes: Budget::new(PUBLISHES_BYTES) }
    }

    pub(super) fn tell(&self, requests: Requests) {
        mailbox::signal(&self.addr, requests);
    }

    /// Room for a publish of so many bytes, if there is any: it goes with the message.
    pub fn load(&self, bytes: usize) -> Option<Load> {
        self.publishes.take(bytes + PUBLISH_BYTES)
    }

    /// Publishes that wait for it.
    pub fn standing(&self) -> Standing {
        self.publishes.standing()
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// As [`mailbox::ask`].
    pub async fn ask<M>(&self, message: M) -> Result<M::Result, AskError>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        NotificationHub: Handler<M>,
    {
        mailbox::ask(&self.addr.clone().recipient(), message, ASK_DEADLINE).await
    }

    pub fn shard_ready(&self, shard: ShardLink) {
        mailbox::signal(&self.addr, ShardReady { shard });
    }

    pub fn drain(&self, over: Duration) {
        mailbox::signal(&self.addr, Drain { over });
    }

    /// Ends the sessions that these are about.
    pub fn revoke(&self, revocations: Vec<Revocation>) {
        mailbox::signal(&self.addr, EndRevoked { revocations: revocations.into() });
    }

    /// Says something to other nodes.
    pub fn tell_nodes(&self, to: Option<NodeId>, kind: TellKind, body: String) {
        mailbox::signal(&self.addr, Tell { to, kind, body });
    }

    /// Has them heard of what other nodes say.
    pub fn follow_bus(&self, peers: Recipient<PeerNews>) {
        mailbox::signal(&self.addr, FollowBus(peers));
    }

    pub fn is_alive(&self) -> bool {
        self.addr.connected()
    }
}
