//! Commands as a document shows them: their fields but for `type` and `ref`, which all of them have.
//!
//! The parser is the truth; tests hold each of these against the samples that it takes.

use serde_json::value::RawValue;
use utoipa::{
    ToSchema,
    openapi::schema::{Object, ObjectBuilder, Type},
};

use crate::domain::{EventName, MarkAs, Nonce, Position, RoomName};

/// Says who is there, where the handshake did not; later it brings a new token before the old one ends.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the command as the document shows it")]
pub struct Auth {
    /// A JWT.
    token: String,
}

/// Enters a room. Without `since` the room starts live; with it what was missed follows the answer.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the command as the document shows it")]
pub struct Join {
    room: RoomName,
    #[schema(nullable = false)]
    since: Option<Position>,
}

/// Leaves a room.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the command as the document shows it")]
pub struct Leave {
    room: RoomName,
}

/// Says something in a room, whether the session is in it or not.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the command as the document shows it")]
pub struct Message {
    room: RoomName,
    /// Any JSON, of at most 32 KiB.
    #[schema(value_type = serde_json::Value)]
    data: Box<RawValue>,
    /// What the message is called to listeners of event streams.
    #[schema(nullable = false)]
    event: Option<EventName>,
    #[schema(nullable = false)]
    nonce: Option<Nonce>,
}

/// Says that the user types, or does no more. It expires by itself.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the command as the document shows it")]
pub struct Typing {
    /// May be left out where exactly one room is joined.
    #[schema(nullable = false)]
    room: Option<RoomName>,
    /// `true` where it is left out.
    #[schema(nullable = false)]
    active: Option<bool>,
}

/// Starts the inbox again behind a position; order counts from there.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the command as the document shows it")]
pub struct Resume {
    since: Position,
}

/// Marks notifications: exactly one of `ids`, `up_to` and `all`. Read implies seen, archived implies both, unread
/// clears read and takes out of the archive.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the command as the document shows it")]
pub struct Mark {
    r#as: MarkAs,
    /// What is no notification of the user is passed over.
    #[schema(max_items = 500, nullable = false)]
    ids: Option<Vec<String>>,
    /// All up to this position of the inbox, itself included.
    #[schema(nullable = false)]
    up_to: Option<Position>,
    /// All of them.
    #[schema(schema_with = only_true, required = false)]
    all: Option<bool>,
}

/// Says up to where the user was shown everything.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the command as the document shows it")]
pub struct Ack {
    up_to: Position,
    /// Whether the page is in front, so that nothing of it needs to be pushed.
    #[schema(nullable = false)]
    visible: Option<bool>,
}

/// Asks whether the server is there.
#[derive(ToSchema)]
pub struct Ping {}

/// The answer to a `ping` of the server.
#[derive(ToSchema)]
pub struct Pong {}

/// Has the same data sent back.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the command as the document shows it")]
pub struct Echo {
    /// Any JSON, of at most 32 KiB.
    #[schema(value_type = serde_json::Value)]
    data: Box<RawValue>,
}

fn only_true() -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true])).build()
}
