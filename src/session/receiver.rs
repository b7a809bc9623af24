//! What the worker's shard does to a session.

use super::{HELD_HINTS_BYTES_MAX, Session};
use crate::{
    domain::{Position, Revocation, SessionId},
    hub::{
        liveness::Pulse,
        messages::{ROOMS_NAMED_MAX, RoomAnswer, SessionFilter, SessionView},
        rooms::RoomsState,
        slots::Receiver,
    },
    observe::{
        logs::Seldom,
        metrics::{self, Dropped},
    },
    outbox::Full,
    protocol::{
        Class, CloseCode, Frame,
        event::{Degraded, Goodbye, Restored},
    },
    stream::{Offered, Subscription},
};

/// Many clients may be slow at the same time.
static OF_OVERFLOWS: Seldom = Seldom::new();

impl Receiver for Session {
    fn event(&self, position: Position, frame: &Frame) {
        let offered = self.with_inbox(|inbox| {
            let before = inbox.last();
            match inbox.offer(position, frame.clone(), frame.cost()) {
                Offered::Deliver(frame) => {
                    if self.outbox.push(frame) == Err(Full) {
                        inbox.refused(before);
                    }
                    None
                }
                Offered::Read(since) => Some(since),
                Offered::Nothing => None,
            }
        });
        if let Some(since) = offered.flatten() {
            self.read(Some(since));
        }
    }

    fn ring(&self, position: Position) {
        if let Some(since) = self.with_inbox(|inbox| inbox.ring(position)).flatten() {
            self.read(Some(since));
        }
    }

    fn doubt(&self) {
        self.owes_counters.set(true);
        if let Some(since) = self.with_inbox(Subscription::doubt).flatten() {
            self.read(Some(since));
        }
    }

    fn hint(&self, frame: &Frame) {
        if !self.told.is_news(frame) {
            return;
        }
        let (is_live, is_reading) =
            self.with_inbox(|inbox| (inbox.is_live(), inbox.is_reading())).unwrap_or_default();
        let mut held = self.held_hints.borrow_mut();
        let held_bytes: usize = held.iter().map(Frame::cost).sum();
        let is_told = if is_live {
            self.outbox.push(frame.clone()).inspect(|()| self.told.note(frame)).is_ok()
        } else if is_reading && self.told.has_begun() && held_bytes + frame.cost() <= HELD_HINTS_BYTES_MAX {
            held.push(frame.clone());
            true
        } else {
            false
        };
        if !is_told {
            self.owes_counters.set(true);
        }
    }

    fn rooms_state(&self, state: RoomsState) {
        match state {
            RoomsState::Degraded { since } if !self.rooms.names().is_empty() => {
                self.is_degraded.set(true);
                self.reply(&Degraded { what: "rooms", since });
            }
            RoomsState::Restored if self.is_degraded.take() => self.reply(&Restored { what: "rooms" }),
            RoomsState::Degraded { .. } | RoomsState::Restored => {}
        }
    }

    fn answer(&self, answer: RoomAnswer) {
        self.room_answer(answer);
    }

    fn pulse(&self) -> Pulse {
        if self.outbox.take_overflow() {
            self.tell_overflow();
        }
        Pulse {
            was_heard: self.was_heard.take(),
            is_lagging: self.outbox.is_lagging(),
            is_closing: self.outbox.is_closing(),
            is_flooding: false,
            expires_at: self.identity.borrow().as_ref().map(|identity| identity.expires_at),
        }
    }

    fn ping(&self) {
        self.outbox.ping();
    }

    fn end(&self, code: CloseCode) -> bool {
        if self.outbox.is_closing() {
            return false;
        }
        self.end.set(Some(code));
        self.opened.notify_waiters();
        if code == CloseCode::SlowConsumer {
            metrics::dropped(Dropped::CutOff, self.outbox.clear());
        }
        let retry_after = code.is_reconnect().then(|| self.worker.retry_after(self.transport, code));
        self.retry_after.set(retry_after);
        let goodbye = Frame::new(Class::Reply, &Goodbye::new(code, retry_after));
        self.outbox.close(Some(goodbye), code.into());
        true
    }

    fn is_meant(&self, filter: &SessionFilter) -> Option<SessionId> {
        let SessionFilter { id, user, room } = filter;
        let identity = self.identity.borrow();
        let identity = identity.as_ref()?;
        let is_meant = id.as_ref().is_none_or(|id| *id == self.id)
            && user.as_ref().is_none_or(|user| *user == identity.user)
            && room.as_ref().is_none_or(|room| self.rooms.names().contains(room));
        (is_meant && !self.outbox.is_closing()).then(|| self.id.clone())
    }

    fn view(&self) -> Option<SessionView> {
        let user = self.user()?;
        let mut rooms = self.rooms.names();
        let room_count = rooms.len();
        rooms.truncate(ROOMS_NAMED_MAX);
        Some(SessionView {
            session: self.id.clone(),
            user,
            transport: self.transport,
            opened_at: self.id.made_at(),
            rooms,
            room_count,
            waiting_bytes: self.outbox.waiting_bytes(),
            // Before the first page it is where the client says that it stands.
            position: self.with_inbox(|inbox| inbox.last()).filter(|_| self.told.has_begun()),
        })
    }

    fn revoke(&self, revocation: &Revocation) {
        let is_meant =
            self.identity.borrow().as_ref().is_some_and(|identity| revocation.ends(&self.id, identity));
        if is_meant {
            self.end(CloseCode::Revoked);
        }
    }

    fn is_flooding(&self) -> bool {
        self.line.is_backed_up()
    }

    fn kill(&self) {
        self.line.kill();
        // A connection that is read no more, since too much came in, does not see its socket end.
        self.is_killed.set(true);
        self.outbox.wake();
    }
}

impl Session {
    /// The client reads too slowly: something did not fit.
    fn tell_overflow(&self) {
        metrics::outbox_overflowed();
        let level = if OF_OVERFLOWS.is_due() { log::Level::Info } else { log::Level::Debug };
        let (session, waiting_bytes) = (self.id.as_str(), self.outbox.waiting_bytes());
        log::log!(level, session, waiting_bytes; "outbox full");
    }
}
