//! Which sessions a user has, on which workers.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::{LocalUsers, messages::SessionCount};
use crate::{
    domain::{SessionKey, Transport, UserId},
    protocol::CloseCode,
};

pub struct SessionRegister {
    /// Most sessions of one user that last, and as many requests that wait; 0 is no limit.
    per_user: usize,
    /// Oldest first.
    users: HashMap<UserId, VecDeque<Registered>>,
    /// The same users, for others to see.
    local: LocalUsers,
}

#[derive(Clone, Copy)]
struct Registered {
    session: SessionKey,
    transport: Transport,
}

impl SessionRegister {
    pub fn new(per_user: usize) -> Self {
        Self { per_user, users: HashMap::new(), local: LocalUsers::default() }
    }

    pub fn local_users(&self) -> &LocalUsers {
        &self.local
    }

    /// Adds a session; answers with the one that must go for it, if any, and with what it is told.
    ///
    /// The newest stays, so that a ghost locks nobody out: the oldest WebSocket goes. An event stream would
    /// come back by itself whatever it is told, so where no other is left the new session is the one that
    /// waits. Of requests that wait the newest is refused, too: an older one that was answered for it would be
    /// asked again at once, and so on.
    /// The one that goes is forgotten at once: its own farewell comes late or never.
    pub fn add(
        &mut self,
        user: UserId,
        session: SessionKey,
        transport: Transport,
    ) -> Option<(SessionKey, CloseCode)> {
        let sessions = self.users.entry(user.clone()).or_default();
        if sessions.is_empty() {
            self.local.enter(user);
        }
        sessions.push_back(Registered { session, transport });
        let excess = excess(sessions, transport, self.per_user)?;
        let Registered { session: gone, .. } = sessions.remove(excess)?;
        Some((gone, if gone == session { CloseCode::RateLimited } else { CloseCode::ConnectionLimit }))
    }

    /// Whether one more event stream of the user would not have to go at once.
    pub fn has_place(&self, user: &UserId) -> bool {
        let transports = || self.users.get(user).into_iter().flatten().map(|known| known.transport);
        let lasting = transports().filter(|transport| *transport != Transport::LongPoll).count();
        self.per_user == 0
            || lasting < self.per_user
            || transports().any(|transport| transport == Transport::WebSocket)
    }

    pub fn remove(&mut self, user: &UserId, session: SessionKey) {
        if let Some(sessions) = self.users.get_mut(user) {
            sessions.retain(|known| known.session != session);
            if sessions.is_empty() {
                self.users.remove(user);
                self.local.leave(user);
            }
        }
    }

    /// How many sessions there are, and of how many users.
    pub fn count(&self) -> (SessionCount, usize) {
        let mut sessions = SessionCount::default();
        self.users.values().flatten().for_each(|known| sessions.add(known.transport, 1));
        (sessions, self.users.len())
    }

    pub fn has(&self, user: &UserId) -> bool {
        self.users.contains_key(user)
    }

    /// The workers that have sessions of the user, each once.
    pub fn shards_of(&self, user: &UserId) -> BTreeSet<u16> {
        self.users.get(user).into_iter().flatten().map(|known| known.session.shard).collect()
    }
}

/// The place of the session that is one too many after the newest, of this transport, has come.
fn excess(sessions: &VecDeque<Registered>, newest: Transport, per_user: usize) -> Option<usize> {
    let is_waiting = newest == Transport::LongPoll;
    let is_alike = |known: &&Registered| (known.transport == Transport::LongPoll) == is_waiting;
    if per_user == 0 || sessions.iter().filter(is_alike).count() <= per_user {
        return None;
    }
    let makes_way = |known: &Registered| !is_waiting && known.transport == Transport::WebSocket;
    // Where that is the newest itself, or nobody, the newest is the one.
    Some(sessions.iter().position(makes_way).unwrap_or(sessions.len() - 1))
}

#[cfg(test)]
mod tests {
    use Transport::{EventStream, LongPoll, WebSocket};

    use super::*;

    fn key(shard: u16, slot: u32) -> SessionKey {
        SessionKey { shard, slot, generation: 0 }
    }

    fn alice() -> UserId {
        "alice".parse().unwrap()
    }

    #[test]
    fn beyond_the_limit_the_oldest_websocket_of_the_user_goes() {
        let mut register = SessionRegister::new(2);
        assert_eq!(register.add(alice(), key(0, 1), EventStream), None);
        assert_eq!(register.add(alice(), key(0, 2), WebSocket), None);
        assert!(register.has_place(&alice()));
        let gone = register.add(alice(), key(1, 3), EventStream);
        assert_eq!(gone, Some((key(0, 2), CloseCode::ConnectionLimit)));
        assert_eq!(register.shards_of(&alice()), BTreeSet::from([0, 1]));
    }

    #[test]
    fn a_user_is_here_until_the_last_session_has_gone() {
        let mut register = SessionRegister::new(0);
        let here = [(key(0, 1), EventStream), (key(0, 2), WebSocket), (key(1, 1), LongPoll)];
        for (session, transport) in here {
            register.add(alice(), session, transport);
        }
        register.add("bob".parse().unwrap(), key(1, 2), LongPoll);
        assert_eq!(register.count(), (SessionCount { websocket: 1, sse: 1, poll: 2 }, 2));
        for (session, _) in here {
            assert!(register.has(&alice()) && register.local_users().since(&alice()).is_some());
            assert!(register.shards_of(&alice()).contains(&session.shard));
            register.remove(&alice(), session);
        }
        assert!(!register.has(&alice()) && register.shards_of(&alice()).is_empty());
        assert_eq!(register.local_users().since(&alice()), None);
        assert_eq!(register.count(), (SessionCount { poll: 1, ..SessionCount::default() }, 1));
    }

    #[test]
    fn requests_that_wait_take_no_place_of_sessions_that_last() {
        let mut register = SessionRegister::new(1);
        assert!(register.has_place(&alice()));
        assert_eq!(register.add(alice(), key(0, 0), LongPoll), None);
        assert!(register.has_place(&alice()));
        assert_eq!(register.add(alice(), key(0, 1), EventStream), None);
        assert!(!register.has_place(&alice()));
    }

    #[test]
    fn where_only_event_streams_are_left_the_newest_waits() {
        let mut register = SessionRegister::new(2);
        for slot in 0..2 {
            assert_eq!(register.add(alice(), key(0, slot), EventStream), None);
        }
        assert!(!register.has_place(&alice()));
        for (slot, transport) in [(2, EventStream), (3, WebSocket)] {
            let gone = register.add(alice(), key(0, slot), transport);
            assert_eq!(gone, Some((key(0, slot), CloseCode::RateLimited)));
        }
    }

    #[test]
    fn one_request_too_many_that_waits_is_refused_and_makes_nobody_go() {
        let mut register = SessionRegister::new(1);
        assert_eq!(register.add(alice(), key(0, 0), WebSocket), None);
        assert_eq!(register.add(alice(), key(0, 1), LongPoll), None);
        let gone = register.add(alice(), key(0, 2), LongPoll);
        assert_eq!(gone, Some((key(0, 2), CloseCode::RateLimited)));
    }

    #[test]
    fn zero_is_no_limit() {
        let mut register = SessionRegister::new(0);
        assert!((0..100).all(|slot| register.add(alice(), key(0, slot), WebSocket).is_none()));
        assert!(register.has_place(&alice()));
    }
}
