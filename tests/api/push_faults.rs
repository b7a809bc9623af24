//! Push services that are slow, ill, gone or hostile (X30), and a server that dies while it pushes (G15).

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tidings::store::messages::LEASE;
use tokio::sync::Notify;

use crate::{
    app::{App, DEADLINE, until},
    clients::scrape::samples,
    database::Database,
    engines::push_service::{Plan, PushService},
    pushing::{expect_state, publish, start, subscribe, traces},
    traffic::Dice,
};

pub async fn numbers(app: &App) -> BTreeMap<String, f64> {
    samples(&app.http(&app.token("prometheus", "admin")).get("/metrics").await)
}

pub async fn subscriptions(app: &App, user: &str) -> Vec<Value> {
    let list = app.user(user).get("/v1/push/subscriptions").await.json();
    list["subscriptions"].as_array().unwrap().clone()
}

/// Publishes to a user with one browser, whose service answers so; gives the id.
async fn push_with(app: &App, service: &PushService, user: &str, plans: &[Plan]) -> String {
    subscribe(app, service, user, user).await;
    service.plan(user, plans.iter().cloned());
    publish(app, user, json!({})).await
}

#[actix_web::test]
async fn x30_publishing_and_live_delivery_do_not_wait_for_push_services() {
    let service = PushService::start().await;
    let app = start(&service, &[]);
    let held = Arc::new(Notify::new());
    let users: Vec<String> = (0..80).map(|n| format!("user{n}")).collect();
    for user in &users {
        subscribe(&app, &service, user, user).await;
        service.plan(user, [Plan::Hold(held.clone(), 201)]);
    }
    let mut alice = app.ws("alice").await;
    publish(&app, "user0", json!({ "to": users })).await;
    until("as many are on their way as may be", || (service.connections() == 64).then_some(())).await;
    let began = Instant::now();
    app.publish("alice", 1).await;
    alice.expect("test.event").await;
    // A long time for it, and less than a push service is waited for.
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(service.connections() <= 64, "the others wait for a place");
    until("all have come", || {
        held.notify_waiters();
        users.iter().all(|user| !service.received(user).is_empty()).then_some(())
    })
    .await;
}

/// What was taken is true however long the store is away.
#[actix_web::test]
async fn g15_what_a_service_has_taken_while_the_store_was_away_is_recorded_and_not_sent_again() {
    let service = PushService::start().await;
    let app = start(&service, &[("store.busy_timeout", "300ms")]);
    subscribe(&app, &service, "alice", "laptop").await;
    let answered = Arc::new(Notify::new());
    service.plan("laptop", [Plan::Hold(answered.clone(), 201)]);
    let id = publish(&app, "alice", json!({})).await;
    service.expect("laptop", 1).await;
    let mut lock = Database::open(&app.database());
    lock.execute("BEGIN EXCLUSIVE");
    answered.notify_one();
    app.logged(|record| record["message"].to_string().contains("pushes wait for the store")).await;
    // As it is when the store was away for longer than a lease: what was claimed is due again.
    let shift = LEASE.as_micros();
    lock.execute(&format!("UPDATE push_jobs SET due_at = due_at - {shift}; COMMIT"));
    app.logged(|record| record["message"] == "pushes go on").await;
    assert_eq!(expect_state(&app, &id, "sent").await["attempts"], 1);
    assert_eq!(service.received("laptop").len(), 1);
}

