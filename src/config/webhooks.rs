//! What must hold between the settings of `[webhooks]`, and what should be known about them at the start. That the
//! address and the secrets are what they should be is known to `webhooks` alone.

use super::{
    Config,
    check::{Problem, refuse_if},
};

/// What nothing reads where webhooks are off.
const SETTINGS: [&str; 9] = [
    "webhooks.secret",
    "webhooks.previous_secret",
    "webhooks.events",
    "webhooks.allowed_hosts",
    "webhooks.ca",
    "webhooks.retries",
    "webhooks.disable_after",
    "webhooks.max_waiting",
    "webhooks.max_dead",
];

/// Most attempts of an event, but for the first.
const RETRIES_MAX: usize = 20;

/// Shortest lease of a node, of which a third passes between two renewals.
const LEASE_MIN: std::time::Duration = std::time::Duration::from_secs(2);

pub fn check(config: &Config) -> Result<(), Problem> {
    let webhooks = &config.webhooks;
    refuse_if(
        webhooks.url.is_some() && webhooks.secret.is_none(),
        "webhooks.secret",
        "webhooks.url needs a secret to sign with: echo whsec_$(openssl rand -base64 32)",
    )?;
    refuse_if(
        webhooks.url.is_some() && config.rooms.presence_ttl < LEASE_MIN,
        "rooms.presence_ttl",
        "at least 2s with webhooks.url: else an instance that is there would be taken for lost",
    )?;
    refuse_if(webhooks.disable_after.is_zero(), "webhooks.disable_after", "must be more than 0")?;
    refuse_if(webhooks.max_waiting == 0, "webhooks.max_waiting", "must be more than 0")?;
    refuse_if(
        webhooks.retries.len() > RETRIES_MAX,
        "webhooks.retries",
        "at most 20 pauses: what fails for longer is a matter for somebody to look at",
    )
}

/// What works, but should be known.
pub fn warnings(config: &Config, is_set: impl Fn(&str) -> bool) -> impl Iterator<Item = String> {
    let is_off = config.webhooks.url.is_none();
    SETTINGS
        .into_iter()
        .filter(move |key| is_off && is_set(key))
        .map(|key| format!("{key} has no effect without webhooks.url"))
}
