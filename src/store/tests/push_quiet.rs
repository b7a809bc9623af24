//! Quiet hours: what waits for their end, and how it is told then.

use futures_util::future::join_all;

use super::{push_records::closed, *};
use crate::domain::{
    QuietHours, TimeOfDay, Zone,
    push::{PushState, PushTag, Urgency},
};

impl TestStore {
    /// Quiet from an hour ago up to in an hour, or not at all.
    pub(super) async fn be_quiet(&self, is_quiet: bool) {
        let minutes = clock::now().as_secs() / 60 % 1440;
        let time = |offset: i64| {
            TimeOfDay::from_minutes(u16::try_from((minutes + offset).rem_euclid(1440)).unwrap()).unwrap()
        };
        let quiet = QuietHours::new(Zone::stored("UTC".to_owned()), time(-60), time(60)).unwrap();
        let preferences = Preferences { quiet: is_quiet.then_some(quiet), push: true };
        self.link.ask(SetPreferences { user: user("alice"), preferences }).await.unwrap();
    }
}

fn urgent(to: &str) -> Publish {
    publish(Draft { push: Some(PushWish { urgency: Urgency::High, ..PushWish::default() }), ..draft(to) })
}

#[actix::test]
async fn quiet_hours_hold_what_is_not_urgent_until_their_end() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    store.be_quiet(true).await;
    let held = store.publish("alice").await;
    let let_through = store.link.ask(urgent("alice")).await.unwrap().receipts.remove(0);
    let claimed = store.claim_one().await;
    assert_eq!((claimed.notification.id, claimed.urgency), (let_through.id, Urgency::High));
    let trace = store.trace(&held.id).await;
    assert_eq!((trace.state, trace.attempts), (PushState::Waiting, 0));
    let wait = trace.due_at.unwrap().as_secs() - clock::now().as_secs();
    assert!((3500..=3600).contains(&wait), "{wait}");
    store.publish("bob").await;
    assert!(store.claim().await.is_empty());
}

#[actix::test]
async fn what_was_held_is_told_as_one_and_what_was_read_meanwhile_is_not_part_of_it() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    store.subscribe("alice", "b").await;
    store.be_quiet(true).await;
    let receipts = store.publish_many("alice", 4).await;
    assert!(store.claim().await.is_empty());
    store.mark(MarkAs::Read, MarkTarget::Ids(vec![receipts[3].id.clone()])).await.unwrap();
    // When the quiet hours end is another matter now.
    store.be_quiet(false).await;
    let claimed = store.claim().await;
    assert_eq!(claimed.len(), 2, "one for each subscription");
    for push in &claimed {
        assert_eq!((push.count, push.unseen, &push.tag), (3, 3, &PushTag::summary()));
        assert_eq!(push.text.title, "3 new notifications");
        assert_eq!(push.notification.id, receipts[2].id, "the newest");
        assert_eq!(push.claim.jobs, [(3, 1), (2, 1), (1, 1)]);
    }
    store.be_quiet(false).await;
    assert!(store.claim().await.is_empty(), "they are somebody's");
    for push in claimed {
        store.record(push, PushOutcome::Sent { status: 201 }).await;
    }
    for receipt in &receipts[..3] {
        assert!(store.traces(&receipt.id).await.iter().all(|trace| trace.state == PushState::Sent));
    }
}

/// It stands for all others, too: a second one would take its place and tell of less. And one transaction takes a few
/// of them, so that publishing does not wait long for it.
#[actix::test]
async fn a_summary_tells_of_five_hundred_at_most() {
    let names = ["a", "b", "c", "d", "e"];
    for (count, names, title) in
        [(510, &names[..], "More than 500 new notifications"), (500, &names[..1], "500 new notifications")]
    {
        let store = TestStore::new();
        for name in names {
            store.subscribe("alice", name).await;
        }
        store.be_quiet(true).await;
        let published = join_all((0..count).map(|_| store.link.ask(publish(draft("alice"))))).await;
        let mut receipts = published.into_iter().map(|published| published.unwrap().receipts.remove(0));
        let oldest = receipts.find(|receipt| receipt.position.offset == 1).unwrap();
        while store.link.ask(ClaimPushes { limit: 64 }).await.unwrap().has_more {}
        store.be_quiet(false).await;
        let mut summaries = Vec::new();
        loop {
            let claimed = store.link.ask(ClaimPushes { limit: 64 }).await.unwrap();
            assert!(claimed.pushes.iter().map(|push| push.count).sum::<usize>() <= 2000 + 500);
            summaries.extend(claimed.pushes);
            if !claimed.has_more {
                break;
            }
        }
        assert_eq!(summaries.len(), names.len());
        assert!(summaries.iter().all(|push| push.count == 500 && push.text.title == title), "{summaries:?}");
        let is_behind = |trace: &PushTrace| {
            trace.state == PushState::Withheld && trace.reason.as_deref() == Some("summarized")
        };
        let behind = store.traces(&oldest.id).await.iter().filter(|trace| is_behind(trace)).count();
        assert_eq!(behind, if count > 500 { names.len() } else { 0 });
    }
}

