//! Answers to commands.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{
    domain::{Counters, Position, RoomName, Timestamp, UserId},
    protocol::{ErrorCode, command::Ref},
    stream::Resume,
};

/// The answer to a command that was done.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "ok")]
pub struct Done<'a> {
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<&'a Ref>,
    pub command: &'a str,
    #[serde(flatten)]
    pub result: Outcome<'a>,
}

/// What an `ok` carries, by command.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Outcome<'a> {
    #[schema(title = "auth")]
    Auth {
        expires_at: Timestamp,
        scopes: &'a [String],
    },
    #[schema(title = "resume")]
    Resume {
        resume: Resume,
        /// The top of the inbox.
        position: Position,
    },
    #[schema(title = "mark")]
    Mark {
        counters: Counters,
    },
    #[schema(title = "echo")]
    Echo {
        /// As it was sent.
        #[schema(value_type = serde_json::Value)]
        data: &'a RawValue,
    },
    #[schema(title = "join")]
    Join {
        #[schema(value_type = RoomName)]
        room: &'a str,
        /// The top of the room; what is owed behind `since` follows.
        position: Position,
        resume: Resume,
        /// At most 200 of them.
        #[schema(value_type = Vec<UserId>)]
        users: &'a [&'a str],
        /// All of them.
        user_count: usize,
    },
    #[schema(title = "message")]
    Message {
        #[schema(value_type = RoomName)]
        room: &'a str,
        position: Position,
    },
    #[schema(title = "leave")]
    Leave {
        #[schema(value_type = RoomName)]
        room: &'a str,
    },
    Nothing {},
}

/// The answer to a command that was not done.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename = "error")]
pub struct Refused<'a> {
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Ref>, nullable = false)]
    pub reference: Option<&'a Ref>,
    /// Of a known one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub command: Option<&'a str>,
    /// The room that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RoomName>, nullable = false)]
    pub room: Option<&'a str>,
    #[schema(value_type = String)]
    pub code: ErrorCode,
    /// For people.
    pub message: &'a str,
    /// Whether the same command may succeed later.
    pub retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub retry_after_ms: Option<u64>,
}

impl<'a> Refused<'a> {
    pub fn new(
        reference: Option<&'a Ref>,
        command: Option<&'a str>,
        room: Option<&'a RoomName>,
        code: ErrorCode,
        message: &'a str,
        retry_after_ms: Option<u64>,
    ) -> Self {
        let room = room.map(RoomName::as_str);
        Self { reference, command, room, code, message, retryable: code.is_retryable(), retry_after_ms }
    }
}
