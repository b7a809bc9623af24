//! Several processes that push what is in one PostgreSQL database: each push is sent by one of them (G15).

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use serde_json::json;
use tidings::store::messages::LEASE;
use tokio::sync::Notify;

use crate::{
    app::{App, until},
    engines::{
        postgres::Server,
        push_service::{Plan, PushService},
    },
    push_faults::numbers,
    pushing::{expect_state, publish, subscribe},
};

const USERS: usize = 5;

/// How many pushes a node has sent, and how many are on their way from it.
async fn sent(app: &App) -> (f64, f64) {
    let numbers = numbers(app).await;
    let sent = numbers.get("tidings_pushes_total{result=\"sent\"}").copied().unwrap_or_default();
    (sent, numbers["tidings_pushes_on_their_way"])
}

#[actix_web::test]
async fn g15_two_processes_on_one_database_send_each_push_once_and_what_one_leaves_the_other_sends() {
    let (server, service) = (Server::start().await, PushService::start().await);
    let mut settings = service.settings();
    settings.push(("store.url", server.url()));
    let settings: Vec<(&str, &str)> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let mut nodes = [(); 2].map(|()| App::start_with(&settings));
    let users: Vec<String> = (0..USERS).map(|n| format!("user{n}")).collect();
    for user in &users {
        subscribe(&nodes[0], &service, user, user).await;
    }
    // As long as it takes until both have had their share, whoever is the quicker one.
    let mut ids = Vec::new();
    while ids.len() < 100 || sent(&nodes[0]).await.0 == 0.0 || sent(&nodes[1]).await.0 == 0.0 {
        assert!(ids.len() < 5_000, "one of them sends nothing");
        for user in &users {
            ids.push(publish(&nodes[ids.len() % 2], user, json!({})).await);
        }
    }
    let waiting = "SELECT count(*)::bigint AS number FROM push_jobs WHERE state <> 'sent'";
    until("all are sent", || (server.numbers(waiting) == [0]).then_some(())).await;
    for id in &ids {
        assert_eq!(service.topics(id), 1, "{id}");
    }
    let shares = [sent(&nodes[0]).await.0, sent(&nodes[1]).await.0];
    assert_eq!(shares.iter().sum::<f64>(), ids.len() as f64, "{shares:?}");

    // Whoever dies leaves what is on its way to the other one, when its lease has ended.
    let answered = Arc::new(Notify::new());
    service.plan(&users[0], [Plan::Hold(answered, 201)]);
    let before = service.received(&users[0]).len();
    let id = publish(&nodes[0], &users[0], json!({})).await;
    service.expect(&users[0], before + 1).await;
    let holder = usize::from(sent(&nodes[1]).await.1 > 0.0);
    nodes[holder].kill();
    let shift = LEASE.as_micros();
    let ends = format!("UPDATE push_jobs SET due_at = due_at - {shift} WHERE state = 'waiting'");
    server.connect().batch_execute(&ends).unwrap();
    let trace = expect_state(&nodes[1 - holder], &id, "sent").await;
    assert_eq!((&trace["attempts"], service.topics(&id)), (&json!(2), 2));
}
