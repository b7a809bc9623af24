//! One session in one room: where it stands in the room's stream, and the fast way into its outbox.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    time::{Duration, Instant},
};

use super::Session;
use crate::{
    domain::{Position, RoomName, SessionKey},
    hub::seats::{Listener, Seat},
    outbox::{Full, Outbox},
    protocol::Frame,
    stream::{Offered, Subscription},
};

/// A repeated `typing` only renews; one that follows so soon is not passed on.
const TYPING_RENEWAL: Duration = Duration::from_millis(50);

/// Most presence and typing that waits for the room to be live, the newest of each.
const EARLY_MAX: usize = 32;

pub struct RoomListener {
    pub room: RoomName,
    pub subscription: RefCell<Subscription<Frame>>,
    /// Where it sits among the worker's listeners of the room.
    pub seat: Cell<Seat>,
    session: Weak<Session>,
    key: SessionKey,
    outbox: Rc<Outbox>,
    /// Presence and typing that came before the session had what it missed; `None` once it has.
    early: RefCell<Option<Vec<Frame>>>,
    /// What was said last about typing, and when.
    typing: Cell<Option<(bool, Instant)>>,
}

impl RoomListener {
    /// Starts out reading, behind `since`: what comes is held until the first page is given.
    pub fn new(session: &Session, key: SessionKey, room: RoomName, since: Position) -> Self {
        Self {
            room,
            subscription: RefCell::new(Subscription::reading(since)),
            seat: Cell::new(0),
            session: session.me.clone(),
            key,
            outbox: session.outbox.clone(),
            early: RefCell::new(Some(Vec::new())),
            typing: Cell::new(None),
        }
    }

    /// The session has what it missed of the room: what came meanwhile and has no number follows.
    pub fn caught_up(&self) {
        for frame in self.early.take().unwrap_or_default() {
            let _ = self.outbox.push(frame);
        }
    }

    /// Whether the hub does not know this yet.
    pub fn is_typing_news(&self, is_active: bool, now: Instant) -> bool {
        match self.typing.get() {
            Some((true, at)) => !is_active || now.duration_since(at) >= TYPING_RENEWAL,
            Some((false, _)) | None => is_active,
        }
    }

    pub fn told_typing(&self, is_active: bool, now: Instant) {
        self.typing.set(Some((is_active, now)));
    }
}

impl Listener for RoomListener {
    fn session(&self) -> SessionKey {
        self.key
    }

    fn hear(&self, frame: &Frame) {
        let Some(position) = frame.position() else {
            match self.early.borrow_mut().as_mut() {
                Some(early) => {
                    early.retain(|older| !older.is_about_the_same(frame));
                    if early.len() < EARLY_MAX {
                        early.push(frame.clone());
                    }
                }
                // Where the reader is slow it is set aside.
                None => {
                    let _ = self.outbox.push(frame.clone());
                }
            }
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

    fn ring(&self, position: Position) {
        let since = self.subscription.borrow_mut().ring(position);
        if let Some(since) = since
            && let Some(session) = self.session.upgrade()
        {
            session.read_room(self, since);
        }
    }
}
