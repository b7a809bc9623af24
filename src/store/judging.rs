//! Whether a notification is worth a push, by what is true now.

use std::time::Duration;

use super::{Connection, attention::Attention, error::Fault, muting, notifications, rows::DueJob};
use crate::{
    clock::Bounds,
    domain::{
        Notification, Preferences, Timestamp,
        push::{PushSubscription, Urgency, Withheld},
    },
};

pub(super) enum Verdict {
    Withhold(Withheld),
    /// Until the quiet hours are over.
    Hold(Timestamp),
    Push(Box<Notification>),
}

/// What is known of the user and the subscription that a job is for; what is not there is `None`.
pub(super) struct Judge<'a> {
    pub(super) inbox: Option<&'a Attention>,
    /// `None` for who never said it.
    pub(super) preferences: Option<&'a Preferences>,
    pub(super) subscription: Option<&'a PushSubscription>,
    pub(super) bounds: Bounds,
    pub(super) ttl: Duration,
}

impl Judge<'_> {
    /// From what is cheap to what is dear, and from what is for good to what may pass.
    pub(super) fn verdict(&self, conn: &mut Connection, job: &DueJob) -> Result<Verdict, Fault> {
        let why = match self.subscription {
            None => Some(Withheld::Unsubscribed),
            Some(subscription) if subscription.disabled_at.is_some() => Some(Withheld::Disabled),
            Some(_) if self.preferences.is_some_and(|preferences| !preferences.push) => Some(Withheld::Off),
            Some(_) if self.inbox.is_some_and(|inbox| job.offset <= inbox.attended) => {
                Some(Withheld::Attended)
            }
            // By the earlier of two times that it may be, so that no jump of the clock makes it late.
            Some(_) if self.bounds.earliest > job.due_at.plus(self.ttl) => Some(Withheld::Late),
            Some(_) => None,
        };
        if let Some(why) = why {
            return Ok(Verdict::Withhold(why));
        }
        let (Some(inbox), Some(row)) = (self.inbox, notifications::at(conn, &job.user, job.offset)?) else {
            return Ok(Verdict::Withhold(Withheld::Deleted));
        };
        let notification = row.within(inbox.epoch)?;
        if let Some(why) = self.is_dealt_with(&notification) {
            return Ok(Verdict::Withhold(why));
        }
        if inbox.has_mutes
            && muting::is_in_force(conn, &job.user, &notification.notification_type, self.bounds.latest)?
        {
            return Ok(Verdict::Withhold(Withheld::Muted));
        }
        let quiet = self.preferences.and_then(|preferences| preferences.quiet.as_ref());
        let is_quiet_until = quiet.filter(|_| job.urgency < Urgency::High);
        Ok(match is_quiet_until.and_then(|quiet| quiet.end_after(self.bounds.latest)) {
            Some(until) => Verdict::Hold(until),
            None => Verdict::Push(Box::new(notification)),
        })
    }

    fn is_dealt_with(&self, notification: &Notification) -> Option<Withheld> {
        let is_over = notification.expires_at.is_some_and(|at| at <= self.bounds.earliest);
        [
            (is_over, Withheld::Expired),
            (notification.archived_at.is_some(), Withheld::Archived),
            (notification.read_at.is_some(), Withheld::Read),
            (notification.seen_at.is_some(), Withheld::Seen),
        ]
        .into_iter()
        .find_map(|(is_so, why)| is_so.then_some(why))
    }
}
