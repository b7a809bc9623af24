//! What is published to a room, before it has a position.

use super::{EventName, Json, Nonce};

/// A checked publish to a room: it has no position yet, and nobody was told.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageDraft {
    pub data: Json,
    /// Its name for the listeners of an event stream.
    pub event: Option<EventName>,
    /// Makes the publish repeatable within the room's history.
    pub nonce: Option<Nonce>,
}
