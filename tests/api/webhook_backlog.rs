//! What waits for a receiver of webhooks: counted, and no burden for the rest, at the end either.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;

use crate::{
    app::{DEADLINE, until},
    clients::scrape::samples,
    database::Database,
    engines::{
        postgres::Server,
        push_service::{Plan, PushService},
        redis::Redis,
    },
    webhooks::{PATH, admin, expect, start, test_event},
};

#[actix_web::test]
async fn what_waits_for_a_receiver_is_shown_to_whoever_scrapes() {
    let receiver = PushService::start().await;
    let mut app = start(&receiver, &[]);
    receiver.plan(PATH, [Plan::Status(410)]);
    test_event(&app).await;
    app.logged(|line| line["message"].to_string().contains("webhooks are disabled")).await;
    test_event(&app).await;
    // It counts at its start, and every ten seconds.
    app.kill();
    app.restart();
    let deadline = Instant::now() + DEADLINE;
    loop {
        let numbers = samples(&admin(&app).get("/metrics").await);
        assert_eq!(numbers["tidings_webhooks_forgotten_total"], 0.0);
        if numbers["tidings_webhooks_waiting"] == 2.0 {
            assert_eq!(numbers["tidings_webhooks_dead"], 0.0);
            break;
        }
        assert!(Instant::now() < deadline, "{numbers:?}");
    }
}

/// A database in which nothing of this table can be counted.
const NO_COUNT: &str = "
    CREATE SCHEMA uncounted;
    CREATE FUNCTION uncounted.add(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT $1 + 1';
    CREATE FUNCTION uncounted.refuse(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN
        IF current_query() LIKE '%webhook_jobs%' THEN RAISE 'nothing is counted here'; END IF;
        RETURN $1;
    END $$;
    CREATE AGGREGATE uncounted.count(*)
        (SFUNC = uncounted.add, STYPE = bigint, INITCOND = '0', FINALFUNC = uncounted.refuse)";

#[actix_web::test]
async fn what_is_to_be_told_is_told_where_it_cannot_be_counted() {
    let (receiver, server) = (PushService::start().await, Server::start().await);
    server.connect().batch_execute(NO_COUNT).unwrap();
    let url = format!("{}&options=-csearch_path%3Duncounted,pg_catalog", server.url());
    let app = start(&receiver, &[("store.url", &url)]);
    app.logged(|line| line["message"].to_string().contains("webhooks could not be counted")).await;
    test_event(&app).await;
    expect(&receiver, &["webhook.test "]).await;
}

/// Neither the receiver nor the database takes the time that the bus needs, which other instances rely on.
#[actix_web::test]
async fn a_stop_without_a_database_comes_to_its_end_in_time() {
    let (receiver, redis) = (PushService::start().await, Redis::start().await);
    let bus = format!("redis+unix://{}", redis.socket().display());
    let times = [("bridge.url", bus.as_str()), ("shutdown.timeout", "5s"), ("store.busy_timeout", "1s")];
    let mut app = start(&receiver, &times);
    app.logged(|record| record["message"] == "the bus is live").await;
    receiver.plan(PATH, [Plan::After(Duration::from_secs(1), 201), Plan::After(Duration::from_secs(9), 201)]);
    for _ in 0..2 {
        test_event(&app).await;
    }
    until("both are on their way", || (receiver.connections() == 2).then_some(())).await;
    let mut other = Database::open(&app.database());
    other.execute("BEGIN EXCLUSIVE");
    app.signal("-TERM");
    assert!(app.ended().await.success());
    let log = app.logs().join("\n");
    assert!(log.contains("webhooks that are on their way will be sent again"), "{log}");
    assert!(log.contains("\"stopped\"") && !log.contains("stopped with work in flight"), "{log}");
}
