//! Retention: what goes by its age, what goes because enough newer ones were read, and what that leaves.

use super::*;
use crate::{
    hub::messages::MarkedChange,
    stream::{Gap, GapReason, Resume},
};

/// Makes those with these offsets so old that no retention keeps them.
fn age(store: &TestStore, offsets: &str) {
    store.execute(&format!(
        "UPDATE notifications SET id = 'ntf_0000000000' || substr(id, 15) WHERE \"offset\" {offsets}"
    ));
}

/// Passes over facts until so many deletions were told.
async fn deleted(store: &mut TestStore, count: usize) -> Vec<Vec<NotificationId>> {
    let mut told = Vec::new();
    while told.iter().map(Vec::len).sum::<usize>() < count {
        if let InboxFact::Marked { origin: None, change: MarkedChange::Deleted(ids), .. } = store.fact().await
        {
            told.push(ids);
        }
    }
    told
}

async fn listed(store: &TestStore, state: ListState) -> Vec<u64> {
    store.list(state).await.notifications.iter().map(|n| n.position.offset).collect()
}

#[actix::test]
async fn what_is_too_old_is_deleted_read_or_not_and_a_position_before_it_is_a_gap() {
    let mut store = TestStore::new();
    let receipts = store.publish_many("alice", 3).await;
    store.mute("*", None).await.unwrap();
    store.publish("alice").await;
    store.link.ask(RemoveMute { user: user("alice"), pattern: "*".parse().unwrap() }).await.unwrap();
    store.publish_many("alice", 2).await;
    store.publish("bob").await;
    store.mark(MarkAs::Read, MarkTarget::Ids(ids(&receipts[..1]))).await.unwrap();
    age(&store, "<= 4 AND user_id = 'alice'");
    assert_eq!(deleted(&mut store, 3).await.concat().len(), 3, "nobody hears of the muted one");

    assert_eq!(numbers(store.state("alice").await.counters), [2, 2, 7, 2]);
    assert_eq!(listed(&store, ListState::All).await, [6, 5]);
    let at = |offset| Position::new(receipts[0].position.epoch, offset);
    for since in [Position::START, at(1), at(3)] {
        let read = store.read(since, 10, 1000).await;
        let gap = Gap { from: since, to: at(4), reason: GapReason::Pruned };
        assert_eq!((&read.page.items[0], read.page.resume), (&Item::Gap(gap), Resume::Gap));
        assert_eq!(offsets(&read), [5, 6]);
    }
    let read = store.read(at(4), 10, 1000).await;
    assert_eq!((offsets(&read), read.page.resume), (vec![5, 6], Resume::Complete));
    assert_eq!(store.state("bob").await.counters.unread, 1);
    assert_eq!(store.publish("alice").await.position, at(7), "the numbering goes on");
}

#[actix::test]
async fn of_the_read_ones_the_newest_stay_and_of_the_unread_all() {
    let mut store = TestStore::with(|options| options.max_read = 2);
    let receipts = store.publish_many("alice", 7).await;
    let mark = |mark_as, of: &[Receipt]| store.mark(mark_as, MarkTarget::Ids(ids(of)));
    mark(MarkAs::Read, &receipts[1..4]).await.unwrap();
    mark(MarkAs::Archived, &receipts[4..6]).await.unwrap();
    let gone = deleted(&mut store, 3).await.concat();
    let mut expected = ids(&receipts[1..4]);
    expected.reverse();
    assert_eq!(gone.iter().collect::<std::collections::HashSet<_>>(), expected.iter().collect());
    let state = store.state("alice").await;
    assert_eq!((state.head.pruned, numbers(state.counters)), (0, [2, 2, 9, 3]));
    assert_eq!(listed(&store, ListState::All).await, [7, 1]);
    assert_eq!(listed(&store, ListState::Archived).await, [6, 5]);
    let read = store.read(Position::START, 10, 1000).await;
    assert_eq!((offsets(&read), read.page.resume), (vec![1, 7], Resume::Complete));
}

#[actix::test]
async fn none_of_the_read_ones_may_be_kept() {
    let mut store = TestStore::with(|options| options.max_read = 0);
    let receipts = store.publish_many("alice", 3).await;
    store.mark(MarkAs::Read, MarkTarget::Ids(ids(&receipts[1..]))).await.unwrap();
    deleted(&mut store, 2).await;
    assert_eq!(listed(&store, ListState::All).await, [1]);
}

#[actix::test]
async fn many_go_in_small_parts_and_publishing_goes_on() {
    let mut store = TestStore::new();
    for part in 0..5 {
        let to: Vec<String> = (0..100).map(|i| format!("user{}", (part * 100 + i) % 250)).collect();
        store.link.ask(publish(draft(&to.join(",")))).await.unwrap();
    }
    age(&store, "> 0");
    let link = store.link.clone();
    let publishing = async {
        for _ in 0..200 {
            within(link.ask(publish(draft("alice")))).await.unwrap();
        }
    };
    let (told, ()) = within(futures_util::future::join(deleted(&mut store, 500), publishing)).await;
    assert!(told.iter().all(|ids| ids.len() <= 100));
    assert_eq!(store.state("user1").await.counters.unread, 0);
    assert_eq!(store.state("alice").await.head.last, 200);
    assert_eq!(store.state("alice").await.counters.unread, 200);
}

async fn read_all(store: &TestStore, users: &[String]) {
    let asks = users.iter().map(|name| {
        let mark = Mark { mark_as: MarkAs::Read, target: MarkTarget::All };
        store.link.ask(ApplyMark { user: user(name), mark, origin: None })
    });
    futures_util::future::join_all(asks).await;
}

/// The walk goes page by page, and on from where it ended with what changes later.
#[actix::test]
async fn every_inbox_is_found_also_when_it_changes_later_or_in_the_next_process() {
    let mut store = TestStore::with(|options| options.max_read = 1);
    let users: Vec<String> = (0..100).map(|i| format!("u{i:02}")).collect();
    for _ in 0..3 {
        store.link.ask(publish(draft(&users.join(",")))).await.unwrap();
    }
    read_all(&store, &users).await;
    deleted(&mut store, 200).await;

    store.link.ask(publish(draft("u50"))).await.unwrap();
    read_all(&store, &users[50..51]).await;
    deleted(&mut store, 1).await;

    store.link.ask(publish(draft("u07,u93"))).await.unwrap();
    read_all(&store, &users).await;
    store.link.flush().await;
    // On a slow database the first process may have come to them.
    let mut left: usize = 2;
    while let Ok(fact) = store.facts.try_recv() {
        left -= usize::from(matches!(fact, InboxFact::Marked { change: MarkedChange::Deleted(_), .. }));
    }
    let (link, facts) = start(StoreOptions { max_read: 1, ..options(&store.dir) });
    let mut store = TestStore { dir: store.dir, link, facts };
    deleted(&mut store, left).await;
    for name in ["u07", "u50", "u93"] {
        let state = store.state(name).await;
        assert_eq!((state.head.pruned, state.counters.unread), (0, 0), "{name}");
    }
}
