//! What has become of pushes: recorded, tried again, told to devices, forgotten.

use diesel::prelude::*;

use super::*;
use crate::domain::push::{PushState, PushTag};

const SENT: PushOutcome = PushOutcome::Sent { status: 201 };

impl TestStore {
    pub(super) async fn record(&self, push: ClaimedPush, outcome: PushOutcome) {
        self.link.ask(RecordPush { outcomes: vec![(push.claim, outcome)] }).await.unwrap();
    }

    async fn send(&self) -> ClaimedPush {
        let push = self.claim_one().await;
        self.link.ask(RecordPush { outcomes: vec![(push.claim.clone(), SENT)] }).await.unwrap();
        push
    }

    fn jobs(&self) -> i64 {
        schema::push_jobs::table.count().get_result(&mut self.other_connection()).unwrap()
    }
}

/// What a device is told to close, up to which position.
pub(super) fn closed(push: &ClaimedPush) -> Vec<(PushTag, Position)> {
    push.close.iter().map(|(tag, up_to)| (tag.clone(), *up_to)).collect()
}

#[actix::test]
async fn what_is_recorded_as_sent_is_never_claimed_again() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    let receipt = store.publish("alice").await;
    let push = store.claim_one().await;
    let late = PushClaim { ..push.claim.clone() };
    store.record(push, SENT).await;
    store
        .link
        .ask(RecordPush {
            outcomes: vec![(late, PushOutcome::Retry { after: Duration::ZERO, status: None, reason: "x" })],
        })
        .await
        .unwrap();
    assert!(store.claim().await.is_empty());
    let trace = store.trace(&receipt.id).await;
    assert_eq!((trace.state, trace.status, trace.attempts), (PushState::Sent, Some(201), 1));
}

#[actix::test]
async fn a_record_that_comes_after_another_attempt_has_begun_changes_nothing() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    let receipt = store.publish("alice").await;
    let late = store.claim_one().await;
    store.execute("UPDATE push_jobs SET due_at = due_at - 31000000");
    let again = store.claim_one().await;
    store.record(late, PushOutcome::Dead { status: Some(400), reason: "x" }).await;
    assert_eq!(store.trace(&receipt.id).await.state, PushState::Waiting);
    store.record(again, SENT).await;
    assert_eq!(store.trace(&receipt.id).await.state, PushState::Sent);
}

#[actix::test]
async fn what_is_to_be_tried_again_is_due_after_its_time() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    let receipt = store.publish("alice").await;
    let push = store.claim_one().await;
    let outcome =
        PushOutcome::Retry { after: Duration::from_secs(600), status: Some(429), reason: "asked to wait" };
    store.record(push, outcome).await;
    assert!(store.claim().await.is_empty());
    let trace = store.trace(&receipt.id).await;
    assert_eq!(
        (trace.state, trace.status, trace.reason.as_deref()),
        (PushState::Waiting, Some(429), Some("asked to wait"))
    );
    assert!(trace.due_at.unwrap().as_secs() - clock::now().as_secs() > 590);
}

#[actix::test]
async fn a_subscription_that_its_service_does_not_know_is_gone_and_one_that_leads_inside_is_disabled() {
    let store = TestStore::new();
    let (a, b) = (store.subscribe("alice", "a").await, store.subscribe("alice", "b").await);
    let receipt = store.publish("alice").await;
    let waiting = store.publish("alice").await;
    for push in store.claim().await {
        if push.notification.id != receipt.id {
            let outcome = PushOutcome::Retry { after: Duration::ZERO, status: None, reason: "no answer" };
            store.record(push, outcome).await;
        } else if push.claim.subscription == a.id {
            store.record(push, PushOutcome::Gone { status: 410 }).await;
        } else {
            store.record(push, PushOutcome::Refused { reason: "not a public address" }).await;
        }
    }
    let left = store.link.ask(ListSubscriptions { user: user("alice") }).await.unwrap();
    assert_eq!(left.len(), 1);
    assert!(left[0].id == b.id && left[0].disabled_at.is_some());
    let states = async |id: &NotificationId| {
        let mut states: Vec<String> = Vec::new();
        for trace in store.traces(id).await {
            states.push(format!("{} {}", trace.state.as_str(), trace.reason.unwrap_or_default()));
        }
        states
    };
    assert_eq!(states(&receipt.id).await, ["gone ", "dead not a public address"]);
    assert!(store.claim().await.is_empty());
    assert_eq!(states(&waiting.id).await, ["withheld unsubscribed", "withheld disabled"]);
    assert_eq!(store.traces(&store.publish("alice").await.id).await, [], "nothing costs anything any more");
    store.subscribe("alice", "b").await;
    store.publish("alice").await;
    assert_eq!(store.claim_one().await.claim.subscription, b.id, "registered again, it is told again");
}

#[actix::test]
async fn what_was_given_up_is_tried_again_when_somebody_says_so() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    store.subscribe("bob", "b").await;
    store.publish("alice,bob").await;
    store.publish("alice").await;
    for push in store.claim().await {
        store.record(push, PushOutcome::Dead { status: Some(500), reason: "too often" }).await;
    }
    let retry = async |of: Option<&str>, limit| {
        let before = clock::now().plus(Duration::from_secs(60));
        store.link.ask(RetryPushes { user: of.map(user), before, limit }).await.unwrap()
    };
    assert_eq!((retry(Some("carol"), 10).await, retry(Some("bob"), 10).await), (0, 1));
    let again = store.claim_one().await;
    assert_eq!((again.claim.user.as_str(), again.attempt), ("bob", 1));
    assert_eq!((retry(None, 1).await, retry(None, 10).await, retry(None, 10).await), (1, 1, 0));
    let again = store.claim().await;
    assert_eq!(again.len(), 2);
    let began_at = clock::now();
    for push in again {
        store.record(push, PushOutcome::Dead { status: Some(500), reason: "again" }).await;
    }
    let retry = RetryPushes { user: None, before: began_at.minus(Duration::from_secs(1)), limit: 10 };
    assert_eq!(store.link.ask(retry).await, Ok(0), "it was given up later than that was asked");
}

