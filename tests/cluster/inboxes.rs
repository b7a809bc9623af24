//! What a user does on one node is told on the other by the bus, long before the sweep would.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{clients::room::done, cluster::Cluster};

/// Far below the five seconds after which it would be found out without having been told.
const LIVE: Duration = Duration::from_secs(3);

#[actix_web::test]
async fn marks_and_deletions_are_told_on_the_other_node() {
    let cluster = Cluster::start_patient().await;
    let [mut phone, mut laptop] = [cluster.app(0).ws("alice").await, cluster.app(1).ws("alice").await];
    let position = cluster.app(0).publish("alice", 1).await;
    let id = laptop.next_numbered().await["id"].clone();
    assert_eq!(phone.next_numbered().await["id"], id);

    let start = Instant::now();
    let ok = done(&mut phone, json!({ "type": "mark", "as": "read", "ids": [id] })).await;
    let marked = laptop.expect("marked").await;
    assert_eq!(
        (&marked["as"], &marked["ids"], &marked["counters"]),
        (&json!("read"), &json!([id]), &ok["counters"])
    );
    assert!(start.elapsed() < LIVE, "{:?}", start.elapsed());
    let start = Instant::now();
    let http = cluster.app(1).user("alice");
    assert_eq!(http.delete(&format!("/v1/notifications/{}", id.as_str().unwrap())).await.status, 204);
    // The node's own mark is told to others alone, the deletion to all.
    for ws in [&mut phone, &mut laptop] {
        let marked = ws.expect("marked").await;
        assert_eq!((&marked["as"], &marked["ids"]), (&json!("deleted"), &json!([id])));
    }
    assert!(start.elapsed() < LIVE, "{:?}", start.elapsed());
    for node in 0..2 {
        assert_eq!(cluster.app(node).unread("alice").await["unread"], 0);
    }

    // An ack on one node holds on the other.
    done(&mut phone, json!({ "type": "ack", "up_to": position, "visible": true })).await;
    done(&mut laptop, json!({ "type": "ack", "up_to": format!("{}.0", &position[..8]), "visible": true }))
        .await;
    assert_eq!(cluster.database().acked("alice"), 1);
}
