//! Collapse keys: a notification takes the place of the older ones with its key that wait to be read.

use super::{
    error::Fault,
    inboxes,
    notifications::{self, Marking, Scope},
    rows::broken,
    transaction::Transaction,
};
use crate::{
    domain::{MarkAs, MarkTarget, NotificationId, Offset, UserId, mark::MARK_IDS_MAX},
    hub::messages::{InboxFact, MarkedChange},
};

/// Archives what is unread under this key below `offset`. There is one at most, unless the user has marked
/// older ones as unread again. Answers with their offsets.
pub(super) fn archive_older(
    Transaction { conn, now, bounds, facts, .. }: &mut Transaction<'_>,
    user: &UserId,
    key: &str,
    offset: Offset,
) -> Result<Vec<i64>, Fault> {
    let (now, ended_by) = (*now, bounds.earliest);
    let older = notifications::unread_with_key(conn, user, key, offset, ended_by)?;
    // As many in one go as one mark may name.
    for older in older.chunks(MARK_IDS_MAX) {
        let ids: Vec<&str> = older.iter().map(|(id, _)| id.as_str()).collect();
        let marking = Marking { user, mark_as: MarkAs::Archived, scope: Scope::Ids(&ids), now, ended_by };
        let Some(delta) = marking.apply(conn)? else { continue };
        let ids: Result<Vec<NotificationId>, _> =
            older.iter().map(|(id, _)| id.parse().map_err(broken)).collect();
        facts.push(InboxFact::Marked {
            user: user.clone(),
            origin: None,
            change: MarkedChange::As(MarkAs::Archived, MarkTarget::Ids(ids?)),
            counters: inboxes::adjust(conn, user, delta, now)?.counters,
        });
    }
    Ok(older.into_iter().map(|(_, offset)| offset).collect())
}
