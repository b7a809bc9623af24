//! The ways in which a client can be connected.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a session reaches its client. The session core is the same for all; what depends on this is how its
/// life is judged: heartbeats, limits, presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum Transport {
    #[serde(rename = "websocket")]
    WebSocket,
    /// Server-Sent Events.
    #[serde(rename = "sse")]
    EventStream,
    /// One request that waits for an answer.
    #[serde(rename = "poll")]
    LongPoll,
}

impl Transport {
    /// Whether its session makes its user present in the rooms that it follows. A request that comes and
    /// goes does not: it would be a coming and going of its user.
    pub fn is_present(self) -> bool {
        self != Self::LongPoll
    }

    /// Its word in logs and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::EventStream => "sse",
            Self::LongPoll => "poll",
        }
    }
}
