//! Who is there: this node's lease is kept, and those of the others looked at.

use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use super::{
    connection::{Connection, Loss},
    driver::Shared,
    scripts,
};

/// At least this often it is looked whether Redis is still there.
const TICK_MAX: Duration = Duration::from_secs(1);

/// Calls in one pipeline.
const BATCH: usize = 256;

impl Shared {
    /// Renews the lease and looks at everybody's until the bus is lost. It is the heartbeat of both
    /// connections, too: one that is silent is lost, however silently.
    pub async fn keep_lease(&self, connection: &Connection) -> Loss {
        let mut ticks = tokio::time::interval((self.presence_ttl / 8).min(TICK_MAX));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        let mut kept_at = Instant::now();
        loop {
            ticks.tick().await;
            let looked = async {
                if self.look_at_leases(connection).await? || self.is_stale.take() {
                    self.teller.retell();
                }
                connection.ping_subscriber().await?;
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
        let lost: Vec<_> = self.alive.borrow().difference(&alive).copied().collect();
        for node in lost {
            self.lose_node(node);
        }
        *self.alive.borrow_mut() = alive;
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
