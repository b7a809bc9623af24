//! Whether a notification is worth a push, by what is true now. Pure.

use std::time::Duration;

use super::{attention::Attention, push_shown::Summary, rows::DueJob};
use crate::{
    clock::Bounds,
    domain::{
        Mute, Notification, Preferences, Timestamp,
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
    /// The last one that the device may show; `None` also for what was not held.
    pub(super) summary: Option<Summary>,
    /// Some of them may be over.
    pub(super) mutes: &'a [Mute],
    pub(super) bounds: Bounds,
    pub(super) ttl: Duration,
}

impl Judge<'_> {
    /// Why it is not worth a push, whatever it tells of.
    pub(super) fn is_moot(&self, job: &DueJob) -> Option<Withheld> {
        match self.subscription {
            None => Some(Withheld::Unsubscribed),
            Some(subscription) if subscription.disabled_at.is_some() => Some(Withheld::Disabled),
            Some(_) if self.preferences.is_some_and(|preferences| !preferences.push) => Some(Withheld::Off),
            Some(_) if self.inbox.is_some_and(|inbox| job.offset <= inbox.attended) => {
                Some(Withheld::Attended)
            }
            // It would take the place of that one, and tell of less.
            Some(_) if self.summary.is_some_and(|summary| summary.stands_for(job)) => {
                Some(Withheld::Summarized)
            }
            // By the earlier of two times that it may be, so that no jump of the clock makes it late.
            Some(_) if self.bounds.earliest > job.due_at.plus(self.ttl) => Some(Withheld::Late),
            Some(_) => None,
        }
    }

    /// What is to become of it, by what it tells of; `None` is deleted. First what is for good, then what may pass.
    pub(super) fn verdict(&self, job: &DueJob, notification: Option<Notification>) -> Verdict {
        let Some(notification) = notification else { return Verdict::Withhold(Withheld::Deleted) };
        if let Some(why) = self.is_dealt_with(&notification) {
            return Verdict::Withhold(why);
        }
        let quiet = self.preferences.and_then(|preferences| preferences.quiet.as_ref());
        let is_quiet_until = quiet.filter(|_| job.urgency < Urgency::High);
        match is_quiet_until.and_then(|quiet| quiet.end_after(self.bounds.latest)) {
            Some(until) => Verdict::Hold(until),
            None => Verdict::Push(Box::new(notification)),
        }
    }

    fn is_dealt_with(&self, notification: &Notification) -> Option<Withheld> {
        let is_muted = |mute: &Mute| {
            mute.is_in_force(self.bounds.latest) && mute.pattern.matches(&notification.notification_type)
        };
        let is_over = notification.expires_at.is_some_and(|at| at <= self.bounds.earliest);
        [
            (is_over, Withheld::Expired),
            (notification.archived_at.is_some(), Withheld::Archived),
            (notification.read_at.is_some(), Withheld::Read),
            (notification.seen_at.is_some(), Withheld::Seen),
            (self.mutes.iter().any(is_muted), Withheld::Muted),
        ]
        .into_iter()
        .find_map(|(is_so, why)| is_so.then_some(why))
    }
}
