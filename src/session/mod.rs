//! What every transport shares: one client's connection, from its first frame to its last.
//!
//! A session owns its identity, its subscription to the inbox and its outbox. Commands come in from the
//! transport, events from the worker's shard; everything it says goes through the outbox, so order is
//! kept. It lives on one thread, is woken for nothing that only concerns its outbox, and holds no socket:
//! the transport does.

mod commands;
mod line;
mod listener;
mod manners;
mod open;
mod receiver;
mod replay;
mod room_replay;
mod rooms;
mod told;
mod waiter;
mod worker;

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::{Rc, Weak},
    time::{Duration, Instant},
};

pub use commands::Pending;
pub use line::Line;
use manners::Manners;
pub use open::OpenSession;
pub use replay::Opening;
use rooms::JoinedRooms;
use tokio::sync::Notify;
use told::Told;
pub use waiter::Waiter;
pub use worker::{SessionPolicy, Worker};

use crate::{
    domain::{Cursor, Identity, Position, RoomName, SessionId, SessionKey, StreamName, Transport},
    hub::{
        messages::{Register, Request, Unregister},
        slots::Receiver,
    },
    limits::Place,
    observe::metrics::{self, Tally},
    outbox::Outbox,
    protocol::{Class, CloseCode, CloseFrame, Frame},
    stream::{Resume, Subscription},
};

/// Most bytes of hints that wait for a read to end; of those beyond only the counters are told.
const HELD_HINTS_BYTES_MAX: usize = 64 * 1024;

/// What a client asks at its start to follow, beside its inbox, and where it stands in each.
#[derive(Debug, Default)]
pub struct Following {
    pub rooms: Vec<RoomName>,
    pub since: Cursor,
}

impl Following {
    /// Where the client stands in what it follows.
    pub fn cursor(&self) -> Cursor {
        let mut cursor = self.since.clone();
        cursor.retain(|stream| match stream {
            StreamName::Inbox => true,
            StreamName::Room(room) => self.rooms.contains(room),
        });
        cursor
    }
}

pub struct Session {
    me: Weak<Self>,
    worker: Rc<Worker>,
    /// The name on the wire.
    id: SessionId,
    transport: Transport,
    key: OnceCell<SessionKey>,
    opened_at: Instant,
    outbox: Rc<Outbox>,
    line: Box<dyn Line>,
    /// Among the sessions of its address, until it is closed.
    place: Cell<Place>,
    /// What was asked for at the handshake; taken when the session is admitted.
    following: RefCell<Following>,
    identity: RefCell<Option<Identity>>,
    /// `None` before the session is admitted.
    inbox: RefCell<Option<Subscription<Frame>>>,
    rooms: JoinedRooms,
    /// Counts the reads of the truth: an older one that comes back late is nobody's.
    reads: Cell<u64>,
    openings: RefCell<Vec<Opening>>,
    /// How its position in each stream that it follows from the start was met.
    resumes: RefCell<Vec<(StreamName, Resume)>>,
    /// The first pages of all these streams were given.
    has_begun: Cell<bool>,
    told: Told,
    /// Hints that came while the inbox is read: they follow the events that they may be about.
    held_hints: RefCell<Vec<Frame>>,
    /// A hint was refused, or came before the `welcome`: the newest counters are owed, with a page that is
    /// not read yet.
    owes_counters: Cell<bool>,
    /// It was told that rooms are away.
    is_degraded: Cell<bool>,
    /// Rings when an opening is said, a join is answered or the first pages are given, or the session ends
    /// before.
    opened: Notify,
    manners: RefCell<Manners>,
    was_heard: Cell<bool>,
    /// The client's close frame was seen.
    has_peer_closed: Cell<bool>,
    end: Cell<Option<CloseCode>>,
    /// When the client was told to come again.
    retry_after: Cell<Option<Duration>>,
    is_killed: Cell<bool>,
    is_closed: Cell<bool>,
}

impl Session {
    /// Opens a session on this worker; the transport admits it when it knows who it is.
    pub fn open(
        worker: Rc<Worker>,
        transport: Transport,
        following: Following,
        line: Box<dyn Line>,
        place: Place,
    ) -> Rc<Self> {
        worker.count_opened(transport);
        let session = Rc::new_cyclic(|me| Self {
            me: me.clone(),
            id: SessionId::generate(),
            transport,
            key: OnceCell::new(),
            opened_at: Instant::now(),
            outbox: Rc::new(Outbox::new(worker.policy.outbox, worker.policy.pool.clone())),
            line,
            place: Cell::new(place),
            following: RefCell::new(following),
            identity: RefCell::new(None),
            inbox: RefCell::new(None),
            rooms: JoinedRooms::default(),
            reads: Cell::new(0),
            openings: RefCell::new(Vec::new()),
            resumes: RefCell::new(Vec::new()),
            has_begun: Cell::new(false),
            told: Told::default(),
            held_hints: RefCell::new(Vec::new()),
            owes_counters: Cell::new(false),
            is_degraded: Cell::new(false),
            opened: Notify::new(),
            manners: RefCell::new(Manners::new(&worker.policy)),
            was_heard: Cell::new(false),
            has_peer_closed: Cell::new(false),
            end: Cell::new(None),
            retry_after: Cell::new(None),
            is_killed: Cell::new(false),
            is_closed: Cell::new(false),
            worker,
        });
        let key = session.worker.slots.attach(session.clone(), transport);
        // The cell is fresh, so this cannot fail.
        let _ = session.key.set(key);
        session
    }

