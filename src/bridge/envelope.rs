//! What nodes say to each other, as text: `VERSION SIGNATURE JSON`.
//!
//! Whoever can write to Redis can say anything here (T6). So what comes in is strict: of a known version, no
//! larger than the largest that we say, signed where there is a key, and made of values of the domain.
//!
//! A message to a room is sealed by the node that publishes it, and numbered in Redis by a script, which knows
//! no key: `POSITION MICROSECONDS ` stands in front. So with a key nobody but a node can put words into a
//! user's mouth; the number and the time are Redis's word.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    messages::{RoomMessage, TellKind},
    names::{Channel, Names},
    signature::Signer,
    words,
};
use crate::{
    domain::{
        Counters, EventName, Json, MessageDraft, NodeId, Nonce, Notification, Position, RoomName, Timestamp,
        UserId,
    },
    hub::messages::{InboxFact, MarkedChange},
    random,
};

const VERSION: &str = "1";

/// Largest envelope beside the data of a message: a notification and its fields, or the most ids that one
/// deletion or mark names, or the most users in one [`Body::Members`].
pub const ENVELOPE_BYTES: usize = 160 * 1024;

/// Most users in one [`Body::Members`].
pub const MEMBERS_MAX: usize = 500;

/// One thing said. Whose inbox and which room is said by the channel.
///
/// Nodes of two versions understand each other: what a newer one says besides is passed over, so a field that comes
/// later must have a default, and mean nothing to whoever does not know it. Else it is a word of its own, which older
/// nodes count as not believed, or another [`VERSION`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    Appended {
        node: NodeId,
        #[serde(with = "words::NotificationWords")]
        notification: Notification,
        #[serde(with = "words::CountersWords")]
        counters: Counters,
    },
    Marked {
        node: NodeId,
        #[serde(with = "words::MarkedChangeWords")]
        change: MarkedChange,
        #[serde(with = "words::CountersWords")]
        counters: Counters,
    },
    Changed {
        node: NodeId,
        #[serde(with = "words::text")]
        position: Position,
        #[serde(with = "words::CountersWords")]
        counters: Counters,
    },
    /// A message to a room. `id` makes two that say the same differ.
    Message {
        id: u64,
        from: UserId,
        event: Option<EventName>,
        nonce: Option<Nonce>,
        #[serde(with = "words::json")]
        data: Json,
    },
    /// These users, and no others, are in the room on this node: said in parts, one behind the other, that name
    /// how many users there were `before`. Only who has heard all of them knows.
    Members {
        node: NodeId,
        before: usize,
        users: Vec<UserId>,
        has_more: bool,
    },
    Entered {
        node: NodeId,
        user: UserId,
    },
    Exited {
        node: NodeId,
        user: UserId,
    },
    Typing {
        node: NodeId,
        user: UserId,
        is_active: bool,
    },
    /// Words for all nodes, or for one, that are about no stream.
    Told {
        node: NodeId,
        to: Option<NodeId>,
        kind: TellKind,
        body: String,
    },
}

impl Body {
    pub fn of_fact(node: NodeId, fact: InboxFact) -> Self {
        match fact {
            InboxFact::Appended { notification, counters, .. } => {
                Self::Appended { node, notification: Arc::unwrap_or_clone(notification), counters }
            }
            InboxFact::Marked { change, counters, .. } => Self::Marked { node, change, counters },
            InboxFact::Changed { position, counters, .. } => Self::Changed { node, position, counters },
        }
    }

    pub fn of_message(from: UserId, draft: MessageDraft) -> Self {
        let MessageDraft { data, event, nonce } = draft;
        Self::Message { id: random::bits(), from, event, nonce, data }
    }

    /// The fact about this user's inbox, and who says it; `None` if it is about something else.
    pub fn into_fact(self, user: UserId) -> Option<(NodeId, InboxFact)> {
        Some(match self {
            Self::Appended { notification, .. } if notification.position.offset == 0 => return None,
            Self::Appended { node, notification, counters } => {
                (node, InboxFact::Appended { user, notification: notification.into(), counters })
            }
            // The session that marked is one of that node.
            Self::Marked { node, change, counters } => {
                (node, InboxFact::Marked { user, origin: None, change, counters })
            }
            Self::Changed { node, position, counters } => {
                (node, InboxFact::Changed { user, position, counters })
            }
            _ => return None,
        })
    }
}

/// Why something that was heard is not believed. Never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    #[error("it is larger than anything that a node says")]
    TooLarge,
    #[error("it is not of version {VERSION}")]
    Version,
    #[error("its signature is wrong")]
    Signature,
    #[error("it is malformed")]
    Malformed,
}

/// Writes and reads envelopes.
pub struct Sealer {
    names: Names,
    signer: Signer,
    /// Of one envelope.
    bytes_max: usize,
}

impl Sealer {
    pub fn new(names: Names, signer: Signer, data_bytes: usize) -> Self {
        Self { names, signer, bytes_max: ENVELOPE_BYTES.saturating_add(data_bytes) }
    }

    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    pub fn seal(&self, channel: &Channel, body: &Body) -> String {
        // Names, numbers and checked JSON: there is nothing in it that could not be written.
        let json = serde_json::to_string(body).unwrap_or_default();
        let signature = self.signer.sign(&self.names.channel(channel), &json);
        format!("{VERSION} {signature} {json}")
    }

    /// # Errors
    /// Where nothing of it may be believed.
    pub fn open(&self, channel: &Channel, text: &[u8]) -> Result<Body, Rejected> {
        if text.len() > self.bytes_max {
            return Err(Rejected::TooLarge);
        }
        let text = std::str::from_utf8(text).map_err(|_| Rejected::Malformed)?;
        let (version, rest) = text.split_once(' ').ok_or(Rejected::Malformed)?;
        if version != VERSION {
            return Err(Rejected::Version);
        }
        let (signature, json) = rest.split_once(' ').ok_or(Rejected::Malformed)?;
        if !self.signer.is_right(&self.names.channel(channel), json, signature) {
            return Err(Rejected::Signature);
        }
        serde_json::from_str(json).map_err(|_| Rejected::Malformed)
    }

    /// Reads a message with its number in front, as it is said in the room's channel.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_numbered(&self, room: &RoomName, text: &[u8]) -> Result<RoomMessage, Rejected> {
        let mut parts = text.splitn(3, |byte| *byte == b' ');
        let mut part = || parts.next().ok_or(Rejected::Malformed);
        let (position, at, sealed) = (part()?, part()?, part()?);
        self.message(room, parse(position)?, parse(at).map(Timestamp::from_micros)?, Duration::ZERO, sealed)
    }

    /// Reads a message whose number is known, as it is kept in the room's history.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn message(
        &self,
        room: &RoomName,
        position: Position,
        at: Timestamp,
        age: Duration,
        sealed: &[u8],
    ) -> Result<RoomMessage, Rejected> {
        let body = self.open(&Channel::Room(room.clone()), sealed)?;
        let Body::Message { from, event, nonce, data, .. } = body else { return Err(Rejected::Malformed) };
        // Numbers begin with 1.
        if position.offset == 0 {
            return Err(Rejected::Malformed);
        }
        let draft = MessageDraft { data, event, nonce };
        Ok(RoomMessage { room: room.clone(), position, from, draft, at, age })
    }
}

fn parse<T: std::str::FromStr>(text: &[u8]) -> Result<T, Rejected> {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Rejected::Malformed)
}

#[cfg(test)]
mod tests;
