//! Several writers of several processes on one PostgreSQL database: what they change at the same time crosses,
//! and nobody waits in a circle, counts wrong, or stores twice.

use futures_util::future::join_all;
use serde_json::json;

use crate::{
    app::{App, until},
    clients::http::{Answer, Http},
    engines::postgres::Server,
};

const USERS: usize = 6;
const ROUNDS: usize = 40;

async fn publish(http: &Http, to: &[String], key: Option<&str>, collapse: Option<&str>) -> Answer {
    let mut body = json!({ "to": to, "type": "test.event", "payload": {} });
    if let Some(collapse) = collapse {
        body["key"] = collapse.into();
    }
    let mut request =
        http.request("POST", "/v1/notifications").insert_header(("Content-Type", "application/json"));
    if let Some(key) = key {
        request = request.insert_header(("Idempotency-Key", key));
    }
    http.send(request, body.to_string()).await
}

/// The users, beginning elsewhere and going up or down.
fn all_users(turn: usize) -> Vec<String> {
    let mut users: Vec<String> = (0..USERS).map(|i| format!("user{i}")).collect();
    users.rotate_left(turn % USERS);
    if turn % 2 == 1 {
        users.reverse();
    }
    users
}

/// What one client of one node does: all that changes an inbox. Says how often it has published.
async fn cross(app: &App, client: usize) -> i64 {
    let mut published = 0;
    let publisher = app.http(&app.publisher());
    for round in 0..ROUNDS {
        let turn = client + round;
        let user = app.user(&format!("user{}", turn % USERS));
        let answer = match turn % 8 {
            0 => user.post("/v1/notifications/mark", &json!({ "as": "read", "all": true })).await,
            1 => user.post("/v1/notifications/mark", &json!({ "as": "unread", "all": true })).await,
            2 => user.put("/v1/mutes/other.*", &json!({})).await,
            3 => user.delete("/v1/mutes/other.*").await,
            4 => {
                let list = user.get("/v1/notifications?limit=1").await.json();
                let Some(id) = list["notifications"][0]["id"].as_str() else { continue };
                user.delete(&format!("/v1/notifications/{id}")).await
            }
            5 => publish(&publisher, &all_users(turn), Some(&format!("{client}-{round}")), None).await,
            6 => publish(&publisher, &all_users(turn), None, Some("place")).await,
            _ => publish(&publisher, &all_users(turn), None, None).await,
        };
        // Of two who delete the same one, one comes too late.
        assert!(answer.status < 300 || answer.status == 404, "{turn}: {} {}", answer.status, answer.text());
        published += i64::from(turn % 8 > 4);
    }
    published
}

#[actix_web::test]
async fn what_crosses_ends_in_no_deadlock_and_is_counted_right() {
    let server = Server::start().await;
    let (a, b) = (server.app(), server.app());
    let published = join_all((0..12).map(|client| cross(if client % 2 == 0 { &a } else { &b }, client)));
    let published = published.await;
    // Each was to all of them.
    let published: i64 = published.into_iter().sum();
    assert_eq!(server.numbers("SELECT DISTINCT last_offset AS number FROM inboxes"), [published]);
    let drifts = "SELECT count(*) AS number FROM inboxes AS i
                  WHERE (unread, unseen) <> (
                      SELECT count(*) FILTER (WHERE read_at IS NULL), count(*) FILTER (WHERE seen_at IS NULL)
                      FROM notifications AS n WHERE n.user_id = i.user_id)";
    assert_eq!(server.numbers(drifts), [0]);
    drop((a, b));
    // The sessions that were in one have told it by their end.
    let is_over = "SELECT count(*) AS number FROM pg_stat_activity WHERE application_name = 'tidings'";
    until("they are gone", || (server.numbers(is_over) == [0]).then_some(())).await;
    let deadlocks = "SELECT deadlocks AS number FROM pg_stat_database WHERE datname = 'postgres'";
    assert_eq!(server.numbers(deadlocks), [0]);
}

/// Contract: on another node a key that is under way waits for the commit of the first, then replays.
#[actix_web::test]
async fn a_key_that_is_under_way_on_another_node_is_waited_for_and_then_replayed() {
    let server = Server::start().await;
    let (a, b) = (server.app(), server.app());
    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
                AS 'BEGIN PERFORM pg_sleep(1.5); RETURN NEW; END';
                CREATE TRIGGER slow BEFORE INSERT ON notifications FOR EACH ROW EXECUTE FUNCTION slow()";
    diesel::connection::SimpleConnection::batch_execute(&mut server.connect(), slow).unwrap();
    let to = ["alice".to_owned()];
    let (http_a, http_b) = (a.http(&a.publisher()), b.http(&b.publisher()));
    let second = async {
        let storing = "SELECT count(*) AS number FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        until("the first is being stored", || (server.numbers(storing) == [1]).then_some(())).await;
        publish(&http_b, &to, Some("k"), None).await
    };
    let (first, second) = futures_util::future::join(publish(&http_a, &to, Some("k"), None), second).await;
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("Idempotent-Replayed"), None);
    assert_eq!(second.header("Idempotent-Replayed"), Some("true"));
    assert_eq!(server.numbers("SELECT count(*) AS number FROM notifications"), [1]);
}
