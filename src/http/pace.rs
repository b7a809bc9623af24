//! How long a connection may stand still (T12): ended from outside when its client does not take its answers, or
//! does not finish the next request.
//!
//! The HTTP library times the first head of a connection and the pause behind an answer, and nothing else. Whoever
//! takes an answer byte by byte, begins a second head and stops, or asks on and reads nothing, would keep the
//! connection, and what waits for it, for ever. So every connection notes when it last got on, and is looked at.
//! What follows streams has a watch of its own (`hub::liveness`). Where connections are scarce there is less patience.

use std::{
    cell::{Cell, OnceCell, RefCell},
    future::poll_fn,
    pin::pin,
    rc::{Rc, Weak},
    task::Poll,
    time::{Duration, Instant},
};

use actix_web::{
    Error, HttpRequest,
    body::{BodySize, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::ConnectionType,
    middleware::Next,
    rt::{spawn, task::JoinHandle, time::sleep},
};
use tokio::sync::Notify;

use super::{
    crowd::Presence,
    patience::{Answer, Patience, SCARCE_IDLE},
    pieces::{PIECE_BYTES, Pieces},
    problem::Problem,
    socket::SocketHandle,
};
use crate::{outbox::OutboxPool, protocol::ErrorCode};

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

/// A request is looked at so often at most until its answer is there: once for each arrival, and there are no more
/// of those. Beyond, the library spins over what follows it.
const POLLS_MAX: u32 = 1 << 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Behind an answer or at the start; the next head may be on its way.
    Idle,
    /// Somebody works on an answer, or gives one out as it comes: that has deadlines of its own.
    Served,
    /// A whole answer is there, and given to the connection piece by piece.
    Answering,
}

/// One connection and when it last got on.
pub struct Pace {
    socket: Rc<SocketHandle>,
    presence: Presence,
    phase: Cell<Phase>,
    since: Cell<Instant>,
    /// Until then the library times the head.
    has_answered: Cell<bool>,
    /// When it was seen that the next head has begun.
    head_since: Cell<Option<Instant>>,
    answer: RefCell<Option<Answer>>,
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
            head_since: Cell::new(None),
            answer: RefCell::default(),
            unseen: Cell::new(0),
            served: Rc::default(),
            watch: OnceCell::new(),
        });
        let _ = pace.watch.set(spawn(watch(Rc::downgrade(&pace), pace.served.clone(), patience)));
        pace
    }

    fn enter(&self, phase: Phase) {
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
    fn finish(&self) {
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
    async fn begin(&self) {
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
            Phase::Served => None,
            Phase::Answering => Some(patience.answer.min(patience.head) / LOOKS),
            Phase::Idle => Some(patience.head.min(SCARCE_IDLE) / IDLE_LOOKS),
        }
    }

    /// Whether the next head has begun, so long ago.
    fn is_head_late(&self, time: Duration) -> bool {
        if self.has_answered.get() && self.head_since.get().is_none() && self.socket.has_news() {
            self.head_since.set(Some(Instant::now()));
        }
        self.head_since.get().is_some_and(|since| since.elapsed() >= time)
    }

    pub(super) fn is_within(&self, time: Duration) -> bool {
        self.since.get().elapsed() < time
    }

    /// Why the connection has stood still for too long, if it has.
    async fn fault(&self, patience: Patience) -> Option<&'static str> {
        let patience = if self.presence.is_scarce() { patience.while_scarce() } else { patience };
        match self.phase.get() {
            Phase::Served => None,
            Phase::Answering if !self.is_within(patience.answer) => Some("does not take its answer"),
            Phase::Answering if self.is_answer_due(patience) => Some("takes its answer too slowly"),
            // What it sends meanwhile is not read, and the library does not sleep over it.
            Phase::Answering => {
                let has_stopped = !self.is_within(patience.answer / LOOKS) && self.socket.is_backed_up();
                has_stopped.then_some("sends on and does not take its answer")
            }
            Phase::Idle if !self.is_within(patience.idle) => Some(ASKS_NOTHING),
            Phase::Idle if self.is_head_late(patience.head) => Some("does not finish its request"),
            Phase::Idle => {
                let is_due = self.unseen.get() > 0 && !self.is_within(patience.answer);
                (is_due && !self.is_taking().await).then_some("does not take the end of its answer")
            }
        }
    }

    /// Whether the connection of a request has had an answer before.
    pub fn has_answered(request: &HttpRequest) -> bool {
        request.conn_data::<Rc<Self>>().is_some_and(|pace| pace.has_answered.get())
    }

    fn let_go(&self) {
        if let Some(watch) = self.watch.get() {
            watch.abort();
        }
    }

    pub(super) fn end(&self, reason: &str) {
        log::debug!(reason; "a connection is ended");
        if reason == ASKS_NOTHING {
            self.socket.hang_up();
        } else {
            self.socket.kill();
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

/// Notes when a connection gets on, and gives answers out in pieces.
pub async fn keep<B: MessageBody + Unpin + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let pace = request.conn_data::<Rc<Pace>>().cloned();
    if let Some(pace) = &pace {
        pace.begin().await;
    }
    // Dropped wherever this ends, it says that the answer is given.
    let turn = pace.map(Turn);
    let pool = request.app_data::<OutboxPool>().cloned();
    let mut response = served(next.call(request), turn.as_ref()).await?;
    let is_scarce = turn.as_ref().is_some_and(|Turn(pace)| pace.presence.is_scarce());
    if is_scarce && !response.response().head().upgrade() {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    match &turn {
        // It never comes back to requests.
        Some(Turn(pace)) if response.response().head().upgrade() => pace.let_go(),
        Some(Turn(pace)) => {
            if let BodySize::Sized(bytes) = response.response().body().size() {
                pace.enter(Phase::Answering);
                let pool = pool.filter(|_| bytes > PIECE_BYTES as u64);
                pace.answer.replace(Some(Answer { since: Instant::now(), bytes, pool }));
            }
        }
        None => {}
    }
    Ok(response.map_body(|_, body| Pieces::new(body, turn)))
}

/// What is answered; ends the connection where the library spins meanwhile.
async fn served<T>(answer: impl Future<Output = Result<T, Error>>, turn: Option<&Turn>) -> Result<T, Error> {
    let (mut answer, mut polls) = (pin!(answer), 0_u32);
    poll_fn(|cx| {
        polls = polls.saturating_add(1);
        match turn {
            Some(Turn(pace)) if polls > POLLS_MAX => {
                pace.end("sends on and does not wait for its answer");
                let problem = Problem::new(ErrorCode::RateLimited, "too many requests on this connection");
                Poll::Ready(Err(problem.into()))
            }
            _ => answer.as_mut().poll(cx),
        }
    })
    .await
}

/// A request and its answer, from the head of the one to the last piece of the other.
pub(super) struct Turn(Rc<Pace>);

impl Turn {
    pub(super) fn pace(&self) -> &Pace {
        &self.0
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.finish();
    }
}