#[actix_web::test]
async fn x30_what_may_go_better_is_tried_again_in_time_and_what_is_refused_is_not() {
    let service = PushService::start().await;
    let app = start(&service, &[]);
    let pause_of = |device: &'static str| {
        let service = &service;
        async move {
            let received = service.expect(device, 2).await;
            received[1].at - received[0].at
        }
    };
    let ill = || Plan::With(503, "Retry-After: 1");
    let given_up = async {
        let id = push_with(&app, &service, "ill", &[ill(), ill(), ill(), ill()]).await;
        let trace = expect_state(&app, &id, "dead").await;
        assert_eq!((&trace["attempts"], &trace["status"]), (&json!(4), &json!(503)));
        assert_eq!(service.received("ill").len(), 4);
        let retried =
            app.http(&app.token("root", "admin")).post("/v1/admin/push/retry", &json!({"user": "ill"})).await;
        assert_eq!(retried.status, 200, "{}", retried.text());
        expect_state(&app, &id, "sent").await;
        assert_eq!(service.received("ill").len(), 5);
    };
    let busy = async {
        let id = push_with(&app, &service, "busy", &[Plan::With(429, "Retry-After: 3")]).await;
        assert!(pause_of("busy").await >= Duration::from_secs(3));
        expect_state(&app, &id, "sent").await;
    };
    let failing = async {
        let id = push_with(&app, &service, "failing", &[Plan::Status(500)]).await;
        assert!(pause_of("failing").await >= Duration::from_secs(2), "by itself it waits for seconds, too");
        expect_state(&app, &id, "sent").await;
    };
    let slow = async {
        let id = push_with(&app, &service, "slow", &[Plan::After(Duration::from_secs(5), 201)]).await;
        assert_eq!(expect_state(&app, &id, "sent").await["attempts"], 1);
    };
    let cut = async {
        let id = push_with(&app, &service, "cut", &[Plan::Cut]).await;
        expect_state(&app, &id, "sent").await;
        assert_eq!(service.received("cut").len(), 2);
    };
    let refused = async {
        for (user, status) in [("a", 400), ("b", 401), ("c", 403), ("d", 413)] {
            let id = push_with(&app, &service, user, &[Plan::Status(status)]).await;
            let trace = expect_state(&app, &id, "dead").await;
            assert_eq!((&trace["attempts"], &trace["status"]), (&json!(1), &json!(status)));
            assert_eq!(subscriptions(&app, user).await.len(), 1);
        }
    };
    let gone = async {
        for (user, status) in [("e", 404), ("f", 410)] {
            let id = push_with(&app, &service, user, &[Plan::Status(status)]).await;
            assert_eq!(expect_state(&app, &id, "gone").await["status"], status);
            assert_eq!(subscriptions(&app, user).await, [json!(null); 0]);
        }
    };
    tokio::join!(given_up, busy, failing, slow, cut, refused, gone);
    let numbers = numbers(&app).await;
    let count = |result: &str| numbers[&format!("tidings_pushes_total{{result=\"{result}\"}}")];
    assert_eq!((count("sent"), count("gone"), count("dead")), (5.0, 2.0, 5.0), "{numbers:?}");
    assert_eq!(count("retried"), 6.0, "{numbers:?}");
    assert_eq!(numbers["tidings_pushes_on_their_way"], 0.0);
}

