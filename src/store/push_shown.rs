//! What devices may show, and what of it their users have dealt with elsewhere, so that it can be closed there.

use std::collections::{BTreeMap, HashSet};

use diesel::prelude::*;

use super::{
    Connection,
    due::SUMMARY_MAX,
    error::Fault,
    messages::ClaimedPush,
    notifications,
    push_jobs::signed,
    rows::{DueJob, broken},
    schema::push_jobs::{self as j, table},
};
use crate::{
    clock::Bounds,
    domain::{Offset, Position, PushSubscriptionId, PushTag, Timestamp, UserId},
};

/// Shown notifications of one device that are looked through for those that the user has dealt with: those of a whole
/// summary, and some more.
const SHOWN_MAX: i64 = SUMMARY_MAX as i64 + 200;

/// Notifications that a device is told to close with one push.
const CLOSE_MAX: usize = 20;

/// What a device may show no more.
pub(super) struct DealtWith {
    /// What it is to be told: tags, each with the newest of what is meant.
    pub(super) close: BTreeMap<PushTag, Position>,
    /// What it is told by that, and by what takes the place of something.
    pub(super) told: Vec<Offset>,
}

/// What the user has read or deleted of what a device may show when this push comes. A tag under which something is
/// unread stays, be it on its way; but not for what this push takes the place of, read or not: nobody sees that any more.
pub(super) fn dealt_with(
    conn: &mut Connection,
    push: &ClaimedPush,
    bounds: Bounds,
) -> Result<DealtWith, Fault> {
    let (user, subscription, jobs) = (&push.claim.user, &push.claim.subscription, &push.claim.jobs);
    let epoch = push.notification.position.epoch;
    let mut dealt_with = DealtWith { close: BTreeMap::new(), told: Vec::new() };
    let own: HashSet<Offset> = jobs.iter().map(|(offset, _)| *offset).collect();
    let is_replaced = |(offset, tag): &(Offset, PushTag)| *tag == push.tag && !own.contains(offset);
    let (replaced, shown): (Vec<_>, Vec<_>) = shown(conn, subscription)?.into_iter().partition(is_replaced);
    dealt_with.told.extend(replaced.into_iter().map(|(offset, _)| offset));
    if shown.is_empty() {
        return Ok(dealt_with);
    }
    let offsets: Vec<Offset> = shown.iter().map(|(offset, _)| *offset).collect();
    let unread = notifications::unread_among(conn, user, &offsets, bounds.earliest)?;
    let unread: HashSet<i64> = unread.into_iter().collect();
    let is_unread = |offset: &Offset| unread.contains(&signed(*offset));
    let live: HashSet<&PushTag> =
        shown.iter().filter(|(offset, _)| is_unread(offset)).map(|(_, tag)| tag).collect();
    // The newest of a tag comes first.
    for (offset, tag) in shown.iter().filter(|(_, tag)| !live.contains(tag)) {
        if !dealt_with.close.contains_key(tag) {
            if dealt_with.close.len() == CLOSE_MAX {
                continue;
            }
            dealt_with.close.insert(tag.clone(), Position::new(epoch, *offset));
        }
        dealt_with.told.push(*offset);
    }
    Ok(dealt_with)
}

/// Forgets that a device shows these.
pub(super) fn close(
    conn: &mut Connection,
    user: &UserId,
    subscription: &PushSubscriptionId,
    offsets: &[Offset],
) -> QueryResult<()> {
    let of_user = j::user_id.eq(user.as_str()).and(j::subscription_id.eq(subscription.as_str()));
    let offsets: Vec<i64> = offsets.iter().copied().map(signed).collect();
    let told = table.filter(of_user.and(j::offset.eq_any(offsets)));
    diesel::update(told).set(j::shown_tag.eq(None::<&str>)).execute(conn).map(drop)
}

/// A summary that a device may show.
#[derive(Clone, Copy)]
pub(super) struct Summary {
    newest: Offset,
    claimed_at: Timestamp,
}

impl Summary {
    /// What was due by then, is older than what it names, and was not claimed with that, is behind it.
    pub(super) fn stands_for(self, job: &DueJob) -> bool {
        job.offset < self.newest && job.due_at <= self.claimed_at && job.first_tried_at.is_none()
    }
}

/// The last one of a subscription.
pub(super) fn summary(
    conn: &mut Connection,
    subscription: &PushSubscriptionId,
) -> QueryResult<Option<Summary>> {
    let tag = PushTag::summary();
    let of_summary = j::subscription_id.eq(subscription.as_str()).and(j::shown_tag.eq(tag.as_str()));
    let newest = table.filter(of_summary).order(j::offset.desc()).select((j::offset, j::first_tried_at));
    let row: Option<(i64, Option<i64>)> = newest.first(conn).optional()?;
    let summary = |(offset, claimed_at): (i64, Option<i64>)| {
        let claimed_at = Timestamp::from_micros(claimed_at.unwrap_or_default());
        Ok(Summary { newest: u64::try_from(offset).map_err(broken)?, claimed_at })
    };
    row.map(summary).transpose()
}

/// What a device may show, the newest first.
fn shown(conn: &mut Connection, subscription: &PushSubscriptionId) -> QueryResult<Vec<(Offset, PushTag)>> {
    let shown = table.filter(j::subscription_id.eq(subscription.as_str()).and(j::shown_tag.is_not_null()));
    let rows: Vec<(i64, Option<String>)> =
        shown.order(j::offset.desc()).limit(SHOWN_MAX).select((j::offset, j::shown_tag)).load(conn)?;
    let shown = |(offset, tag): (i64, Option<String>)| {
        Ok((u64::try_from(offset).map_err(broken)?, PushTag::stored(tag.as_deref().unwrap_or_default())))
    };
    rows.into_iter().map(shown).collect()
}
