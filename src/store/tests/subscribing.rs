//! Push subscriptions: whose browser is whose, and how many there are. And the key by which push services know us.

use diesel::prelude::*;
use futures_util::future::join_all;

use super::{pushing::target, *};
use crate::domain::push::{PushSubscription, PushTarget};

impl TestStore {
    async fn subscriptions(&self, of: &str) -> Vec<PushSubscription> {
        self.link.ask(ListSubscriptions { user: user(of) }).await.unwrap()
    }

    /// What the inbox says of how many there are.
    fn counted(&self, of: &str) -> i64 {
        let inbox = schema::inboxes::table.find(of).select(schema::inboxes::subscriptions);
        inbox.first(&mut self.other_connection()).unwrap()
    }
}

#[actix::test]
async fn an_endpoint_is_one_subscription_with_the_keys_that_came_last() {
    let store = TestStore::new();
    let first = store.subscribe("alice", "a").await;
    let other = store.subscribe("alice", "b").await;
    let renewed = PushTarget { auth: "other".to_owned(), ..target("a") };
    let put = PutSubscription { user: user("alice"), target: renewed.clone() };
    let again = store.link.ask(put).await.unwrap();
    assert_eq!(again, PushSubscription { target: renewed, ..first });
    assert_eq!(store.subscriptions("alice").await, [again, other]);
    assert_eq!((store.counted("alice"), store.subscriptions("bob").await.len()), (2, 0));
    let store = store.reopened().await;
    assert_eq!(store.subscriptions("alice").await.len(), 2);
}

#[actix::test]
async fn a_browser_belongs_to_who_uses_it_now_and_hears_nothing_that_was_meant_for_another() {
    let store = TestStore::new();
    let of_alice = store.subscribe("alice", "a").await;
    let receipt = store.publish("alice").await;
    let of_bob = store.subscribe("bob", "a").await;
    assert_ne!(of_alice.id, of_bob.id);
    assert_eq!(store.subscriptions("alice").await, []);
    assert_eq!((store.counted("alice"), store.counted("bob")), (0, 1));
    assert!(store.claim().await.is_empty());
    assert_eq!(store.reason(&receipt.id).await.as_deref(), Some("unsubscribed"));
    store.publish("alice,bob").await;
    let claimed = store.claim().await;
    assert_eq!(claimed.iter().map(|push| push.claim.user.as_str()).collect::<Vec<_>>(), ["bob"]);
}

#[actix::test]
async fn a_user_has_as_many_subscriptions_as_the_limit_and_the_same_one_again_is_none_more() {
    let store = TestStore::with(|options| options.push.subscriptions_max = 2);
    let put = async |of: &str, name: &str| {
        store.link.ask(PutSubscription { user: user(of), target: target(name) }).await.map(drop)
    };
    for name in ["a", "b", "a"] {
        put("alice", name).await.unwrap();
    }
    assert_eq!(put("alice", "c").await, Err(StoreError::TooManySubscriptions));
    put("bob", "c").await.unwrap();
    assert_eq!(put("alice", "c").await, Err(StoreError::TooManySubscriptions), "it stays with bob");
    assert_eq!((store.counted("alice"), store.counted("bob")), (2, 1));
    let store = TestStore::with(|options| options.push.subscriptions_max = 0);
    for i in 0..30 {
        store.subscribe("alice", &i.to_string()).await;
    }
    assert_eq!(store.counted("alice"), 30);
}

#[actix::test]
async fn only_its_user_takes_a_subscription_back() {
    let store = TestStore::new();
    let id = store.subscribe("alice", "a").await.id;
    let remove = async |of: &str| store.link.ask(RemoveSubscription { user: user(of), id: id.clone() }).await;
    assert_eq!(remove("bob").await, Err(StoreError::NotFound));
    store.publish("bob").await;
    assert_eq!(remove("bob").await, Err(StoreError::NotFound));
    assert_eq!(remove("alice").await, Ok(()));
    assert_eq!(remove("alice").await, Err(StoreError::NotFound));
    assert_eq!((store.counted("alice"), store.subscriptions("alice").await.len()), (0, 0));
}

/// Whoever is first, the other has the same one, or is told to come again.
#[actix::test]
async fn one_browser_that_several_register_at_the_same_time_belongs_to_one_of_them() {
    let store = TestStore::new();
    let put = async |of: String| {
        let put = PutSubscription { user: user(&of), target: target("a") };
        store.link.ask(put).await.is_ok()
    };
    let users: Vec<String> = (0..20).map(|i| format!("u{i}")).collect();
    let done = join_all(users.iter().map(|of| put(of.clone()))).await;
    assert!(done.contains(&true));
    let mut owned = 0;
    for of in &users {
        let count = store.subscriptions(of).await.len();
        let inbox = schema::inboxes::table.find(of).select(schema::inboxes::subscriptions);
        let counted: Option<i64> = inbox.first(&mut store.other_connection()).optional().unwrap();
        assert_eq!(i64::try_from(count).unwrap(), counted.unwrap_or(0), "{of}");
        owned += count;
    }
    assert_eq!(owned, 1);
}

#[actix::test]
async fn the_key_that_was_kept_first_is_the_key_of_all_and_of_the_next_process() {
    let store = TestStore::new();
    let keep = async |candidate: usize| {
        store.link.ask(KeepVapidKey { candidate: candidate.to_string() }).await.unwrap()
    };
    let kept = join_all((0..10).map(keep)).await;
    assert!(kept.iter().all(|key| *key == kept[0]), "{kept:?}");
    let first = kept[0].clone();
    let store = store.reopened().await;
    assert_eq!(store.link.ask(KeepVapidKey { candidate: "another".to_owned() }).await.unwrap(), first);
}
