//! Several who claim and record at the same time, of one instance and of two.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::{pushing::target, *};

/// The store, and where the database is shared a second instance on it.
fn instances(store: &TestStore) -> Vec<StoreLink> {
    let mut links = vec![store.link.clone()];
    if store.other_connection().is_shared() {
        links.push(start(options(&store.dir)).0);
    }
    links
}

/// What all of them claim, asked several times at once.
async fn claim_at_once(links: &[StoreLink], limit: usize) -> Vec<ClaimedPush> {
    let asked = links.iter().cycle().take(8).map(|link| link.ask(ClaimPushes { limit }));
    join_all(asked).await.into_iter().flat_map(|claimed| claimed.unwrap().pushes).collect()
}

#[actix::test]
async fn whoever_claims_at_the_same_time_each_push_is_claimed_by_one_and_sent_once() {
    let store = TestStore::new();
    let links = instances(&store);
    store.subscribe("alice", "a").await;
    store.subscribe("bob", "b").await;
    for _ in 0..10 {
        store.publish("alice,bob").await;
    }
    let mut seen = HashSet::new();
    while seen.len() < 20 {
        let claimed = claim_at_once(&links, 3).await;
        let records = claimed.into_iter().zip(links.iter().rev().cycle()).map(|(push, link)| {
            assert!(seen.insert((push.claim.user.clone(), push.notification.id)), "twice");
            link.ask(RecordPush { outcomes: vec![(push.claim, PushOutcome::Sent { status: 201 })] })
        });
        assert!(join_all(records).await.iter().all(Result::is_ok));
    }
    assert_eq!(claim_at_once(&links, 64).await.len(), 0);
}

#[actix::test]
async fn whoever_claims_at_the_same_time_what_was_held_is_one_summary_a_subscription() {
    let store = TestStore::new();
    let links = instances(&store);
    for name in ["a", "b", "c", "d"] {
        store.subscribe("alice", name).await;
    }
    store.be_quiet(true).await;
    store.publish_many("alice", 10).await;
    while !store.claim().await.is_empty() {}
    store.be_quiet(false).await;
    let mut summaries = Vec::new();
    while summaries.len() < 4 {
        summaries.extend(claim_at_once(&links, 3).await);
    }
    summaries.extend(claim_at_once(&links, 64).await);
    let subscriptions: HashSet<&str> =
        summaries.iter().map(|push| push.claim.subscription.as_str()).collect();
    assert_eq!((summaries.len(), subscriptions.len()), (4, 4));
    assert!(summaries.iter().all(|push| push.count == 10));
}

/// Locks that are taken out of order would show as writes that fail, or wait for each other.
#[actix::test]
async fn whatever_happens_to_pushes_at_the_same_time_goes_through() {
    let store = TestStore::new();
    let (users, mut claimed) = (["alice", "bob", "carol"], Vec::new());
    for round in 0..8 {
        let done = async |outcome: Result<(), StoreError>| {
            assert!(matches!(outcome, Ok(()) | Err(StoreError::NotFound)), "{outcome:?}");
        };
        let publish = async |_: usize| {
            done(store.link.ask(publish(draft("carol,alice,bob"))).await.map(drop)).await;
        };
        let change = async |of: &str| {
            let mine = store.subscribe(of, of).await.id;
            let shared = PutSubscription { user: user(of), target: target("shared") };
            // Who loses the race for one browser is told to come again.
            drop(store.link.ask(shared).await);
            let mark = Mark { mark_as: MarkAs::Read, target: MarkTarget::All };
            done(store.link.ask(ApplyMark { user: user(of), mark, origin: None }).await.map(drop)).await;
            let preferences = Preferences { push: round % 3 > 0, ..Preferences::default() };
            done(store.link.ask(SetPreferences { user: user(of), preferences }).await).await;
            if round % 2 > 0 {
                done(store.link.ask(RemoveSubscription { user: user(of), id: mine }).await).await;
            }
        };
        let claim = async |_: usize| store.link.ask(ClaimPushes { limit: 4 }).await.unwrap().pushes;
        let outcomes =
            std::mem::take(&mut claimed).into_iter().enumerate().map(|(i, push): (usize, ClaimedPush)| {
                let outcome = match i % 4 {
                    0 => PushOutcome::Gone { status: 410 },
                    1 => PushOutcome::Retry { after: Duration::ZERO, status: None, reason: "no answer" },
                    _ => PushOutcome::Sent { status: 201 },
                };
                (push.claim, outcome)
            });
        let record = store.link.ask(RecordPush { outcomes: outcomes.collect() });
        let (_, _, claims, recorded) = tokio::join!(
            join_all((0..6).map(publish)),
            join_all(users.map(change)),
            join_all((0..4).map(claim)),
            record,
        );
        recorded.unwrap();
        claimed = claims.into_iter().flatten().collect();
    }
    use diesel::prelude::*;
    for of in users {
        let kept = schema::push_subscriptions::table.filter(schema::push_subscriptions::user_id.eq(of));
        let kept: i64 = kept.count().get_result(&mut store.other_connection()).unwrap();
        let counted = schema::inboxes::table.find(of).select(schema::inboxes::subscriptions);
        assert_eq!(counted.first::<i64>(&mut store.other_connection()).unwrap(), kept, "{of}");
    }
}
