//! A session's rooms: joins and their answers, publishing, typing, and reading a room's history.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, time::Instant};

use super::{Session, listener::RoomListener};
use crate::{
    domain::{MessageDraft, Position, RoomName, StreamName},
    hub::{
        messages::{
            Join, Joined, Leave, PublishMessage, PublishOrigin, Request, RoomAnswer, RoomRefusal, SetTyping,
        },
        seats::Seats,
    },
    observe::metrics,
    protocol::{
        ErrorCode, Frame,
        command::Ref,
        event::{Done, Left, LeftReason, Outcome, Refused},
    },
    stream::{Page, Resume},
};

#[derive(Default)]
pub struct JoinedRooms {
    pub(super) listeners: RefCell<Vec<Rc<RoomListener>>>,
    /// Joins that the hub has not answered yet, in order.
    asked: RefCell<VecDeque<AskedJoin>>,
    /// Pages of the rooms of the handshake: they follow the answers to all of its joins.
    first_pages: RefCell<Vec<(Rc<RoomListener>, Page<Frame>)>>,
    /// The room whose history is being read. One at a time, so that a page finds the space in the outbox
    /// that it was asked for.
    pub(super) reading: RefCell<Option<RoomName>>,
}

struct AskedJoin {
    room: RoomName,
    since: Option<Position>,
    reference: Option<Ref>,
    /// It is of the handshake: always answered, and its page waits for the others' answers.
    is_opening: bool,
}

impl JoinedRooms {
    /// Whether every join is answered, and has its page.
    pub fn is_open(&self) -> bool {
        !self.is_joining() && self.first_pages.borrow().is_empty()
    }

    fn is_joining(&self) -> bool {
        !self.asked.borrow().is_empty()
    }

    /// The connection is gone, and with it its seats; the hub hears that from its end.
    pub fn abandon(&self, seats: &Seats) {
        for listener in self.listeners.take() {
            seats.unseat(&listener.room, listener.seat.get());
        }
    }

    /// The rooms that the session is in.
    pub fn names(&self) -> Vec<RoomName> {
        self.listeners.borrow().iter().map(|listener| listener.room.clone()).collect()
    }

    fn find(&self, room: &RoomName) -> Option<Rc<RoomListener>> {
        self.listeners.borrow().iter().find(|listener| listener.room == *room).cloned()
    }

    /// The oldest join of this room that is not answered: those of other rooms may be answered before.
    fn take_asked(&self, room: &RoomName) -> Option<AskedJoin> {
        let mut asked = self.asked.borrow_mut();
        let place = asked.iter().position(|asked| asked.room == *room)?;
        let taken = asked.remove(place);
        if asked.is_empty() {
            // Most ask when they come, and never again.
            *asked = VecDeque::new();
        }
        taken
    }

    fn count(&self) -> usize {
        self.listeners.borrow().len() + self.asked.borrow().len()
    }
}

impl Session {
    /// Joins the rooms of the handshake, and waits for the answers.
    pub(super) async fn join_first_rooms(self: &Rc<Self>) {
        let following = self.following.take();
        for room in following.rooms {
            let since = following.since.position(&StreamName::Room(room.clone()));
            self.ask_to_join(AskedJoin { room, since, reference: None, is_opening: true });
        }
        while self.rooms.is_joining() && !self.outbox.is_closing() && !self.is_closed.get() {
            self.opened.notified().await;
        }
    }

    /// Gives what the rooms of the handshake are owed.
    pub(super) fn give_first_pages(&self) {
        for (listener, page) in self.rooms.first_pages.take() {
            self.give_room(&listener, &page);
        }
        self.has_begun.set(true);
        self.opened.notify_waiters();
    }

    pub(super) fn join(&self, reference: Option<Ref>, room: RoomName, since: Option<Position>) {
        self.ask_to_join(AskedJoin { room, since, reference, is_opening: false });
    }

