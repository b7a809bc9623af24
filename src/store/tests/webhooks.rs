//! Events for the receiver of webhooks: claimed, recorded, tried again, erased.

use super::*;
use crate::domain::{WebhookEvent, WebhookId, WebhookState};

pub(super) const RECEIVER: ReceiverDigest = [7; 32];
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);
pub(super) const SENT: WebhookOutcome = WebhookOutcome::Sent { status: 204 };
pub(super) const GIVEN_UP: WebhookOutcome = WebhookOutcome::Dead { status: None, reason: "x" };

pub(super) fn failed(after: Duration) -> WebhookOutcome {
    WebhookOutcome::Retry { after, status: Some(503), reason: "it did not take it" }
}

impl TestStore {
    pub(super) async fn test_webhook(&self) -> WebhookId {
        let id = WebhookId::generate();
        self.link.ask(TestWebhook { id: id.clone() }).await.unwrap();
        id
    }

    pub(super) async fn claim_webhooks(&self) -> ClaimedWebhooks {
        self.claim_so_many(16).await
    }

    pub(super) async fn claim_so_many(&self, limit: usize) -> ClaimedWebhooks {
        self.link.ask(ClaimWebhooks { receiver: RECEIVER, limit }).await.unwrap()
    }

    pub(super) async fn record_webhook(
        &self,
        claim: WebhookClaim,
        outcome: WebhookOutcome,
    ) -> Option<&'static str> {
        let (receiver, disable_after, outcomes) = (RECEIVER, DAY * 5, vec![(claim, outcome)]);
        self.link.ask(RecordWebhooks { receiver, disable_after, outcomes }).await.unwrap()
    }

    async fn webhook(&self, id: &WebhookId) -> WebhookTrace {
        self.link.ask(TraceWebhook { id: id.clone() }).await.unwrap()
    }

    pub(super) async fn stand(&self) -> WebhookStand {
        self.link.ask(ReadWebhooks { receiver: RECEIVER }).await.unwrap()
    }
}

#[actix::test]
async fn an_event_is_claimed_by_one_and_due_again_when_nothing_is_heard_of_it() {
    let store = TestStore::new();
    let id = store.test_webhook().await;
    let first = store.claim_webhooks().await.webhooks.remove(0);
    assert_eq!((&first.id, first.claim.attempt, first.data.as_str()), (&id, 1, "{}"));
    assert!(store.claim_webhooks().await.webhooks.is_empty());
    store.execute("UPDATE webhook_jobs SET due_at = due_at - 31000000");
    let again = store.claim_webhooks().await.webhooks.remove(0);
    assert_eq!((&again.id, again.claim.attempt), (&id, 2));
    // The word of the first attempt comes late.
    store.record_webhook(first.claim, SENT).await;
    assert_eq!(store.webhook(&id).await.state, WebhookState::Waiting);
    store.record_webhook(again.claim, SENT).await;
    let trace = store.webhook(&id).await;
    assert_eq!((trace.state, trace.status, trace.attempts), (WebhookState::Sent, Some(204), 2));
    store.record_webhook(again.claim, failed(Duration::ZERO)).await;
    assert_eq!(store.webhook(&id).await.state, WebhookState::Sent);
}

#[actix::test]
async fn what_was_given_up_is_due_again_under_its_id_when_somebody_says_so() {
    let store = TestStore::new();
    let id = store.test_webhook().await;
    let claimed = store.claim_webhooks().await.webhooks.remove(0);
    let dead = WebhookOutcome::Dead { status: None, reason: "no answer" };
    store.record_webhook(claimed.claim, dead).await;
    let trace = store.webhook(&id).await;
    assert_eq!(
        (trace.state, trace.reason.as_deref(), trace.due_at),
        (WebhookState::Dead, Some("no answer"), None)
    );
    let stand = store.stand().await;
    assert_eq!((stand.waiting, stand.dead), (0, 1));
    let before = clock::now().plus(DAY);
    assert_eq!(store.link.ask(RetryWebhooks { before, limit: 10 }).await, Ok(1));
    assert_eq!(store.link.ask(RetryWebhooks { before, limit: 10 }).await, Ok(0));
    let again = store.claim_webhooks().await.webhooks.remove(0);
    assert_eq!((again.id, again.claim.attempt), (id, 1));
}

