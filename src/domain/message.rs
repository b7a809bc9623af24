//! What is said in a room, before it has a position.

use super::{EventName, Json, Nonce};

#[derive(Debug, Clone, PartialEq)]
pub struct MessageDraft {
    /// Any JSON; its size is bounded by whoever takes it in.
    pub data: Json,
    /// The name under which listeners of Server-Sent Events hear it.
    pub event: Option<EventName>,
    /// The publisher's word that makes a publish repeatable.
    pub nonce: Option<Nonce>,
}
