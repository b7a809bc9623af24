//! What a batch locks before it does anything, where several write at the same time: idempotency keys, then
//! inboxes, each in one statement and in order. So two transactions never wait for each other, and what is
//! read of an inbox after that stays true until the commit.
//!
//! The same statement takes numbers for all that is stored in an inbox without a further look at it.

use std::collections::{BTreeMap, HashMap, HashSet};

use diesel::{PgConnection, QueryResult};

use super::{
    append::Append,
    bulk,
    job::Job,
    keys::Key,
    messages::{IdempotencyKey, InboxState},
    rows::broken,
    transaction::Taken,
};
use crate::{
    domain::{Counters, Timestamp, UserId},
    stream::Head,
};

/// What a batch wants of one inbox.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Want {
    /// For notifications that are written together.
    numbers: u32,
    /// Something is stored in it, so it is made if it is not there.
    pub(super) is_made: bool,
    /// Its notifications are stored one by one, since one may take the place of another.
    is_by_row: bool,
}

impl Want {
    pub(super) fn numbers(self) -> u32 {
        if self.is_by_row { 0 } else { self.numbers }
    }
}

/// Locks the inbox of a user, which is made if it is not there, and that of another one, for who finds out only inside
/// whose they are.
pub(super) fn hold(
    conn: &mut PgConnection,
    user: &UserId,
    other: Option<&UserId>,
    now: Timestamp,
) -> QueryResult<()> {
    let mut wants: BTreeMap<UserId, Want> =
        other.map(|other| (other.clone(), Want::default())).into_iter().collect();
    wants.insert(user.clone(), Want { is_made: true, ..Want::default() });
    bulk::advance(conn, &wants, now).map(drop)
}

/// Locks the keys of these publishes; those that nobody has used are the transaction's own from now on. The
/// others have answers, since whoever was storing one was waited for.
pub(super) fn keys(
    conn: &mut PgConnection,
    jobs: &[Box<dyn Job>],
    now: Timestamp,
) -> QueryResult<HashSet<Key>> {
    let appends = jobs.iter().filter_map(|job| job.append()).filter(|append| append.key().is_some());
    let Some(since) = appends.clone().next().map(|append| append.replays_since(now)) else {
        return Ok(HashSet::new());
    };
    let mut keys: Vec<(&UserId, &IdempotencyKey)> = appends.filter_map(Append::key).collect();
    keys.sort_unstable_by_key(|(publisher, key)| (*publisher, key.key.as_str()));
    let own = bulk::claim_keys(conn, &keys, since, now)?;
    own.into_iter().map(|(publisher, key)| Ok((publisher.parse().map_err(broken)?, key))).collect()
}

/// Locks the inboxes that these jobs will change, and takes the numbers that they need.
pub(super) fn inboxes(
    conn: &mut PgConnection,
    jobs: &[Box<dyn Job>],
    own: &HashSet<Key>,
    now: Timestamp,
) -> QueryResult<HashMap<UserId, Taken>> {
    let is_own =
        |publisher: &UserId, key: &IdempotencyKey| own.contains(&(publisher.clone(), key.key.clone()));
    let mut wants: BTreeMap<UserId, Want> = BTreeMap::new();
    for job in jobs {
        if let Some(user) = job.user() {
            wants.entry(user.clone()).or_default().is_made |= job.makes_inbox();
        }
        // One whose key was used before changes nothing.
        let is_fresh = |append: &&Append| append.key().is_none_or(|(publisher, key)| is_own(publisher, key));
        if let Some(append) = job.append().filter(is_fresh) {
            let draft = append.draft();
            for user in &draft.to {
                let want = wants.entry(user.clone()).or_default();
                want.is_made = true;
                want.is_by_row |= draft.key.is_some();
                want.numbers += 1;
            }
        }
    }
    if wants.is_empty() {
        return Ok(HashMap::new());
    }
    let advanced = bulk::advance(conn, &wants, now)?;
    let taken = advanced.into_iter().filter_map(|inbox| {
        let (user, want) = wants.get_key_value(inbox.user_id.as_str())?;
        let left = want.numbers();
        let is_pushed = inbox.subscriptions > 0;
        let taken = |state| (user.clone(), Taken { state: before(state, left.into()), left, is_pushed });
        (left > 0).then(|| inbox.row.try_into().map(taken))
    });
    taken.collect()
}

/// What an inbox was before it took so many numbers, all of them unread.
fn before(InboxState { head, counters }: InboxState, numbers: u64) -> InboxState {
    let last = head.last.saturating_sub(numbers);
    InboxState {
        head: Head { last, restart: last, ..head },
        counters: Counters {
            unread: counters.unread.saturating_sub(numbers),
            unseen: counters.unseen.saturating_sub(numbers),
            version: counters.version.saturating_sub(numbers),
            ..counters
        },
    }
}
