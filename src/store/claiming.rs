//! Claiming what is due to be pushed: each job is judged by what is true now, in one transaction.
//!
//! It locks jobs and subscriptions, and passes over what somebody else has locked, so it never waits; and it reads
//! inboxes without a lock, since a judgement may be out of date by the time that a push takes anyway.

use std::collections::{BTreeMap, HashMap, HashSet};

use actix::{ActorFutureExt, Context, Handler, ResponseActFuture, WrapFuture};

use super::{
    Connection, Store,
    attention::{self, Attention},
    due::{Due, Group},
    error::Fault,
    job::Write,
    judging::{Judge, Verdict},
    messages::{ClaimPushes, ClaimedPush, ClaimedPushes, LEASE, PushClaim, PushPolicy, StoreError},
    mutes, notifications, preferences,
    push_jobs::{self, Attempts, Jobs, Said},
    push_shown,
    rows::{DueJob, NotificationRow},
    subscriptions,
    transaction::Transaction,
};
use crate::domain::{
    Notification, Offset, Preferences, PushTag, Timestamp, UserId,
    push::{PushState, PushSubscription, PushText, PushWords},
};

/// How often a job is claimed before it is given up, whatever its claimants have said: one that they do not survive
/// must not be claimed for ever.
const CLAIMS_MAX: u32 = 10;
const UNHEARD_OF: &str = "nothing was heard of its attempts";

/// Jobs after which one transaction looks for no more: several times what it can claim, since many may be worth nothing.
const JUDGED_MAX: usize = 256;

/// [`ClaimPushes`] by the rules of `[push]`.
pub(super) struct Claim {
    pub(super) claim: ClaimPushes,
    pub(super) policy: PushPolicy,
}

impl Handler<ClaimPushes> for Store {
    type Result = ResponseActFuture<Self, Result<ClaimedPushes, StoreError>>;

    /// A look first, so that an idle server has its writer do nothing.
    fn handle(&mut self, claim: ClaimPushes, _: &mut Context<Self>) -> Self::Result {
        let clock = self.kept.clock.clone();
        let look = self.read(move |conn| {
            let now = conn.now()?;
            let by = clock.bounds(now);
            Ok((push_jobs::is_any_due(conn, by)?, by.earliest))
        });
        Box::pin(look.into_actor(self).then(move |looked, store, _| {
            let claimed = match looked {
                Ok((true, _)) => store.write(Claim { claim, policy: store.push.clone() }),
                Ok((false, now)) => {
                    let nothing = ClaimedPushes { pushes: Vec::new(), has_more: false, now };
                    Box::pin(async { Ok(nothing) })
                }
                Err(error) => Box::pin(async { Err(error) }),
            };
            claimed.into_actor(store)
        }))
    }
}

impl Write for Claim {
    type Done = ClaimedPushes;

    /// What it locks shows only in what it finds.
    fn is_alone(&self) -> bool {
        true
    }

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<ClaimedPushes, Fault> {
        let by = tx.bounds;
        let (mut pushes, mut judged, mut has_more) = (Vec::new(), 0, true);
        while has_more && judged < JUDGED_MAX && pushes.len() < self.claim.limit {
            let due = Due::find(tx.conn, by, self.claim.limit - pushes.len())?;
            has_more = due.has_more;
            let known = Known::read(tx.conn, &due.groups)?;
            for group in due.groups {
                judged += group.jobs.len();
                pushes.extend(self.take(tx, &known, group)?);
            }
        }
        // What is shown together is known when all of it is claimed.
        for push in &mut pushes {
            let dealt_with = push_shown::dealt_with(tx.conn, push, by)?;
            (push.close, push.claim.told) = (dealt_with.close, dealt_with.told);
        }
        Ok(ClaimedPushes { pushes, has_more, now: by.earliest })
    }
}

/// What is known of those whose jobs are due.
struct Known {
    inboxes: HashMap<String, Attention>,
    preferences: HashMap<String, Preferences>,
    /// Each with its user.
    subscriptions: HashMap<String, (String, PushSubscription)>,
}

