//! Rows as the database holds them, and what they are in the words of the domain.
//!
//! A row that is not what the domain allows is a [`Error::DeserializationError`]: the database or
//! the code broke a promise.

mod access;
mod ledger;
mod push;

pub(super) use access::{RevocationRow, TicketRow};
use diesel::{prelude::*, result::Error};
pub(super) use ledger::{Entry, Kind};
pub(super) use push::{DueJob, JobRow, SubscriptionRow, TraceRow};

use super::{
    messages::{InboxState, Receipt},
    schema::{idempotency_keys, inboxes, mutes, notifications, preferences},
};
use crate::{
    domain::{
        Counters, Epoch, Invalid, Json, Mute, Notification, Position, Preferences, QuietHours, TimeOfDay,
        Timestamp, UserId, Zone,
    },
    stream::Head,
};

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = inboxes)]
pub(super) struct InboxRow {
    epoch: String,
    last_offset: i64,
    pruned_offset: i64,
    unread: i64,
    unseen: i64,
    version: i64,
    marks_version: i64,
}

impl TryFrom<InboxRow> for InboxState {
    type Error = Error;

    fn try_from(row: InboxRow) -> Result<Self, Error> {
        let last = count(row.last_offset)?;
        let head = Head {
            epoch: row.epoch.parse().map_err(broken)?,
            last,
            pruned: count(row.pruned_offset)?,
            restart: last,
        };
        let counters = Counters {
            unread: count(row.unread)?,
            unseen: count(row.unseen)?,
            version: count(row.version)?,
            marks_version: count(row.marks_version)?,
        };
        Ok(Self { head, counters })
    }
}

#[derive(Insertable)]
#[diesel(table_name = notifications, treat_none_as_default_value = false)]
pub(super) struct NewNotification<'a> {
    user_id: &'a str,
    offset: i64,
    id: &'a str,
    type_: &'a str,
    v: i64,
    key: Option<&'a str>,
    created_at: i64,
    expires_at: Option<i64>,
    muted: bool,
    payload: &'a str,
    push: Option<&'a str>,
}

impl<'a> NewNotification<'a> {
    /// A notification that nobody has marked, as it is when it is appended; and what a push of it says.
    pub(super) fn new(
        user_id: &'a str,
        notification: &'a Notification,
        push: Option<&'a str>,
    ) -> Result<Self, Error> {
        Ok(Self {
            user_id,
            offset: i64::try_from(notification.position.offset).map_err(broken)?,
            id: notification.id.as_str(),
            type_: notification.notification_type.as_str(),
            v: notification.v.into(),
            key: notification.key.as_deref(),
            created_at: notification.created_at.as_micros(),
            expires_at: notification.expires_at.map(Timestamp::as_micros),
            muted: notification.muted,
            payload: notification.payload.as_str(),
            push,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = notifications)]
pub(super) struct NotificationRow {
    offset: i64,
    id: String,
    type_: String,
    v: i64,
    key: Option<String>,
    created_at: i64,
    seen_at: Option<i64>,
    read_at: Option<i64>,
    archived_at: Option<i64>,
    expires_at: Option<i64>,
    muted: bool,
    payload: String,
}

impl NotificationRow {
    /// The notification, in an inbox of this epoch.
    pub(super) fn within(self, epoch: Epoch) -> Result<Notification, Error> {
        Ok(Notification {
            id: self.id.parse().map_err(broken)?,
            position: Position::new(epoch, count(self.offset)?),
            notification_type: self.type_.parse().map_err(broken)?,
            v: u32::try_from(self.v).map_err(broken)?,
            payload: Json::trusted(&self.payload).map_err(broken)?,
            key: self.key,
            created_at: Timestamp::from_micros(self.created_at),
            expires_at: self.expires_at.map(Timestamp::from_micros),
            seen_at: self.seen_at.map(Timestamp::from_micros),
            read_at: self.read_at.map(Timestamp::from_micros),
            archived_at: self.archived_at.map(Timestamp::from_micros),
            muted: self.muted,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = mutes)]
pub(super) struct MuteRow {
    pattern: String,
    until: Option<i64>,
    created_at: i64,
}

impl TryFrom<MuteRow> for Mute {
    type Error = Error;

    fn try_from(row: MuteRow) -> Result<Self, Error> {
        Ok(Self {
            pattern: row.pattern.parse().map_err(broken)?,
            until: row.until.map(Timestamp::from_micros),
            created_at: Timestamp::from_micros(row.created_at),
        })
    }
}

/// What a publish with this key was, and how it was answered.
#[derive(Queryable, Selectable)]
#[diesel(table_name = idempotency_keys)]
pub(super) struct KeyRow {
    pub(super) digest: Vec<u8>,
    receipts: String,
}

impl KeyRow {
    /// The receipts of the same request, which has the same recipients in the same order.
    pub(super) fn receipts(&self, to: &[UserId]) -> Result<Vec<Receipt>, Error> {
        let lines = self.receipts.lines().zip(to);
        lines.map(|(line, user)| receipt(line, user).map_err(broken)).collect()
    }
}

fn receipt(line: &str, user: &UserId) -> Result<Receipt, Invalid> {
    let mut words = line.split(' ');
    let mut word = || words.next().ok_or_else(|| Invalid::new("a receipt is id, position"));
    Ok(Receipt { id: word()?.parse()?, position: word()?.parse()?, to: user.clone() })
}

/// Receipts as [`KeyRow`] keeps them: none of their words can have a space or a line end in it. They name no user,
/// so that nothing has to be looked for when one is erased.
pub(super) fn receipt_lines(receipts: &[Receipt]) -> String {
    let line = |r: &Receipt| format!("{} {}", r.id, r.position);
    receipts.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = preferences, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct PreferencesRow {
    quiet_zone: Option<String>,
    quiet_from: Option<i64>,
    quiet_to: Option<i64>,
    push: bool,
}

impl From<&Preferences> for PreferencesRow {
    fn from(preferences: &Preferences) -> Self {
        let quiet = preferences.quiet.as_ref();
        Self {
            quiet_zone: quiet.map(|quiet| quiet.zone.as_str().to_owned()),
            quiet_from: quiet.map(|quiet| quiet.from.minutes().into()),
            quiet_to: quiet.map(|quiet| quiet.to.minutes().into()),
            push: preferences.push,
        }
    }
}

impl TryFrom<PreferencesRow> for Preferences {
    type Error = Error;

    fn try_from(row: PreferencesRow) -> Result<Self, Error> {
        let time = |minutes: i64| u16::try_from(minutes).ok().and_then(TimeOfDay::from_minutes);
        let quiet = match (row.quiet_zone, row.quiet_from, row.quiet_to) {
            (Some(zone), Some(from), Some(to)) => {
                let times = time(from).zip(time(to));
                let (from, to) =
                    times.ok_or_else(|| broken(Invalid::new("a time is a minute of the day")))?;
                Some(QuietHours::new(Zone::stored(zone), from, to).map_err(broken)?)
            }
            _ => None,
        };
        Ok(Self { quiet, push: row.push })
    }
}

/// A number that is never negative.
fn count(number: i64) -> Result<u64, Error> {
    u64::try_from(number).map_err(broken)
}

pub(super) fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::DeserializationError(Box::new(error))
}
