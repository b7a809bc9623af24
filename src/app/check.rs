//! What a part would refuse when it starts, found before anything starts.

use secrecy::ExposeSecret;

use crate::{
    bridge,
    config::{Config, Problem},
    domain::Invalid,
    push::{self, EndpointRule, VapidKey},
};

/// Finds the first setting that its part cannot use.
///
/// # Errors
/// The setting, and what is wrong with it.
pub fn check(config: &Config) -> Result<(), Problem> {
    let wrong = |key: &'static str| move |error: Invalid| Problem { key, text: error.to_string() };
    let push = &config.push;
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
    push.test_ca.as_deref().map_or(Ok(()), push::check_test_ca).map_err(wrong("push.test_ca"))
}
