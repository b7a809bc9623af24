//! What channels and keys are called.
//!
//! The name of a user or a room stands in braces: a cluster puts everything with the same text in braces on
//! the same server (its hash tag), and no name has a brace, so no two channels are ever called alike.

use crate::domain::{NodeId, RoomName, UserId};

/// The hash tag of what concerns all nodes. It is nobody's name.
const ALL: &str = "{*}";

/// Whose channel something came through.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Channel {
    Inbox(UserId),
    Room(RoomName),
    /// What every node hears.
    Nodes,
}

pub struct Names {
    prefix: String,
}

impl Names {
    pub fn new(prefix: String) -> Self {
        Self { prefix }
    }

    pub fn channel(&self, channel: &Channel) -> String {
        match channel {
            Channel::Inbox(user) => self.inbox(user),
            Channel::Room(room) => self.room(room),
            Channel::Nodes => format!("{}nodes", self.prefix),
        }
    }

    /// The channel of a user's inbox.
    pub fn inbox(&self, user: &UserId) -> String {
        format!("{}{{{user}}}:inbox", self.prefix)
    }

    /// The channel of a room.
    pub fn room(&self, room: &RoomName) -> String {
        self.of_room(room, "room")
    }

    /// Numbering and rate of a room: a hash.
    pub fn meta(&self, room: &RoomName) -> String {
        self.of_room(room, "meta")
    }

    /// The history of a room: a stream, whose ids are the offsets.
    pub fn log(&self, room: &RoomName) -> String {
        self.of_room(room, "log")
    }

    /// Where the nonces in the history are: a hash.
    pub fn nonces(&self, room: &RoomName) -> String {
        self.of_room(room, "nonces")
    }

    /// Who is in a room, and on which node: a hash.
    pub fn members(&self, room: &RoomName) -> String {
        self.of_room(room, "members")
    }

    fn of_room(&self, room: &RoomName, what: &str) -> String {
        format!("{}{{{room}}}:{what}", self.prefix)
    }

    /// The nodes that have, or had, a lease: a set.
    pub fn nodes(&self) -> String {
        format!("{}{ALL}:nodes", self.prefix)
    }

    /// What is there as long as the node is.
    pub fn lease(&self, node: NodeId) -> String {
        format!("{}{node}", self.leases())
    }

    /// What the names of all leases begin with.
    pub fn leases(&self) -> String {
        format!("{}{ALL}:lease:", self.prefix)
    }

    /// Whose channel this is; `None` if it is none of ours.
    pub fn parse(&self, channel: &str) -> Option<Channel> {
        let name = channel.strip_prefix(&self.prefix)?;
        if name == "nodes" {
            return Some(Channel::Nodes);
        }
        let (name, what) = name.strip_prefix('{')?.split_once("}:")?;
        match what {
            "inbox" => name.parse().ok().map(Channel::Inbox),
            "room" => name.parse().ok().map(Channel::Room),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_recognised_and_no_other() {
        let names = Names::new("app:".to_owned());
        let channels = [
            Channel::Inbox("a:b@c|d".parse().unwrap()),
            Channel::Room("nodes".parse().unwrap()),
            Channel::Room("a:inbox".parse().unwrap()),
            Channel::Nodes,
        ];
        for channel in channels {
            assert_eq!(names.parse(&names.channel(&channel)), Some(channel));
        }
        for foreign in ["", "app:", "nodes", "tidings:nodes", "app:{a}:log", "app:{}:room", "app:{_a}:room"] {
            assert_eq!(names.parse(foreign), None, "{foreign}");
        }
    }
}
