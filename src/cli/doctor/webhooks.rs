//! Whether the application can be told by webhooks: where it is, what signs, and how it has answered.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::findings::Findings;
use crate::{app::store_options, config::Config, egress, store, webhooks::receiver};

const CHECK: &str = "webhooks";

/// How long a name may take to resolve.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// What an address or a secret must be has stopped us before, where they are not.
pub async fn examine(config: &Config, findings: &mut Findings) {
    let webhooks = &config.webhooks;
    let Some(url) = &webhooks.url else { return };
    let Ok((endpoint, receiver)) = receiver(url.expose_secret(), &webhooks.allowed_hosts) else { return };
    let (origin, is_trusted) = (&endpoint.origin, !webhooks.allowed_hosts.is_empty());
    let resolved = tokio::time::timeout(RESOLVE_TIMEOUT, egress::check_host(&endpoint, is_trusted)).await;
    let resolved = match resolved {
        Ok(resolved) => resolved.map_err(|error| error.to_string()),
        Err(_) => Err("it does not resolve in time".to_owned()),
    };
    match resolved {
        Ok(()) => {
            let secrets = if webhooks.previous_secret.is_some() { "two secrets" } else { "one secret" };
            findings.ok(CHECK, format!("{origin} may be told, signed with {secrets}"));
        }
        Err(error) => findings.fail(
            CHECK,
            format!("webhooks.url: {origin}: {error}"),
            "correct the name; a receiver on your own network has to be named in webhooks.allowed_hosts",
        ),
    }
    let options = store_options(config);
    let stand = actix_web::web::block(move || store::examine_receiver(&options, receiver)).await;
    // What is wrong with the database is said under its name.
    let Ok(Ok(Some(stand))) = stand else { return };
    let waiting = stand.waiting;
    if let Some(at) = stand.disabled_at {
        let reason = stand.reason.unwrap_or_default();
        let detail = format!("nothing is sent to {origin} since {at}: {reason}; {waiting} events wait");
        findings.fail(CHECK, detail, "mend the receiver, then `tidings webhooks enable`");
    } else if let Some(since) = stand.failing_since {
        let detail = format!("{origin} has taken nothing since {since}; {waiting} events wait");
        findings.warn(CHECK, detail, "look into the log of the receiver; `tidings webhooks test` tries it");
    }
}
