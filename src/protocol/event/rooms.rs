//! Events of rooms.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{EventName, Json, MessageDraft, Nonce, Position, RoomName, Timestamp, UserId};

/// A message to a room; room and position are its identity.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "message")]
pub struct Message<'a> {
    #[schema(value_type = RoomName)]
    pub room: &'a str,
    pub position: Position,
    #[schema(value_type = UserId)]
    pub from: &'a str,
    /// Any JSON.
    #[schema(value_type = serde_json::Value)]
    pub data: &'a Json,
    pub at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<EventName>, nullable = false)]
    pub event: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Nonce>, nullable = false)]
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
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "user_joined")]
pub struct UserJoined<'a> {
    #[schema(value_type = RoomName)]
    pub room: &'a str,
    #[schema(value_type = UserId)]
    pub user: &'a str,
    /// Of all that are there now.
    pub user_count: usize,
}

/// The last session of a user has been out of the room for the grace.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "user_left")]
pub struct UserLeft<'a> {
    #[schema(value_type = RoomName)]
    pub room: &'a str,
    #[schema(value_type = UserId)]
    pub user: &'a str,
    /// Of all that are there now.
    pub user_count: usize,
}

/// All who type now; the set has changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "typing")]
pub struct TypingChanged<'a> {
    #[schema(value_type = RoomName)]
    pub room: &'a str,
    pub users: &'a [UserId],
}

/// A part of the service is away; what is asked of it is refused meanwhile.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "degraded")]
pub struct Degraded {
    /// `rooms`.
    pub what: &'static str,
    pub since: Timestamp,
}

/// It is there again, and what was missed has been told.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "restored")]
pub struct Restored {
    /// `rooms`.
    pub what: &'static str,
}

/// This session is no longer in the room.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "left")]
pub struct Left<'a> {
    #[schema(value_type = RoomName)]
    pub room: &'a str,
    pub reason: LeftReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeftReason {
    /// The token does not allow it any more.
    Forbidden,
    /// An administrator has put it out.
    Admin,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Epoch;

    fn json(event: &impl Serialize) -> String {
        serde_json::to_string(event).unwrap()
    }

    #[test]
    fn a_message_is_its_draft_with_a_place_an_author_and_a_time() {
        let (room, from) = ("chat:general".parse().unwrap(), "alice".parse().unwrap());
        let mut draft =
            MessageDraft { data: Json::parse(r#"{"z":1.10,"a":null}"#).unwrap(), event: None, nonce: None };
        let position = Position::new(Epoch::from_random(0), 7);
        let at = Timestamp::from_secs(1_800_000_000);
        let plain = r#"{"type":"message","room":"chat:general","position":"aaaaaaaa.7","from":"alice","data":{"z":1.10,"a":null},"at":"2027-01-15T08:00:00.000Z""#;
        assert_eq!(json(&Message::new(&room, position, &from, &draft, at)), format!("{plain}}}"));
        draft.event = Some("update".parse().unwrap());
        draft.nonce = Some("n1".parse().unwrap());
        let full = format!(r#"{plain},"event":"update","nonce":"n1"}}"#);
        assert_eq!(json(&Message::new(&room, position, &from, &draft, at)), full);
    }

    #[test]
    fn presence_typing_and_an_end_name_the_room() {
        let users = ["alice".parse().unwrap()];
        let (room, user) = ("a", "alice");
        assert_eq!(
            json(&UserJoined { room, user, user_count: 2 }),
            r#"{"type":"user_joined","room":"a","user":"alice","user_count":2}"#
        );
        assert_eq!(
            json(&UserLeft { room, user, user_count: 1 }),
            r#"{"type":"user_left","room":"a","user":"alice","user_count":1}"#
        );
        assert_eq!(
            json(&TypingChanged { room, users: &users }),
            r#"{"type":"typing","room":"a","users":["alice"]}"#
        );
        assert_eq!(
            json(&Left { room, reason: LeftReason::Forbidden }),
            r#"{"type":"left","room":"a","reason":"forbidden"}"#
        );
        assert_eq!(
            json(&Left { room, reason: LeftReason::Admin }),
            r#"{"type":"left","room":"a","reason":"admin"}"#
        );
    }
}
