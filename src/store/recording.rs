//! Recording what has become of claimed pushes.

use std::collections::BTreeMap;

use super::{
    error::Fault,
    inboxes,
    job::Write,
    messages::{PushClaim, PushOutcome, RecordPush},
    push_jobs::{self, Attempts, Jobs, Said},
    push_shown, subscriptions,
    transaction::Transaction,
};
use crate::domain::{Offset, push::PushState};

impl Write for RecordPush {
    type Done = ();

    fn rows(&self) -> usize {
        self.outcomes.iter().map(|(claim, _)| claim.jobs.len()).sum()
    }

    /// It is about many users.
    fn is_alone(&self) -> bool {
        true
    }

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<(), Fault> {
        let mut outcomes: Vec<&(PushClaim, PushOutcome)> = self.outcomes.iter().collect();
        outcomes.sort_by_key(|(claim, _)| (&claim.user, &claim.subscription));
        let changes_inbox =
            |outcome: &PushOutcome| matches!(outcome, PushOutcome::Gone { .. } | PushOutcome::Refused { .. });
        let changed = outcomes.iter().filter(|(_, outcome)| changes_inbox(outcome));
        let mut users: Vec<String> = changed.map(|(claim, _)| claim.user.to_string()).collect();
        users.dedup();
        inboxes::hold_all(tx.conn, &users)?;
        for (claim, outcome) in outcomes {
            record(tx, claim, outcome)?;
        }
        Ok(())
    }
}

fn record(tx: &mut Transaction<'_>, claim: &PushClaim, outcome: &PushOutcome) -> Result<(), Fault> {
    let (conn, now) = (&mut *tx.conn, tx.now);
    let PushClaim { user, subscription, jobs, told } = claim;
    let (state, said) = match outcome {
        PushOutcome::Sent { status } => (PushState::Sent, Said { status: Some(*status), reason: None }),
        PushOutcome::Retry { status, reason, .. } => {
            (PushState::Waiting, Said { status: *status, reason: Some(reason) })
        }
        PushOutcome::Gone { status } => (PushState::Gone, Said { status: Some(*status), reason: None }),
        PushOutcome::Refused { reason } => (PushState::Dead, Said { status: None, reason: Some(reason) }),
        PushOutcome::Dead { status, reason } => {
            (PushState::Dead, Said { status: *status, reason: Some(reason) })
        }
    };
    let mut by_attempt: BTreeMap<u32, Vec<Offset>> = BTreeMap::new();
    for (offset, attempt) in jobs {
        by_attempt.entry(*attempt).or_default().push(*offset);
    }
    for (attempt, offsets) in &by_attempt {
        let jobs = Jobs { user, subscription, offsets, attempts: Attempts::Last(*attempt) };
        match outcome {
            PushOutcome::Retry { after, .. } => {
                push_jobs::put_off(conn, jobs, tx.bounds.earliest.plus(*after), said)?;
            }
            _ => push_jobs::end(conn, jobs, state, said, now)?,
        }
    }
    match outcome {
        PushOutcome::Sent { .. } => push_shown::close(conn, user, subscription, told)?,
        PushOutcome::Gone { .. } => {
            if subscriptions::remove(conn, user, subscription)? {
                subscriptions::recount(conn, user)?;
            }
        }
        PushOutcome::Refused { .. } => {
            subscriptions::disable(conn, user, subscription, now)?;
            subscriptions::recount(conn, user)?;
        }
        PushOutcome::Retry { .. } | PushOutcome::Dead { .. } => {}
    }
    Ok(())
}
