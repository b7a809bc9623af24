//! A notification with an end: gone for everybody, counted nowhere, and said to be gone.

use serde_json::json;

use crate::app::App;

#[actix_web::test]
async fn an_expired_notification_is_deleted_and_every_device_is_told() {
    let app = App::start();
    let mut device = app.ws("alice").await;
    let body = json!({ "to": "alice", "type": "offer.made", "payload": { "n": 1 }, "expires_in": 1 });
    let answer = app.http(&app.publisher()).post("/v1/notifications", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let event = device.next_numbered().await;
    assert!(event["expires_at"].is_string());

    let marked = device.expect("marked").await;
    assert_eq!((&marked["as"], &marked["ids"]), (&json!("deleted"), &json!([event["id"]])));
    assert_eq!((&marked["counters"]["unread"], &marked["counters"]["unseen"]), (&json!(0), &json!(0)));
    let unread = app.unread("alice").await;
    assert_eq!((&unread["unread"], &unread["marks_version"]), (&json!(0), &json!(1)));

    // Its number is passed over, and the next one follows it.
    let position = app.publish("alice", 2).await;
    assert!(position.ends_with(".2"));
    let mut other = app.ws_at("alice", "?since=inbox@00000000.0").await;
    assert_eq!(other.next_numbered().await["type"], "skip");
    assert_eq!(other.next_ns(1).await, [2]);
}
