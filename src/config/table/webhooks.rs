//! `[webhooks]`.

use super::{
    Fresh,
    Kind::{Count, Duration, List, Secret, Text},
    Setting,
};

pub static WEBHOOKS: [Setting; 10] = [
    Setting::new(
        "webhooks.url",
        Secret,
        "where an application is told what happens, an `https:` address (docs/webhooks.md); without it, webhooks are off",
    ),
    Setting::new(
        "webhooks.secret",
        Secret,
        "what events are signed with, `whsec_` and 24 to 64 bytes in base64, required with the address",
    )
    .made_fresh(Fresh::Webhook),
    Setting::new(
        "webhooks.previous_secret",
        Secret,
        "signs as well, while the receiver changes to the new one",
    ),
    Setting::new(
        "webhooks.events",
        List,
        "what it is told of: `session.opened`, `session.closed`, `user.online`, `user.offline`, `room.occupied`, `room.vacated`, `notification.read`",
    )
    .by_default("all"),
    Setting::new(
        "webhooks.allowed_hosts",
        List,
        "hosts of the own network, which may be at private addresses, with all names below them, with `:port` where it is not 443",
    ),
    Setting::new(
        "webhooks.ca",
        Text,
        "PEM text of an authority that is believed besides those of the web",
    ),
    Setting::new(
        "webhooks.retries",
        List,
        "pauses before an event is sent again, at most 20; after the last one it is given up",
    )
    .by_default("`5s,5m,30m,2h,5h,10h,10h`"),
    Setting::new(
        "webhooks.disable_after",
        Duration,
        "after nothing but failures for this long nothing is sent, until `tidings webhooks enable`",
    ),
    Setting::new(
        "webhooks.max_waiting",
        Count,
        "how many events may wait for the receiver; beyond it the oldest are forgotten, counted and said",
    ),
    Setting::new(
        "webhooks.max_dead",
        Count,
        "how many that were given up are kept for `tidings webhooks retry`; beyond it the oldest are forgotten, counted and said",
    ),
];
