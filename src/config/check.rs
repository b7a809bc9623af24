//! What must hold between settings, and what this version cannot do yet.
//!
//! A setting that would be ignored is refused: nobody finds out in production that it never worked.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::{Algorithm, Config};

/// Shortest HS256 key, in bytes: as long as its hash (RFC 7518 section 3.2).
pub const SECRET_MIN: usize = 32;

/// Largest difference of clocks that is forgiven.
const LEEWAY_MAX: Duration = Duration::from_secs(5);

/// A setting that cannot stay as it is, and the fix.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    pub key: &'static str,
    pub text: String,
}

fn refuse_if(condition: bool, key: &'static str, text: &str) -> Result<(), Problem> {
    if condition { Err(Problem { key, text: text.to_owned() }) } else { Ok(()) }
}

/// Finds the first problem.
pub fn check(config: &Config) -> Result<(), Problem> {
    later_versions(config)?;
    keys_of_tokens(config)?;
    nothing_is_zero(config)?;
    addresses(config)?;
    refuse_if(config.auth.leeway > LEEWAY_MAX, "auth.leeway", "5s is the most that is forgiven")?;
    refuse_if(
        !is_token(&config.auth.cookie),
        "auth.cookie",
        "a cookie name is letters, digits and !#$%&'*+-.^_`|~ (RFC 6265 section 4.1.1)",
    )?;
    refuse_if(
        config.session.data_bytes > config.session.message_bytes,
        "session.data_bytes",
        "the data of a message cannot be larger than the message (session.message_bytes)",
    )?;
    refuse_if(
        config.shutdown.drain >= config.shutdown.timeout,
        "shutdown.drain",
        "draining must end before shutdown.timeout",
    )
}

fn later_versions(config: &Config) -> Result<(), Problem> {
    let Config { http, bridge, push, .. } = config;
    refuse_if(
        bridge.url.is_some(),
        "bridge.url",
        "a bus between nodes is not in this version; leave it unset",
    )?;
    refuse_if(
        http.admin_listen.is_some(),
        "http.admin_listen",
        "a listener for administration is not in this version; leave it unset",
    )?;
    refuse_if(
        http.base_path.is_some(),
        "http.base_path",
        "a prefix of the routes is not in this version; leave it unset",
    )?;
    refuse_if(push.enabled, "push.enabled", "Web Push is not in this version; leave it false")
}

fn keys_of_tokens(config: &Config) -> Result<(), Problem> {
    let auth = &config.auth;
    if auth.algorithm == Algorithm::Hs256 {
        secret_is_strong(auth.secret.as_ref())?;
        refuse_if(
            auth.public_key.is_some() || auth.jwks.is_some(),
            "auth.algorithm",
            "HS256 has no public key; name the key's algorithm (RS256, ES256 or EdDSA), or drop auth.public_key and auth.jwks",
        )?;
    } else {
        refuse_if(
            auth.public_key.is_none() && auth.jwks.is_none(),
            "auth.public_key",
            "is not set; this algorithm needs it as PEM text, or auth.jwks (TIDINGS_AUTH_PUBLIC_KEY_FILE=key.pem)",
        )?;
    }
    let previous = auth.previous_secret.as_ref().map_or(SECRET_MIN, length);
    refuse_if(
        previous < SECRET_MIN,
        "auth.previous_secret",
        "a secret of at least 32 bytes is needed; drop this one",
    )
}

/// The key that signs and verifies HS256 tokens must be there and long enough.
pub fn secret_is_strong(secret: Option<&SecretString>) -> Result<(), Problem> {
    let text = match secret.map(length) {
        None => "is not set; HS256 needs a secret of at least 32 bytes".to_owned(),
        Some(bytes) if bytes < SECRET_MIN => {
            format!("HS256 needs a secret of at least 32 bytes, and this one has {bytes}")
        }
        Some(_) => return Ok(()),
    };
    let fix = "set it with `export TIDINGS_AUTH_SECRET=$(openssl rand -hex 32)`, or try things out with `tidings dev`";
    Err(Problem { key: "auth.secret", text: format!("{text}: {fix}") })
}

fn length(secret: &SecretString) -> usize {
    secret.expose_secret().len()
}

/// A zero here would stop all work instead of lifting a bound, as it does in `limits`.
fn nothing_is_zero(config: &Config) -> Result<(), Problem> {
    let Config { http, auth, store, session, rooms, retention, bridge, push, shutdown, .. } = config;
    let durations = [
        ("http.body_timeout", http.body_timeout),
        ("http.head_timeout", http.head_timeout),
        ("auth.first_message_timeout", auth.first_message_timeout),
        ("store.busy_timeout", store.busy_timeout),
        ("bridge.timeout", bridge.timeout),
        ("rooms.presence_ttl", rooms.presence_ttl),
        ("rooms.typing_ttl", rooms.typing_ttl),
        ("session.ping_interval", session.ping_interval),
        ("session.pong_timeout", session.pong_timeout),
        ("session.sse_heartbeat", session.sse_heartbeat),
        ("session.slow_timeout", session.slow_timeout),
        ("retention.max_age", retention.max_age),
        ("retention.idempotency", retention.idempotency),
        ("push.ttl", push.ttl),
        ("shutdown.timeout", shutdown.timeout),
    ];
    let counts = [
        ("http.workers", http.workers),
        ("http.body_limit", http.body_limit),
        ("store.pool_size", store.pool_size),
        ("store.queue", store.queue),
        ("session.outbox_events", session.outbox_events),
        ("session.outbox_bytes", session.outbox_bytes),
        ("session.message_bytes", session.message_bytes),
        ("session.data_bytes", session.data_bytes),
        ("session.fragments", session.fragments),
        ("session.messages_per_second", session.messages_per_second as usize),
    ];
    let zero_duration = durations.iter().find(|(_, duration)| duration.is_zero()).map(|(key, _)| *key);
    let zero_count = counts.iter().find(|(_, count)| *count == 0).map(|(key, _)| *key);
    match zero_duration.or(zero_count) {
        Some(key) => Err(Problem { key, text: "must be more than 0".to_owned() }),
        None => Ok(()),
    }
}

fn addresses(config: &Config) -> Result<(), Problem> {
    let http = &config.http;
    let is_url = |url: &String| url.starts_with("https://") || url.starts_with("http://");
    refuse_if(
        !http.public_url.as_ref().is_none_or(is_url),
        "http.public_url",
        "a URL is expected, such as https://tidings.example.com",
    )?;
    refuse_if(
        !http.allowed_origins.iter().all(|origin| is_origin(origin)),
        "http.allowed_origins",
        "an origin is a scheme, a host and no path, such as https://app.example.com; `*` and `null` are none",
    )
}

/// Whether a browser could send this as `Origin` (RFC 6454 section 6.1), at least in its form.
fn is_origin(text: &str) -> bool {
    let host = text.split_once("://").filter(|(scheme, _)| !scheme.is_empty()).map(|(_, host)| host);
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', '*', ' ']))
}

/// A `token` of RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// What works, but should be known at the start.
pub fn warnings(config: &Config) -> Vec<String> {
    let http = &config.http;
    let warning = match &http.public_url {
        Some(url) if !url.starts_with("https://") => {
            Some("http.public_url is not https: tokens travel in the clear, and browsers allow no push")
        }
        None if !http.listen.ip().to_canonical().is_loopback() => Some(
            "http.listen is open to the network and http.public_url is not set: put a proxy with TLS in front and name its address there",
        ),
        _ => None,
    };
    warning.map(str::to_owned).into_iter().collect()
}
