//! How long a connection may stand still (T12): ended from outside when its client does not take its answers, or
//! does not finish its first request, or the next one.
//!
//! The HTTP library times the pause behind an answer, and would time the first head of a connection, but by a clock
//! that stands still with the process. Whoever takes an answer byte by byte, begins a second head and stops, or asks
//! on and reads nothing, would keep the connection, and what waits for it, for ever. So every connection notes when it
//! last got on, and is looked at.
//! What follows streams has a watch of its own (`hub::liveness`). Where connections are scarce there is less patience.

use std::{
    cell::{Cell, OnceCell, RefCell},
    rc::{Rc, Weak},
    time::{Duration, Instant, SystemTime},
};

use actix_web::{
    HttpRequest,
    http::header::HttpDate,
    rt::{spawn, task::JoinHandle, time::sleep},
};
use tokio::sync::Notify;

use super::{
    crowd::Presence,
    patience::{Answer, Patience, SCARCE_IDLE},
    socket::SocketHandle,
};
/// So many answers may be unread before it is looked whether any is: empty ones fill no buffer that the library
/// bounds.
const ANSWERS_MAX: u32 = 64;

/// How long a client that asks on may leave its socket full.
const FULL_MAX: Duration = Duration::from_secs(1);

/// How often a connection is looked at within its patience.
const LOOKS: u32 = 8;
/// The same of those that are idle, which are many.
const IDLE_LOOKS: u32 = 2;

/// What is no fault of the client, so that all it was told still reaches it.
const ASKS_NOTHING: &str = "asks nothing more";

/// What is answered where it is the first request.
const NO_HEAD: &str = "does not finish its request";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Behind an answer or at the start; the next head may be on its way.
    Idle,
    /// Somebody works on an answer, or gives one out as it comes: that has deadlines of its own.
    Served,
    /// A whole answer is there, and given to the connection piece by piece.
    Answering,
    /// The connection is taken over from the server, and others look after it.
    HandedOver,
}

/// One connection and when it last got on.
pub struct Pace {
    socket: Rc<SocketHandle>,
    presence: Presence,
    phase: Cell<Phase>,
    since: Cell<Instant>,
    has_answered: Cell<bool>,
    /// When it was seen that the next head has begun; the first one begins with the connection.
    head_since: Cell<Option<Instant>>,
    /// That the first one was late, and had come at least in part.
    was_spared: Cell<bool>,
    pub(super) answer: RefCell<Option<Answer>>,
    /// Answers since it was last seen that the socket takes more.
    unseen: Cell<u32>,
    /// That nobody works on an answer any more.
    served: Rc<Notify>,
    watch: OnceCell<JoinHandle<()>>,
}

impl Pace {
    /// Watches a connection for as long as this is kept.
    pub fn watched(socket: Rc<SocketHandle>, presence: Presence, patience: Patience) -> Rc<Self> {
        let pace = Rc::new(Self {
            socket,
            presence,
            phase: Cell::new(Phase::Idle),
            since: Cell::new(Instant::now()),
            has_answered: Cell::new(false),
            head_since: Cell::new(Some(Instant::now())),
            was_spared: Cell::default(),
            answer: RefCell::default(),
            unseen: Cell::new(0),
            served: Rc::default(),
            watch: OnceCell::new(),
        });
        let _ = pace.watch.set(spawn(watch(Rc::downgrade(&pace), pace.served.clone(), patience)));
        pace
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        self.get_on();
        if phase != Phase::Answering {
            self.answer.take();
        }
        if phase != Phase::Served {
            self.served.notify_one();
        }
    }

    pub(super) fn get_on(&self) {
        self.since.set(Instant::now());
    }

    /// An answer is given out. What has come by now is not of the next head, or the library has it whole.
    pub(super) fn finish(&self) {
        if self.phase.get() == Phase::HandedOver {
            return;
        }
        self.unseen.set(self.unseen.get().saturating_add(1));
        self.head_since.set(None);
        self.has_answered.set(true);
        let _ = self.socket.has_news();
        self.enter(Phase::Idle);
    }

    pub(super) fn is_answering(&self) -> bool {
        self.phase.get() == Phase::Answering
    }

    /// Whether its answer has to go: it takes too long as a whole, or others need the room and it stands still.
    fn is_answer_due(&self, patience: Patience) -> bool {
        let stands = !self.is_within(patience.answer / LOOKS);
        self.answer.borrow().as_ref().is_some_and(|it| it.is_late(patience) || stands && it.is_scarce())
    }