#[actix::test]
async fn a_receiver_that_fails_for_days_or_is_gone_gets_nothing_until_somebody_says_so() {
    let store = TestStore::new();
    let id = store.test_webhook().await;
    let fail = async |outcome: WebhookOutcome| {
        let claimed = store.claim_webhooks().await.webhooks.remove(0);
        store.record_webhook(claimed.claim, outcome).await
    };
    assert_eq!(fail(failed(Duration::ZERO)).await, None);
    assert!(store.stand().await.failing_since.is_some());
    store.execute("UPDATE webhook_endpoints SET failing_since = failing_since - 431000000000");
    assert_eq!(fail(failed(Duration::ZERO)).await, None, "not five days yet");
    store.execute("UPDATE webhook_endpoints SET failing_since = failing_since - 2000000000");
    assert_eq!(fail(failed(Duration::ZERO)).await, Some("it has failed for too long"));
    let claimed = store.claim_webhooks().await;
    assert!(claimed.webhooks.is_empty() && claimed.disabled_at.is_some());
    let stand = store.stand().await;
    assert_eq!((stand.waiting, stand.reason.as_deref()), (1, Some("it has failed for too long")));
    // Another address is another receiver.
    let other = ReadWebhooks { receiver: [8; 32] };
    assert_eq!(store.link.ask(other).await.unwrap().disabled_at, None);

    store.link.ask(EnableWebhooks { receiver: RECEIVER }).await.unwrap();
    let gone = WebhookOutcome::Retry { after: Duration::ZERO, status: Some(GONE), reason: "gone" };
    assert_eq!(fail(gone).await, Some("it has answered 410"));
    assert!(store.claim_webhooks().await.disabled_at.is_some());
    store.link.ask(EnableWebhooks { receiver: RECEIVER }).await.unwrap();
    assert_eq!(fail(SENT).await, None);
    assert_eq!(store.stand().await, WebhookStand::default());
    assert_eq!(store.webhook(&id).await.state, WebhookState::Sent);
}

#[actix::test]
async fn one_success_makes_a_receiver_well() {
    let store = TestStore::new();
    for outcome in [failed(Duration::ZERO), SENT] {
        store.test_webhook().await;
        let claimed = store.claim_webhooks().await.webhooks.remove(0);
        store.record_webhook(claimed.claim, outcome.clone()).await;
        assert_eq!(store.stand().await.failing_since.is_some(), outcome != SENT);
    }
}

#[actix::test]
async fn what_a_mark_makes_read_is_told_with_it_and_only_where_it_is_wanted() {
    let wanted = TestStore::with(|options| {
        options.webhooks = [WebhookEvent::NotificationRead].into_iter().collect();
    });
    let ids = ids(&wanted.publish_many("alice", 4).await);
    let named = |picked: &[usize]| MarkTarget::Ids(picked.iter().map(|n| ids[*n].clone()).collect());
    wanted.mark(MarkAs::Seen, named(&[0])).await.unwrap();
    wanted.mark(MarkAs::Read, named(&[0, 1])).await.unwrap();
    wanted.mark(MarkAs::Read, named(&[0])).await.unwrap();
    wanted.mark(MarkAs::Archived, named(&[1, 2])).await.unwrap();
    wanted.mark(MarkAs::Archived, named(&[0])).await.unwrap();
    wanted.mark(MarkAs::Read, MarkTarget::All).await.unwrap();
    wanted.mark(MarkAs::Unread, MarkTarget::All).await.unwrap();
    let events = wanted.events();
    let told: Vec<_> =
        events.iter().map(|(event, data)| (event.as_str(), &data["ids"], &data["count"])).collect();
    let read = "notification.read";
    assert_eq!(
        told,
        [
            (read, &serde_json::json!([ids[0], ids[1]]), &2.into()),
            (read, &serde_json::json!([ids[2]]), &1.into()),
            (read, &serde_json::Value::Null, &1.into()),
        ]
    );
    assert_eq!((&events[2].1["all"], &events[2].1["user"]), (&true.into(), &"alice".into()));
    assert_eq!(events[2].1["counters"]["unread"], 0);

    let unwanted = TestStore::new();
    unwanted.publish("alice").await;
    unwanted.mark(MarkAs::Read, MarkTarget::All).await.unwrap();
    assert_eq!(unwanted.events(), []);
}

#[actix::test]
async fn of_an_erased_user_no_event_is_left_and_none_follows() {
    let store = TestStore::with(|options| {
        options.webhooks = [WebhookEvent::NotificationRead].into_iter().collect();
    });
    for name in ["alice", "bob"] {
        store.publish(name).await;
        let mark = Mark { mark_as: MarkAs::Read, target: MarkTarget::All };
        store.link.ask(ApplyMark { user: user(name), mark, origin: None }).await.unwrap();
    }
    store.execute(
        "INSERT INTO ledger_nodes VALUES ('aaaaaaaa', 1, 1, 1);
         INSERT INTO ledger_entries VALUES ('user', 'alice', 'ses_1', 'aaaaaaaa', 'sse', 1);
         INSERT INTO ledger_subjects (kind, name, arrivals) VALUES ('user', 'alice', 1)",
    );
    let erase = || EraseUser { user: user("alice") };
    while store.link.ask(erase()).await.unwrap() == Erased::Partly {}
    let told: Vec<_> = store.events().into_iter().map(|(_, data)| data["user"].clone()).collect();
    assert_eq!(told, ["bob"]);
    let node = "bbbbbbbb".parse().unwrap();
    store.execute("UPDATE ledger_nodes SET held_since = 0");
    while store.link.ask(TakeLost { node, rules: super::ledger::rules() }).await.unwrap() {}
    assert_eq!(store.events().len(), 1);
}
