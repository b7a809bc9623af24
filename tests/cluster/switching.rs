//! One node, and clients that change their transport again and again at any instant, while it is restarted under
//! them: nothing is lost and nothing doubled (G3, G4, G5, G6). It shows that the harness works, too.

use crate::{app::until, cluster::Cluster, load::Plan, run::Run, traffic::Dice};

const SWITCHES: usize = 300;
const RESTARTS: usize = 8;
const TRANSPORTS: [&str; 3] = ["WebSocket", "SSE", "long poll"];

#[actix_web::test]
async fn clients_that_switch_their_transport_300_times_over_restarts_lose_and_double_nothing() {
    let mut dice = Dice::new();
    let mut cluster = Cluster::alone(&[]);
    let users = vec!["alice", "bob", "carol", "dave"];
    let plan = Plan { users, is_varied: true, stay_millis: 100, ..Plan::default() };
    let run = Run::start(&cluster, plan, &mut dice).await;
    let scene = run.scene.clone();
    let switches = || -> usize { TRANSPORTS.iter().map(|transport| scene.history().visits(transport)).sum() };
    for n in 1..=RESTARTS {
        let have_switched = || (switches() >= n * SWITCHES / (RESTARTS + 1)).then_some(());
        until("they have switched some more", have_switched).await;
        tokio::time::sleep(dice.millis(50)).await;
        let app = &mut cluster.nodes[0].app;
        if dice.below(2) == 0 {
            app.signal("-TERM");
            assert!(app.ended().await.success());
        } else {
            app.kill();
        }
        app.restart();
    }
    until("they have switched enough", || (switches() >= SWITCHES).then_some(())).await;
    // A short stay may be over before it has begun, but for a poll.
    for transport in TRANSPORTS {
        let is_enough = || (scene.history().visits(transport) > SWITCHES / 6).then_some(());
        until("each transport was taken", is_enough).await;
    }
    let verdict = run.judge(&cluster).await;
    assert!(verdict.gaps > 0, "a room lives in its node");
    verdict.expect_clean("one node restarted 8 times");
}
