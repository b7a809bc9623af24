//! How long a connection may stand still, and an answer take; less where connections, or memory for answers, are
//! scarce.

use std::time::{Duration, Instant};

use crate::outbox::OutboxPool;

/// How long a connection may be idle where connections are scarce.
pub(super) const SCARCE_IDLE: Duration = Duration::from_secs(1);

/// How long a connection may stand still.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// In an answer, until the client takes more of it.
    pub answer: Duration,
    /// Bytes a second at which it must be taken, beyond that.
    pub rate: u64,
    /// Behind an answer, or from the connection on, until the next request is there with its whole head.
    pub idle: Duration,
    /// From the first bytes of that head on; for the first one from the connection on.
    pub head: Duration,
}

impl Patience {
    pub(super) fn while_scarce(self) -> Self {
        Self { answer: self.answer.min(self.head), idle: self.idle.min(SCARCE_IDLE), ..self }
    }
}

/// What is given out.
pub(super) struct Answer {
    pub(super) since: Instant,
    pub(super) bytes: u64,
    /// Where it counts, if it does.
    pub(super) pool: Option<OutboxPool>,
}

impl Answer {
    /// Whether it takes longer as a whole than it may. Where many answers wait, its size is no excuse.
    pub(super) fn is_late(&self, patience: Patience) -> bool {
        let transfer =
            Duration::from_secs(self.bytes) / u32::try_from(patience.rate.max(1)).unwrap_or(u32::MAX);
        let transfer = if self.is_scarce() { Duration::ZERO } else { transfer };
        self.since.elapsed() >= patience.answer.saturating_add(transfer)
    }

    pub(super) fn is_scarce(&self) -> bool {
        self.pool.as_ref().is_some_and(OutboxPool::is_exhausted)
    }
}
