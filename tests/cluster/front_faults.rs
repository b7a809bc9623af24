//! The proxy in front of the nodes is told to read its settings anew, and loses a node, under load: clients that are
//! cut come back with their cursors, to whatever node.

use std::{net::SocketAddr, time::Duration};

use tokio::time::sleep;

use crate::{
    cluster::{Cluster, Setup},
    engines::front::Front,
    load::Plan,
    run::Run,
    scale::times,
    traffic::Dice,
};

/// All come from the proxy.
const TRUSTED: &[(&str, &str)] = &[("http.trusted_proxies", "127.0.0.1")];

/// What a proxy is: how it is started before two nodes, and how it is told to read its settings anew.
async fn reload_under_load(
    name: &str,
    front: impl AsyncFnOnce([SocketAddr; 2]) -> Front,
    reload: impl Fn(&Front),
) {
    let mut dice = Dice::new();
    let setup = Setup { settings: TRUSTED, ..Setup::default() };
    let mut cluster = Cluster::start_with(setup).await;
    let nodes = [cluster.app(0).address, cluster.app(1).address];
    let front = front(nodes).await;
    let plan = Plan { is_varied: true, ..Plan::default() };
    let run = Run::start_at(&cluster, vec![front.address; 2], plan, &mut dice).await;
    let reloads = times(3, 30);
    for _ in 0..reloads {
        run.more(50).await;
        reload(&front);
        sleep(Duration::from_millis(700)).await;
    }
    let app = &mut cluster.nodes[1].app;
    app.kill();
    run.more(50).await;
    cluster.nodes[1].app.restart();
    run.more(50).await;
    let verdict = run.judge(&cluster).await;
    verdict.expect_clean(&format!("{name} reloaded {reloads} times, one of two nodes killed behind it"));
}

// Who is connected is cut soon after a reload, and not after minutes.

#[actix_web::test]
async fn nginx_is_reloaded_and_loses_a_node_under_load_and_nothing_is_lost_or_doubled() {
    let changes = [
        ("worker_shutdown_timeout 10m", "worker_shutdown_timeout 500ms"),
        // All come from one address.
        ("limit_conn tidings_clients 300", "limit_conn tidings_clients 10000"),
    ];
    let front = async |nodes| Front::nginx(nodes, &changes, None).await;
    reload_under_load("nginx", front, |front| front.signal("-HUP")).await;
}

#[actix_web::test]
async fn haproxy_is_reloaded_and_loses_a_node_under_load_and_nothing_is_lost_or_doubled() {
    let changes = [("hard-stop-after 10m", "hard-stop-after 500ms")];
    let front = async |nodes| Front::haproxy(nodes, &changes, None).await;
    reload_under_load("haproxy", front, |front| front.signal("-USR2")).await;
}

#[actix_web::test]
async fn caddy_is_reloaded_and_loses_a_node_under_load_and_nothing_is_lost_or_doubled() {
    let changes = [("grace_period 10m", "grace_period 500ms")];
    let front = async |nodes| Front::caddy(nodes, &changes, None).await;
    reload_under_load("caddy", front, Front::reload_caddy).await;
}