#[actix::test]
async fn what_a_device_shows_and_was_dealt_with_since_is_closed_once() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    let mut receipts = Vec::new();
    for _ in 0..3 {
        receipts.push(store.publish("alice").await);
        assert!(store.send().await.close.is_empty());
    }
    store.mark(MarkAs::Seen, MarkTarget::Ids(vec![receipts[0].id.clone()])).await.unwrap();
    store.mark(MarkAs::Read, MarkTarget::Ids(vec![receipts[1].id.clone()])).await.unwrap();
    store.link.ask(Delete { user: user("alice"), id: receipts[2].id.clone() }).await.unwrap();
    let mut told = [1, 2].map(|i: usize| (PushTag::of(&receipts[i].id, None), receipts[i].position)).to_vec();
    told.sort_by(|(a, _), (b, _)| a.cmp(b));
    store.publish("alice").await;
    let lost = store.claim_one().await;
    assert_eq!(closed(&lost), told);
    store.record(lost, PushOutcome::Retry { after: Duration::ZERO, status: None, reason: "no answer" }).await;
    assert_eq!(closed(&store.send().await), told, "it was not told");
    store.publish("alice").await;
    assert!(store.send().await.close.is_empty());
}

#[actix::test]
async fn what_a_newer_one_has_taken_the_place_of_is_not_closed_with_it() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    let keyed = || publish(Draft { key: Some("build".to_owned()), ..draft("alice") });
    store.link.ask(keyed()).await.unwrap();
    let tag = store.send().await.tag;
    let newer = store.link.ask(keyed()).await.unwrap().receipts.remove(0);
    let push = store.send().await;
    assert!(push.tag == tag && push.close.is_empty());
    store.publish("alice").await;
    assert!(store.send().await.close.is_empty(), "the newer one is shown, and unread");
    store.mark(MarkAs::Read, MarkTarget::Ids(vec![newer.id])).await.unwrap();
    store.publish("alice").await;
    assert_eq!(closed(&store.send().await), [(tag, newer.position)]);
}

/// Both are claimed together, and nobody knows which one comes first.
#[actix::test]
async fn what_is_on_its_way_under_a_tag_keeps_it_from_being_closed() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    let keyed = || publish(Draft { key: Some("build".to_owned()), ..draft("alice") });
    store.link.ask(keyed()).await.unwrap();
    let tag = store.send().await.tag;
    let newer = store.link.ask(keyed()).await.unwrap().receipts.remove(0);
    store.publish("alice").await;
    let together = store.claim().await;
    assert!(together.len() == 2 && together.iter().all(|push| push.close.is_empty()), "{together:?}");
    // Whoever has claimed them has died; but they may be shown.
    store.mark(MarkAs::Read, MarkTarget::Ids(vec![newer.id])).await.unwrap();
    store.execute("UPDATE push_jobs SET due_at = due_at - 31000000");
    assert_eq!(closed(&store.send().await), [(tag, newer.position)]);
}

#[actix::test]
async fn what_has_ended_is_forgotten_after_a_week_and_what_was_given_up_after_a_month() {
    const DAY: i64 = 24 * 3600 * 1_000_000;
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    store.publish("alice").await;
    store.send().await;
    store.publish("alice").await;
    let push = store.claim_one().await;
    store.record(push, PushOutcome::Dead { status: None, reason: "x" }).await;
    store.publish("alice").await;
    let forget = |limit| {
        let mut conn = store.other_connection();
        push_history::forget(&mut conn, clock::now(), limit).unwrap()
    };
    assert!(!forget(10) && store.jobs() == 3);
    store.execute(&format!("UPDATE push_jobs SET ended_at = ended_at - {}", 8 * DAY));
    assert!(!forget(10) && store.jobs() == 2);
    store.execute(&format!("UPDATE push_jobs SET ended_at = ended_at - {}", 23 * DAY));
    assert!(forget(1) && store.jobs() == 1);
    assert_eq!(store.claim().await.len(), 1, "what waits is never old");
}

#[actix::test]
async fn what_is_deleted_leaves_only_what_is_to_be_closed_and_a_user_who_is_erased_leaves_nothing() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    let receipts = store.publish_many("alice", 2).await;
    store.link.ask(Delete { user: user("alice"), id: receipts[0].id.clone() }).await.unwrap();
    assert_eq!(store.jobs(), 1);
    store.send().await;
    store.link.ask(Delete { user: user("alice"), id: receipts[1].id.clone() }).await.unwrap();
    assert_eq!(store.jobs(), 1, "it is shown, and to be closed");
    while store.link.ask(EraseUser { user: user("alice") }).await.unwrap() == Erased::Partly {}
    assert_eq!(store.jobs(), 0);
    assert!(store.link.ask(ListSubscriptions { user: user("alice") }).await.unwrap().is_empty());
    let receipt = store.publish("alice").await;
    assert_eq!(store.traces(&receipt.id).await, []);
}
