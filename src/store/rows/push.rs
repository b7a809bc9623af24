//! Rows of Web Push: subscriptions, and jobs.

use diesel::{prelude::*, result::Error};

use super::{broken, count};
use crate::{
    domain::{
        Offset, PushSubscriptionId, Timestamp, UserId,
        push::{PushSubscription, PushTarget, Urgency},
    },
    store::{
        messages::PushTrace,
        schema::{push_jobs, push_subscriptions},
    },
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = push_subscriptions)]
pub(in crate::store) struct SubscriptionRow {
    pub(in crate::store) id: String,
    pub(in crate::store) user_id: String,
    endpoint: String,
    p256dh: String,
    auth: String,
    created_at: i64,
    disabled_at: Option<i64>,
}

impl TryFrom<SubscriptionRow> for PushSubscription {
    type Error = Error;

    fn try_from(row: SubscriptionRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id.parse().map_err(broken)?,
            target: PushTarget { endpoint: row.endpoint, p256dh: row.p256dh, auth: row.auth },
            created_at: Timestamp::from_micros(row.created_at),
            disabled_at: row.disabled_at.map(Timestamp::from_micros),
        })
    }
}

/// A job that is due, as it is judged.
#[derive(Queryable, Selectable)]
#[diesel(table_name = push_jobs)]
pub(in crate::store) struct JobRow {
    user_id: String,
    offset: i64,
    subscription_id: String,
    urgency: String,
    due_at: Option<i64>,
    attempts: i64,
    first_tried_at: Option<i64>,
}

/// The same in the words of the domain.
pub(in crate::store) struct DueJob {
    pub(in crate::store) user: UserId,
    pub(in crate::store) offset: Offset,
    pub(in crate::store) subscription: PushSubscriptionId,
    pub(in crate::store) urgency: Urgency,
    pub(in crate::store) due_at: Timestamp,
    /// How often it was claimed before.
    pub(in crate::store) attempts: u32,
    pub(in crate::store) first_tried_at: Option<Timestamp>,
}

impl TryFrom<JobRow> for DueJob {
    type Error = Error;

    fn try_from(row: JobRow) -> Result<Self, Error> {
        Ok(Self {
            user: row.user_id.parse().map_err(broken)?,
            offset: count(row.offset)?,
            subscription: row.subscription_id.parse().map_err(broken)?,
            // What a newer version has written is no reason to stop.
            urgency: row.urgency.parse().unwrap_or_default(),
            due_at: Timestamp::from_micros(row.due_at.unwrap_or_default()),
            attempts: u32::try_from(row.attempts).map_err(broken)?,
            first_tried_at: row.first_tried_at.map(Timestamp::from_micros),
        })
    }
}

/// A job as administrators see it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = push_jobs)]
pub(in crate::store) struct TraceRow {
    subscription_id: String,
    state: String,
    attempts: i64,
    status: Option<i64>,
    reason: Option<String>,
    due_at: Option<i64>,
    ended_at: Option<i64>,
}

impl TryFrom<TraceRow> for PushTrace {
    type Error = Error;

    fn try_from(row: TraceRow) -> Result<Self, Error> {
        Ok(Self {
            subscription: row.subscription_id.parse().map_err(broken)?,
            state: row.state.parse().map_err(broken)?,
            attempts: u32::try_from(row.attempts).map_err(broken)?,
            status: row.status.map(u16::try_from).transpose().map_err(broken)?,
            reason: row.reason,
            due_at: row.due_at.map(Timestamp::from_micros),
            ended_at: row.ended_at.map(Timestamp::from_micros),
        })
    }
}
