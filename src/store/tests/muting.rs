//! Mutes: judged when a notification is stored, and silent.

use super::*;
use crate::stream::{Head, Resume};

fn typed(to: &str, notification_type: &str) -> Publish {
    publish(Draft { notification_type: notification_type.parse().unwrap(), ..draft(to) })
}

async fn mutes(store: &TestStore) -> Vec<String> {
    let mutes = store.link.ask(ListMutes { user: user("alice") }).await.unwrap();
    mutes.into_iter().map(|mute| mute.pattern.to_string()).collect()
}

async fn unmute(store: &TestStore, pattern: &str) {
    store.link.ask(RemoveMute { user: user("alice"), pattern: pattern.parse().unwrap() }).await.unwrap();
}

#[actix::test]
async fn what_is_muted_is_stored_with_its_number_and_counted_nowhere() {
    let mut store = TestStore::new();
    store.publish("alice").await;
    store.mute("comment.*", None).await.unwrap();
    let before = store.state("alice").await;
    let muted = store.publish("alice").await;
    let after = store.state("alice").await;
    assert_eq!((muted.position.offset, after.head.last), (2, 2));
    assert_eq!(after.counters, before.counters, "neither a number nor a version");
    store.link.ask(typed("alice", "order.shipped")).await.unwrap();
    assert_eq!(numbers(store.state("alice").await.counters), [2, 2, 2, 0]);
    assert_eq!(store.publish("bob").await.position.offset, 1, "others hear");
    assert_eq!(store.state("bob").await.counters.unread, 1);

    let told = [false, true, false, false];
    for muted in told {
        match store.fact().await {
            InboxFact::Appended { notification, .. } => assert_eq!(notification.muted, muted),
            other => panic!("{other:?}"),
        }
    }
    let listed = store.list(ListState::All).await.notifications;
    assert_eq!(listed.iter().map(|n| n.position.offset).collect::<Vec<_>>(), [3, 1]);
    let fetch = Fetch { user: user("alice"), id: muted.id };
    assert_eq!(store.link.ask(fetch).await, Err(StoreError::NotFound));
    assert_eq!(offsets(&store.read(Position::START, 10, 1000).await), [1, 3]);
}

#[actix::test]
async fn a_mute_ends_by_its_time_or_by_its_removal_and_what_it_hid_stays_hidden() {
    let store = TestStore::new();
    store.mute("comment.created", Some(3600)).await.unwrap();
    store.publish("alice").await;
    assert_eq!(store.state("alice").await.counters.unread, 0);
    store.execute("UPDATE mutes SET until = 1");
    assert_eq!(mutes(&store).await, [""; 0]);
    store.publish("alice").await;
    assert_eq!(store.state("alice").await.counters.unread, 1);

    store.mute("*", None).await.unwrap();
    store.publish("alice").await;
    unmute(&store, "*").await;
    unmute(&store, "*").await;
    store.publish("alice").await;
    assert_eq!(store.state("alice").await.counters.unread, 2);
    assert_eq!(offsets(&store.read(Position::START, 10, 1000).await), [2, 4]);
}

/// The count beside the inbox is what spares a look: it falls to nothing with the last mute.
#[actix::test]
async fn mutes_that_are_over_are_deleted_by_whoever_comes_upon_them() {
    use diesel::prelude::*;
    let counted = |store: &TestStore| {
        let mut conn = store.other_connection();
        let kept: i64 = schema::mutes::table.count().get_result(&mut conn).unwrap();
        let inbox: i64 = schema::inboxes::table.select(schema::inboxes::mutes).first(&mut conn).unwrap();
        (kept, inbox)
    };
    let store = TestStore::new();
    store.mute("a.*", None).await.unwrap();
    store.mute("b.*", Some(3600)).await.unwrap();
    assert_eq!(counted(&store), (2, 2));
    store.execute("UPDATE mutes SET until = 1");
    store.publish("alice").await;
    assert_eq!(counted(&store), (0, 0));
    store.mute("a.*", Some(3600)).await.unwrap();
    store.execute("UPDATE mutes SET until = 1");
    store.mute("b.*", None).await.unwrap();
    assert_eq!(counted(&store), (1, 1));
    unmute(&store, "b.*").await;
    assert_eq!(counted(&store), (0, 0));
}

#[actix::test]
async fn a_user_has_as_many_mutes_as_the_limit_and_those_that_are_over_do_not_count() {
    let store = TestStore::with(|options| options.mutes_max = 3);
    for pattern in ["a.*", "b.*", "c.*"] {
        store.mute(pattern, Some(3600)).await.unwrap();
    }
    assert_eq!(store.mute("d.*", None).await.err(), Some(StoreError::TooManyMutes));
    let again = store.mute("a.*", None).await.unwrap();
    assert_eq!(again.until, None, "another end for one that is there");
    assert_eq!(mutes(&store).await, ["a.*", "b.*", "c.*"]);
    store.execute("UPDATE mutes SET until = 1 WHERE pattern = 'b.*'");
    store.mute("d.*", None).await.unwrap();
    assert_eq!(mutes(&store).await, ["a.*", "c.*", "d.*"]);

    let store = TestStore::with(|options| options.mutes_max = 0);
    for i in 0..250 {
        store.mute(&format!("a{i}.*"), None).await.unwrap();
    }
    assert_eq!(mutes(&store).await.len(), 250);
}

#[actix::test]
async fn mutes_are_there_in_the_next_process() {
    let store = TestStore::new();
    let mute = store.mute("comment.*", Some(3600)).await.unwrap();
    let store = store.reopened().await;
    assert_eq!(store.link.ask(ListMutes { user: user("alice") }).await.unwrap(), [mute]);
    store.publish("alice").await;
    assert_eq!(store.state("alice").await.counters, Counters::default());
}

/// The inbox of a user who mutes before there is anything stands at `epoch.0`.
#[actix::test]
async fn a_user_who_never_had_a_notification_may_mute() {
    let store = TestStore::new();
    store.mute("order.*", None).await.unwrap();
    let state = store.state("alice").await;
    assert_ne!(state.head.epoch, Head::NONE.epoch);
    assert_eq!((state.head.last, state.counters), (0, Counters::default()));
    for nothing_yet in [Position::START, state.head.position()] {
        let read = store.read(nothing_yet, 10, 1000).await;
        assert!(read.page.is_top() && read.page.items.is_empty());
        assert_eq!((read.page.resume, read.page.reached), (Resume::Complete, state.head.position()));
        let up_to = MarkTarget::UpTo(nothing_yet);
        assert_eq!(store.mark(MarkAs::Read, up_to).await, Ok(Counters::default()));
        store
            .link
            .ask(Acknowledge { user: user("alice"), up_to: nothing_yet, is_visible: false })
            .await
            .unwrap();
    }
    assert_eq!(store.list(ListState::All).await.cursor, state.head.position());

    let receipt = store.publish("alice").await;
    assert_eq!(receipt.position, Position::new(state.head.epoch, 1));
    for nothing_yet in [Position::START, state.head.position()] {
        assert_eq!(offsets(&store.read(nothing_yet, 10, 1000).await), [1]);
    }
}

#[actix::test]
async fn to_take_a_mute_back_that_is_not_there_makes_no_inbox() {
    let store = TestStore::new();
    unmute(&store, "*").await;
    assert_eq!(store.state("alice").await.head, Head::NONE);
}