    /// The session belongs to this user from now on: it joins the live events, then reads what it is owed.
    pub fn admit(&self, identity: Identity, opening: Opening) {
        let Some(key) = self.key() else { return };
        let (user, session, transport) = (identity.user.clone(), self.id.as_str(), self.transport.word());
        log::log!(self.log_level(), session, user = user.as_str(), transport; "session opened");
        let is_revoked = self.worker.gate.is_revoked(&identity);
        *self.identity.borrow_mut() = Some(identity);
        let since = self.following.borrow().since.position(&StreamName::Inbox);
        // Until the first page says otherwise it stands where it asked to, and what comes is held.
        *self.inbox.borrow_mut() = Some(Subscription::reading(since.unwrap_or(Position::START)));
        self.worker.slots.admit(key, &user);
        if is_revoked {
            // While it was let in, and whoever walked the sessions did not find it.
            self.end(CloseCode::Revoked);
        }
        let (id, transport) = (self.id.clone(), self.transport);
        self.worker.hub.say(Request::Register(Register { session: key, id, user, transport }));
        self.openings.borrow_mut().push(opening);
        self.read(since);
    }

    /// Waits until what was owed before the next page is said: no answer goes ahead of the `welcome`, or
    /// of the `ok` of a `resume` or a `join`.
    pub async fn opened(self: Rc<Self>) {
        let is_open = || self.openings.borrow().is_empty() && self.rooms.is_open();
        while !is_open() && !self.outbox.is_closing() {
            self.opened.notified().await;
        }
    }

    /// Whether it is known whose session it is.
    pub fn is_admitted(&self) -> bool {
        self.identity.borrow().is_some()
    }

    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Where is counted what goes to the client.
    pub fn tally(&self) -> &Tally {
        &self.worker.tally
    }

    pub fn policy(&self) -> &SessionPolicy {
        &self.worker.policy
    }

    /// When the client was told to come again, if it was.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after.get()
    }

    /// The connection has said all that waited.
    pub fn pass_turn(&self) {
        self.worker.hub.pass_turn();
    }

    /// Something came in: the client is alive.
    pub fn heard(&self) {
        self.was_heard.set(true);
    }

    /// The outbox has room again: what is owed is read on.
    pub fn drained(&self) {
        let since = self.with_inbox(|inbox| {
            inbox.resume().or_else(|| if self.owes_counters.get() { inbox.doubt() } else { None })
        });
        if let Some(since) = since.flatten() {
            self.read(Some(since));
        }
        self.read_rooms();
    }

    /// The client has sent its close frame: it is answered, and then the connection is over.
    pub fn peer_closed(&self, number: Option<u16>) {
        self.has_peer_closed.set(true);
        // Who has said goodbye waits for nothing more.
        self.outbox.clear();
        self.outbox.close(None, CloseFrame { number, word: "" });
        self.outbox.wake();
    }

    /// Whether both close frames have passed, or the socket was ended from outside.
    pub fn is_over(&self) -> bool {
        self.is_killed.get() || self.has_peer_closed.get() && self.outbox.is_close_sent()
    }

    /// The connection is gone. Called by the transport, once and always.
    pub fn closed(&self) {
        let Some(key) = self.key() else { return };
        self.worker.slots.detach(key);
        self.rooms.abandon(&self.worker.seats);
        self.worker.count_closed();
        drop(self.place.take());
        self.is_closed.set(true);
        // Nothing that waits for an answer may keep what is over.
        self.opened.notify_waiters();
        let reason = self
            .end
            .get()
            .map_or(if self.has_peer_closed.get() { "client" } else { "gone" }, CloseCode::word);
        let lasted = self.opened_at.elapsed();
        metrics::session_closed(self.transport, reason, lasted);
        let (session, seconds) = (self.id.as_str(), lasted.as_secs_f64());
        let Some(user) = self.identity.borrow().as_ref().map(|identity| identity.user.clone()) else {
            log::info!(session, reason, seconds; "session closed before it was anybody's");
            return;
        };
        log::log!(self.log_level(), session, user = user.as_str(), reason, seconds; "session closed");
        self.worker.hub.say(Request::Unregister(Unregister { session: key, user, reason }));
    }

    /// Who polls would fill the log.
    fn log_level(&self) -> log::Level {
        if self.transport == Transport::LongPoll { log::Level::Debug } else { log::Level::Info }
    }

    fn key(&self) -> Option<SessionKey> {
        self.key.get().copied()
    }

    fn with_inbox<T>(&self, act: impl FnOnce(&mut Subscription<Frame>) -> T) -> Option<T> {
        self.inbox.borrow_mut().as_mut().map(act)
    }

    /// Gives the client an answer; answers always find room.
    fn reply(&self, event: &impl serde::Serialize) {
        let _ = self.outbox.push(Frame::new(Class::Reply, event));
    }
}

#[cfg(test)]
pub(crate) mod tests;
