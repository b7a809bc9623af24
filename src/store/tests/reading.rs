//! Pages, lists and single notifications.

use super::*;
use crate::stream::{Gap, GapReason, Resume};

#[actix::test]
async fn a_user_who_never_had_a_notification_stands_at_the_very_start() {
    let store = TestStore::new();
    let state = store.state("alice").await;
    assert_eq!((state.head.position(), state.counters), (Position::START, Counters::default()));
    let read = store.read(Position::START, 10, 1000).await;
    assert!(read.page.is_top() && read.page.items.is_empty());
}

#[actix::test]
async fn without_a_position_only_the_state_is_told() {
    let store = TestStore::new();
    store.publish_many("alice", 2).await;
    let limit = PageLimit { rows: 10, bytes: 1000 };
    let read = store.link.ask(ReadInbox { user: user("alice"), since: None, limit }).await.unwrap();
    assert_eq!((read.page.resume, read.page.reached.offset, read.counters.unread), (Resume::Fresh, 2, 2));
    assert!(read.page.items.is_empty() && read.page.is_top());
}

#[actix::test]
async fn a_page_ends_at_its_rows_or_its_bytes_but_has_at_least_one_row() {
    let store = TestStore::new();
    let payload = draft("alice").payload.as_str().len();
    let receipts = store.publish_many("alice", 5).await;
    let at = |i: usize| receipts[i].position;
    for (since, rows, bytes, expected, is_top) in [
        (Position::START, 2, 10_000, vec![1, 2], false),
        (Position::START, 10, payload * 3, vec![1, 2, 3], false),
        (Position::START, 10, payload * 3 - 1, vec![1, 2], false),
        (Position::START, 0, 0, vec![1], false),
        (at(2), 2, 10_000, vec![4, 5], true),
        (at(2), 10, payload * 2, vec![4, 5], true),
        (at(4), 10, 10_000, vec![], true),
    ] {
        let read = store.read(since, rows, bytes).await;
        assert_eq!((offsets(&read), read.page.is_top()), (expected, is_top), "{since} {rows} {bytes}");
    }
}

