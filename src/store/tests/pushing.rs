//! What is claimed to be pushed, and what is withheld: by what is true when it is claimed.

use super::*;
use crate::domain::push::{PushState, PushSubscription, PushTag, PushTarget, PushText, PushWords, Urgency};

pub(super) fn target(name: &str) -> PushTarget {
    PushTarget {
        endpoint: format!("https://push.example.net/{name}"),
        p256dh: "p".to_owned(),
        auth: "a".to_owned(),
    }
}

impl TestStore {
    pub(super) async fn subscribe(&self, of: &str, name: &str) -> PushSubscription {
        self.link.ask(PutSubscription { user: user(of), target: target(name) }).await.unwrap()
    }

    pub(super) async fn claim(&self) -> Vec<ClaimedPush> {
        self.link.ask(ClaimPushes { limit: 64 }).await.unwrap().pushes
    }

    pub(super) async fn claim_one(&self) -> ClaimedPush {
        let mut claimed = self.claim().await;
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        claimed.remove(0)
    }

    pub(super) async fn traces(&self, id: &NotificationId) -> Vec<PushTrace> {
        self.link.ask(Trace { id: id.clone() }).await.unwrap().pushes
    }

    pub(super) async fn trace(&self, id: &NotificationId) -> PushTrace {
        let mut traces = self.traces(id).await;
        assert_eq!(traces.len(), 1, "{traces:?}");
        traces.remove(0)
    }

    pub(super) async fn reason(&self, id: &NotificationId) -> Option<String> {
        self.trace(id).await.reason
    }

    async fn acknowledge(&self, up_to: Position, is_visible: bool) {
        self.link.ask(Acknowledge { user: user("alice"), up_to, is_visible }).await.unwrap();
    }
}

#[actix::test]
async fn a_notification_is_claimed_once_for_each_subscription_with_what_to_show() {
    let store = TestStore::new();
    let phone = store.subscribe("alice", "phone").await;
    let laptop = store.subscribe("alice", "laptop").await;
    store.publish("alice,bob").await;
    let wish = PushWish {
        words: PushWords { title: Some("Ä".to_owned()), ..PushWords::default() },
        urgency: Urgency::Low,
    };
    let worded = Draft { push: Some(wish), key: Some("k".to_owned()), ..draft("alice") };
    let worded = store.link.ask(publish(worded)).await.unwrap().receipts.remove(0);
    let claimed = store.claim().await;
    assert_eq!(claimed.len(), 4);
    for push in &claimed {
        assert_eq!((push.count, push.attempt, push.unseen, push.close.len()), (1, 1, 2, 0));
        assert_eq!(
            push.target,
            if push.claim.subscription == phone.id { phone.target.clone() } else { laptop.target.clone() }
        );
    }
    let of_second = claimed.iter().find(|push| push.notification.id == worded.id).unwrap();
    assert_eq!(of_second.text, PushText { title: "Ä".to_owned(), body: Some("hello".to_owned()), url: None });
    assert_eq!((of_second.urgency, &of_second.tag), (Urgency::Low, &PushTag::of(&worded.id, Some("k"))));
    let of_first = claimed.iter().find(|push| push.notification.id != worded.id).unwrap();
    assert_eq!(of_first.text.title, "Comment created");
    assert_eq!(of_first.tag, PushTag::of(&of_first.notification.id, None));
    assert!(store.claim().await.is_empty(), "they are somebody's");
}

#[actix::test]
async fn nothing_is_claimed_before_its_grace_is_over_nor_more_than_there_is_room_for() {
    let store = TestStore::with(|options| options.push.grace = Duration::from_secs(3600));
    store.subscribe("alice", "a").await;
    let receipt = store.publish("alice").await;
    assert!(store.claim().await.is_empty());
    let trace = store.trace(&receipt.id).await;
    let wait = trace.due_at.unwrap().as_secs() - clock::now().as_secs();
    assert!(trace.state == PushState::Waiting && (3590..3601).contains(&wait), "{wait}");

    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    store.publish_many("alice", 5).await;
    let claim = async || {
        let claimed = store.link.ask(ClaimPushes { limit: 2 }).await.unwrap();
        (claimed.pushes.len(), claimed.has_more)
    };
    assert_eq!(
        [claim().await, claim().await, claim().await, claim().await],
        [(2, true), (2, true), (1, false), (0, false)]
    );
}

/// Who has just looked has seen it all, which takes no transaction for every few.
#[actix::test]
async fn what_is_worth_no_push_is_judged_without_taking_the_place_of_what_is() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    let last = store.publish_many("alice", 20).await.pop().unwrap();
    store.acknowledge(last.position, true).await;
    let worth = store.publish("alice").await;
    let claimed = store.link.ask(ClaimPushes { limit: 2 }).await.unwrap();
    assert_eq!((claimed.pushes.len(), claimed.has_more), (1, false));
    assert_eq!(claimed.pushes[0].notification.id, worth.id);
    assert_eq!(store.reason(&last.id).await.as_deref(), Some("attended"));
}

