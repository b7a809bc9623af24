//! Each rule of marks, deletions and acknowledgements (PROTOCOL.md section 3).

use super::*;
use crate::hub::messages::MarkedChange;

#[actix::test]
async fn read_implies_seen_and_archived_implies_both() {
    let store = TestStore::new();
    let receipts = store.publish_many("alice", 4).await;
    let one = |i: usize| MarkTarget::Ids(ids(&receipts[i..=i]));
    assert_eq!(numbers(store.mark(MarkAs::Seen, one(0)).await.unwrap()), [4, 3, 5, 1]);
    assert_eq!(numbers(store.mark(MarkAs::Read, one(1)).await.unwrap()), [3, 2, 6, 2]);
    assert_eq!(numbers(store.mark(MarkAs::Archived, one(2)).await.unwrap()), [2, 1, 7, 3]);
    assert_eq!(
        numbers(store.mark(MarkAs::Archived, one(1)).await.unwrap()),
        [2, 1, 7, 4],
        "no number changed"
    );
    let archived = store.list(ListState::Archived).await.notifications;
    assert_eq!(archived.iter().map(|n| n.position.offset).collect::<Vec<_>>(), [3, 2]);
    assert!(archived.iter().all(|n| n.read_at.is_some() && n.seen_at.is_some() && n.archived_at.is_some()));
}

#[actix::test]
async fn unread_clears_read_and_takes_it_out_of_the_archive_but_it_stays_seen() {
    let store = TestStore::new();
    let receipts = store.publish_many("alice", 2).await;
    store.mark(MarkAs::Archived, MarkTarget::All).await.unwrap();
    let counters = store.mark(MarkAs::Unread, MarkTarget::Ids(ids(&receipts[..1]))).await.unwrap();
    assert_eq!(numbers(counters), [1, 0, 4, 2]);
    let listed = store.list(ListState::All).await.notifications;
    assert_eq!(listed.len(), 1);
    assert!(listed[0].read_at.is_none() && listed[0].archived_at.is_none() && listed[0].seen_at.is_some());
}

#[actix::test]
async fn the_same_mark_twice_changes_nothing_and_tells_nobody() {
    let mut store = TestStore::new();
    store.publish_many("alice", 3).await;
    for mark_as in [MarkAs::Read, MarkAs::Archived, MarkAs::Unread] {
        let first = store.mark(mark_as, MarkTarget::All).await.unwrap();
        assert_eq!(store.mark(mark_as, MarkTarget::All).await.unwrap(), first);
    }
    store.publish("alice").await;
    let mut marked = 0;
    while !matches!(store.fact().await, InboxFact::Appended { notification, .. } if notification.position.offset == 4)
    {
        marked += 1;
    }
    assert_eq!(marked, 3 + 3, "three notifications and three marks");
}

#[actix::test]
async fn unknown_and_foreign_ids_are_ignored_and_the_fact_names_what_changed() {
    let mut store = TestStore::new();
    let bobs = store.publish("bob").await;
    let receipts = store.publish_many("alice", 2).await;
    store.mark(MarkAs::Read, MarkTarget::Ids(ids(&receipts[..1]))).await.unwrap();
    let mut named = ids(&receipts);
    named.extend([bobs.id, NotificationId::generate(), receipts[1].id.clone()]);
    let counters = store.mark(MarkAs::Read, MarkTarget::Ids(named)).await.unwrap();
    assert_eq!(counters.unread, 0);
    assert_eq!(store.state("bob").await.counters.unread, 1);
    for _ in 0..4 {
        store.fact().await;
    }
    match store.fact().await {
        InboxFact::Marked { change, counters: told, .. } => {
            let expected = MarkTarget::Ids(ids(&receipts[1..]));
            assert_eq!((change, told), (MarkedChange::As(MarkAs::Read, expected), counters));
        }
        other => panic!("{other:?}"),
    }
}

#[actix::test]
async fn up_to_is_a_position_of_this_inbox_or_the_very_start() {
    let store = TestStore::new();
    let up_to = |text: &str| MarkTarget::UpTo(text.parse().unwrap());
    assert_eq!(store.mark(MarkAs::Read, up_to("00000000.0")).await, Ok(Counters::default()));
    assert_eq!(store.mark(MarkAs::Read, up_to("00000000.1")).await, Err(StoreError::BadPosition));
    assert_eq!(store.mark(MarkAs::Read, up_to("aaaaaaaa.1")).await, Err(StoreError::BadPosition));
    let receipts = store.publish_many("alice", 3).await;
    assert_eq!(store.mark(MarkAs::Read, up_to("00000001.1")).await, Err(StoreError::BadPosition));
    assert_eq!(store.mark(MarkAs::Read, up_to("00000000.0")).await.unwrap().unread, 3);
    let target = MarkTarget::UpTo(receipts[1].position);
    assert_eq!(store.mark(MarkAs::Read, target).await.unwrap().unread, 1);
}

#[actix::test]
async fn what_is_muted_or_expired_is_not_marked() {
    let store = TestStore::new();
    store.publish_many("alice", 3).await;
    store.execute(r#"UPDATE notifications SET expires_at = 1 WHERE "offset" = 1"#);
    store.execute(r#"UPDATE notifications SET muted = TRUE WHERE "offset" = 2"#);
    assert_eq!(store.mark(MarkAs::Read, MarkTarget::All).await.unwrap().unread, 2);
}

#[actix::test]
async fn a_deleted_notification_is_gone_and_counted_nowhere() {
    let mut store = TestStore::new();
    let receipts = store.publish_many("alice", 3).await;
    store.mark(MarkAs::Archived, MarkTarget::Ids(ids(&receipts[..1]))).await.unwrap();
    let delete = |of: &str, i: usize| Delete { user: user(of), id: receipts[i].id.clone() };
    assert_eq!(store.link.ask(delete("bob", 0)).await, Err(StoreError::NotFound));
    store.link.ask(delete("alice", 0)).await.unwrap();
    store.link.ask(delete("alice", 1)).await.unwrap();
    assert_eq!(store.link.ask(delete("alice", 1)).await, Err(StoreError::NotFound));
    assert_eq!(numbers(store.state("alice").await.counters), [1, 1, 5, 3]);
    let fetch = Fetch { user: user("alice"), id: receipts[1].id.clone() };
    assert_eq!(store.link.ask(fetch).await, Err(StoreError::NotFound));
    for _ in 0..4 {
        store.fact().await;
    }
    assert!(matches!(store.fact().await, InboxFact::Marked { change: MarkedChange::Deleted(gone), .. }
        if gone == ids(&receipts[..1])));
}

#[actix::test]
async fn an_acknowledgement_never_goes_back_and_never_beyond_the_top() {
    let store = TestStore::new();
    let receipts = store.publish_many("alice", 3).await;
    let at = |offset| Position::new(receipts[0].position.epoch, offset);
    let acknowledge = |up_to| store.link.ask(Acknowledge { user: user("alice"), up_to, is_visible: false });
    let acked = || {
        use diesel::prelude::*;
        schema::inboxes::table
            .select(schema::inboxes::acked_offset)
            .first::<i64>(&mut store.other_connection())
    };
    for (up_to, expected) in [(2, 2), (1, 2), (99, 3)] {
        acknowledge(at(up_to)).await.unwrap();
        assert_eq!(acked(), Ok(expected));
    }
    assert_eq!(acknowledge("aaaaaaaa.1".parse().unwrap()).await, Err(StoreError::BadPosition));
}
