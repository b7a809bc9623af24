//! Anything that is asked of a few inboxes at the same time, by whatever writers: what comes out is as if it
//! had been one after the other.

use std::collections::{HashMap, HashSet};

use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, RunQueryDsl};
use futures_util::future::join_all;
use proptest::prelude::*;

use super::{
    model::{Aim, Step, steps},
    *,
};

/// What is asked of one inbox while others ask the same of it.
async fn ask(store: &TestStore, name: &str, step: Step) {
    let mark = |mark_as, target| ApplyMark { user: user(name), mark: Mark { mark_as, target }, origin: None };
    let pattern = "*".parse().unwrap();
    match step {
        Step::Publish(key) => {
            let draft = Draft { key: key.map(|key| key.to_string()), ..draft("alice,bob,carol") };
            drop(store.link.ask(publish(draft)).await.unwrap());
        }
        Step::Mute(true) => {
            drop(store.link.ask(PutMute { user: user(name), pattern, until: None }).await.unwrap());
        }
        Step::Mute(false) => store.link.ask(RemoveMute { user: user(name), pattern }).await.unwrap(),
        Step::Outnumber(keep) => {
            let ended = chores::End::Outnumbered { user: user(name), keep: keep as i64 };
            store.link.ask(chores::DeleteEnded { ended, limit: 3 }).await.unwrap();
        }
        Step::Age(limit) => {
            store.link.ask(chores::DeleteEnded { ended: chores::End::Aged, limit }).await.unwrap();
        }
        Step::Mark(mark_as, Aim::UpTo(_) | Aim::All) => {
            store.link.ask(mark(mark_as, MarkTarget::All)).await.unwrap();
        }
        Step::Mark(mark_as, Aim::Ids(_)) => {
            let listed = store.link.ask(List { user: user(name), ..list(ListState::All) }).await.unwrap();
            let ids = listed.notifications.into_iter().map(|notification| notification.id).take(2).collect();
            store.link.ask(mark(mark_as, MarkTarget::Ids(ids))).await.unwrap();
        }
        Step::Delete(_) => {
            let listed = store.link.ask(List { user: user(name), ..list(ListState::All) }).await.unwrap();
            if let Some(notification) = listed.notifications.into_iter().next() {
                // Somebody else may have been faster.
                drop(store.link.ask(Delete { user: user(name), id: notification.id }).await);
            }
        }
    }
}

/// What a user's facts say of the notifications appended: offset and counters.
type Told = (u64, Counters);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn whatever_is_asked_at_once_is_numbered_counted_and_told_once(steps in steps()) {
        actix::System::new().block_on(async {
            let mut store = TestStore::with(|options| options.is_fully_synchronous = false);
            let published = steps.iter().filter(|step| matches!(step, Step::Publish(_))).count() as u64;
            let names = ["alice", "bob", "carol"].into_iter().cycle();
            within(join_all(names.zip(steps).map(|(name, step)| ask(&store, name, step)))).await;
            store.link.flush().await;
            let mut conn = store.other_connection();
            let mut told: HashMap<UserId, Vec<Told>> = HashMap::new();
            let mut versions: HashSet<(UserId, u64, u64)> = HashSet::new();
            while let Ok(fact) = store.facts.try_recv() {
                let counters = match &fact {
                    InboxFact::Appended { user, notification, counters } => {
                        told.entry(user.clone()).or_default().push((notification.position.offset, *counters));
                        *counters
                    }
                    InboxFact::Marked { counters, .. } | InboxFact::Changed { counters, .. } => *counters,
                };
                let is_muted = matches!(&fact, InboxFact::Appended { notification, .. } if notification.muted);
                let version = (fact.user().clone(), counters.version, counters.marks_version);
                assert!(is_muted || versions.insert(version), "two changes have one version: {fact:?}");
            }
            for name in ["alice", "bob", "carol"] {
                let state = inboxes::stands(&mut conn, &user(name)).unwrap();
                assert_eq!(state.head.last, published);
                let mut told = told.remove(&user(name)).unwrap_or_default();
                told.sort_unstable_by_key(|(offset, _)| *offset);
                let offsets: Vec<u64> = told.iter().map(|(offset, _)| *offset).collect();
                assert_eq!(offsets, (1..=published).collect::<Vec<_>>());
                assert!(told.is_sorted_by_key(|(_, counters)| counters.version));
                use schema::notifications::dsl::{archived_at, muted, notifications, read_at, seen_at, user_id};
                let kept = notifications.filter(user_id.eq(name).and(archived_at.is_null()).and(muted.eq(false)));
                let unread: i64 = kept.filter(read_at.is_null()).count().get_result(&mut conn).unwrap();
                let unseen: i64 = kept.filter(seen_at.is_null()).count().get_result(&mut conn).unwrap();
                assert_eq!((unread as u64, unseen as u64), (state.counters.unread, state.counters.unseen));
            }
        });
    }
}
