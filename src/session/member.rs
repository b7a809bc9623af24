//! One session in one room: where it stands in the room's stream, and the fast way into its outbox.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    time::{Duration, Instant},
};

use super::Session;
use crate::{
    domain::{Position, RoomName, SessionKey},
    hub::seats::{Member, Seat},
    outbox::{Full, Outbox},
    protocol::Frame,
    stream::{Offered, Subscription},
};

/// A repeated `typing` only renews; more often than this it is not passed on.
const TYPING_RENEWAL: Duration = Duration::from_millis(250);

pub struct RoomMember {
    pub room: RoomName,
    pub subscription: RefCell<Subscription<Frame>>,
    /// Where it sits among the worker's members of the room.
    pub seat: Cell<Seat>,
    session: Weak<Session>,
    key: SessionKey,
    outbox: Rc<Outbox>,
    /// What was said last about typing, and when.
    typing: Cell<Option<(bool, Instant)>>,
}

impl RoomMember {
    /// Starts out reading, behind `since`: what comes is held until the first page is given.
    pub fn new(session: &Session, key: SessionKey, room: RoomName, since: Position) -> Self {
        Self {
            room,
            subscription: RefCell::new(Subscription::reading(since)),
            seat: Cell::new(0),
            session: session.me.clone(),
            key,
            outbox: session.outbox.clone(),
            typing: Cell::new(None),
        }
    }

    /// Whether the hub does not know this yet.
    pub fn is_typing_news(&self, is_active: bool, now: Instant) -> bool {
        let is_known = self
            .typing
            .get()
            .is_some_and(|(known, at)| known == is_active && now.duration_since(at) < TYPING_RENEWAL);
        !is_known
    }

    pub fn told_typing(&self, is_active: bool, now: Instant) {
        self.typing.set(Some((is_active, now)));
    }
}

impl Member for RoomMember {
    fn session(&self) -> SessionKey {
        self.key
    }

    fn hear(&self, frame: &Frame) {
        let Some(position) = frame.position() else {
            // Who comes and who types is the first to go when the reader is slow.
            let _ = self.outbox.push(frame.clone());
            return;
        };
        let mut subscription = self.subscription.borrow_mut();
        let before = subscription.last();
        match subscription.offer(position, frame.clone(), frame.cost()) {
            Offered::Deliver(frame) => {
                if self.outbox.push(frame) == Err(Full) {
                    subscription.refused(before);
                }
            }
            Offered::Read(since) => {
                drop(subscription);
                if let Some(session) = self.session.upgrade() {
                    session.read_room(self, since);
                }
            }
            Offered::Nothing => {}
        }
    }
}
