//! `[store]` and `[retention]`.

use super::{
    Kind::{Count, Duration, Text, Words},
    Setting,
};

pub static STORE: [Setting; 5] = [
    Setting::new(
        "store.url",
        Text,
        "the database: a file, or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`; where not set, `DATABASE_URL`",
    ),
    Setting::new("store.pool_size", Count, "connections for reading"),
    Setting::new("store.busy_timeout", Duration, "longest answer of the store"),
    Setting::new("store.queue", Count, "writes that may wait, and reads; beyond it 503"),
    Setting::new(
        "store.synchronous",
        Words(&["full", "normal"]),
        "`normal` survives the death of the process, and not of the power (or of the PostgreSQL server)",
    ),
];

pub static RETENTION: [Setting; 3] = [
    Setting::new(
        "retention.max_age",
        Duration,
        "age at which a notification is deleted, read or not (`gap`)",
    ),
    Setting::new(
        "retention.max_read_per_user",
        Count,
        "how many of the read ones a user keeps, the newest (`skip`); `0` keeps none; unread ones are never counted out",
    ),
    Setting::new("retention.idempotency", Duration, "how long idempotency keys are kept"),
];