    /// A request is there. A client that sends on and on without reading is ended here: what it is answered would
    /// pile up.
    pub(super) async fn begin(&self) {
        self.enter(Phase::Served);
        if self.unseen.get() >= ANSWERS_MAX && !self.is_taking().await {
            self.end("asks on and does not read");
        }
    }

    /// Whether the client has left room for more; if not at once, then soon.
    async fn is_taking(&self) -> bool {
        let is_taking = self.socket.has_room(FULL_MAX).await;
        if is_taking {
            self.unseen.set(0);
        }
        is_taking
    }

    /// When it is worth another look; `None` is not before its answer is there.
    fn next_look(&self, patience: Patience) -> Option<Duration> {
        match self.phase.get() {
            Phase::Served | Phase::HandedOver => None,
            Phase::Answering => Some(patience.answer.min(patience.head) / LOOKS),
            Phase::Idle => Some(patience.head.min(SCARCE_IDLE) / IDLE_LOOKS),
        }
    }

    /// Whether the next head has begun, so long ago. The first one may be there by now where the process stood still,
    /// and is read before the next look: a byte that is still unread then is of a client that drips.
    fn is_head_late(&self, time: Duration) -> bool {
        if self.head_since.get().is_none() && self.socket.has_news() {
            self.head_since.set(Some(Instant::now()));
        }
        let is_late = self.head_since.get().is_some_and(|since| since.elapsed() >= time);
        is_late && (self.has_answered.get() || self.was_spared.replace(true) || !self.socket.is_backed_up())
    }

    pub(super) fn is_within(&self, time: Duration) -> bool {
        self.since.get().elapsed() < time
    }

    /// Why the connection has stood still for too long, if it has.
    async fn fault(&self, patience: Patience) -> Option<&'static str> {
        let patience = if self.is_scarce() { patience.while_scarce() } else { patience };
        match self.phase.get() {
            Phase::Served | Phase::HandedOver => None,
            Phase::Answering if !self.is_within(patience.answer) => Some("does not take its answer"),
            Phase::Answering if self.is_answer_due(patience) => Some("takes its answer too slowly"),
            // What it sends meanwhile is not read, and the library does not sleep over it.
            Phase::Answering => {
                let has_stopped = !self.is_within(patience.answer / LOOKS) && self.socket.is_backed_up();
                has_stopped.then_some("sends on and does not take its answer")
            }
            Phase::Idle if !self.is_within(patience.idle) => Some(ASKS_NOTHING),
            Phase::Idle if self.is_head_late(patience.head) => Some(NO_HEAD),
            Phase::Idle => {
                let is_due = self.unseen.get() > 0 && !self.is_within(patience.answer);
                (is_due && !self.is_taking().await).then_some("does not take the end of its answer")
            }
        }
    }

    /// That of a request's connection.
    pub fn of(request: &HttpRequest) -> Option<&Rc<Self>> {
        request.conn_data()
    }

    /// Whether it has had an answer before.
    pub fn has_answered(&self) -> bool {
        self.has_answered.get()
    }

    /// Whether there is little room left for others.
    pub fn is_scarce(&self) -> bool {
        self.presence.is_scarce()
    }

    /// From now on nothing is noted of it here.
    pub fn hand_over(&self) {
        self.phase.set(Phase::HandedOver);
        self.let_go();
    }

    pub(super) fn let_go(&self) {
        if let Some(watch) = self.watch.get() {
            watch.abort();
        }
    }

    pub(super) fn end(&self, reason: &str) {
        log::debug!(reason; "a connection is ended");
        match reason {
            ASKS_NOTHING => self.socket.hang_up(),
            NO_HEAD if !self.has_answered.get() => {
                let date = HttpDate::from(SystemTime::now());
                let answer = format!(
                    "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\ndate: {date}\r\n\r\n"
                );
                // It is ended in any case.
                let _ = self.socket.try_write(answer.as_bytes());
                self.socket.hang_up();
            }
            _ => self.socket.kill(),
        }
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        self.let_go();
    }
}

async fn watch(pace: Weak<Pace>, served: Rc<Notify>, patience: Patience) {
    loop {
        let Some(pause) = pace.upgrade().map(|pace| pace.next_look(patience)) else { return };
        match pause {
            Some(pause) => sleep(pause).await,
            None => served.notified().await,
        }
        let Some(pace) = pace.upgrade() else { return };
        if let Some(reason) = pace.fault(patience).await {
            return pace.end(reason);
        }
    }
}
