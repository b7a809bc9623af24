//! `[bridge]`, `[session]` and `[rooms]`.

use super::{
    Fresh,
    Kind::{Count, Duration, Secret, Size, Text},
    Setting,
};

pub static BRIDGE: [Setting; 4] = [
    Setting::new(
        "bridge.url",
        Secret,
        "`redis://USER:PASSWORD@HOST:PORT/DATABASE`, `rediss://` for TLS, `redis+unix:///PATH`: the bus between instances, Redis 7.0 or newer, alone or as a cluster; where not set, `REDIS_URL`",
    ),
    Setting::new("bridge.prefix", Text, "start of all names of channels and keys, up to 64 characters"),
    Setting::new(
        "bridge.secret",
        Secret,
        "at least 32 bytes; signs what instances say on the bus, so that nobody else who can write to Redis is believed",
    )
    .made_fresh(Fresh::Secret),
    Setting::new(
        "bridge.timeout",
        Duration,
        "how long one request to Redis may take, at most `5s`; then it counts as away",
    ),
];

pub static SESSION: [Setting; 13] = [
    Setting::new("session.ping_interval", Duration, "silence after which a WebSocket is pinged"),
    Setting::new("session.pong_timeout", Duration, "how long its answer may take"),
    Setting::new("session.sse_heartbeat", Duration, "silence after which an event stream gets a comment"),
    Setting::new("session.outbox_events", Count, "events that may wait for a slow reader (G10)"),
    Setting::new("session.outbox_bytes", Size, "bytes that may wait for a slow reader (G10)"),
    Setting::new("session.slow_timeout", Duration, "how long a slow reader is waited for (G10)"),
    Setting::new("session.message_bytes", Size, "largest message of a WebSocket"),
    Setting::new("session.data_bytes", Size, "largest `data` of a message to a room"),
    Setting::new("session.fragments", Count, "frames that one message may come in"),
    Setting::new("session.rooms", Count, "rooms that one WebSocket may be in"),
    Setting::new("session.sse_rooms", Count, "rooms that one event stream or poll may follow, at most 12"),
    Setting::new("session.messages_per_second", Count, "rate of commands of a WebSocket"),
    Setting::new("session.messages_burst", Count, "commands of a WebSocket at once"),
];

pub static ROOMS: [Setting; 8] = [
    Setting::new("rooms.history_size", Count, "messages that a room keeps; `0` keeps nothing"),
    Setting::new("rooms.history_bytes", Size, "bytes that a room keeps"),
    Setting::new("rooms.history_ttl", Duration, "how long a room keeps them"),
    Setting::new(
        "rooms.total_bytes",
        Size,
        "what all rooms keep together; the least recently used goes first",
    ),
    Setting::new("rooms.position_ttl", Duration, "how long the numbering of an empty room is kept"),
    Setting::new(
        "rooms.presence_ttl",
        Duration,
        "how long the users of an instance that died are still shown in rooms, at most; at least `2s`, and four times `bridge.timeout`",
    ),
    Setting::new("rooms.leave_grace", Duration, "how long somebody may be away before others are told"),
    Setting::new("rooms.typing_ttl", Duration, "how long one `typing` lasts"),
];
