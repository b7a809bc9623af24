//! What the hub tells about who is here, where somebody keeps account of it over all nodes (`webhooks`): sessions that
//! come and go, and rooms with the first user here, and without the last.
//!
//! A request that waits for an answer is no session here, as it makes nobody present: it would come and go without
//! end. What is said here is said to the queue alone, at the end of the hub's turn; where nobody wants to know, there
//! is none of this.

use std::{collections::HashMap, time::Instant};

use actix::{Context, Handler, MessageResult};

use super::{
    LiveQueue, NotificationHub,
    messages::{DescribeLive, Register},
};
use crate::domain::{
    RoomName, SessionKey,
    live::{LiveChange, LiveFact, LiveSession, LiveState},
};

pub struct Ledger {
    queue: LiveQueue,
    has_sessions: bool,
    sessions: HashMap<SessionKey, LiveSession>,
    /// With somebody in them, and since when.
    rooms: HashMap<RoomName, Instant>,
    /// What this turn has to say.
    facts: Vec<LiveFact>,
}

impl Ledger {
    pub fn new(queue: LiveQueue, has_sessions: bool) -> Self {
        Self { queue, has_sessions, sessions: HashMap::new(), rooms: HashMap::new(), facts: Vec::new() }
    }

    pub fn open(&mut self, register: &Register) {
        if !self.has_sessions || !register.transport.is_present() {
            return;
        }
        let at = Instant::now();
        let session = LiveSession {
            id: register.id.clone(),
            user: register.user.clone(),
            transport: register.transport,
            opened_at: at,
        };
        self.sessions.insert(register.session, session.clone());
        self.say(at, LiveChange::Opened(session));
    }

    pub fn close(&mut self, session: SessionKey, reason: &'static str) {
        if let Some(session) = self.sessions.remove(&session) {
            self.say(Instant::now(), LiveChange::Closed(session, reason));
        }
    }

    /// In these rooms there is somebody here now, or nobody any more.
    fn note_rooms(&mut self, changes: Vec<(RoomName, bool)>) {
        let at = Instant::now();
        for (room, is_occupied) in changes {
            if is_occupied {
                self.rooms.insert(room.clone(), at);
                self.say(at, LiveChange::Occupied(room));
            } else if self.rooms.remove(&room).is_some() {
                self.say(at, LiveChange::Vacated(room));
            }
        }
    }

    fn say(&mut self, at: Instant, change: LiveChange) {
        self.facts.push(LiveFact { at, change });
    }

    fn send(&mut self) {
        if !self.facts.is_empty() {
            self.queue.put(std::mem::take(&mut self.facts));
        }
    }
}

impl NotificationHub {
    /// Has somebody hear who is here, from now on.
    pub fn keep_ledger(&mut self, queue: LiveQueue, has_sessions: bool, has_rooms: bool) {
        self.ledger = Some(Ledger::new(queue, has_sessions));
        if has_rooms {
            self.rooms.watch();
        }
    }

    /// What a turn has for it.
    pub(super) fn tell_ledger(&mut self) {
        if let Some(ledger) = &mut self.ledger {
            ledger.note_rooms(self.rooms.take_watched());
            ledger.send();
        }
    }
}

impl Handler<DescribeLive> for NotificationHub {
    type Result = MessageResult<DescribeLive>;

    /// What was said before is in it, and what is said after it follows in the queue.
    fn handle(&mut self, _: DescribeLive, _: &mut Context<Self>) -> Self::Result {
        self.tell_ledger();
        let Some(ledger) = &mut self.ledger else { return MessageResult(LiveState::default()) };
        ledger.queue.restart();
        MessageResult(LiveState {
            sessions: ledger.sessions.values().cloned().collect(),
            rooms: ledger.rooms.iter().map(|(room, at)| (room.clone(), *at)).collect(),
        })
    }
}