/// What is behind a summary that reached nobody is told of by another one, as is what is held later.
#[actix::test]
async fn a_summary_stands_for_nothing_where_it_is_not_shown_or_for_what_came_later() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    let hold = async |count: usize| {
        store.be_quiet(true).await;
        let receipts = store.publish_many("alice", count).await;
        assert!(store.claim().await.is_empty());
        store.be_quiet(false).await;
        receipts
    };
    let receipts = hold(4).await;
    // Somebody works on the oldest ones, when the others are claimed.
    let (aside, back) = ("due_at + 1000000000", "due_at - 1000000000");
    let put = |change: &str, of: &Receipt| {
        store.execute(&format!(
            "UPDATE push_jobs SET due_at = {change} WHERE \"offset\" = {}",
            of.position.offset
        ));
    };
    put(aside, &receipts[0]);
    put(aside, &receipts[1]);
    let first = store.claim_one().await;
    assert_eq!(first.count, 2);
    put(back, &receipts[0]);
    assert!(store.claim().await.is_empty());
    assert_eq!(store.reason(&receipts[0].id).await.as_deref(), Some("summarized"));
    store.record(first, PushOutcome::Dead { status: Some(400), reason: "refused" }).await;
    put(back, &receipts[1]);
    assert_eq!(store.claim_one().await.notification.id, receipts[1].id, "nobody has heard of it");
    let later = hold(3).await;
    let second = store.claim_one().await;
    assert_eq!((second.count, second.notification.id), (3, later[2].id.clone()));
}

/// The one of last night is not on the screen any more, whatever of it was never read.
#[actix::test]
async fn a_summary_takes_the_place_of_the_one_before_and_is_closed_by_itself() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    let mut nights = Vec::new();
    for _ in 0..2 {
        store.be_quiet(true).await;
        nights.push(store.publish_many("alice", 2).await);
        assert!(store.claim().await.is_empty());
        store.be_quiet(false).await;
        let summary = store.claim_one().await;
        assert_eq!((summary.count, summary.close.len()), (2, 0));
        store.record(summary, PushOutcome::Sent { status: 201 }).await;
    }
    store
        .mark(MarkAs::Read, MarkTarget::Ids(nights[1].iter().map(|receipt| receipt.id.clone()).collect()))
        .await
        .unwrap();
    store.publish("alice").await;
    assert_eq!(closed(&store.claim_one().await), [(PushTag::summary(), nights[1][1].position)]);
}

/// What a summary tells of is all looked at, or it would be closed for the newest ones alone.
#[actix::test]
async fn a_summary_stays_as_long_as_anything_in_it_is_unread() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    store.be_quiet(true).await;
    let mut published = join_all((0..250).map(|_| store.link.ask(publish(draft("alice"))))).await;
    while store.link.ask(ClaimPushes { limit: 64 }).await.unwrap().has_more {}
    store.be_quiet(false).await;
    let summary = store.claim_one().await;
    store.record(summary, PushOutcome::Sent { status: 201 }).await;
    published.sort_by_key(|published| published.as_ref().unwrap().receipts[0].position.offset);
    let newest = published.last().unwrap().as_ref().unwrap().receipts[0].position;
    let ids: Vec<NotificationId> =
        published.into_iter().map(|published| published.unwrap().receipts.remove(0).id).collect();
    store.mark(MarkAs::Read, MarkTarget::Ids(ids[1..].to_vec())).await.unwrap();
    store.publish("alice").await;
    let push = store.claim_one().await;
    assert!(push.close.is_empty());
    store.record(push, PushOutcome::Sent { status: 201 }).await;
    store.mark(MarkAs::Read, MarkTarget::Ids(vec![ids[0].clone()])).await.unwrap();
    store.publish("alice").await;
    assert_eq!(closed(&store.claim_one().await), [(PushTag::summary(), newest)], "as the device knows it");
}

#[actix::test]
async fn one_that_was_held_alone_is_told_as_itself() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    store.be_quiet(true).await;
    let receipt = store.publish("alice").await;
    assert!(store.claim().await.is_empty());
    store.be_quiet(false).await;
    let push = store.claim_one().await;
    assert_eq!((push.count, &push.tag), (1, &PushTag::of(&receipt.id, None)));
    assert_eq!(push.text.title, "Comment created");
}

#[actix::test]
async fn a_summary_that_fails_is_tried_again_as_the_summary_that_it_was() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    store.be_quiet(true).await;
    store.publish_many("alice", 3).await;
    assert!(store.claim().await.is_empty());
    store.be_quiet(false).await;
    let first = store.claim_one().await;
    store.record(first, PushOutcome::Retry { after: Duration::ZERO, status: Some(503), reason: "503" }).await;
    let again = store.claim_one().await;
    assert_eq!((again.count, again.attempt), (3, 2));
}

/// What was tried often before does not count for the others, and what ends soon does not end the summary.
#[actix::test]
async fn a_summary_has_the_attempts_of_its_freshest_and_the_life_of_its_longest() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    let expiring =
        |seconds| publish(Draft { expires_in: Some(Duration::from_secs(seconds)), ..draft("alice") });
    store.link.ask(expiring(7200)).await.unwrap();
    for attempt in 1..=3 {
        let push = store.claim_one().await;
        assert_eq!(push.attempt, attempt);
        store.record(push, PushOutcome::Retry { after: Duration::ZERO, status: None, reason: "x" }).await;
    }
    store.be_quiet(true).await;
    store.link.ask(expiring(60)).await.unwrap();
    assert!(store.claim().await.is_empty());
    store.be_quiet(false).await;
    let summary = store.claim_one().await;
    assert_eq!((summary.count, summary.attempt), (2, 1), "what was tried before is let go, too");
    assert!(summary.expires_at.unwrap().as_secs() - clock::now().as_secs() > 7000);
}

#[actix::test]
async fn what_falls_into_the_quiet_hours_while_it_is_tried_again_waits_for_their_end() {
    let store = TestStore::new();
    store.subscribe("alice", "a").await;
    let receipt = store.publish("alice").await;
    let first = store.claim_one().await;
    store
        .record(first, PushOutcome::Retry { after: Duration::ZERO, status: None, reason: "no answer" })
        .await;
    store.be_quiet(true).await;
    assert!(store.claim().await.is_empty());
    assert_eq!(store.reason(&receipt.id).await.as_deref(), Some("quiet hours"));
}
