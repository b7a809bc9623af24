//! Claiming events for the receiver, and recording what has become of them.
//!
//! It locks jobs, and passes over what somebody else has locked, so it never waits; the row of the receiver is locked
//! behind them.

use std::time::Duration;

use actix::{ActorFutureExt, Context, Handler, ResponseActFuture, WrapFuture};

use super::{
    Store,
    error::Fault,
    job::Write,
    messages::{
        ClaimWebhooks, ClaimedWebhook, ClaimedWebhooks, GONE, RecordWebhooks, StoreError, WebhookClaim,
        WebhookOutcome,
    },
    rows::broken,
    transaction::Transaction,
    webhook_jobs::{self, ReceiverRow, Said},
};
use crate::domain::{Timestamp, WebhookState};

/// For how long a claimed event is its claimant's: well beyond what an attempt may take.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// How often an event is claimed before it is given up, whatever its claimants have said: one that they do not survive
/// must not be claimed for ever.
const CLAIMS_MAX: i64 = 50;
const UNHEARD_OF: &str = "nothing was heard of its attempts";

/// Why a receiver is disabled.
const SAYS_GONE: &str = "it has answered 410";
const HAS_FAILED: &str = "it has failed for too long";

impl Handler<ClaimWebhooks> for Store {
    type Result = ResponseActFuture<Self, Result<ClaimedWebhooks, StoreError>>;

    /// A look first, so that an idle server has its writer do nothing.
    fn handle(&mut self, claim: ClaimWebhooks, _: &mut Context<Self>) -> Self::Result {
        let clock = self.kept.clock.clone();
        let receiver = claim.receiver;
        let look = self.read(move |conn| {
            let now = conn.now()?;
            let by = clock.bounds(now);
            let disabled_at = webhook_jobs::receiver(conn, &receiver)?.disabled_at;
            Ok((disabled_at, webhook_jobs::is_any_due(conn, by)?, by.earliest))
        });
        Box::pin(look.into_actor(self).then(move |looked, store, _| {
            let claimed = match looked {
                Ok((None, true, _)) => store.write(claim),
                Ok((disabled_at, _, now)) => {
                    let disabled_at = disabled_at.map(Timestamp::from_micros);
                    let nothing = ClaimedWebhooks { webhooks: Vec::new(), has_more: false, now, disabled_at };
                    Box::pin(async { Ok(nothing) })
                }
                Err(error) => Box::pin(async { Err(error) }),
            };
            claimed.into_actor(store)
        }))
    }
}

impl Write for ClaimWebhooks {
    type Done = ClaimedWebhooks;

    fn rows(&self) -> usize {
        self.limit
    }

    /// What it locks shows only in what it finds.
    fn is_alone(&self) -> bool {
        true
    }

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<ClaimedWebhooks, Fault> {
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        let due = webhook_jobs::due(tx.conn, tx.bounds, limit)?;
        let has_more = due.len() == self.limit;
        let (mut webhooks, mut sequences) = (Vec::with_capacity(due.len()), Vec::with_capacity(due.len()));
        for row in due {
            let claim = WebhookClaim {
                sequence: row.sequence,
                attempt: u32::try_from(row.attempts + 1).map_err(broken)?,
            };
            if row.attempts >= CLAIMS_MAX {
                let claim = WebhookClaim { attempt: claim.attempt - 1, ..claim };
                let said = Said { status: None, reason: Some(UNHEARD_OF) };
                webhook_jobs::end(tx.conn, claim, WebhookState::Dead, said, tx.now)?;
                continue;
            }
            sequences.push(row.sequence);
            webhooks.push(ClaimedWebhook {
                claim,
                id: row.id.parse().map_err(broken)?,
                event: row.type_,
                occurred_at: Timestamp::from_micros(row.occurred_at),
                data: row.data,
            });
        }
        if !sequences.is_empty() {
            webhook_jobs::claim(tx.conn, &sequences, tx.bounds.latest.plus(LEASE))?;
        }
        Ok(ClaimedWebhooks { webhooks, has_more, now: tx.bounds.earliest, disabled_at: None })
    }
}

impl Write for RecordWebhooks {
    type Done = Option<&'static str>;

    fn rows(&self) -> usize {
        self.outcomes.len()
    }

    fn is_alone(&self) -> bool {
        true
    }

    fn apply(&self, tx: &mut Transaction<'_>) -> Result<Option<&'static str>, Fault> {
        let mut outcomes: Vec<&(WebhookClaim, WebhookOutcome)> = self.outcomes.iter().collect();
        outcomes.sort_by_key(|(claim, _)| claim.sequence);
        for (claim, outcome) in &outcomes {
            match outcome {
                WebhookOutcome::Sent { status } => {
                    let said = Said { status: Some(*status), reason: None };
                    webhook_jobs::end(tx.conn, *claim, WebhookState::Sent, said, tx.now)?;
                }
                WebhookOutcome::Retry { after, status, reason } => {
                    let said = Said { status: *status, reason: Some(reason) };
                    webhook_jobs::put_off(tx.conn, *claim, tx.bounds.earliest.plus(*after), said)?;
                }
                WebhookOutcome::Dead { status, reason } => {
                    let said = Said { status: *status, reason: Some(reason) };
                    webhook_jobs::end(tx.conn, *claim, WebhookState::Dead, said, tx.now)?;
                }
            }
        }
        self.note_receiver(tx, &outcomes)
    }
}

impl RecordWebhooks {
    /// How the receiver does by these; why it is disabled, if that is new.
    fn note_receiver(
        &self,
        tx: &mut Transaction<'_>,
        outcomes: &[&(WebhookClaim, WebhookOutcome)],
    ) -> Result<Option<&'static str>, Fault> {
        let has =
            |is_meant: fn(&WebhookOutcome) -> bool| outcomes.iter().any(|(_, outcome)| is_meant(outcome));
        let has_taken = has(|outcome| matches!(outcome, WebhookOutcome::Sent { .. }));
        let is_gone = has(|outcome| match outcome {
            WebhookOutcome::Sent { .. } => false,
            WebhookOutcome::Retry { status, .. } | WebhookOutcome::Dead { status, .. } => {
                *status == Some(GONE)
            }
        });
        let known = webhook_jobs::receiver(tx.conn, &self.receiver)?;
        // What was on its way when it was disabled changes nothing: an administrator has the word.
        if known.disabled_at.is_some() {
            return Ok(None);
        }
        let failing_since = match known.failing_since {
            _ if has_taken => None,
            Some(since) => Some(since),
            None => Some(tx.bounds.latest.as_micros()),
        };
        let has_failed = failing_since.is_some_and(|since| {
            Timestamp::from_micros(since).plus(self.disable_after) <= tx.bounds.earliest
        });
        let reason = match (is_gone, has_failed) {
            (true, _) => Some(SAYS_GONE),
            (false, true) => Some(HAS_FAILED),
            (false, false) => None,
        };
        let row = ReceiverRow {
            failing_since,
            disabled_at: reason.map(|_| tx.now.as_micros()),
            reason: reason.map(str::to_owned),
        };
        if row != known {
            webhook_jobs::put_receiver(tx.conn, &self.receiver, &row)?;
        }
        Ok(reason)
    }
}
