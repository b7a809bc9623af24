//! Who is in a room: its users, however many sessions each has there, on however many nodes.
//!
//! A user whose last session here leaves stays a member for a grace, so that a reload or a change of network
//! is not told to the whole room. Other nodes wait for the same grace before they say that a user has left
//! them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use super::{NodeId, UserId};

/// How long who was on another node is still believed to be, when the bus has come back and that node has not
/// said so yet: it may have lost the bus, too, and finds it a little later.
pub const DOUBT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Presence {
    grace: Duration,
    members: BTreeMap<UserId, Member>,
    /// Those in their grace, by its end: one entry for each, so leaving often costs nothing.
    leaving: BTreeSet<(Instant, UserId)>,
    /// Those whom another node has not confirmed, by the end of the doubt.
    doubted: BTreeSet<(Instant, NodeId, UserId)>,
    /// How many of them are here.
    here: usize,
}

#[derive(Debug, Default)]
struct Member {
    here: Here,
    /// The other nodes on which the user is, and until when that is in doubt, if it is.
    elsewhere: BTreeMap<NodeId, Option<Instant>>,
}

#[derive(Debug, Default, PartialEq)]
enum Here {
    #[default]
    No,
    /// With so many sessions, at least one.
    Sessions(usize),
    /// Without any; has left at this instant unless a session joins before.
    Leaving(Instant),
}

impl Member {
    fn is_nowhere(&self) -> bool {
        self.here == Here::No && self.elsewhere.is_empty()
    }
}

/// What a first session means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Arrival {
    /// The user was nowhere before: `user_joined` is due.
    pub is_new: bool,
    /// The user was not here before: the other nodes are to know.
    pub is_new_here: bool,
}

/// What time has done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Departures {
    /// Who is nowhere any more, in the order of leaving: `user_left` is due for each.
    pub left: Vec<UserId>,
    /// Who is no longer here: the other nodes are to know.
    pub left_here: Vec<UserId>,
}

/// What another node has said.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub joined: Vec<UserId>,
    pub left: Vec<UserId>,
}

impl Changes {
    /// One user, if that is news.
    pub fn joined(is_news: bool, user: UserId) -> Self {
        Self { joined: is_news.then_some(user).into_iter().collect(), left: Vec::new() }
    }

    /// One user, if that is news.
    pub fn left(is_news: bool, user: UserId) -> Self {
        Self { joined: Vec::new(), left: is_news.then_some(user).into_iter().collect() }
    }
}

impl Presence {
    /// An empty room whose users have left `grace` after their last session did.
    pub fn new(grace: Duration) -> Self {
        Self { grace, members: BTreeMap::new(), leaving: BTreeSet::new(), doubted: BTreeSet::new(), here: 0 }
    }

    /// A session of the user joins here.
    pub fn join(&mut self, user: &UserId) -> Arrival {
        let is_new = !self.members.contains_key(user);
        let member = self.members.entry(user.clone()).or_default();
        let is_new_here = member.here == Here::No;
        match &mut member.here {
            Here::Sessions(sessions) => *sessions += 1,
            Here::Leaving(due) => {
                self.leaving.remove(&(*due, user.clone()));
                member.here = Here::Sessions(1);
            }
            Here::No => {
                member.here = Here::Sessions(1);
                self.here += 1;
            }
        }
        Arrival { is_new, is_new_here }
    }

    /// A session of the user leaves; answers whether it was the last one here, so that the grace begins. Who
    /// is not here does not leave.
    pub fn leave(&mut self, user: &UserId, now: Instant) -> bool {
        let Some(member) = self.members.get_mut(user) else { return false };
        match &mut member.here {
            Here::Sessions(sessions) if *sessions > 1 => {
                *sessions -= 1;
                false
            }
            Here::Sessions(_) => {
                let due = now + self.grace;
                member.here = Here::Leaving(due);
                self.leaving.insert((due, user.clone()));
                true
            }
            Here::Leaving(_) | Here::No => false,
        }
    }

