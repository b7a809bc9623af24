//! What the gate asks: tickets, and what is no longer let in.

use std::time::Duration;

use actix::Message;

use super::StoreError;
use crate::domain::{Identity, Revocation, Revoked, Timestamp};

/// Keep a ticket that stands for this identity, for one use within its life.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct KeepTicket {
    pub digest: TicketDigest,
    pub identity: Identity,
    pub lifetime: Duration,
}

/// Take a ticket for good. Whoever asks for it again gets nothing, on whatever instance.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<Identity>, StoreError>")]
pub struct RedeemTicket {
    pub digest: TicketDigest,
}

/// SHA-256 of a ticket. Looked up instead of the ticket: how long a comparison takes says something about the
/// digest of a guess, which nobody can choose byte by byte; and what is kept opens nothing.
pub type TicketDigest = [u8; 32];

/// Revoke all of these, now; answered by when that is. What was revoked before is so up to now.
#[derive(Debug, Message)]
#[rtype(result = "Result<(Timestamp, Vec<Revocation>), StoreError>")]
pub struct Revoke {
    pub revoked: Vec<Revoked>,
}

/// A page of what was revoked, in order of time; from `since`, or behind the last one of the page before.
#[derive(Debug, Message)]
#[rtype(result = "Result<RevocationPage, StoreError>")]
pub struct ReadRevocations {
    pub since: Timestamp,
    pub after: Option<Revocation>,
    /// Rows of a page.
    pub limit: usize,
}

#[derive(Debug)]
pub struct RevocationPage {
    pub revocations: Vec<Revocation>,
    pub has_more: bool,
    /// When it was read, by the clock by which is revoked.
    pub read_at: Timestamp,
}
