//! One run: the load, those who follow it, and the judgement at its end.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use actix_web::rt::{self, task::JoinHandle};
use serde_json::json;
use tokio::time::sleep;

use crate::{
    checker::judge,
    cluster::Cluster,
    follower::Follower,
    history::Truth,
    load::{self, MUTED, Plan},
    scene::Scene,
    traffic::Dice,
    verdict::Verdict,
};

/// How long all may take to have been told everything, once nothing more is published.
const QUIET: Duration = Duration::from_secs(25);

/// How long it may take until enough was accepted.
const ACCEPTED: Duration = Duration::from_secs(120);

pub struct Run {
    pub scene: Scene,
    plan: Plan,
    load: Vec<JoinHandle<()>>,
    /// Of each user on each node.
    staying: Vec<JoinHandle<()>>,
    roaming: Vec<JoinHandle<Follower>>,
}

impl Run {
    pub async fn start(cluster: &Cluster, plan: Plan, dice: &mut Dice) -> Self {
        let addresses = cluster.nodes.iter().map(|node| node.app.address).collect();
        Self::start_at(cluster, addresses, plan, dice).await
    }

    /// The same where everybody comes by these addresses.
    pub async fn start_at(
        cluster: &Cluster,
        addresses: Vec<SocketAddr>,
        plan: Plan,
        dice: &mut Dice,
    ) -> Self {
        let scene = Scene::new(addresses);
        let (mut staying, mut roaming) = (Vec::new(), Vec::new());
        for user in &plan.users {
            if plan.is_varied {
                let muted = cluster.app(0).user(user).put(&format!("/v1/mutes/{MUTED}"), &json!({})).await;
                assert_eq!(muted.status, 200, "{}", muted.text());
            }
            for node in (0..scene.nodes() * plan.staying).map(|place| place % scene.nodes()) {
                let follower = Follower::start(&scene, user, &plan.rooms, true, dice.fork()).await;
                staying.push(rt::spawn(follower.stay(node)));
            }
            let stay = plan.stay_millis;
            let mut follower = Follower::start(&scene, user, &plan.rooms, false, dice.fork()).await;
            roaming.push(rt::spawn(async move {
                follower.roam(stay).await;
                follower
            }));
        }
        let load = load::start(&scene, &plan, dice);
        Self { scene, plan, load, staying, roaming }
    }

    /// Waits until so many more were accepted.
    pub async fn more(&self, count: usize) {
        let before = self.scene.accepted();
        self.until(|| self.scene.accepted() >= before + count).await;
    }

    /// How many notifications were accepted until now.
    pub fn notified(&self) -> usize {
        self.scene.history().accepted.iter().filter(|accepted| !accepted.stream.is_room()).count()
    }

    /// Waits until so many were.
    pub async fn until_notified(&self, count: usize) {
        self.until(|| self.notified() >= count).await;
    }

    async fn until(&self, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + ACCEPTED;
        while !is_so() {
            assert!(Instant::now() < deadline, "too little is accepted: {:?}", self.scene.history().refusals);
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends the load, lets everybody catch up, and judges.
    pub async fn judge(self, cluster: &Cluster) -> Verdict {
        self.judge_within(cluster, QUIET).await
    }

    /// The same, where what is told later counts as lost.
    pub async fn judge_within(self, cluster: &Cluster, quiet: Duration) -> Verdict {
        self.scene.end();
        for publisher in self.load {
            publisher.await.unwrap();
        }
        let mut followers = Vec::new();
        for follower in self.roaming {
            followers.push(follower.await.unwrap());
        }
        let truth = cluster.truth(&self.plan.users, &self.plan.rooms).await;
        let deadline = Instant::now() + quiet;
        for follower in &mut followers {
            follower.catch_up(&truth.tops, deadline).await;
        }
        while !are_all_told(&self.scene, &truth) && Instant::now() < deadline {
            sleep(Duration::from_millis(50)).await;
        }
        // More than was owed would be seen, too.
        sleep(Duration::from_millis(200)).await;
        self.staying.iter().for_each(|task| task.abort());
        for task in self.staying {
            // One that has failed says why.
            if let Err(error) = task.await {
                assert!(error.is_cancelled(), "{error}");
            }
        }
        judge(&self.scene.history(), &truth)
    }
}

/// Whether those who stay stand at the tops, and show as many unread ones as there are.
fn are_all_told(scene: &Scene, truth: &Truth) -> bool {
    let history = scene.history();
    let mut steady = history.accounts.iter().filter(|account| account.is_steady);
    steady.all(|account| {
        account.positions().iter().all(|(stream, at)| {
            let is_shown = stream.is_room() || account.counters["unread"] == truth.unread[stream.owner()];
            is_shown && truth.tops.get(stream) == Some(at)
        })
    })
}
