//! Faults by chance, one after the other, on whatever a stand has.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{
    cluster::Cluster,
    engines::{
        proxy::{Fault, Proxy},
        send,
    },
    traffic::Dice,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    NodeStopped,
    DoorsReset,
    DoorsSwallow,
    DoorsSlow,
    RedisKilled,
    RedisFrozen,
    LinkSwallows,
    LinkReset,
    PostgresRestarted,
    PostgresFrozen,
    DatabaseLocked,
}

/// What can happen to any node; to nodes on PostgreSQL and Redis; to one on a file.
const ANYWHERE: [Kind; 4] = [Kind::NodeStopped, Kind::DoorsReset, Kind::DoorsSwallow, Kind::DoorsSlow];
const SEVERAL: [Kind; 6] = [
    Kind::RedisKilled,
    Kind::RedisFrozen,
    Kind::LinkSwallows,
    Kind::LinkReset,
    Kind::PostgresRestarted,
    Kind::PostgresFrozen,
];
const ALONE: [Kind; 1] = [Kind::DatabaseLocked];

/// What passes a slow door each way in a second.
const SLOW_BYTES: usize = 4096;

pub struct Faults {
    dice: Dice,
    calm: (Duration, Duration),
    longest: Duration,
    played: BTreeMap<Kind, usize>,
}

impl Faults {
    pub fn new(dice: Dice, calm: (Duration, Duration), longest: Duration) -> Self {
        Self { dice, calm, longest, played: BTreeMap::new() }
    }

    /// Whether one more would be over before this instant, as far as that can be said.
    pub fn has_time_for_one(&self, end: Instant) -> bool {
        Instant::now() + self.calm.1 + self.longest < end
    }

    /// Rests for a while; then something fails for a while, and works again.
    pub async fn play_one(&mut self, cluster: &mut Cluster, doors: &[Proxy]) {
        let rest = self.calm.0 + self.dice.millis((self.calm.1 - self.calm.0).as_millis() as u64);
        sleep(rest).await;
        let mut kinds = ANYWHERE.to_vec();
        kinds.extend_from_slice(if cluster.redis.is_some() { &SEVERAL } else { &ALONE });
        let new: Vec<Kind> = kinds.iter().copied().filter(|kind| !self.played.contains_key(kind)).collect();
        let from = if new.is_empty() { kinds } else { new };
        let kind = from[self.dice.below(from.len() as u64) as usize];
        let lasting = self.longest / 4 + self.dice.millis((self.longest * 3 / 4).as_millis() as u64);
        let node = self.dice.below(cluster.nodes.len() as u64) as usize;
        *self.played.entry(kind).or_default() += 1;
        match kind {
            Kind::NodeStopped => {
                cluster.app(node).signal("-STOP");
                sleep(lasting).await;
                cluster.app(node).signal("-CONT");
            }
            Kind::DoorsReset => doors[node].cut(Fault::Reset).await,
            Kind::DoorsSwallow | Kind::DoorsSlow => {
                let fault =
                    if kind == Kind::DoorsSlow { Fault::Throttle(SLOW_BYTES) } else { Fault::BlackHole };
                doors[node].set(fault);
                sleep(lasting).await;
                // Whoever was swallowed stays so.
                doors[node].cut(Fault::Closed).await;
            }
            Kind::RedisKilled => {
                cluster.redis().kill();
                sleep(lasting).await;
                cluster.redis().revive().await;
            }
            Kind::RedisFrozen => {
                cluster.redis().signal("-STOP");
                sleep(lasting).await;
                cluster.redis().signal("-CONT");
            }
            Kind::LinkSwallows | Kind::LinkReset => {
                let link = cluster.nodes[node].bus.as_ref().unwrap();
                if kind == Kind::LinkReset {
                    link.cut(Fault::Reset).await;
                } else {
                    link.set(Fault::BlackHole);
                    sleep(lasting).await;
                    link.set(Fault::None);
                }
            }
            Kind::PostgresRestarted => {
                let signal = ["-INT", "-QUIT"][self.dice.below(2) as usize];
                cluster.postgres.as_mut().unwrap().restart(signal).await;
            }
            Kind::PostgresFrozen => {
                let backends = cluster.postgres.as_ref().unwrap().backends();
                backends.iter().for_each(|pid| send("-STOP", *pid));
                sleep(lasting).await;
                backends.iter().for_each(|pid| send("-CONT", *pid));
            }
            Kind::DatabaseLocked => {
                let mut other = cluster.database();
                other.execute("PRAGMA busy_timeout = 10000; BEGIN EXCLUSIVE");
                sleep(lasting).await;
                other.execute("COMMIT");
            }
        }
        if cluster.redis.is_some() {
            cluster.bridges_are("ok").await;
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let played: Vec<String> =
            self.played.iter().map(|(kind, count)| format!("{kind:?} {count}")).collect();
        f.write_str(&played.join(", "))
    }
}
