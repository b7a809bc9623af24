//! The shortest walk through everything.

use serde_json::Value;

use crate::{
    app::App,
    clients::ws::{Ws, is_numbered},
};

/// The next notification and the next counters, whichever comes first: the counters are not held back
/// while a session reads the truth for an event.
async fn event_and_unread(device: &mut Ws) -> (Value, Value) {
    let (mut event, mut unread) = (Value::Null, Value::Null);
    while event.is_null() || unread.is_null() {
        let next = device.next().await;
        if is_numbered(&next) {
            event = next;
        } else if next["type"] == "unread" {
            unread = next;
        }
    }
    (event, unread)
}

#[actix_web::test]
async fn a_published_notification_reaches_every_device_and_the_counters() {
    let app = App::start();
    let (mut phone, mut laptop) = (app.ws("alice").await, app.ws("alice").await);
    assert_eq!(phone.welcome["resume"], "fresh");
    let position = app.publish("alice", 1).await;
    for device in [&mut phone, &mut laptop] {
        let (event, unread) = event_and_unread(device).await;
        assert_eq!((&event["position"], &event["payload"]["n"]), (&position.as_str().into(), &1.into()));
        assert_eq!(unread["counters"]["unread"], 1);
    }
    assert_eq!(app.unread("alice").await["unread"], 1);
}
