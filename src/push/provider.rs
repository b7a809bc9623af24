//! What the courier knows of those who bring a push to a device.
//!
//! Web Push is the first ([`super::web_push`]); docs/push.md says what another one needs.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use crate::{domain::Timestamp, store::messages::ClaimedPush};

/// Brings pushes to their service.
pub trait Provider {
    /// Tries once, and says within [`crate::egress::ATTEMPT_MAX`] what became of it. Whether it is tried again is not its to
    /// judge. `now` is the time by which the push's own times are.
    fn attempt<'a>(&'a self, push: &'a ClaimedPush, now: Timestamp) -> LocalBoxFuture<'a, Answer>;
}

/// What became of one attempt. Reasons are in our own words, for administrators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The service has taken it.
    Taken { status: u16 },
    /// The service knows no such subscription any more.
    Gone { status: u16 },
    /// It may go better later; the service may have said when.
    Later { after: Option<Duration>, status: Option<u16>, reason: &'static str },
    /// It will go no better.
    Never { status: Option<u16>, reason: &'static str },
    /// The address may not be pushed to; nobody was asked.
    Forbidden,
}
