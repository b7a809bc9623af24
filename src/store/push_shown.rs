//! What devices show, and what of it their users have dealt with elsewhere, so that it can be closed there.

use std::collections::HashSet;

use diesel::prelude::*;

use super::{
    Connection,
    error::Fault,
    notifications,
    push_jobs::signed,
    rows::broken,
    schema::push_jobs::{self as j, table},
};
use crate::{
    clock::Bounds,
    domain::{Offset, PushSubscriptionId, PushTag, UserId},
};

/// Shown notifications of one device that are looked through for those that the user has dealt with.
const SHOWN_MAX: i64 = 200;

/// Notifications that a device is told to close with one push.
const CLOSE_MAX: usize = 20;

/// What a device may show no more.
pub(super) struct DealtWith {
    /// What it is to be told.
    pub(super) close: Vec<PushTag>,
    /// What it is told by that, and by what takes the place of something.
    pub(super) told: Vec<Offset>,
}

/// What the user has read or deleted of what a device may show. A tag under which something is unread stays, be it on its
/// way.
pub(super) fn dealt_with(
    conn: &mut Connection,
    user: &UserId,
    subscription: &PushSubscriptionId,
    bounds: Bounds,
) -> Result<DealtWith, Fault> {
    let mut dealt_with = DealtWith { close: Vec::new(), told: Vec::new() };
    let shown = shown(conn, subscription)?;
    if shown.is_empty() {
        return Ok(dealt_with);
    }
    let offsets: Vec<Offset> = shown.iter().map(|(offset, _)| *offset).collect();
    let unread = notifications::unread_among(conn, user, &offsets, bounds.earliest)?;
    let unread: HashSet<i64> = unread.into_iter().collect();
    let is_unread = |offset: &Offset| unread.contains(&signed(*offset));
    let live: HashSet<&PushTag> =
        shown.iter().filter(|(offset, _)| is_unread(offset)).map(|(_, tag)| tag).collect();
    for (offset, tag) in shown.iter().filter(|(offset, _)| !is_unread(offset)) {
        let is_replaced = live.contains(tag);
        if !is_replaced && !dealt_with.close.contains(tag) {
            if dealt_with.close.len() == CLOSE_MAX {
                continue;
            }
            dealt_with.close.push(tag.clone());
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

/// What a device shows, the newest first.
fn shown(conn: &mut Connection, subscription: &PushSubscriptionId) -> QueryResult<Vec<(Offset, PushTag)>> {
    let shown = table.filter(j::subscription_id.eq(subscription.as_str()).and(j::shown_tag.is_not_null()));
    let rows: Vec<(i64, Option<String>)> =
        shown.order(j::offset.desc()).limit(SHOWN_MAX).select((j::offset, j::shown_tag)).load(conn)?;
    let shown = |(offset, tag): (i64, Option<String>)| {
        Ok((u64::try_from(offset).map_err(broken)?, PushTag::stored(tag.as_deref().unwrap_or_default())))
    };
    rows.into_iter().map(shown).collect()
}
