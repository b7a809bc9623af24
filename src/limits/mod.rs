//! The limits of many: how much of the node one client address or one user may have.
//!
//! One for all workers, behind mutexes that are held for a few instructions: to ask an actor would cost more than
//! what is counted. Owns the counts and nothing else; it never waits, and never says what a refusal looks like.
//! All is of this node and this run: over several nodes a limit is that of each.

mod buckets;
mod places;
mod shards;

use std::{net::IpAddr, sync::Arc, time::Instant};

use buckets::Buckets;
pub use buckets::Standing;
pub use places::Place;
use places::Places;

use crate::{
    auth::forwarded::ClientAddress,
    config,
    domain::{Identity, UserId, rate::Quota},
    observe::metrics,
};

/// Of what there was too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    #[error("too many handshakes from this client address")]
    Handshakes(Standing),
    #[error("too many sessions of this client address")]
    Sessions,
}

/// Each is `None` where it is switched off.
pub struct Limits {
    handshakes: Option<Buckets<IpAddr>>,
    sessions: Option<Arc<Places>>,
    requests: Option<Buckets<UserId>>,
    publishes: Option<Buckets<UserId>>,
    /// Clients on this machine have no limit of their address.
    spares_loopback: bool,
}

impl Limits {
    pub fn new(settings: &config::Limits, spares_loopback: bool) -> Self {
        let handshakes = Quota::new(settings.handshakes_per_second, settings.handshakes_burst);
        let requests = Quota::new(settings.requests_per_second, settings.requests_burst);
        let publishes_burst = settings.publishes_burst.unwrap_or(settings.publishes_per_second);
        let publishes = Quota::new(settings.publishes_per_second, publishes_burst);
        Self {
            handshakes: handshakes.map(|quota| Buckets::new("handshakes", quota)),
            sessions: settings.sessions_per_ip.map(|most| Arc::new(Places::new(most))),
            requests: requests.map(|quota| Buckets::new("requests", quota)),
            publishes: publishes.map(|quota| Buckets::new("publishes", quota)),
            spares_loopback,
        }
    }

    /// Counts somebody who comes to stay, and gives the place (a permit) that their session has until it ends.
    ///
    /// # Errors
    /// If they come too often, or too many of their address are here.
    pub fn enter(&self, client: ClientAddress, now: Instant) -> Result<Place, Excess> {
        if let Some(handshakes) = self.handshakes.as_ref().filter(|_| !self.is_spared(client))
            && let standing = handshakes.take(&client.group(), now)
            && standing.is_refused
        {
            return Err(Excess::Handshakes(standing));
        }
        self.place(client)
    }

    /// The place of a session that needs no handshake.
    ///
    /// # Errors
    /// If too many of this address are here.
    pub fn place(&self, client: ClientAddress) -> Result<Place, Excess> {
        match self.sessions.as_ref().filter(|_| !self.is_spared(client)) {
            Some(sessions) => sessions.take(client.group()).ok_or_else(|| {
                metrics::limit_exceeded("sessions_per_ip");
                Excess::Sessions
            }),
            None => Ok(Place::default()),
        }
    }

    /// Counts a request of a user; `None` for who may ask as often as they like: back-ends that publish.
    pub fn request(&self, identity: &Identity, now: Instant) -> Option<Standing> {
        let requests = self.requests.as_ref().filter(|_| !identity.scopes.is_publisher())?;
        Some(requests.take(&identity.user, now))
    }

    /// Counts a publish; `None` where there is no limit.
    pub fn publish(&self, publisher: &UserId, now: Instant) -> Option<Standing> {
        Some(self.publishes.as_ref()?.take(publisher, now))
    }

    fn is_spared(&self, client: ClientAddress) -> bool {
        self.spares_loopback && client.is_loopback()
    }
}

#[cfg(test)]
mod tests;
