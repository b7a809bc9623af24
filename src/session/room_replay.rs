//! Reading a room's history for a session that is behind in it.

use super::{
    Session,
    listener::RoomListener,
    replay::{Given, give},
};
use crate::{
    domain::{Position, StreamName},
    hub::messages::{ReadRoom, Request},
    observe::metrics,
    protocol::{Frame, event::Skip},
    stream::{Item, Page, PageLimit},
};

/// Most messages of a page: small, since at its start a session may get one for each of its rooms.
const ROOM_PAGE_ROWS_MAX: usize = 128;

impl Session {
    pub(super) fn give_room(&self, listener: &RoomListener, page: &Page<Frame>) {
        let mut subscription = listener.subscription.borrow_mut();
        if !page.items.is_empty() && !self.outbox.has_room() {
            // It is read again when there is room.
            return subscription.wait();
        }
        if !page.items.is_empty() {
            metrics::replayed(true, page.items.len());
        }
        let since = subscription.last();
        let room = listener.room.as_str();
        let given = give(&self.outbox, &mut subscription, since, page, |item| match item {
            Item::Event(frame) => (frame.replayed(), frame.position().unwrap_or(page.reached)),
            Item::Skip { from, to } => {
                let stream = StreamName::Room(listener.room.clone());
                (Frame::hole(stream, *from, *to, &Skip { stream: room, from: *from, to: *to }), *to)
            }
            Item::Gap(gap) => {
                metrics::gap_told(true, gap.reason);
                (Frame::gap(&listener.room, *gap), gap.to)
            }
        });
        drop(subscription);
        match given {
            Given::Live => listener.caught_up(),
            Given::Read(since) => self.read_room(listener, since),
            Given::Waiting => {}
        }
    }

    /// Reads on for the next room that waits, if there is room for a page.
    pub(super) fn read_rooms(&self) {
        if self.rooms.reading.borrow().is_some() || self.outbox.is_closing() || !self.outbox.has_room() {
            return;
        }
        let next = self.rooms.listeners.borrow().iter().find_map(|listener| {
            let since = listener.subscription.borrow_mut().resume()?;
            Some((listener.clone(), since))
        });
        if let Some((listener, since)) = next {
            self.read_room(&listener, since);
        }
    }

    pub(super) fn read_room(&self, listener: &RoomListener, since: Position) {
        let Some(session) = self.key() else { return };
        if self.rooms.reading.borrow().is_some() {
            // It has its turn after the other.
            return listener.subscription.borrow_mut().wait();
        }
        let (room, limit) = (listener.room.clone(), self.room_page_limit());
        *self.rooms.reading.borrow_mut() = Some(room.clone());
        self.worker.hub.say(Request::Read(ReadRoom { session, room, since, limit }));
    }

    pub(super) fn room_page_limit(&self) -> PageLimit {
        let limit = self.page_limit();
        PageLimit { rows: limit.rows.min(ROOM_PAGE_ROWS_MAX), ..limit }
    }
}
