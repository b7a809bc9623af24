//! What is due to be pushed, as much as one transaction takes.

use std::collections::HashSet;

use super::{Connection, error::Fault, push_jobs, queue::BATCH_ROWS, rows::DueJob, subscriptions};
use crate::{
    clock::Bounds,
    domain::{PushSubscriptionId, Timestamp},
};

/// Notifications that one summary names at most; it stands for the older ones, too.
pub(super) const SUMMARY_MAX: usize = 500;

/// What is due, and nobody else's until the end of the transaction.
pub(super) struct Due {
    pub(super) groups: Vec<Group>,
    /// More may be due.
    pub(super) has_more: bool,
}

/// The jobs behind one push.
pub(super) struct Group {
    /// The newest first.
    pub(super) jobs: Vec<DueJob>,
    /// They were held through quiet hours, and are told of as one.
    pub(super) is_held: bool,
    /// Older ones that were held are behind them.
    pub(super) has_more: bool,
}

/// What is due for one push.
enum Next {
    One(DueJob),
    /// Whatever is held for a subscription.
    Held(PushSubscriptionId),
}

impl Due {
    /// What is due for at most `limit` pushes.
    pub(super) fn find(conn: &mut Connection, by: Bounds, limit: usize) -> Result<Self, Fault> {
        let (next, may_be_more) = next(conn, by, limit)?;
        let count = next.len();
        let groups = jobs(conn, next, by)?;
        let is_cut = groups.len() < count || groups.iter().any(|group| group.has_more);
        // Who finds nothing but what others work on need not look again at once.
        Ok(Self { has_more: (may_be_more || is_cut) && !groups.is_empty(), groups })
    }
}

/// What is next, for at most `limit` pushes, in order; and whether there may be more.
fn next(conn: &mut Connection, by: Bounds, limit: usize) -> Result<(Vec<Next>, bool), Fault> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let ones = push_jobs::due(conn, by, most)?.into_iter().map(|job| (job.due_at, Next::One(job)));
    let mut due: Vec<(Timestamp, Next)> = ones.collect();
    let held = push_jobs::held(conn, by, most)?;
    let may_be_more = due.len().max(held.len()) == limit || due.len() + held.len() > limit;
    let mut seen = HashSet::new();
    for (subscription, due_at) in held {
        if seen.insert(subscription.clone()) {
            due.push((due_at, Next::Held(subscription)));
        }
    }
    due.sort_by_key(|(due_at, _)| *due_at);
    due.truncate(limit);
    Ok((due.into_iter().map(|(_, due)| due).collect(), may_be_more))
}

/// The jobs behind each push, the newest first, as many as one transaction takes; those that somebody else works on are
/// left out.
fn jobs(conn: &mut Connection, due: Vec<Next>, by: Bounds) -> Result<Vec<Group>, Fault> {
    let mut groups: Vec<Group> = Vec::with_capacity(due.len());
    for due in due {
        if groups.iter().map(|group| group.jobs.len()).sum::<usize>() >= BATCH_ROWS {
            break;
        }
        match due {
            Next::One(job) => groups.push(Group { jobs: vec![job], is_held: false, has_more: false }),
            Next::Held(subscription) => {
                if subscriptions::try_hold(conn, &subscription)? {
                    let mut jobs = push_jobs::held_for(conn, &subscription, by, SUMMARY_MAX as i64 + 1)?;
                    let has_more = jobs.len() > SUMMARY_MAX;
                    jobs.truncate(SUMMARY_MAX);
                    groups.push(Group { jobs, is_held: true, has_more });
                }
            }
        }
    }
    groups.retain(|group| !group.jobs.is_empty());
    Ok(groups)
}
