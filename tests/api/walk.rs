//! The shortest walk through everything.

use crate::app::App;

#[actix_web::test]
async fn a_published_notification_reaches_every_device_and_the_counters() {
    let app = App::start();
    let (mut phone, mut laptop) = (app.ws("alice").await, app.ws("alice").await);
    assert_eq!(phone.welcome["resume"], "fresh");
    let position = app.publish("alice", 1).await;
    for device in [&mut phone, &mut laptop] {
        let event = device.next_numbered().await;
        assert_eq!((&event["position"], &event["payload"]["n"]), (&position.as_str().into(), &1.into()));
        assert_eq!(device.expect("unread").await["counters"]["unread"], 1);
    }
    assert_eq!(app.unread("alice").await["unread"], 1);
}