    fn ask_to_join(&self, asked: AskedJoin) {
        let Some(session) = self.key() else { return };
        let is_joined = self.rooms.find(&asked.room).is_some();
        let refusal = if !self.may(|scopes| scopes.may_join(&asked.room)) {
            Some((ErrorCode::Forbidden, "the token does not allow to join this room"))
        } else if !is_joined && self.rooms.count() >= self.worker.policy.rooms(self.transport) {
            Some((ErrorCode::RoomLimit, "the session is in as many rooms as it may be"))
        } else {
            None
        };
        if let Some((code, message)) = refusal {
            let (reference, room) = (asked.reference.as_ref(), Some(&asked.room));
            if asked.is_opening {
                // It answers no command, so it does not count as an error of the client's.
                return self.reply(&Refused::new(reference, Some("join"), room, code, message, None));
            }
            return self.refuse_room(reference, "join", room, code, message, None);
        }
        self.worker.hub.say(Request::Join(Join {
            session,
            room: asked.room.clone(),
            // A second join changes nothing.
            since: asked.since.filter(|_| !is_joined),
            limit: self.room_page_limit(),
        }));
        self.rooms.asked.borrow_mut().push_back(asked);
    }

    pub(super) fn leave(&self, reference: Option<&Ref>, room: &RoomName) {
        if self.depart(room) {
            self.done(reference, "leave", Outcome::Leave { room: room.as_str() });
        } else {
            self.refuse_not_joined(reference, "leave", room);
        }
    }

    /// After new scopes: the session is no longer in rooms that they do not allow.
    pub(super) fn leave_forbidden(&self) {
        for room in self.rooms.names() {
            if !self.may(|scopes| scopes.may_join(&room)) && self.depart(&room) {
                self.reply(&Left { room: room.as_str(), reason: LeftReason::Forbidden });
            }
        }
    }

    /// Takes the session out of a room; it hears nothing of it from here on.
    fn depart(&self, room: &RoomName) -> bool {
        let Some(session) = self.key() else { return false };
        let mut listeners = self.rooms.listeners.borrow_mut();
        let Some(place) = listeners.iter().position(|listener| listener.room == *room) else { return false };
        let listener = listeners.swap_remove(place);
        self.worker.seats.unseat(room, listener.seat.get());
        self.rooms.first_pages.borrow_mut().retain(|(owed, _)| !Rc::ptr_eq(owed, &listener));
        // Of a room that it is not in the session is told no page.
        self.rooms.reading.borrow_mut().take_if(|reading| reading == room);
        self.outbox.forget(room);
        self.worker.hub.say(Request::Leave(Leave { session, room: room.clone() }));
        log::debug!(session = self.id.as_str(), room = room.as_str(); "room left");
        true
    }

    pub(super) fn publish(&self, reference: Option<Ref>, room: RoomName, draft: MessageDraft) {
        let (Some(session), Some(from)) = (self.key(), self.user()) else { return };
        let bytes = draft.data.as_str().len();
        let (code, message) = if bytes > self.worker.policy.data_bytes {
            (ErrorCode::TooLarge, "data is too large")
        } else if !self.may(|scopes| scopes.may_publish(&room)) {
            (ErrorCode::Forbidden, "the token does not allow to publish to this room")
        } else if let Some(load) = self.worker.hub.load(bytes) {
            let message = PublishMessage { room, from, draft, load };
            let origin = PublishOrigin { session, reference };
            return self.worker.hub.say(Request::Publish(message, origin));
        } else {
            (ErrorCode::Unavailable, "try again later")
        };
        self.refuse_room(reference.as_ref(), "message", Some(&room), code, message, None);
    }

    pub(super) fn type_in(&self, reference: Option<&Ref>, room: Option<RoomName>, is_active: bool) {
        let Some(session) = self.key() else { return };
        let listener = match &room {
            Some(room) => self.rooms.find(room),
            None => match self.rooms.listeners.borrow().as_slice() {
                [only] => Some(only.clone()),
                _ => {
                    let message = "room is needed unless exactly one room is joined";
                    return self.refuse_room(reference, "typing", None, ErrorCode::BadRoom, message, None);
                }
            },
        };
        let Some(listener) = listener else {
            if let Some(room) = &room {
                self.refuse_not_joined(reference, "typing", room);
            }
            return;
        };
        let now = Instant::now();
        // To stop is passed on always, and there is one for each beginning at most.
        if listener.is_typing_news(is_active, now) && (!is_active || self.manners.borrow_mut().typing(now)) {
            let typing = SetTyping { session, room: listener.room.clone(), is_active };
            self.worker.hub.say(Request::Typing(typing));
            listener.told_typing(is_active, now);
        }
        self.done(reference, "typing", Outcome::Nothing {});
    }

