//! Nothing falls between the replay and what is live (G5). As long as more is published the next one would show
//! what is missing, and bring it; so here each run is a moment of traffic while clients come, and then silence.

use std::time::Duration;

use tokio::time::sleep;

use crate::{cluster::Cluster, load::Plan, run::Run, scale::times, traffic::Dice, verdict::Verdict};

/// Long enough for what is on its way, and shorter than the sweep that brings what was lost.
const SOON: Duration = Duration::from_millis(1500);

#[actix_web::test]
async fn what_is_published_while_clients_come_is_told_to_each_of_them() {
    let (mut dice, cluster) = (Dice::new(), Cluster::start().await);
    let rounds = times(15, 200);
    let mut total = Verdict::default();
    for round in 0..rounds {
        // Streams of its own, on which nothing more comes.
        let [user, room] = ["user", "room"].map(|name| &*format!("{name}{round}").leak());
        let plan = Plan {
            users: vec![user],
            rooms: vec![room],
            staying: 8,
            pause: Duration::ZERO,
            ..Plan::default()
        };
        let run = Run::start(&cluster, plan, &mut dice).await;
        sleep(dice.millis(100)).await;
        total.add(run.judge_within(&cluster, SOON).await);
    }
    total.expect_clean(&format!("G5 {rounds} times 16 clients that come while something is published"));
}
