//! Collapse keys: a notification takes the place of the older ones with its key that wait to be read.

use super::{
    Connection,
    error::Fault,
    inboxes,
    notifications::{self, Marking, Scope},
    rows::broken,
};
use crate::{
    domain::{MarkAs, MarkTarget, NotificationId, Offset, Timestamp, UserId, mark::MARK_IDS_MAX},
    hub::messages::{InboxFact, MarkedChange},
};

/// Archives what is unread under this key below `offset`. There is one at most, unless the user has marked
/// older ones as unread again.
pub(super) fn archive_older(
    conn: &mut Connection,
    user: &UserId,
    key: &str,
    offset: Offset,
    now: Timestamp,
    facts: &mut Vec<InboxFact>,
) -> Result<(), Fault> {
    let older = notifications::unread_with_key(conn, user, key, offset, now)?;
    // As many in one go as one mark may name.
    for older in older.chunks(MARK_IDS_MAX) {
        let ids: Vec<&str> = older.iter().map(String::as_str).collect();
        let marking = Marking { user, mark_as: MarkAs::Archived, scope: Scope::Ids(&ids), now };
        let Some(delta) = marking.apply(conn)? else { continue };
        let ids: Result<Vec<NotificationId>, _> = older.iter().map(|id| id.parse().map_err(broken)).collect();
        facts.push(InboxFact::Marked {
            user: user.clone(),
            origin: None,
            change: MarkedChange::As(MarkAs::Archived, MarkTarget::Ids(ids?)),
            counters: inboxes::adjust(conn, user, delta, now)?.counters,
        });
    }
    Ok(())
}
