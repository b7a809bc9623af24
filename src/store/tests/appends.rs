//! Offsets, receipts and idempotency keys (G2, G3).

use futures_util::future::join_all;

use super::*;

fn keyed(to: &str, key: &str, digest: u8) -> Publish {
    let key = IdempotencyKey { key: key.to_owned(), digest: [digest; 32] };
    Publish { idempotency_key: Some(key), ..publish(draft(to)) }
}

#[actix::test]
async fn thirty_two_publishers_to_one_user_number_without_a_hole() {
    let mut store = TestStore::new();
    let publishers = (0..32).map(|_| store.publish_many("alice", 10));
    let mut offsets: Vec<u64> =
        within(join_all(publishers)).await.concat().iter().map(|r| r.position.offset).collect();
    offsets.sort_unstable();
    assert_eq!(offsets, (1..=320).collect::<Vec<_>>());
    let mut facts = Vec::new();
    for _ in 1..=320 {
        match store.fact().await {
            InboxFact::Appended { notification, counters, .. } => {
                facts.push((notification.position.offset, counters.unread, counters.version));
            }
            other => panic!("{other:?}"),
        }
    }
    // Two writers may tell theirs the other way round.
    facts.sort_unstable();
    assert_eq!(facts, (1..=320).map(|n| (n, n, n)).collect::<Vec<_>>());
}

#[actix::test]
async fn receipts_come_in_the_order_of_the_draft_and_each_inbox_has_its_own_epoch() {
    let store = TestStore::new();
    store.publish("bob").await;
    let published = within(store.link.ask(publish(draft("carol,bob,alice")))).await.unwrap();
    let to: Vec<_> = published.receipts.iter().map(|r| (r.to.as_str(), r.position.offset)).collect();
    assert_eq!(to, [("carol", 1), ("bob", 2), ("alice", 1)]);
    let epochs: std::collections::HashSet<_> =
        published.receipts.iter().map(|receipt| receipt.position.epoch).collect();
    assert_eq!(epochs.len(), 3);
    assert!(!published.is_replay);
}

#[actix::test]
async fn a_repeated_key_is_answered_as_before_also_by_the_next_process() {
    let store = TestStore::new();
    let first = within(store.link.ask(keyed("bob,alice", "k", 1))).await.unwrap();
    let second = within(store.link.ask(keyed("bob,alice", "k", 1))).await.unwrap();
    assert_eq!((&second.receipts, second.is_replay), (&first.receipts, true));
    let store = store.reopened().await;
    let third = within(store.link.ask(keyed("bob,alice", "k", 1))).await.unwrap();
    assert_eq!((&third.receipts, third.is_replay), (&first.receipts, true));
    assert_eq!(store.state("alice").await.head.last, 1);
}

#[actix::test]
async fn a_key_of_another_request_is_refused_and_harms_no_other_draft_of_its_batch() {
    let store = TestStore::new();
    within(store.link.ask(keyed("alice", "k", 1))).await.unwrap();
    let waiting = [keyed("alice", "a", 1), keyed("alice", "k", 2), keyed("alice", "b", 1)];
    let answers = within(join_all(waiting.map(|publish| store.link.ask(publish)))).await;
    let mut offsets: Vec<_> =
        answers.into_iter().map(|answer| answer.map(|p| p.receipts[0].position.offset)).collect();
    assert_eq!(offsets.remove(1), Err(StoreError::KeyReused));
    assert!(offsets == [Ok(2), Ok(3)] || offsets == [Ok(3), Ok(2)], "{offsets:?}");
    let other = Publish { publisher: user("other"), ..keyed("alice", "k", 2) };
    assert!(within(store.link.ask(other)).await.is_ok(), "keys belong to their publisher");
}

#[actix::test]
async fn a_key_under_way_is_refused_at_once_and_free_again_after_any_answer() {
    let store = TestStore::new();
    let twice = [keyed("alice", "k", 1), keyed("alice", "k", 1)].map(|publish| store.link.ask(publish));
    let answers = within(join_all(twice)).await;
    assert!(answers[0].is_ok());
    assert_eq!(answers[1], Err(StoreError::KeyInProgress));
    assert_eq!(within(store.link.ask(keyed("alice", "k", 2))).await, Err(StoreError::KeyReused));
    assert!(within(store.link.ask(keyed("alice", "k", 1))).await.unwrap().is_replay);
}

#[actix::test]
async fn a_key_older_than_the_retention_is_as_if_it_had_never_been() {
    let store = TestStore::new();
    within(store.link.ask(keyed("alice", "k", 1))).await.unwrap();
    store.execute("UPDATE idempotency_keys SET created_at = created_at - 86400000000");
    let again = within(store.link.ask(keyed("alice", "k", 2))).await.unwrap();
    assert_eq!((again.receipts[0].position.offset, again.is_replay), (2, false));
    assert!(within(store.link.ask(keyed("alice", "k", 2))).await.unwrap().is_replay);
}

#[actix::test]
async fn old_keys_are_forgotten_in_small_parts() {
    let store = TestStore::new();
    within(store.link.ask(keyed("alice", "new", 1))).await.unwrap();
    let mut conn = store.other_connection();
    for key in 0..7 {
        let key = IdempotencyKey { key: key.to_string(), digest: [0; 32] };
        idempotency::keep(&mut conn, &user("backend"), &key, "", Timestamp::from_secs(1)).unwrap();
    }
    let mut forget = || idempotency::forget(&mut conn, Timestamp::from_secs(2), 5).unwrap();
    assert_eq!([forget(), forget(), forget()], [true, false, false]);
    assert!(within(store.link.ask(keyed("alice", "new", 1))).await.unwrap().is_replay);
}
