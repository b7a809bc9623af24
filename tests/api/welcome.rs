//! What a session is told first: who it is, where its inbox stands, what it has missed.

use serde_json::{Value, json};

use crate::{
    app::App,
    clients::ws::{Ws, is_numbered},
};

/// The position `by` numbers away from this one.
pub fn moved(position: &str, by: i64) -> String {
    let (epoch, offset) = position.split_once('.').unwrap();
    format!("{epoch}.{}", offset.parse::<i64>().unwrap() + by)
}

fn is_position(value: &Value) -> bool {
    let Some((epoch, offset)) = value.as_str().and_then(|text| text.split_once('.')) else { return false };
    epoch.len() == 8
        && epoch.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && offset.parse::<u64>().is_ok()
}

/// Publishes so many notifications to alice; the position of the last.
async fn publish(app: &App, count: u64) -> String {
    let mut position = String::new();
    for n in 1..=count {
        position = app.publish("alice", n).await;
    }
    position
}

#[actix_web::test]
async fn a_welcome_says_everything_that_a_client_must_know() {
    let app = App::start();
    let top = publish(&app, 3).await;
    let token = app.token("alice", "join:chat:* publish:chat:*");
    let ws = Ws::connect(app.address, "", &token).await;
    let welcome = &ws.welcome;
    assert_eq!(welcome["v"], 1);
    assert_eq!(welcome["user"], "alice");
    assert_eq!(welcome["scopes"], json!(["join:chat:*", "publish:chat:*"]));
    assert_eq!(welcome["ping_interval_ms"], 25_000);
    assert_eq!(
        welcome["limits"],
        json!({ "message_bytes": 65_536, "rooms": 100, "messages_per_second": 20 })
    );
    assert_eq!(welcome["inbox"]["position"], top.as_str());
    assert_eq!(
        welcome["inbox"]["counters"],
        json!({ "unread": 3, "unseen": 3, "version": 3, "marks_version": 0 })
    );
    assert_eq!(welcome["resume"], "fresh");
    let expires_at = welcome["expires_at"].as_str().unwrap();
    assert!(
        expires_at.len() == "2026-01-01T00:00:00.000Z".len() && expires_at.ends_with('Z'),
        "{expires_at}"
    );

    let other = app.ws("alice").await.welcome;
    assert_ne!(other["session"], welcome["session"]);
    assert_eq!(other["node"], welcome["node"]);
    assert!(is_position(&other["inbox"]["position"]));
}

#[actix_web::test]
async fn the_welcome_shows_the_settings() {
    let app = App::start_with(&[
        ("session.ping_interval", "7s"),
        ("session.message_bytes", "40KiB"),
        ("session.rooms", "5"),
        ("session.messages_per_second", "3"),
    ]);
    let welcome = app.ws("alice").await.welcome;
    assert_eq!(welcome["ping_interval_ms"], 7000);
    assert_eq!(welcome["limits"], json!({ "message_bytes": 40_960, "rooms": 5, "messages_per_second": 3 }));
}

#[actix_web::test]
async fn a_resumed_session_gets_exactly_what_it_missed_and_then_what_comes() {
    let app = App::start();
    let seen = publish(&app, 2).await;
    let top = publish(&app, 3).await;
    let mut ws = app.ws_at("alice", &format!("?since=inbox@{seen}")).await;
    assert_eq!((&ws.welcome["resume"], &ws.welcome["inbox"]["position"]), (&json!("complete"), &json!(top)));
    for by in 1..=3 {
        // Nothing stands between the welcome and the missed events.
        let event = ws.next().await;
        assert_eq!(event["position"], moved(&seen, by), "{event}");
        assert_eq!(event["payload"]["n"], by);
    }
    app.publish("alice", 99).await;
    assert_eq!(ws.next_ns(1).await, [99]);
}

#[actix_web::test]
async fn a_session_at_the_top_has_missed_nothing() {
    let app = App::start();
    let top = publish(&app, 2).await;
    let mut ws = app.ws_at("alice", &format!("?since=inbox@{top}")).await;
    assert_eq!(ws.welcome["resume"], "complete");
    app.publish("alice", 99).await;
    assert_eq!(ws.next_ns(1).await, [99]);
}

#[actix_web::test]
async fn from_the_very_start_everything_is_replayed() {
    let app = App::start();
    publish(&app, 4).await;
    let mut ws = app.ws_at("alice", "?since=inbox@00000000.0").await;
    assert_eq!(ws.welcome["resume"], "complete");
    assert_eq!(ws.next_ns(4).await, [1, 2, 3, 4]);
}

#[actix_web::test]
async fn epoch_and_zero_is_nothing_yet() {
    let app = App::start();
    let top = publish(&app, 2).await;
    let mut ws = app.ws_at("alice", &format!("?since=inbox@{}", moved(&top, -2))).await;
    assert_eq!(ws.welcome["resume"], "complete");
    assert_eq!(ws.next_ns(2).await, [1, 2]);
}