/// What comes again and again under one key would else never be told of.
#[actix::test]
async fn what_takes_the_place_of_something_that_waits_waits_no_longer_than_that() {
    let store = TestStore::with(|options| options.push.grace = Duration::from_secs(3600));
    store.subscribe("alice", "a").await;
    let keyed = async || {
        let keyed = Draft { key: Some("build".to_owned()), ..draft("alice") };
        store.link.ask(publish(keyed)).await.unwrap().receipts.remove(0)
    };
    let first = store.trace(&keyed().await.id).await.due_at.unwrap();
    store.execute("UPDATE push_jobs SET due_at = due_at - 60000000");
    let second = store.trace(&keyed().await.id).await.due_at.unwrap();
    assert_eq!(second, first.minus(Duration::from_secs(60)));
    let other = store.trace(&store.publish("alice").await.id).await.due_at.unwrap();
    assert!(other > first);
}

#[actix::test]
async fn what_nobody_is_to_be_told_of_has_no_job() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    store.mute("order.*", None).await.unwrap();
    let muted = Draft { notification_type: "order.shipped".parse().unwrap(), ..draft("alice") };
    let silent = Draft { push: None, ..draft("alice") };
    for draft in [muted, silent, draft("bob")] {
        let receipt = store.link.ask(publish(draft)).await.unwrap().receipts.remove(0);
        assert_eq!(store.traces(&receipt.id).await, []);
    }
    let store = TestStore::with(|options| options.push.is_enabled = false);
    store.subscribe("alice", "a").await;
    assert_eq!(store.traces(&store.publish("alice").await.id).await, []);
}

#[actix::test]
async fn what_the_user_has_dealt_with_meanwhile_is_withheld_and_says_why() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    let receipts = store.publish_many("alice", 5).await;
    let id = |i: usize| MarkTarget::Ids(vec![receipts[i].id.clone()]);
    store.mark(MarkAs::Seen, id(0)).await.unwrap();
    store.mark(MarkAs::Read, id(1)).await.unwrap();
    store.mark(MarkAs::Archived, id(2)).await.unwrap();
    store.link.ask(Delete { user: user("alice"), id: receipts[3].id.clone() }).await.unwrap();
    store.execute(&format!("UPDATE notifications SET expires_at = 1 WHERE id = '{}'", receipts[4].id));
    assert!(store.claim().await.is_empty());
    for (i, why) in [(0, "seen"), (1, "read"), (2, "archived"), (4, "expired")] {
        let trace = store.trace(&receipts[i].id).await;
        assert_eq!(
            (trace.state, trace.reason.as_deref(), trace.attempts),
            (PushState::Withheld, Some(why), 0)
        );
        assert!(trace.due_at.is_none() && trace.ended_at.is_some());
    }
    assert!(store.claim().await.is_empty());
}

#[actix::test]
async fn what_a_page_in_front_has_shown_is_withheld_and_what_any_other_was_given_is_not() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    let receipts = store.publish_many("alice", 3).await;
    store.acknowledge(receipts[2].position, false).await;
    store.acknowledge(receipts[1].position, true).await;
    store.acknowledge(receipts[0].position, true).await;
    let claimed = store.claim_one().await;
    assert_eq!(claimed.notification.id, receipts[2].id);
    for receipt in &receipts[..2] {
        assert_eq!(store.reason(&receipt.id).await.as_deref(), Some("attended"));
    }
}

#[actix::test]
async fn what_the_user_wants_now_counts_and_not_what_was_wanted_then() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    let prefer = async |push: bool| {
        let preferences = Preferences { push, ..Preferences::default() };
        store.link.ask(SetPreferences { user: user("alice"), preferences }).await.unwrap();
    };
    prefer(false).await;
    let off = store.publish("alice").await;
    assert!(store.claim().await.is_empty());
    assert_eq!(store.reason(&off.id).await.as_deref(), Some("off"));
    prefer(true).await;
    let muted = store.publish("alice").await;
    store.mute("comment.*", None).await.unwrap();
    assert!(store.claim().await.is_empty());
    assert_eq!(store.reason(&muted.id).await.as_deref(), Some("muted"));
}

#[actix::test]
async fn what_was_due_while_nobody_sent_for_a_day_is_withheld_as_late() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    let receipt = store.publish("alice").await;
    store.execute("UPDATE push_jobs SET due_at = due_at - 86460000000");
    assert!(store.claim().await.is_empty());
    assert_eq!(store.reason(&receipt.id).await.as_deref(), Some("late"));
}

#[actix::test]
async fn what_its_claimant_says_nothing_of_is_due_again_and_given_up_after_the_tenth_time() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    let receipt = store.publish("alice").await;
    let first = store.claim_one().await;
    for attempt in 2..=10 {
        assert!(store.claim().await.is_empty());
        store.execute("UPDATE push_jobs SET due_at = due_at - 31000000");
        let again = store.claim_one().await;
        assert_eq!((again.attempt, again.first_tried_at), (attempt, first.first_tried_at));
    }
    store.execute("UPDATE push_jobs SET due_at = due_at - 31000000");
    assert!(store.claim().await.is_empty());
    assert_eq!(store.trace(&receipt.id).await.state, PushState::Dead);
}
