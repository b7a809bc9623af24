//! What is followed on the bus, and what is to be done about it.

use std::collections::HashSet;

use super::names::Channel;
use crate::domain::RoomName;

/// The channels that are wanted, and those that this connection has. Whoever has changed what is wanted
/// has it [settled](Self::take_changes) before anything that relies on it.
pub struct Followed {
    wanted: HashSet<Channel>,
    subscribed: HashSet<Channel>,
    /// Touched since it was settled.
    changed: HashSet<Channel>,
}

/// What to tell Redis.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub subscribe: Vec<Channel>,
    pub unsubscribe: Vec<Channel>,
}

impl Followed {
    pub fn new() -> Self {
        let nodes = HashSet::from([Channel::Nodes]);
        Self { wanted: nodes.clone(), subscribed: HashSet::new(), changed: nodes }
    }

    pub fn follow(&mut self, channel: Channel) {
        self.changed.insert(channel.clone());
        self.wanted.insert(channel);
    }

    pub fn unfollow(&mut self, channel: Channel) {
        self.wanted.remove(&channel);
        self.changed.insert(channel);
    }

    pub fn is_wanted(&self, channel: &Channel) -> bool {
        self.wanted.contains(channel)
    }

    pub fn rooms(&self) -> Vec<RoomName> {
        let room = |channel: &Channel| match channel {
            Channel::Room(room) => Some(room.clone()),
            Channel::Inbox(_) | Channel::Nodes => None,
        };
        self.wanted.iter().filter_map(room).collect()
    }

    /// At most this much of what is still to be done; it counts as done.
    pub fn take_changes(&mut self, max: usize) -> Changes {
        let mut changes = Changes::default();
        let some: Vec<Channel> = self.changed.iter().take(max).cloned().collect();
        for channel in some {
            self.changed.remove(&channel);
            if self.wanted.contains(&channel) {
                if self.subscribed.insert(channel.clone()) {
                    changes.subscribe.push(channel);
                }
            } else if self.subscribed.remove(&channel) {
                changes.unsubscribe.push(channel);
            }
        }
        changes
    }

    pub fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    /// The connection is gone. Rooms are opened again by the hub, which follows them.
    pub fn forget_connection(&mut self) {
        self.wanted.retain(|channel| !matches!(channel, Channel::Room(_)));
        self.subscribed.clear();
        self.changed = self.wanted.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbox(user: &str) -> Channel {
        Channel::Inbox(user.parse().unwrap())
    }

    fn room(name: &str) -> Channel {
        Channel::Room(name.parse().unwrap())
    }

    #[test]
    fn only_the_difference_is_told() {
        let mut followed = Followed::new();
        assert_eq!(followed.take_changes(9).subscribe, [Channel::Nodes]);
        followed.follow(inbox("a"));
        followed.unfollow(inbox("a"));
        followed.unfollow(inbox("b"));
        assert_eq!(followed.take_changes(9), Changes::default());
        followed.follow(inbox("a"));
        followed.follow(inbox("a"));
        assert_eq!(followed.take_changes(9).subscribe, [inbox("a")]);
        followed.unfollow(inbox("a"));
        assert_eq!(followed.take_changes(9).unsubscribe, [inbox("a")]);
    }

    #[test]
    fn a_new_connection_has_the_inboxes_and_no_rooms() {
        let mut followed = Followed::new();
        for channel in [inbox("a"), inbox("b"), room("r")] {
            followed.follow(channel);
        }
        while followed.has_changes() {
            followed.take_changes(1);
        }
        assert_eq!(followed.rooms().len(), 1);
        followed.forget_connection();
        assert!(followed.rooms().is_empty() && !followed.is_wanted(&room("r")));
        assert_eq!(followed.take_changes(9).subscribe.len(), 3);
    }
}
