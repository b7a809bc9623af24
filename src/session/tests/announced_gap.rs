//! A `gap` that an answer has announced.

use serde_json::{Value, json};

use super::{connection::Connection, house::House, *};
use crate::{
    domain::{Draft, Json},
    store::messages::{Publish, Receipt},
};

async fn publish(house: &House, count: usize) -> Receipt {
    let mut last = None;
    for _ in 0..count {
        let draft = Draft {
            to: vec!["alice".parse().unwrap()],
            notification_type: "note.text".parse().unwrap(),
            v: 1,
            payload: Json::parse("{}").unwrap(),
            key: None,
            expires_in: None,
            push: None,
        };
        let publish = Publish { publisher: "app".parse().unwrap(), idempotency_key: None, draft };
        last = house.store.ask(publish).await.unwrap().receipts.pop();
    }
    last.unwrap()
}

/// Lets everything else have its turn until it is so.
async fn until(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + 10 * SECOND;
    while !is_so() {
        assert!(Instant::now() < deadline);
        turn().await;
    }
}

#[actix::test]
async fn comes_even_if_there_is_no_room_for_it_and_the_position_is_none_of_the_future_any_more() {
    let house = House::open();
    let worker = &house.workers[0];
    let mut conn = Connection::open(worker, identity(worker, "alice", &[]), Following::default(), false);
    publish(&house, 1).await;
    // What a session hears live fills its outbox; what it reads leaves half of it free.
    until(|| {
        conn.read(usize::MAX, drop);
        conn.session.with_inbox(|inbox| inbox.is_live() && inbox.last().offset == 1) == Some(true)
    })
    .await;
    let top = publish(&house, 30).await.position;
    until(|| conn.session.outbox.is_overflowed()).await;

    let reads = conn.session.reads.get();
    let since = Position { offset: top.offset + 5, ..top };
    conn.send(json!({ "type": "resume", "since": since }));
    until(|| conn.session.reads.get() > reads && conn.session.openings.borrow().is_empty()).await;
    let top = publish(&house, 10).await.position;

    let mut told: Vec<Value> = Vec::new();
    until(|| {
        conn.read(usize::MAX, |event| told.push(event));
        told.iter().any(|event| event["position"] == top.to_string() && event["type"] == "note.text")
    })
    .await;
    let answer = told.iter().position(|event| event["command"] == "resume").unwrap();
    assert_eq!(told[answer]["resume"], "gap");
    let next = told[answer + 1..].iter().find(|event| event["type"] != "unread").unwrap();
    assert_eq!((&next["type"], &next["reason"]), (&json!("gap"), &json!("ahead")));
    conn.close();
    house.store.flush().await;
}
