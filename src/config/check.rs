//! What must hold between settings, and what should be known about them at the start.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};

use super::{Config, Limits, Push, webhooks};
use crate::{
    auth::{OriginRule, Verifier},
    domain::{CURSOR_ROOMS_MAX, Network},
};

/// Longest start of the names on the bus, in characters.
const PREFIX_MAX: usize = 64;

/// What nothing reads where nothing is pushed; the key may lie ready.
const PUSH_SETTINGS: [&str; 6] = [
    "limits.push_subscriptions",
    "push.subject",
    "push.grace",
    "push.ttl",
    "push.allowed_hosts",
    "push.test_ca",
];

/// What all push services take.
const PUSH_TTL_MAX: Duration = Duration::from_secs(28 * 86_400);

/// Longest wait for one answer of the bus: a link that swallows everything is noticed within 10 s.
const BRIDGE_TIMEOUT_MAX: Duration = Duration::from_secs(5);

/// Shortest lease of a node.
const PRESENCE_MIN: Duration = Duration::from_secs(2);

/// HMAC-SHA256 with less would be easier to guess than to break.
const SECRET_BYTES_MIN: usize = 32;

/// What the HTTP library takes.
pub(super) const WORKERS_MAX: usize = 512;

/// A setting that cannot stay as it is, and the fix.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    pub key: &'static str,
    pub text: String,
}

pub(super) fn refuse_if(condition: bool, key: &'static str, text: &str) -> Result<(), Problem> {
    if condition { Err(Problem { key, text: text.to_owned() }) } else { Ok(()) }
}

/// Finds the first problem.
pub fn check(config: &Config) -> Result<(), Problem> {
    tokens_and_origins(config)?;
    nothing_is_zero(config)?;
    bursts(&config.limits)?;
    bus(config)?;
    push(&config.push)?;
    webhooks::check(config)?;
    listeners(config)?;
    let is_url = |url: &String| url.starts_with("https://") || url.starts_with("http://");
    refuse_if(
        !config.http.public_url.as_ref().is_none_or(is_url),
        "http.public_url",
        "a URL is expected, such as https://tidings.example.com",
    )?;
    refuse_if(
        !is_token(&config.auth.cookie),
        "auth.cookie",
        "a cookie name is letters, digits and !#$%&'*+-.^_`|~ (RFC 6265 section 4.1.1)",
    )?;
    refuse_if(
        config.http.workers > WORKERS_MAX,
        "http.workers",
        &format!("at most {WORKERS_MAX}; one for each core is enough"),
    )?;
    refuse_if(
        config.session.data_bytes > config.session.message_bytes,
        "session.data_bytes",
        "the data of a message cannot be larger than the message (session.message_bytes)",
    )?;
    refuse_if(
        config.session.sse_rooms > CURSOR_ROOMS_MAX,
        "session.sse_rooms",
        "at most 12: the position in each room has to fit into the id of an event",
    )?;
    refuse_if(
        config.shutdown.drain >= config.shutdown.timeout,
        "shutdown.drain",
        "draining must end before shutdown.timeout",
    )
}

/// The rules are those of `auth`, which would refuse to start as well, but does not know the origin of a setting.
fn tokens_and_origins(config: &Config) -> Result<(), Problem> {
    Verifier::new(config.auth.verifier_options())
        .map_err(|error| Problem { key: error.setting(), text: error.to_string() })?;
    OriginRule::new(&config.http.allowed_origins)
        .map_err(|error| Problem { key: "http.allowed_origins", text: error.to_string() })?;
    Ok(())
}

/// The operating system would refuse the second one as well, but as something that may pass.
fn listeners(config: &Config) -> Result<(), Problem> {
    let (public, admin) = (config.http.listen, config.http.admin_listen);
    let takes = |one: IpAddr, other: IpAddr| {
        one == other || one.is_unspecified() && (one.is_ipv6() || other.is_ipv4())
    };
    let is_taken = |admin: SocketAddr| {
        let (one, other) = (public.ip().to_canonical(), admin.ip().to_canonical());
        admin.port() != 0 && admin.port() == public.port() && (takes(one, other) || takes(other, one))
    };
    refuse_if(
        admin.is_some_and(is_taken),
        "http.admin_listen",
        &format!(
            "{public} is http.listen already; the listener for administrators needs an address of its own"
        ),
    )
}

/// That `bridge.url` is one is known to the bridge alone.
fn bus(config: &Config) -> Result<(), Problem> {
    let bridge = &config.bridge;
    let prefix = &bridge.prefix;
    refuse_if(
        prefix.len() > PREFIX_MAX || !prefix.bytes().all(|b| b.is_ascii_graphic() && !b"{}".contains(&b)),
        "bridge.prefix",
        "a prefix is up to 64 printable characters without spaces and braces",
    )?;
    refuse_if(
        bridge.timeout > BRIDGE_TIMEOUT_MAX,
        "bridge.timeout",
        "at most 5s: for so long a bus that has gone silent is taken to be there",
    )?;
    // It is renewed often enough, and survives a request that is late.
    let shortest = PRESENCE_MIN.max(bridge.timeout * 4);
    refuse_if(
        bridge.url.is_some() && config.rooms.presence_ttl < shortest,
        "rooms.presence_ttl",
        "at least 2s, and four times bridge.timeout: else a node that is there would be taken for lost",
    )?;
    let is_weak = |secret: &SecretString| secret.expose_secret().len() < SECRET_BYTES_MIN;
    refuse_if(
        bridge.secret.as_ref().is_some_and(is_weak),
        "bridge.secret",
        "at least 32 bytes are needed: openssl rand -base64 48",
    )
}

