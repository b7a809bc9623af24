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
    scripts,
};
use crate::domain::NodeId;

/// At least this often it is looked whether Redis is still there.
const TICK_MAX: Duration = Duration::from_secs(1);

/// What Redis has refused to note is said to it again after this time.
const RETELL_INTERVAL: Duration = Duration::from_secs(5);

/// Calls in one pipeline.
const BATCH: usize = 256;

/// The other nodes.
#[derive(Default)]
pub struct Nodes {
    /// Who had a lease when it was looked last.
    alive: HashSet<NodeId>,
    /// Who was named since.
    named: HashSet<NodeId>,
}

impl Nodes {
    pub fn is_alive(&self, node: NodeId) -> bool {
        self.alive.contains(&node)
    }

    /// Who was there or was named, and has no lease. Where this node's own was gone, too, that proves nothing:
    /// Redis may have been emptied, and everybody is to be read again anyway.
    fn look(&mut self, alive: HashSet<NodeId>, had_lapsed: bool) -> Vec<NodeId> {
        if had_lapsed {
            self.alive.clear();
            self.named.clear();
        }
        let known = self.alive.drain().chain(self.named.drain()).collect::<HashSet<_>>();
        let lost = known.difference(&alive).copied().collect();
        self.alive = alive;
        lost
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