    /// Takes out those whose grace is over, or whom another node has not confirmed in time.
    pub fn expire(&mut self, now: Instant) -> Departures {
        let mut departures = Departures::default();
        while self.leaving.first().is_some_and(|(due, _)| *due <= now) {
            let Some((_, user)) = self.leaving.pop_first() else { break };
            if let Some(member) = self.members.get_mut(&user) {
                member.here = Here::No;
                self.here -= 1;
            }
            departures.left_here.push(user.clone());
            departures.left.extend(self.forget_if_gone(&user).then_some(user));
        }
        while self.doubted.first().is_some_and(|(due, ..)| *due <= now) {
            let Some((_, node, user)) = self.doubted.first().cloned() else { break };
            departures.left.extend(self.exit(node, &user).then_some(user));
        }
        departures
    }

    /// The user is in the room on another node; answers whether that is news to the room.
    pub fn enter(&mut self, node: NodeId, user: &UserId) -> bool {
        let is_new = !self.members.contains_key(user);
        let member = self.members.entry(user.clone()).or_default();
        if let Some(Some(due)) = member.elsewhere.insert(node, None) {
            self.doubted.remove(&(due, node, user.clone()));
        }
        is_new
    }

    /// The user is no longer in the room on another node; answers whether the user is nowhere any more.
    pub fn exit(&mut self, node: NodeId, user: &UserId) -> bool {
        let Some(member) = self.members.get_mut(user) else { return false };
        let Some(doubt) = member.elsewhere.remove(&node) else { return false };
        if let Some(due) = doubt {
            self.doubted.remove(&(due, node, user.clone()));
        }
        self.forget_if_gone(user)
    }

    /// Exactly these users are in the room on another node.
    pub fn settle(&mut self, node: NodeId, users: &[UserId]) -> Changes {
        let joined = users.iter().filter(|user| self.enter(node, user)).cloned().collect();
        let named: BTreeSet<&UserId> = users.iter().collect();
        let is_gone =
            |user: &UserId, member: &Member| member.elsewhere.contains_key(&node) && !named.contains(user);
        let gone: Vec<UserId> = self.select(is_gone);
        Changes { joined, left: gone.into_iter().filter(|user| self.exit(node, user)).collect() }
    }

    /// These users are in the room on these other nodes, as far as the bus knows: of those who are not named
    /// it is in doubt whether they still are. Answers with who is new to the room.
    pub fn review(&mut self, members: &[(NodeId, UserId)], now: Instant) -> Vec<UserId> {
        let due = now + DOUBT;
        for (user, member) in &mut self.members {
            for (node, doubt) in member.elsewhere.iter_mut().filter(|(_, doubt)| doubt.is_none()) {
                *doubt = Some(due);
                self.doubted.insert((due, *node, user.clone()));
            }
        }
        members.iter().filter(|(node, user)| self.enter(*node, user)).map(|(_, user)| user.clone()).collect()
    }

    /// The node is gone, and everybody with it; answers with who is nowhere any more.
    pub fn lose(&mut self, node: NodeId) -> Vec<UserId> {
        let gone = self.select(|_, member| member.elsewhere.contains_key(&node));
        gone.into_iter().filter(|user| self.exit(node, user)).collect()
    }

    fn select(&self, is_meant: impl Fn(&UserId, &Member) -> bool) -> Vec<UserId> {
        let members = self.members.iter().filter(|(user, member)| is_meant(user, member));
        members.map(|(user, _)| user.clone()).collect()
    }

    fn forget_if_gone(&mut self, user: &UserId) -> bool {
        let is_gone = self.members.get(user).is_some_and(Member::is_nowhere);
        if is_gone {
            self.members.remove(user);
        }
        is_gone
    }

    /// When [`Presence::expire`] next has something to do.
    pub fn next_due(&self) -> Option<Instant> {
        let leaving = self.leaving.first().map(|(due, _)| *due);
        let doubted = self.doubted.first().map(|(due, ..)| *due);
        [leaving, doubted].into_iter().flatten().min()
    }

    /// How many users are members, those in their grace included.
    pub fn count(&self) -> usize {
        self.members.len()
    }

    /// The first `n` members by name.
    pub fn first(&self, n: usize) -> Vec<UserId> {
        self.members.keys().take(n).cloned().collect()
    }

    /// The members on this node, those in their grace included.
    pub fn here(&self) -> Vec<UserId> {
        self.select(|_, member| member.here != Here::No)
    }

    /// Whether nobody is here, though maybe on other nodes.
    pub fn is_empty_here(&self) -> bool {
        self.here == 0
    }
}

#[cfg(test)]
mod tests;