impl Known {
    fn read(conn: &mut Connection, groups: &[Group]) -> Result<Self, Fault> {
        let jobs = || groups.iter().filter_map(|group| group.jobs.first());
        let users: HashSet<&str> = jobs().map(|job| job.user.as_str()).collect();
        let users: Vec<&str> = users.into_iter().collect();
        let names: HashSet<&str> = jobs().map(|job| job.subscription.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        Ok(Self {
            subscriptions: subscriptions::named(conn, &names)?,
            inboxes: attention::of(conn, &users)?,
            preferences: preferences::of(conn, &users)?,
        })
    }
}

/// What ends, by how and why.
type Ends = BTreeMap<(PushState, &'static str), Vec<Offset>>;

/// What jobs of one user tell of, and in which words, as far as it is there.
fn notifications_of(
    conn: &mut Connection,
    user: &UserId,
    inbox: Option<&Attention>,
    jobs: &[DueJob],
) -> Result<HashMap<Offset, (Notification, PushWords)>, Fault> {
    let (Some(inbox), false) = (inbox, jobs.is_empty()) else { return Ok(HashMap::new()) };
    let offsets: Vec<Offset> = jobs.iter().map(|job| job.offset).collect();
    let numbered = |(words, row): (Option<String>, NotificationRow)| {
        // One that cannot be read is no reason to stop for all.
        let notification = row.within(inbox.epoch).inspect_err(|error| log::error!("{error}")).ok()?;
        let words = words.and_then(|words| serde_json::from_str(&words).ok()).unwrap_or_default();
        Some((notification.position.offset, (notification, words)))
    };
    Ok(notifications::numbered(conn, user, &offsets)?.into_iter().filter_map(numbered).collect())
}

impl Claim {
    /// Claims what is worth a push of the jobs for one subscription, ends or holds the others.
    fn take(
        &self,
        tx: &mut Transaction<'_>,
        known: &Known,
        group: Group,
    ) -> Result<Option<ClaimedPush>, Fault> {
        let Group { jobs, is_held, has_more } = group;
        let Some((user, id)) = jobs.first().map(|job| (job.user.clone(), job.subscription.clone())) else {
            return Ok(None);
        };
        let subscription = known.subscriptions.get(id.as_str());
        let subscription =
            subscription.filter(|(owner, _)| owner == user.as_str()).map(|(_, subscription)| subscription);
        let inbox = known.inboxes.get(user.as_str());
        let mutes = match inbox {
            Some(inbox) if inbox.has_mutes => mutes::of(tx.conn, &user)?,
            _ => Vec::new(),
        };
        let preferences = known.preferences.get(user.as_str());
        let summary = if is_held { push_shown::summary(tx.conn, &id)? } else { None };
        let judge = Judge {
            inbox,
            preferences,
            subscription,
            summary,
            mutes: &mutes,
            bounds: tx.bounds,
            ttl: self.policy.ttl,
        };
        let (mut ends, mut pauses): (Ends, BTreeMap<Timestamp, Vec<Offset>>) = Default::default();
        let mut end = |state, why, offset| ends.entry((state, why)).or_default().push(offset);
        let (mut open, mut worth) = (Vec::with_capacity(jobs.len()), Vec::new());
        for job in jobs {
            match judge.is_moot(&job) {
                Some(why) => end(PushState::Withheld, why.as_str(), job.offset),
                None => open.push(job),
            }
        }
        let mut told_of = notifications_of(tx.conn, &user, inbox, &open)?;
        for job in open {
            let (notification, words) = told_of.remove(&job.offset).unzip();
            match judge.verdict(&job, notification) {
                Verdict::Withhold(why) => end(PushState::Withheld, why.as_str(), job.offset),
                Verdict::Hold(until) => pauses.entry(until).or_default().push(job.offset),
                Verdict::Push(_) if job.attempts >= CLAIMS_MAX => {
                    end(PushState::Dead, UNHEARD_OF, job.offset)
                }
                Verdict::Push(notification) => worth.push((job, *notification, words.unwrap_or_default())),
            }
        }
        let mine = |offsets| Jobs { user: &user, subscription: &id, offsets, attempts: Attempts::Any };
        for ((state, why), offsets) in &ends {
            let said = Said { status: None, reason: Some(why) };
            push_jobs::end(tx.conn, mine(offsets), *state, said, tx.now)?;
        }
        for (until, offsets) in &pauses {
            push_jobs::hold(tx.conn, mine(offsets), *until)?;
        }
        let (Some(subscription), Some(inbox)) = (subscription, inbox) else {
            return Ok(None);
        };
        claim(tx, subscription, inbox, worth, has_more)
    }
}

/// Claims what is worth a push as one; `has_more` says that it may stand for others.
fn claim(
    tx: &mut Transaction<'_>,
    subscription: &PushSubscription,
    inbox: &Attention,
    worth: Vec<(DueJob, Notification, PushWords)>,
    has_more: bool,
) -> Result<Option<ClaimedPush>, Fault> {
    let (now, lease_until) = (tx.bounds.earliest, tx.bounds.latest.plus(LEASE));
    let first_tried_at =
        worth.iter().filter_map(|(job, ..)| job.first_tried_at).min().map_or(now, |at| at.min(now));
    let told =
        |(_, notification, words): &(DueJob, Notification, PushWords)| words.clone().told_of(notification);
    let text = PushText::summary(worth.iter().map(told).collect(), has_more);
    let (Some((first, newest, _)), Some(text)) = (worth.first(), text) else { return Ok(None) };
    let tag = match worth.len() {
        1 => PushTag::of(&newest.id, newest.key.as_deref()),
        _ => PushTag::summary(),
    };
    let offsets: Vec<Offset> = worth.iter().map(|(job, ..)| job.offset).collect();
    let jobs = Jobs {
        user: &first.user,
        subscription: &subscription.id,
        offsets: &offsets,
        attempts: Attempts::Any,
    };
    push_jobs::claim(tx.conn, jobs, &tag, first_tried_at, lease_until)?;
    let urgency = worth.iter().map(|(job, ..)| job.urgency).max().unwrap_or_default();
    let attempt = worth.iter().map(|(job, ..)| job.attempts + 1).min().unwrap_or(1);
    let ends: Option<Vec<Timestamp>> =
        worth.iter().map(|(_, notification, _)| notification.expires_at).collect();
    let claim = PushClaim {
        user: first.user.clone(),
        subscription: subscription.id.clone(),
        jobs: worth.iter().map(|(job, ..)| (job.offset, job.attempts + 1)).collect(),
        told: Vec::new(),
    };
    let count = worth.len();
    let Some((_, notification, _)) = worth.into_iter().next() else { return Ok(None) };
    Ok(Some(ClaimedPush {
        claim,
        target: subscription.target.clone(),
        notification,
        count,
        text,
        urgency,
        tag,
        unseen: inbox.unseen,
        close: BTreeMap::new(),
        expires_at: ends.and_then(|ends| ends.into_iter().max()),
        attempt,
        first_tried_at,
    }))
}