#[actix_web::test]
async fn x30_hostile_answers_cost_little_and_lead_nowhere() {
    let (service, stranger) = (PushService::start().await, PushService::start().await);
    let both = format!("{},{}", service.host(), stranger.host());
    let app = start(&service, &[("push.allowed_hosts", &both)]);
    let redirect = async {
        let to = Plan::Redirect(service.endpoint("elsewhere"));
        let id = push_with(&app, &service, "redirect", &[to]).await;
        assert_eq!(expect_state(&app, &id, "dead").await["status"], 307);
        assert!(service.received("elsewhere").is_empty(), "it was followed");
    };
    let bodies = async {
        for (user, plan) in [("endless", Plan::Endless), ("drip", Plan::DripBody)] {
            let id = push_with(&app, &service, user, &[plan]).await;
            assert_eq!(expect_state(&app, &id, "sent").await["attempts"], 1, "its status was told");
        }
        // What is read, and what is on its way by the time that nobody reads on.
        assert!(service.taken("endless") < 64 << 10, "{}", service.taken("endless"));
    };
    let heads = async {
        for (user, plan) in [("long", Plan::EndlessHead), ("slow", Plan::DripHead)] {
            let id = push_with(&app, &service, user, &[plan]).await;
            let trace = expect_state(&app, &id, "sent").await;
            assert_eq!(trace["attempts"], 2, "{user} was no answer: {trace}");
        }
    };
    let forged = async {
        // Its certificate is from an authority that nobody believes.
        let id = push_with(&app, &stranger, "forged", &[]).await;
        until("it was connected to", || (stranger.accepted() > 0).then_some(())).await;
        let deadline = Instant::now() + DEADLINE;
        let trace = loop {
            match traces(&app, &id).await.first() {
                Some(trace) if !trace["reason"].is_null() => break trace.clone(),
                trace => assert!(Instant::now() < deadline, "{trace:?}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!((&trace["state"], &trace["status"]), (&json!("waiting"), &Value::Null), "{trace}");
        assert!(stranger.received("forged").is_empty());
    };
    tokio::join!(redirect, bodies, heads, forged);
    // The head is bounded by the HTTP library; the rest is what the kernel had taken by then.
    assert!(service.taken("long") < 8 << 20, "{}", service.taken("long"));
}

/// What was accepted is pushed, whenever the server dies; what the table says is sent is not sent again.
#[actix_web::test]
async fn g15_a_server_that_is_killed_20_times_pushes_all_and_nothing_again_that_it_has_recorded() {
    const KILLS: usize = 20;
    const USERS: usize = 5;
    let mut dice = Dice::new();
    let service = PushService::start().await;
    let mut app = start(&service, &[]);
    for n in 0..USERS {
        subscribe(&app, &service, &format!("user{n}"), &format!("user{n}")).await;
    }
    // Answers take their time, so that a kill finds pushes in every state.
    let delays = |dice: &mut Dice| (0..8).map(|_| Plan::After(dice.millis(100), 201)).collect::<Vec<_>>();
    let mut ids = Vec::new();
    let (mut recorded, mut caught) = (BTreeMap::<String, usize>::new(), 0);
    let attempts = |service: &PushService, id: &str| service.topics(id);
    for round in 1..=KILLS {
        for n in 0..USERS {
            let user = format!("user{n}");
            // The last kill finds something on its way for sure.
            let last = vec![Plan::After(Duration::from_secs(5), 201); USERS];
            service.replan(&user, if round == KILLS { last } else { delays(&mut dice) });
            ids.push(publish(&app, &user, json!({})).await);
        }
        tokio::time::sleep(dice.millis(700)).await;
        if round == KILLS {
            let newest = ids.last().unwrap();
            until("it is on its way", || (attempts(&service, newest) > 0).then_some(())).await;
        }
        app.kill();
        // Attempted, and nobody has recorded it: in doubt.
        let is_in_doubt = |id: &&String| !recorded.contains_key(*id) && attempts(&service, id) > 0;
        let in_doubt: Vec<String> = ids.iter().filter(is_in_doubt).cloned().collect();
        if round == KILLS {
            // What was on its way is due again when its lease ends; nobody waits for that here.
            let shift = LEASE.as_micros();
            let sql = format!("UPDATE push_jobs SET due_at = due_at - {shift} WHERE state = 'waiting'");
            Database::open(&app.database()).execute(&sql);
        }
        app.restart();
        for id in in_doubt {
            caught += usize::from(traces(&app, &id).await[0]["state"] != "sent");
        }
        for id in &ids {
            if !recorded.contains_key(id) && traces(&app, id).await[0]["state"] == "sent" {
                recorded.insert(id.clone(), attempts(&service, id));
            }
        }
    }
    for id in &ids {
        expect_state(&app, id, "sent").await;
        assert!(attempts(&service, id) >= 1, "{id} was never attempted");
    }
    let again = ids.iter().filter(|id| attempts(&service, id) > 1).count();
    assert!(again > 0 && again <= caught, "{again} were sent again, and {caught} were in doubt at a kill");
    for (id, before) in &recorded {
        assert_eq!(attempts(&service, id), *before, "{id} was sent again after it was recorded");
    }
    println!(
        "{KILLS} times kill -9: {} pushes, all attempted, {again} of them again, none after its record",
        ids.len()
    );
}
