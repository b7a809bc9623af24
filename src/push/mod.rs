//! Tells browsers that are closed, by their push services (Web Push).

mod encrypt;
mod endpoint;
mod vapid;

use std::sync::Arc;

pub use encrypt::{PLAIN_MAX, Receiver};
pub use endpoint::{Endpoint, EndpointRule};
pub use vapid::{Vapid, VapidKey};

/// What http needs to take a subscription.
#[derive(Clone)]
pub struct PushDesk {
    pub rule: Arc<EndpointRule>,
    /// What pages subscribe with.
    pub public_key: Arc<str>,
}
