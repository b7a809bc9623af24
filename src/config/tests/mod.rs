//! What a person who writes settings can rely on.

mod refusals;
mod sources;

use std::{fs, path::Path};

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A folder of its own, and settings that start unless a test breaks them.
struct Given {
    folder: tempfile::TempDir,
    sources: Sources,
}

fn given(environment: &[(&str, &str)]) -> Given {
    let folder = tempfile::tempdir().unwrap();
    let mut sources = Sources { folder: folder.path().to_owned(), ..Sources::default() };
    let pairs = [("TIDINGS_AUTH_SECRET", SECRET)].iter().chain(environment);
    sources.environment = pairs.map(|(name, value)| ((*name).to_owned(), value.into())).collect();
    Given { folder, sources }
}

impl Given {
    fn file(self, text: &str) -> Self {
        fs::write(self.path().join("tidings.toml"), text).unwrap();
        self
    }

    fn set(mut self, overrides: &[&str]) -> Self {
        self.sources.overrides = overrides.iter().map(|text| (*text).to_owned()).collect();
        self
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn load(&self) -> Config {
        Config::load(&self.sources).unwrap().0
    }

    fn warnings(&self) -> Vec<String> {
        Config::load(&self.sources).unwrap().1
    }

    /// The one line that stops the start; whatever it is about, it is one line and holds no secret.
    fn refusal(&self) -> String {
        let line = Config::load(&self.sources).unwrap_err().to_string();
        assert!(!line.contains(SECRET) && !line.contains('\n'), "{line}");
        line
    }
}

#[test]
fn the_defaults_are_those_of_the_table() {
    let mut defaults = serde_json::to_value(Config::default()).unwrap();
    assert_eq!(defaults["http"]["workers"].take(), std::thread::available_parallelism().unwrap().get());
    let table = serde_json::json!({
        "http": {
            "listen": "127.0.0.1:8080", "admin_listen": null, "base_path": "", "public_url": null,
            "workers": null, "allowed_origins": [], "trusted_proxies": [],
            "body_limit": "256KiB", "body_timeout": "10s", "head_timeout": "5s",
        },
        "auth": {
            "algorithm": "HS256", "secret": null, "previous_secret": null, "public_key": null, "jwks": null,
            "audience": null, "issuer": null, "leeway": "5s", "expiry_grace": "5s",
            "query_token": true, "cookie": "tidings_token", "first_message_timeout": "5s", "default_scopes": [],
        },
        "store": {
            "url": "sqlite://tidings.db", "pool_size": 8, "busy_timeout": "5s", "queue": 10000, "synchronous": "full",
        },
        "bridge": { "url": null, "prefix": "tidings:", "secret": null, "timeout": "500ms" },
        "rooms": {
            "history_bytes": "1MiB", "total_bytes": "256MiB", "position_ttl": "1d", "presence_ttl": "30s",
            "history_size": 1000, "history_ttl": "10m", "leave_grace": "3s", "typing_ttl": "3s",
        },
        "session": {
            "ping_interval": "25s", "pong_timeout": "10s", "sse_heartbeat": "15s",
            "outbox_events": 1000, "outbox_bytes": "1MiB", "slow_timeout": "10s",
            "message_bytes": "64KiB", "data_bytes": "32KiB", "fragments": 64, "rooms": 100, "sse_rooms": 10,
            "messages_per_second": 20, "messages_burst": 40,
        },
        "limits": {
            "sessions": 50000, "sessions_per_ip": 200, "sessions_per_user": 20,
            "handshakes_per_second": 10, "handshakes_burst": 50, "requests_per_second": 50, "requests_burst": 100,
            "room_messages_per_second": 100, "room_messages_burst": 200, "rooms": 10000,
            "mutes": 200, "tickets": 20, "push_subscriptions": 20,
            "publishes_per_second": 0, "publishes_burst": null,
        },
        "retention": { "max_age": "90d", "max_read_per_user": 1000, "idempotency": "1d" },
        "push": {
            "vapid_private_key": null, "enabled": false, "subject": null, "grace": "10s", "ttl": "1d",
            "allowed_hosts": [], "test_ca": null,
        },
        "webhooks": {
            "url": null, "secret": null, "previous_secret": null, "events": [], "allowed_hosts": [], "ca": null,
            "retries": ["5s", "5m", "30m", "2h", "5h", "10h", "10h"], "disable_after": "5d",
            "max_waiting": 1_000_000, "max_dead": 100_000,
        },
        "shutdown": { "drain": "5s", "timeout": "30s" },
        "log": { "level": "info", "format": "auto" },
    });
    assert_eq!(defaults, table);
}

#[test]
fn a_listener_without_tls_in_front_is_warned_about() {
    let warnings = |settings: &[&str]| given(&[]).set(settings).warnings().len();
    assert_eq!(warnings(&[]), 0);
    assert_eq!(warnings(&["http.listen=0.0.0.0:80"]), 1);
    let proxy = "http.trusted_proxies=10.0.0.1";
    assert_eq!(warnings(&["http.listen=0.0.0.0:80", "http.public_url=https://t.example.com", proxy]), 0);
    assert_eq!(warnings(&["http.public_url=http://t.example.com"]), 1);
}

#[test]
fn a_proxy_that_is_not_named_is_warned_about_where_it_would_be_all_clients_at_once() {
    let url = "http.public_url=https://t.example.com";
    let warnings = |settings: &[&str]| given(&[]).set(settings).warnings();
    assert!(warnings(&[url])[0].starts_with("http.trusted_proxies is not set: "));
    assert_eq!(warnings(&[url, "limits.sessions_per_ip=0"]).len(), 1);
    let off = [url, "limits.sessions_per_ip=0", "limits.handshakes_per_second=0"];
    assert!(warnings(&off).is_empty() && warnings(&[url, "http.trusted_proxies=10.0.0.1"]).is_empty());
}

#[test]
fn what_opens_a_door_to_strangers_is_warned_about() {
    let warnings = |setting: &str| given(&[]).set(&[setting]).warnings();
    for network in ["0.0.0.0/0", "10.0.0.1,::/0"] {
        let warned = warnings(&format!("http.trusted_proxies={network}"));
        assert!(warned.len() == 1 && warned[0].starts_with("http.trusted_proxies holds every address"));
    }
    let warned = warnings("http.admin_listen=0.0.0.0:9090");
    assert!(warned.len() == 1 && warned[0].starts_with("http.admin_listen is open to the network"));
    assert!(warnings("http.admin_listen=[::1]:9090").is_empty());
}

#[test]
fn settings_of_webhooks_that_are_off_are_warned_about() {
    let warnings = given(&[]).set(&["webhooks.events=user.offline", "webhooks.retries=1s,1m"]).warnings();
    let expected = [
        "webhooks.events has no effect without webhooks.url",
        "webhooks.retries has no effect without webhooks.url",
    ];
    assert_eq!(warnings, expected);
    let on = [
        "webhooks.url=https://example.com/x",
        "webhooks.secret=x",
        "webhooks.events=user.offline,room.vacated",
    ];
    assert!(given(&[]).set(&on).warnings().is_empty());
    assert_eq!(given(&[]).set(&on).load().webhooks.events.len(), 2);
}

#[test]
fn settings_of_web_push_that_is_off_are_warned_about() {
    let environment = [("TIDINGS_PUSH_GRACE", "1s"), ("TIDINGS_RETENTION_IDEMPOTENCY", "1h")];
    let set = ["limits.push_subscriptions=50", "limits.sessions=9"];
    let off = given(&environment).file("[push]\nenabled = false").set(&set);
    assert_eq!(
        off.warnings(),
        [
            "limits.push_subscriptions has no effect without push.enabled",
            "push.grace has no effect without push.enabled",
        ]
    );
    let on = "[push]\nenabled = true\nsubject = \"mailto:a@b.example\"";
    let warnings = given(&environment).file(on).set(&set).warnings();
    assert!(
        warnings.len() == 1 && warnings[0].starts_with("push.enabled without http.public_url"),
        "{warnings:?}"
    );
    let test = "test_ca = \"x\"\nallowed_hosts = [\"localhost:1\"]\n[http]\npublic_url = \"https://t.example\"\ntrusted_proxies = [\"10.0.0.1\"]";
    let warnings = given(&environment).file(&format!("{on}\n{test}")).set(&set).warnings();
    assert!(warnings.len() == 1 && warnings[0].starts_with("push.test_ca is for tests"), "{warnings:?}");
}

#[test]
fn settings_of_a_bus_that_is_not_named_are_warned_about() {
    let given = given(&[]).set(&["bridge.prefix=app:", "bridge.timeout=1s"]);
    assert_eq!(
        given.warnings(),
        ["bridge.prefix has no effect without bridge.url", "bridge.timeout has no effect without bridge.url"]
    );
}

#[test]
fn a_burst_of_no_rate_is_warned_about() {
    let warned = ["limits.publishes_burst has no effect without limits.publishes_per_second"];
    assert_eq!(given(&[]).set(&["limits.publishes_burst=9"]).warnings(), warned);
    let both = given(&[]).set(&["limits.publishes_burst=9", "limits.publishes_per_second=3"]);
    assert!(both.warnings().is_empty());
}

#[test]
fn a_secret_is_never_shown() {
    let config = given(&[]).load();
    assert!(!format!("{config:?}").contains(SECRET));
    assert!(!serde_json::to_string(&config).unwrap().contains(SECRET));
}
