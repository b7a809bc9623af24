//! What can change while the process runs: on SIGHUP the settings are read again, and of them the keys of tokens, the
//! allowed origins and the level of the log are taken.
//!
//! All or nothing: settings that a server would not start with change nothing. Who is connected stays.

use std::sync::Arc;

use actix_web::web;
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::AbortHandle,
};

use crate::{
    auth::gate::{Gate, Rules},
    config::{Config, ConfigError, table},
    observe::logs,
};

/// Reads the settings as they were read at the start.
pub type Reader = Arc<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>;

/// Listens for the signal from now on, in the task that it gives. `config` is what the process runs with.
///
/// # Errors
/// Where the process has no signals.
pub fn listen(reader: Reader, mut config: Config, gate: Arc<Gate>) -> std::io::Result<AbortHandle> {
    let mut hangups = signal(SignalKind::hangup())?;
    let reloading = actix::spawn(async move {
        while hangups.recv().await.is_some() {
            let reader = reader.clone();
            // Files are read, and they may lie far away.
            let read = web::block(move || reader().map_err(|error| error.to_string())).await;
            match read
                .map_err(|error| error.to_string())
                .flatten()
                .and_then(|read| reload(&config, &read, &gate))
            {
                Ok(reloaded) => config = reloaded,
                Err(error) => log::error!(error:%; "settings not reloaded, the old ones stay"),
            }
        }
    });
    Ok(reloading.abort_handle())
}

/// Takes what can change; gives what the process runs with then.
fn reload(current: &Config, read: &Config, gate: &Gate) -> Result<Config, String> {
    let mut reloaded = current.clone();
    reloaded.auth.secret = read.auth.secret.clone();
    reloaded.auth.previous_secret = read.auth.previous_secret.clone();
    reloaded.auth.public_key = read.auth.public_key.clone();
    reloaded.auth.jwks = read.auth.jwks.clone();
    reloaded.http.allowed_origins = read.http.allowed_origins.clone();
    reloaded.log.level = read.log.level;
    let waiting = different(&reloaded, read);
    let rules = Rules::new(&reloaded).map_err(|error| {
        if waiting.is_empty() {
            error
        } else {
            format!("{error} (these need a restart: {})", waiting.join(", "))
        }
    })?;
    gate.replace_rules(rules);
    // Told at whichever of the levels tells more.
    logs::set_level(current.log.level.max(reloaded.log.level));
    let (changed, waiting) = (different(current, &reloaded).join(","), waiting.join(","));
    log::info!(changed; "settings reloaded");
    if !waiting.is_empty() {
        log::warn!(waiting; "settings that need a restart have changed");
    }
    logs::set_level(reloaded.log.level);
    Ok(reloaded)
}

/// The settings that are not the same.
fn different(one: &Config, other: &Config) -> Vec<&'static str> {
    let (values, others) = (table::values(one), table::values(other));
    let is_other_secret = |key| secret(one, key) != secret(other, key);
    let settings = table::all().filter(|setting| {
        setting.value_in(&values) != setting.value_in(&others) || is_other_secret(setting.key)
    });
    settings.map(|setting| setting.key).collect()
}

/// Secrets that are compared by what they are, since values only say that they are there.
fn secret<'a>(config: &'a Config, key: &str) -> Option<&'a str> {
    let Config { auth, bridge, push, webhooks, .. } = config;
    let secret = match key {
        "auth.secret" => &auth.secret,
        "auth.previous_secret" => &auth.previous_secret,
        "bridge.url" => &bridge.url,
        "bridge.secret" => &bridge.secret,
        "push.vapid_private_key" => &push.vapid_private_key,
        "webhooks.url" => &webhooks.url,
        "webhooks.secret" => &webhooks.secret,
        "webhooks.previous_secret" => &webhooks.previous_secret,
        _ => &None,
    };
    secret.as_ref().map(SecretString::expose_secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    #[test]
    fn whatever_changes_is_told_secrets_by_their_names() {
        for setting in table::all().filter(|setting| setting.is_secret()) {
            let read = |value: &str| {
                let overrides = vec![format!("{}={value}", setting.key)];
                Config::read(&Sources { overrides, ..Sources::default() }).unwrap().config
            };
            assert_eq!(different(&read("one"), &read("two")), [setting.key]);
            assert_eq!(different(&read("one"), &read("one")), [""; 0]);
        }
    }
}