#[actix::test]
async fn archived_expired_deleted_and_missing_rows_are_skipped() {
    let store = TestStore::new();
    let receipts = store.publish_many("alice", 7).await;
    let at = |i: usize| receipts[i - 1].position;
    store.mark(MarkAs::Archived, MarkTarget::Ids(ids(&receipts[1..2]))).await.unwrap();
    store.link.ask(Delete { user: user("alice"), id: receipts[2].id.clone() }).await.unwrap();
    store.execute(r#"UPDATE notifications SET expires_at = 1 WHERE "offset" = 5"#);
    store.execute(r#"UPDATE notifications SET muted = TRUE WHERE "offset" = 7"#);
    let read = store.read(Position::START, 10, 1000).await;
    let skip = |item: &Item<_>| match item {
        Item::Skip { from, to } => Some((*from, *to)),
        _ => None,
    };
    let skips: Vec<_> = read.page.items.iter().filter_map(skip).collect();
    assert_eq!(offsets(&read), [1, 4, 6]);
    assert_eq!(skips, [(at(1), at(3)), (at(4), at(5)), (at(6), at(7))]);
    assert!(read.page.is_top());
    // A page of hidden rows only goes on, and ends exactly.
    let read = store.read(at(1), 1, 1000).await;
    assert_eq!((offsets(&read), read.page.reached), (vec![], at(2)));
    let read = store.read(at(6), 1, 1000).await;
    assert!(read.page.is_top());
}

#[actix::test]
async fn a_position_below_the_pruned_horizon_or_of_another_life_is_a_gap() {
    let store = TestStore::new();
    let receipts = store.publish_many("alice", 3).await;
    store.execute(r#"DELETE FROM notifications WHERE "offset" <= 2; UPDATE inboxes SET pruned_offset = 2"#);
    let gap = |from, reason| {
        let to = if reason == GapReason::Pruned { receipts[1].position } else { receipts[2].position };
        Item::Gap(Gap { from, to, reason })
    };
    let read = store.read(receipts[0].position, 10, 1000).await;
    assert_eq!(read.page.items[0], gap(receipts[0].position, GapReason::Pruned));
    assert_eq!((offsets(&read), read.page.resume), (vec![3], Resume::Gap));
    let other = "aaaaaaaa.1".parse().unwrap();
    let read = store.read(other, 10, 1000).await;
    assert_eq!((&read.page.items[..], offsets(&read)), (&[gap(other, GapReason::Epoch)][..], vec![]));
}

#[actix::test]
async fn a_list_goes_from_the_newest_to_the_oldest_page_by_page() {
    let store = TestStore::new();
    let receipts = store.publish_many("alice", 5).await;
    let mut before = None;
    let mut seen = Vec::new();
    for expected in [true, true, false] {
        let page = store.link.ask(List { limit: 2, before, ..list(ListState::All) }).await.unwrap();
        seen.extend(page.notifications.iter().map(|n| n.position.offset));
        assert_eq!((page.cursor, page.counters.unread), (receipts[4].position, 5));
        assert_eq!(page.next_before.is_some(), expected);
        before = page.next_before;
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    let exact = store.link.ask(List { limit: 5, ..list(ListState::All) }).await.unwrap();
    assert_eq!((exact.notifications.len(), exact.next_before), (5, None));
    let foreign = List { before: "aaaaaaaa.3".parse().ok(), ..list(ListState::All) };
    assert_eq!(store.link.ask(foreign).await.err(), Some(StoreError::BadPosition));
}

#[actix::test]
async fn a_list_is_of_a_state_and_of_a_type_and_never_of_what_is_hidden() {
    let store = TestStore::new();
    let receipts = store.publish_many("alice", 5).await;
    let shipped = Draft { notification_type: "order.shipped".parse().unwrap(), ..draft("alice") };
    store.link.ask(publish(shipped)).await.unwrap();
    store.mark(MarkAs::Read, MarkTarget::Ids(ids(&receipts[..1]))).await.unwrap();
    store.mark(MarkAs::Archived, MarkTarget::Ids(ids(&receipts[1..2]))).await.unwrap();
    store.execute(r#"UPDATE notifications SET expires_at = 1 WHERE "offset" = 3"#);
    store.execute(r#"UPDATE notifications SET muted = TRUE WHERE "offset" = 4"#);
    let offsets =
        |listing: &Listing| -> Vec<u64> { listing.notifications.iter().map(|n| n.position.offset).collect() };
    for (state, expected) in
        [(ListState::All, vec![6, 5, 1]), (ListState::Unread, vec![6, 5]), (ListState::Archived, vec![2])]
    {
        assert_eq!(offsets(&store.list(state).await), expected, "{state:?}");
    }
    let typed = List { notification_type: "order.shipped".parse().ok(), ..list(ListState::All) };
    assert_eq!(offsets(&store.link.ask(typed).await.unwrap()), [6]);
}

#[actix::test]
async fn a_notification_reads_back_as_it_was_published_to_its_user_only() {
    let store = TestStore::new();
    let payload = Json::parse("{\"b\":1.10,\"a\":\"\u{2028}\u{1F600}</script>\"}").unwrap();
    let full = Draft {
        v: u32::MAX,
        payload: payload.clone(),
        key: Some("build:7".to_owned()),
        expires_in: Some(Duration::from_secs(60)),
        ..draft("alice")
    };
    let receipt = store.link.ask(publish(full)).await.unwrap().receipts.remove(0);
    let fetch = |of: &str| store.link.ask(Fetch { user: user(of), id: receipt.id.clone() });
    let read = fetch("alice").await.unwrap();
    assert_eq!((read.position, read.v, read.key.as_deref()), (receipt.position, u32::MAX, Some("build:7")));
    assert_eq!(read.payload, payload);
    assert_eq!(read.expires_at, Some(read.created_at.plus(Duration::from_secs(60))));
    assert_eq!(fetch("bob").await, Err(StoreError::NotFound));
    store.execute("UPDATE notifications SET expires_at = 1");
    assert_eq!(fetch("alice").await, Err(StoreError::NotFound));
}
