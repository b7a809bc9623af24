//! Who asks something about a room, and how the answer gets there. Where the truth is on the bus, it may have
//! to be waited for.

use tokio::sync::oneshot;

use super::Shards;
use crate::{
    domain::{Position, RoomName},
    hub::messages::{
        Join, PublishOrigin, ReadMessages, ReadPresence, RoomAnswer, RoomMessages, RoomPresence, RoomRefusal,
    },
    observe::metrics,
};

/// The end at which http waits. Who has given up is not told.
pub type Reply<T> = oneshot::Sender<Result<T, RoomRefusal>>;

#[derive(Debug)]
pub enum Question {
    Join(Join),
    Messages(ReadMessages, Reply<RoomMessages>),
    Presence(ReadPresence, Reply<RoomPresence>),
}

impl Question {
    pub fn room(&self) -> &RoomName {
        match self {
            Self::Join(join) => &join.room,
            Self::Messages(read, _) => &read.room,
            Self::Presence(read, _) => &read.room,
        }
    }

    /// Where who asks stands, if anywhere.
    pub fn since(&self) -> Option<Position> {
        let since = match self {
            Self::Join(join) => join.since,
            Self::Messages(read, _) => read.since,
            Self::Presence(..) => None,
        };
        since.filter(|since| *since != Position::START)
    }

    pub fn refuse(self, shards: &impl Shards, refusal: RoomRefusal) {
        match self {
            Self::Join(Join { session, room, .. }) => {
                shards.answer(session, RoomAnswer::Joined { room, result: Err(refusal) });
            }
            Self::Messages(_, reply) => drop(reply.send(Err(refusal))),
            Self::Presence(_, reply) => drop(reply.send(Err(refusal))),
        }
    }
}

/// Who has published something.
#[derive(Debug)]
pub enum Asker {
    Session(PublishOrigin),
    Http(Reply<Position>),
}

impl Asker {
    pub fn tell(self, shards: &impl Shards, room: RoomName, result: Result<Position, RoomRefusal>) {
        match result {
            Ok(_) => metrics::room_message_accepted(),
            Err(RoomRefusal::RateLimited(_)) => metrics::limit_exceeded("room_messages"),
            Err(RoomRefusal::Unavailable) => {}
        }
        match self {
            Self::Session(PublishOrigin { session, reference }) => {
                // Who gave no reference hears of failures only.
                if reference.is_some() || result.is_err() {
                    shards.answer(session, RoomAnswer::Published { room, reference, result });
                }
            }
            Self::Http(reply) => drop(reply.send(result)),
        }
    }
}