#[actix_web::test]
async fn a_user_who_never_had_one_gets_the_first_notification() {
    let app = App::start();
    for query in ["", "?since=inbox@00000000.0"] {
        let user = if query.is_empty() { "alice" } else { "bob" };
        let mut ws = app.ws_at(user, query).await;
        assert_eq!(ws.welcome["inbox"]["position"], "00000000.0");
        assert_eq!(
            ws.welcome["inbox"]["counters"],
            json!({ "unread": 0, "unseen": 0, "version": 0, "marks_version": 0 })
        );
        assert_eq!(ws.welcome["resume"], if query.is_empty() { "fresh" } else { "complete" });
        let position = app.publish(user, 1).await;
        let event = ws.next_numbered().await;
        assert_eq!((&event["position"], &event["payload"]["n"]), (&json!(position), &json!(1)));
        assert!(position.ends_with(".1") && !position.starts_with("00000000"), "{position}");
        app.publish(user, 2).await;
        assert_eq!(ws.next_ns(1).await, [2]);
    }
}

/// B34, G6: what cannot be replayed is a gap to the top, told before anything else, and then it is live.
async fn expect_gap(app: &App, since: &str, reason: &str, top: &str) {
    let mut ws = app.ws_at("alice", &format!("?since=inbox@{since}")).await;
    assert_eq!(ws.welcome["resume"], "gap");
    let gap = ws.next().await;
    assert_eq!(gap, json!({ "type": "gap", "stream": "inbox", "from": since, "to": top, "reason": reason }));
    let position = app.publish("alice", 7).await;
    assert_eq!(position, moved(top, 1));
    assert_eq!(ws.next_ns(1).await, [7]);
}

#[actix_web::test]
async fn a_position_ahead_of_the_top_is_a_gap() {
    let app = App::start();
    let top = publish(&app, 2).await;
    expect_gap(&app, &moved(&top, 40), "ahead", &top).await;
}

#[actix_web::test]
async fn a_position_of_another_epoch_is_a_gap() {
    let app = App::start();
    let top = publish(&app, 2).await;
    expect_gap(&app, "zzzzzzzz.1", "epoch", &top).await;
}

#[actix_web::test]
async fn b32_a_position_of_another_user_is_a_gap_that_shows_nothing_of_theirs() {
    let mut app = App::start();
    let bobs = app.publish("bob", 1000).await;
    let top = publish(&app, 2).await;
    expect_gap(&app, &bobs, "epoch", &top).await;

    let mut empty = app.ws_at("carol", &format!("?since=inbox@{bobs}")).await;
    assert_eq!(empty.welcome["resume"], "gap");
    let gap = empty.next().await;
    assert_eq!((&gap["reason"], &gap["to"]), (&json!("epoch"), &json!("00000000.0")));
    app.publish("carol", 1).await;
    assert_eq!(empty.next_ns(1).await, [1]);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_cursor_over_other_streams_starts_the_inbox_live() {
    let app = App::start();
    publish(&app, 2).await;
    let mut ws = app.ws_at("alice", "?since=chat:general@e1e1e1e1.17").await;
    assert_eq!(ws.welcome["resume"], "fresh");
    app.publish("alice", 9).await;
    assert_eq!(ws.next_ns(1).await, [9]);
}

#[actix_web::test]
async fn other_streams_of_a_cursor_are_ignored() {
    let app = App::start();
    let seen = publish(&app, 1).await;
    app.publish("alice", 2).await;
    let mut ws = app.ws_at("alice", &format!("?since=chat:general@e1e1e1e1.17,inbox@{seen}")).await;
    assert_eq!(ws.welcome["resume"], "complete");
    assert_eq!(ws.next_ns(1).await, [2]);
}

#[actix_web::test]
async fn b33_a_cursor_that_is_none_is_refused_before_the_upgrade() {
    let mut app = App::start();
    let authorization = format!("Bearer {}", app.token("alice", ""));
    for since in [
        "abc",
        "",
        "inbox@abc",
        "inbox@k3x9q2ab.-1",
        "inbox@k3x9q2ab.9223372036854775808",
        "inbox@K3X9Q2AB.1",
        "k3x9q2ab.1",
        "inbox@k3x9q2ab.1,inbox@k3x9q2ab.1",
    ] {
        let headers = [("authorization", authorization.as_str())];
        let (status, _, body) = Ws::refusal(app.address, &format!("?since={since}"), &headers).await;
        assert_eq!((status, &body["code"]), (400, &json!("bad_cursor")), "{since:?}");
    }
    app.expect_healthy().await;
}

/// G6: an inbox that lost its newest part, such as one restored from a backup without its renewal.
#[actix_web::test]
async fn a_position_that_the_database_has_lost_is_a_gap() {
    let mut app = App::start();
    publish(&app, 2).await;
    app.signal("-TERM");
    app.wait();
    let copy = std::fs::read(app.database()).unwrap();
    app.restart();
    let top = publish(&app, 3).await;
    app.signal("-TERM");
    app.wait();
    std::fs::write(app.database(), copy).unwrap();
    app.restart();
    expect_gap(&app, &top, "ahead", &moved(&top, -3)).await;
}

#[actix_web::test]
async fn numbers_rise_by_one_while_notifications_come_in_during_the_replay() {
    let app = App::start();
    publish(&app, 20).await;
    let publishing = async {
        for n in 21..=60 {
            app.publish("alice", n).await;
        }
    };
    let reading = async {
        let mut ws = app.ws_at("alice", "?since=inbox@00000000.0").await;
        let mut ns = Vec::new();
        while ns.len() < 60 {
            let event = ws.next().await;
            if is_numbered(&event) {
                ns.push(event["payload"]["n"].as_u64().unwrap_or_else(|| panic!("{event}")));
            }
        }
        ns
    };
    let ((), ns) = futures_util::future::join(publishing, reading).await;
    assert_eq!(ns, (1..=60).collect::<Vec<_>>());
}