/// Push services want to know whom to write to; that the key and the hosts are what they should be is known to `push`.
fn push(push: &Push) -> Result<(), Problem> {
    refuse_if(
        push.enabled && push.subject.is_none(),
        "push.subject",
        "push.enabled needs a contact for push services, such as mailto:ops@example.com",
    )?;
    refuse_if(
        !push.subject.as_deref().is_none_or(is_contact),
        "push.subject",
        "a contact is mailto:ADDRESS or an https: URL, with a domain: some services refuse all else",
    )?;
    refuse_if(
        push.ttl > PUSH_TTL_MAX,
        "push.ttl",
        "at most 28d: push services refuse to keep anything for longer",
    )?;
    refuse_if(
        push.test_ca.is_some() && push.allowed_hosts.is_empty(),
        "push.test_ca",
        "it is for the push service of a test: name its host in push.allowed_hosts",
    )
}

/// Whether it could be written to, as far as can be seen.
fn is_contact(subject: &str) -> bool {
    let domain = match subject.strip_prefix("mailto:") {
        Some(address) => address.split_once('@').map(|(_, domain)| domain),
        None => subject.strip_prefix("https://"),
    };
    domain.is_some_and(|domain| domain.trim_matches('.').contains('.'))
        && !subject.contains(char::is_whitespace)
}

/// A zero here would stop all work instead of lifting a bound, as it does in `limits`.
pub(super) fn nothing_is_zero(config: &Config) -> Result<(), Problem> {
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
        ("session.messages_burst", session.messages_burst as usize),
    ];
    let zero_duration = durations.iter().find(|(_, duration)| duration.is_zero()).map(|(key, _)| *key);
    let zero_count = counts.iter().find(|(_, count)| *count == 0).map(|(key, _)| *key);
    match zero_duration.or(zero_count) {
        Some(key) => Err(Problem { key, text: "must be more than 0".to_owned() }),
        None => Ok(()),
    }
}

/// A burst of 0 could be meant to let nobody pass, or everybody: it is the rate that switches a limit off.
fn bursts(limits: &Limits) -> Result<(), Problem> {
    let buckets = [
        ("limits.handshakes_burst", limits.handshakes_per_second, Some(limits.handshakes_burst)),
        ("limits.requests_burst", limits.requests_per_second, Some(limits.requests_burst)),
        ("limits.room_messages_burst", limits.room_messages_per_second, Some(limits.room_messages_burst)),
        ("limits.publishes_burst", limits.publishes_per_second, limits.publishes_burst),
    ];
    for (key, rate, burst) in buckets {
        let text = "at least 1; what switches this limit off is 0 a second";
        refuse_if(rate > 0 && burst == Some(0), key, text)?;
    }
    Ok(())
}

/// A `token` of RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// What works, but should be known at the start, each as one line.
pub fn warnings(config: &Config, is_set: impl Fn(&str) -> bool) -> Vec<String> {
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
    let open_admin = http.admin_listen.filter(|address| !address.ip().to_canonical().is_loopback()).map(|_| {
        "http.admin_listen is open to the network: its metrics need no token, and the tokens of administrators travel in the clear; listen where only they are".to_owned()
    });
    let trusts_all = http.trusted_proxies.iter().any(Network::is_everything).then(|| {
        "http.trusted_proxies holds every address: each client may say that it is another one, and no limit of an address holds; name your proxies alone".to_owned()
    });
    let without_bus = ["bridge.prefix", "bridge.secret", "bridge.timeout"]
        .into_iter()
        .filter(|key| config.bridge.url.is_none() && is_set(key))
        .map(|key| format!("{key} has no effect without bridge.url"));
    // TLS ends in front of us, and whatever does that is the peer of all connections.
    let is_behind_proxy = http.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
    let counts_addresses = config.limits.sessions_per_ip.is_some() || config.limits.handshakes_per_second > 0;
    let one_address = (is_behind_proxy && http.trusted_proxies.is_empty() && counts_addresses).then(|| {
        "http.trusted_proxies is not set: to limits.sessions_per_ip and limits.handshakes_per_second all clients behind a proxy are one; name its address there".to_owned()
    });
    let without_rate = (config.limits.publishes_per_second == 0 && is_set("limits.publishes_burst"))
        .then(|| "limits.publishes_burst has no effect without limits.publishes_per_second".to_owned());
    let of_push = [
        (
            config.push.enabled && http.public_url.is_none(),
            "push.enabled without http.public_url: Safari shows a push by itself only if its address is a whole one",
        ),
        (
            config.push.enabled && config.push.test_ca.is_some(),
            "push.test_ca is for tests: with it pushes may go to private addresses",
        ),
    ];
    let of_push = of_push.into_iter().filter(|(is_so, _)| *is_so).map(|(_, text)| text.to_owned());
    let warnings =
        warning.map(str::to_owned).into_iter().chain(open_admin).chain(trusts_all).chain(one_address);
    let without_push = PUSH_SETTINGS
        .into_iter()
        .filter(|key| !config.push.enabled && is_set(key))
        .map(|key| format!("{key} has no effect without push.enabled"));
    let warnings = warnings.chain(without_bus).chain(without_rate).chain(without_push).chain(of_push);
    warnings.chain(webhooks::warnings(config, &is_set)).collect()
}
