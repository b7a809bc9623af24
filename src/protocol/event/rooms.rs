//! Events of rooms.

use serde::Serialize;

use crate::domain::{Json, MessageDraft, Position, RoomName, Timestamp, UserId};

/// A message to a room; room and position are its identity.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "message")]
pub struct Message<'a> {
    pub room: &'a str,
    pub position: Position,
    pub from: &'a str,
    pub data: &'a Json,
    pub at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
}

impl<'a> Message<'a> {
    pub fn new(
        room: &'a RoomName,
        position: Position,
        from: &'a UserId,
        draft: &'a MessageDraft,
        at: Timestamp,
    ) -> Self {
        let MessageDraft { data, event, nonce } = draft;
        Self {
            room: room.as_str(),
            position,
            from: from.as_str(),
            data,
            at,
            event: event.as_ref().map(|event| event.as_str()),
            nonce: nonce.as_ref().map(|nonce| nonce.as_str()),
        }
    }
}

/// The first session of a user is in the room.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "user_joined")]
pub struct UserJoined<'a> {
    pub room: &'a str,
    pub user: &'a str,
    pub user_count: usize,
}

/// The last session of a user has been out of the room for the grace.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "user_left")]
pub struct UserLeft<'a> {
    pub room: &'a str,
    pub user: &'a str,
    pub user_count: usize,
}

/// All who type now; the set has changed.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "typing")]
pub struct TypingChanged<'a> {
    pub room: &'a str,
    pub users: &'a [UserId],
}

/// This session is no longer in the room.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "left")]
pub struct Left<'a> {
    pub room: &'a str,
    pub reason: LeftReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftReason {
    /// The token does not allow it any more.
    Forbidden,
}
