//! Who is there: this node's lease is kept, and those of the others looked at.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use tokio::time::MissedTickBehavior;

use super::{
    connection::{Connection, Loss},
    driver::Shared,
    messages::BusEvent,
    scripts::{self, Leases, Member},
};
use crate::domain::NodeId;

/// At least this often it is looked whether Redis is still there.
const TICK_MAX: Duration = Duration::from_secs(1);

/// What is only known to be out of date is said and read again after this time: when Redis has refused to note
/// something, or another node was cut off.
const RETELL_INTERVAL: Duration = Duration::from_secs(5);

/// Calls in one pipeline.
const BATCH: usize = 256;

/// The other nodes.
#[derive(Default)]
pub struct Nodes {
    /// Who had a lease when it was looked last.
    alive: Leases,
    /// Who was named since.
    named: HashSet<NodeId>,
}

impl Nodes {
    /// Whether what Redis says of this user is what the user's node has said in its present generation. Else the
    /// node is gone, or was cut off since and says anew who is there; or Redis was restored from an older copy.
    pub fn is_believed(&self, member: &Member) -> bool {
        self.alive.get(&member.node).is_some_and(|generation| generation == member.generation())
    }

    /// Whether somebody has begun a new generation: of whom it no longer says that it is there may still be
    /// believed here.
    fn has_anew(&self, alive: &Leases) -> bool {
        let is_other = |(node, before)| alive.get(node).is_some_and(|generation| generation != before);
        self.alive.iter().any(is_other)
    }

    /// Who was there or was named, and has no lease. Where this node's own was gone, too, that proves nothing:
    /// Redis may have been emptied, and everybody is to be read again anyway.
    fn look(&mut self, alive: Leases, had_lapsed: bool) -> Vec<NodeId> {
        if had_lapsed {
            self.alive.clear();
            self.named.clear();
        }
        let known: HashSet<NodeId> =
            self.alive.drain().map(|(node, _)| node).chain(self.named.drain()).collect();
        self.alive = alive;
        known.into_iter().filter(|node| !self.alive.contains_key(node)).collect()
    }
}

impl Shared {
    /// A node has users in a room: if it has no lease, that is told.
    pub fn watch(&self, node: NodeId) {
        if node != self.node {
            self.nodes.borrow_mut().named.insert(node);
        }
    }

    /// Renews the lease and looks at everybody's until the bus is lost. It is the heartbeat of both
    /// connections, too: one that is silent is lost, however silently.
    pub async fn keep_lease(&self, connection: &Connection) -> Loss {
        let mut ticks = tokio::time::interval((self.presence_ttl / 8).min(TICK_MAX));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        let (mut kept_at, mut retold_at) = (Instant::now(), Instant::now());
        loop {
            ticks.tick().await;
            let looked = async {
                let has_waited = retold_at.elapsed() >= RETELL_INTERVAL;
                if self.look_at_leases(connection).await? || has_waited && self.is_stale.take() {
                    retold_at = Instant::now();
                    self.teller.retell();
                }
                connection.ping().await?;
                if kept_at.elapsed() >= self.position_ttl / 4 {
                    kept_at = Instant::now();
                    self.keep_rooms(connection).await?;
                }
                Ok(())
            };
            if let Err(loss) = looked.await {
                return loss;
            }
        }
    }

    /// Renews the lease, and tells which nodes are lost. Whether it had lapsed: then the others have
    /// forgotten this node.
    ///
    /// # Errors
    /// Where the bus is lost.
    pub async fn look_at_leases(&self, connection: &Connection) -> Result<bool, Loss> {
        let answer = connection.call_one(self.calls.lease()).await?;
        let (had_lapsed, alive) =
            scripts::leased(answer).map_err(|error| Loss::Refused(error.to_string()))?;
        // Read again when the others are back, too.
        let has_anew = self.nodes.borrow().has_anew(&alive);
        self.is_stale.set(self.is_stale.get() || has_anew);
        let lost = self.nodes.borrow_mut().look(alive, had_lapsed);
        for node in lost {
            log::info!(node = node.as_str(); "another node is gone");
            self.teller.tell(BusEvent::NodeLost(node));
        }
        Ok(had_lapsed)
    }

    /// A room in which nobody says anything is kept all the same.
    async fn keep_rooms(&self, connection: &Connection) -> Result<(), Loss> {
        let calls: Vec<_> =
            self.followed.borrow().rooms().iter().flat_map(|room| self.calls.keep(room)).collect();
        for some in calls.chunks(BATCH) {
            connection.call(some).await?;
        }
        Ok(())
    }
}
