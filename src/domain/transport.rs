//! The ways in which a client can be connected.

/// How a session reaches its client. The session core is the same for all; what depends on this is how its
/// life is judged: heartbeats, limits, presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    WebSocket,
    /// Server-Sent Events.
    EventStream,
    /// One request that waits for an answer.
    LongPoll,
}

impl Transport {
    /// Whether its session makes its user present in the rooms that it follows. A request that comes and
    /// goes does not: it would be a coming and going of its user.
    pub fn is_present(self) -> bool {
        self != Self::LongPoll
    }

    /// Its word in logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::EventStream => "sse",
            Self::LongPoll => "poll",
        }
    }
}
