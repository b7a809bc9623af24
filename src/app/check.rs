//! What a part would refuse when it starts, found before anything starts.

use secrecy::ExposeSecret;

use crate::{
    bridge,
    config::{Config, Problem},
    domain::Invalid,
    egress::{EndpointRule, client::check_ca},
    push::VapidKey,
    webhooks,
};

/// Finds the first setting that its part cannot use.
///
/// # Errors
/// The setting, and what is wrong with it.
pub fn check(config: &Config) -> Result<(), Problem> {
    let wrong = |key: &'static str| move |error: Invalid| Problem { key, text: error.to_string() };
    let push = &config.push;
    check_webhooks(config)?;
    if let Some(url) = &config.bridge.url {
        bridge::check_url(url).map_err(wrong("bridge.url"))?;
    }
    if !push.enabled {
        return Ok(());
    }
    EndpointRule::new(&push.allowed_hosts).map_err(wrong("push.allowed_hosts"))?;
    if let Some(key) = &push.vapid_private_key {
        VapidKey::parse(key.expose_secret()).map_err(wrong("push.vapid_private_key"))?;
    }
    push.test_ca.as_deref().map_or(Ok(()), check_ca).map_err(wrong("push.test_ca"))
}

fn check_webhooks(config: &Config) -> Result<(), Problem> {
    let wrong = |key: &'static str| move |error: Invalid| Problem { key, text: error.to_string() };
    let webhooks = &config.webhooks;
    let Some(url) = &webhooks.url else { return Ok(()) };
    EndpointRule::new(&webhooks.allowed_hosts).map_err(wrong("webhooks.allowed_hosts"))?;
    webhooks::receiver(url.expose_secret(), &webhooks.allowed_hosts).map_err(wrong("webhooks.url"))?;
    for (key, secret) in
        [("webhooks.secret", &webhooks.secret), ("webhooks.previous_secret", &webhooks.previous_secret)]
    {
        secret.as_ref().map_or(Ok(()), webhooks::check_secret).map_err(wrong(key))?;
    }
    webhooks.ca.as_deref().map_or(Ok(()), check_ca).map_err(wrong("webhooks.ca"))
}
