//! `[limits]`.

use super::{
    Kind::{Count, Limit},
    Setting,
};

pub static LIMITS: [Setting; 15] = [
    Setting::new("limits.sessions", Limit, "sessions of an instance; beyond it 503"),
    Setting::new("limits.sessions_per_ip", Limit, "sessions of one client address; beyond it 429"),
    Setting::new(
        "limits.sessions_per_user",
        Limit,
        "sessions of one user; beyond it the oldest WebSocket ends with 4504",
    ),
    Setting::new(
        "limits.handshakes_per_second",
        Limit,
        "WebSockets and event streams that one client address may open; beyond it 429",
    ),
    Setting::new("limits.handshakes_burst", Count, "the same at once"),
    Setting::new(
        "limits.requests_per_second",
        Limit,
        "HTTP requests of one user, not counted with a `notify` scope; beyond it 429",
    ),
    Setting::new("limits.requests_burst", Count, "the same at once"),
    Setting::new("limits.publishes_per_second", Limit, "publishes of one `sub`; beyond it 429"),
    Setting::new("limits.publishes_burst", Count, "the same at once").by_default("one second's worth"),
    Setting::new("limits.tickets", Limit, "tickets of one user that wait for their use"),
    Setting::new("limits.rooms", Limit, "rooms with somebody in them"),
    Setting::new("limits.mutes", Limit, "mutes of a user"),
    Setting::new("limits.push_subscriptions", Limit, "push subscriptions of a user"),
    Setting::new("limits.room_messages_per_second", Limit, "messages to one room, from all"),
    Setting::new("limits.room_messages_burst", Count, "the same at once"),
];
