//! What is published to a room, the same over a command and over HTTP (PROTOCOL.md sections 3 and 6).

use crate::domain::{EventName, Invalid, Json, MessageDraft, Nonce, json::Fields};

/// Why it is no message: which field, and what is expected there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadMessage {
    pub field: &'static str,
    pub message: String,
}

/// Takes `data`, `event` and `nonce` out of the fields. The size of `data` is judged by who asks.
///
/// # Errors
/// The first of the fields that is not what it should be.
pub fn parse(fields: &mut Fields<'_>) -> Result<MessageDraft, BadMessage> {
    let bad = |field, message: &str| BadMessage { field, message: message.to_owned() };
    let invalid = |field| move |error: Invalid| BadMessage { field, message: error.0 };
    let data = fields.take("data").ok_or_else(|| bad("data", "data is missing"))?;
    let data = Json::trusted(data.get()).map_err(invalid("data"))?;
    let event = fields.take_as::<String>("event").map_err(|_| bad("event", "event is a text"))?;
    let event: Option<EventName> = event.map(|event| event.parse()).transpose().map_err(invalid("event"))?;
    let nonce = fields.take_as::<String>("nonce").map_err(|_| bad("nonce", "nonce is a text"))?;
    let nonce: Option<Nonce> = nonce.map(|nonce| nonce.parse()).transpose().map_err(invalid("nonce"))?;
    Ok(MessageDraft { data, event, nonce })
}
