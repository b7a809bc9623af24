//! `[push]`, `[shutdown]` and `[log]`.

use super::{
    Fresh,
    Kind::{Duration, Flag, List, Secret, Text, Words},
    Setting,
};

pub static PROCESS: [Setting; 11] = [
    Setting::new("push.enabled", Flag, "Web Push"),
    Setting::new(
        "push.subject",
        Text,
        "whom push services may write to, `mailto:` or `https:`, required with it",
    ),
    Setting::new(
        "push.vapid_private_key",
        Secret,
        "the key by which push services know this server, from `tidings keys vapid`, or as PEM; where not set, it is made at the first start and kept in the database. A new one ends all subscriptions",
    )
    .made_fresh(Fresh::Vapid),
    Setting::new(
        "push.grace",
        Duration,
        "how long a notification may be seen elsewhere before it is pushed",
    ),
    Setting::new(
        "push.ttl",
        Duration,
        "how long a push service keeps what it cannot deliver, and how late is too late to begin",
    ),
    Setting::new(
        "push.allowed_hosts",
        List,
        "hosts that may be pushed to, with all names below them, with `:port` where it is not 443",
    )
    .by_default("the known push services"),
    Setting::new(
        "push.test_ca",
        Text,
        "PEM text of an authority that is believed in tests, and with which those hosts may be private",
    ),
    Setting::new("shutdown.drain", Duration, "sessions are closed spread over it"),
    Setting::new("shutdown.timeout", Duration, "the whole stop ends within it"),
    Setting::new(
        "log.level",
        Words(&["off", "error", "warn", "info", "debug", "trace"]),
        "how much is told; `RUST_LOG` wins",
    ),
    Setting::new("log.format", Words(&["auto", "json", "text"]), "`auto` is text on a terminal, JSON elsewhere"),
];