    /// Takes the hub's answer to something asked before.
    pub(super) fn room_answer(&self, answer: RoomAnswer) {
        match answer {
            RoomAnswer::Joined { room, result } => self.joined(&room, result),
            RoomAnswer::Page { room, page } => {
                self.rooms.reading.borrow_mut().take_if(|reading| *reading == room);
                if let Some(listener) = self.rooms.find(&room) {
                    self.give_room(&listener, &page);
                }
                self.read_rooms();
            }
            RoomAnswer::Published { room, reference, result } => match result {
                Ok(position) => {
                    let result = Outcome::Message { room: room.as_str(), position };
                    self.done(reference.as_ref(), "message", result);
                }
                Err(refusal) => self.refuse_by_hub(reference.as_ref(), "message", &room, refusal),
            },
        }
    }

    fn joined(&self, room: &RoomName, result: Result<Joined, RoomRefusal>) {
        let Some(asked) = self.rooms.take_asked(room) else { return };
        let Some(key) = self.key().filter(|_| !self.outbox.is_closing()) else { return };
        self.opened.notify_waiters();
        let Joined { page, users, user_count } = match result {
            Ok(joined) => joined,
            Err(refusal) => return self.refuse_by_hub(asked.reference.as_ref(), "join", room, refusal),
        };
        let known = self.rooms.find(room);
        let (position, resume) = match &known {
            Some(known) => (known.subscription.borrow().last(), Resume::Fresh),
            None => (page.head.position(), page.resume),
        };
        let users: Vec<&str> = users.iter().map(|user| user.as_str()).collect();
        let result = Outcome::Join { room: room.as_str(), position, resume, users: &users, user_count };
        let stands_at = match &known {
            Some(known) => known.subscription.borrow().last(),
            None => asked.since.unwrap_or(page.reached),
        };
        if asked.is_opening || asked.reference.is_some() {
            let done = Done { reference: asked.reference.as_ref(), command: "join", result };
            let stream = StreamName::Room(room.clone());
            let _ = self.outbox.push(Frame::standing(stream, stands_at, &done));
        }
        if known.is_some() {
            return;
        }
        log::debug!(session = self.id.as_str(), room = room.as_str(); "room joined");
        let listener = Rc::new(RoomListener::new(self, key, room.clone(), stands_at));
        listener.seat.set(self.worker.seats.seat(room, listener.clone()));
        self.rooms.listeners.borrow_mut().push(listener.clone());
        if asked.is_opening {
            self.note_resume(StreamName::Room(room.clone()), resume);
            self.rooms.first_pages.borrow_mut().push((listener, page));
        } else {
            metrics::resumed(self.transport, true, resume);
            self.give_room(&listener, &page);
        }
    }

    fn refuse_not_joined(&self, reference: Option<&Ref>, command: &'static str, room: &RoomName) {
        let message = "the session is not in this room";
        self.refuse_room(reference, command, Some(room), ErrorCode::NotJoined, message, None);
    }

    fn refuse_by_hub(
        &self,
        reference: Option<&Ref>,
        command: &'static str,
        room: &RoomName,
        refusal: RoomRefusal,
    ) {
        let (code, message, wait) = match refusal {
            RoomRefusal::RateLimited(wait) => {
                (ErrorCode::RateLimited, "too many messages to this room", Some(wait))
            }
            RoomRefusal::Unavailable => (ErrorCode::Unavailable, "try again later", None),
        };
        self.refuse_room(reference, command, Some(room), code, message, wait);
    }
}
