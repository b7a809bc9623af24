//! Collapse keys: the newest unread notification with a key takes the place of the older ones.

use super::*;
use crate::hub::messages::MarkedChange;

fn keyed(key: &str) -> Publish {
    publish(Draft { key: Some(key.to_owned()), ..draft("alice") })
}

async fn publish_keyed(store: &TestStore, key: &str) -> Receipt {
    store.link.ask(keyed(key)).await.unwrap().receipts.remove(0)
}

async fn listed(store: &TestStore, state: ListState) -> Vec<u64> {
    store.list(state).await.notifications.iter().map(|n| n.position.offset).collect()
}

#[actix::test]
async fn the_newest_takes_the_place_of_the_older_one_and_says_so_behind_itself() {
    let mut store = TestStore::new();
    let first = publish_keyed(&store, "build:7").await;
    publish_keyed(&store, "build:8").await;
    store.publish("alice").await;
    store.link.ask(publish(Draft { key: Some("build:7".to_owned()), ..draft("bob") })).await.unwrap();
    assert_eq!(numbers(store.state("alice").await.counters), [3, 3, 3, 0]);
    publish_keyed(&store, "build:7").await;
    assert_eq!(numbers(store.state("alice").await.counters), [3, 3, 5, 1]);
    assert_eq!(store.state("bob").await.counters.unread, 1);
    assert_eq!(listed(&store, ListState::Unread).await, [4, 3, 2]);
    let archived = store.list(ListState::Archived).await.notifications;
    assert_eq!(archived.iter().map(|n| n.position.offset).collect::<Vec<_>>(), [1]);
    assert!(archived[0].read_at.is_some() && archived[0].seen_at.is_some());
    assert_eq!(offsets(&store.read(Position::START, 10, 1000).await), [2, 3, 4]);

    for _ in 0..4 {
        store.fact().await;
    }
    match (store.fact().await, store.fact().await) {
        (
            InboxFact::Appended { notification, counters, .. },
            InboxFact::Marked { origin: None, change, counters: then, .. },
        ) => {
            assert_eq!((notification.position.offset, numbers(counters)), (4, [4, 4, 4, 0]));
            let target = MarkTarget::Ids(vec![first.id]);
            assert_eq!((change, numbers(then)), (MarkedChange::As(MarkAs::Archived, target), [3, 3, 5, 1]));
        }
        other => panic!("{other:?}"),
    }
}

#[actix::test]
async fn what_is_read_archived_muted_or_expired_stays_as_it_is() {
    let store = TestStore::new();
    let read = publish_keyed(&store, "k").await;
    store.mark(MarkAs::Read, MarkTarget::Ids(vec![read.id.clone()])).await.unwrap();
    let archived = publish_keyed(&store, "k").await;
    store.mark(MarkAs::Archived, MarkTarget::Ids(vec![archived.id])).await.unwrap();
    store.mute("comment.*", None).await.unwrap();
    publish_keyed(&store, "k").await;
    store.link.ask(RemoveMute { user: user("alice"), pattern: "comment.*".parse().unwrap() }).await.unwrap();
    publish_keyed(&store, "k").await;
    store.execute(r#"UPDATE notifications SET expires_at = 1 WHERE "offset" = 4"#);
    let before = store.state("alice").await.counters;
    publish_keyed(&store, "k").await;
    let after = store.state("alice").await.counters;
    assert_eq!((after.unread, after.marks_version), (before.unread + 1, before.marks_version));
    assert_eq!(listed(&store, ListState::All).await, [5, 1]);
    let fetched = store.link.ask(Fetch { user: user("alice"), id: read.id }).await.unwrap();
    assert!(fetched.archived_at.is_none());
}

#[actix::test]
async fn a_muted_one_takes_nobodys_place() {
    let store = TestStore::new();
    publish_keyed(&store, "k").await;
    store.mute("comment.*", None).await.unwrap();
    publish_keyed(&store, "k").await;
    assert_eq!(numbers(store.state("alice").await.counters), [1, 1, 1, 0]);
    assert_eq!(listed(&store, ListState::All).await, [1]);
}

#[actix::test]
async fn one_that_was_seen_is_counted_out_once() {
    let store = TestStore::new();
    publish_keyed(&store, "k").await;
    store.mark(MarkAs::Seen, MarkTarget::All).await.unwrap();
    publish_keyed(&store, "k").await;
    assert_eq!(numbers(store.state("alice").await.counters), [1, 1, 4, 2]);
}

#[actix::test]
async fn a_repeated_publish_collapses_nothing() {
    let store = TestStore::new();
    let idempotency_key = || Some(IdempotencyKey { key: "once".to_owned(), digest: [1; 32] });
    let once = || Publish { idempotency_key: idempotency_key(), ..keyed("k") };
    store.link.ask(once()).await.unwrap();
    publish_keyed(&store, "k").await;
    let before = store.state("alice").await;
    assert!(store.link.ask(once()).await.unwrap().is_replay);
    assert_eq!(store.state("alice").await, before);
    assert_eq!(listed(&store, ListState::Unread).await, [2]);
}

/// As they are in a database that is older than this rule, or that were marked as unread again.
#[actix::test]
async fn many_older_ones_are_archived_at_once_and_told_in_parts() {
    let mut store = TestStore::new();
    futures_util::future::join_all((0..1200).map(|_| store.publish("alice"))).await;
    store.execute("UPDATE notifications SET \"key\" = 'k'");
    publish_keyed(&store, "k").await;
    assert_eq!(numbers(store.state("alice").await.counters), [1, 1, 1204, 3]);
    let mut told = Vec::new();
    for _ in 0..1204 {
        if let InboxFact::Marked { change: MarkedChange::As(_, MarkTarget::Ids(ids)), .. } =
            store.fact().await
        {
            told.push(ids.len());
        }
    }
    assert_eq!(told, [500, 500, 200]);
}
