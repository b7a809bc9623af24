//! The response body of a WebSocket: what the session's outbox holds, as frames.
//!
//! It lives in the connection's task. The session's actor runs inside it, but is polled only when its
//! own waker fired, so that an event for the client costs no turn of the actor. All that waits is
//! yielded at once, and the connection joins it into one write.

use std::{
    pin::Pin,
    rc::Rc,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use bytes::Bytes;
use futures_util::{Stream, task::AtomicWaker};

use crate::{
    clock,
    domain::{Timestamp, Transport},
    outbox::Outgoing,
    protocol::{
        Class, Frame,
        event::Ping,
        websocket::{close, ping, pong},
    },
    session::Session,
};

/// The `ping` event and a control ping in one write.
static PING: LazyLock<Bytes> = LazyLock::new(|| {
    let event = Frame::new(Class::Hint, &Ping {}).websocket();
    [event, ping()].concat().into()
});
static CONTROL_PING: LazyLock<Bytes> = LazyLock::new(ping);

/// Wakes the connection's task on behalf of the actor, and remembers that it was the actor.
#[derive(Default)]
struct ActorWake {
    has_fired: AtomicBool,
    task: AtomicWaker,
}

impl Wake for ActorWake {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_fired.store(true, Ordering::Release);
        self.task.wake();
    }
}

pub struct WsBody<S> {
    /// The actor's context; it reads the connection and ends with it.
    actor: Pin<Box<S>>,
    wake: Arc<ActorWake>,
    waker: Waker,
    is_actor_done: bool,
    session: Rc<Session>,
    ping: &'static LazyLock<Bytes>,
    /// The time, looked up once for all that goes out together.
    now: Option<Timestamp>,
}

impl<S> WsBody<S> {
    /// `has_ping_event`: whether a heartbeat is an event too, or a control frame alone.
    pub fn new(actor: S, session: Rc<Session>, has_ping_event: bool) -> Self {
        let wake = Arc::new(ActorWake { has_fired: AtomicBool::new(true), ..ActorWake::default() });
        Self {
            actor: Box::pin(actor),
            waker: Waker::from(wake.clone()),
            wake,
            is_actor_done: false,
            session,
            ping: if has_ping_event { &PING } else { &CONTROL_PING },
            now: None,
        }
    }

    /// Lets the actor run if it is due. A client that leaves its answers unread is not listened to until it
    /// has read some.
    fn poll_actor(&mut self)
    where
        S: Stream,
    {
        let is_due = self.wake.has_fired.load(Ordering::Acquire);
        if !is_due || self.is_actor_done || self.session.outbox().is_congested() {
            return;
        }
        self.wake.has_fired.store(false, Ordering::Release);
        // The actor itself writes nothing, so whatever comes but the end is of no interest.
        let polled = self.actor.as_mut().poll_next(&mut Context::from_waker(&self.waker));
        self.is_actor_done = matches!(polled, Poll::Ready(None));
    }

    fn render(&mut self, outgoing: Outgoing) -> Bytes {
        let tally = self.session.tally();
        match outgoing {
            Outgoing::Ping => {
                tally.pinged(Transport::WebSocket);
                Bytes::clone(self.ping)
            }
            Outgoing::Pong(payload) => pong(&payload),
            Outgoing::Frame(frame) => {
                tally.sent(Transport::WebSocket, &frame, || *self.now.get_or_insert_with(clock::now));
                frame.websocket()
            }
            Outgoing::Close(frame) => close(frame),
        }
    }
}

impl<S, E> Stream for WsBody<S>
where
    S: Stream<Item = Result<Bytes, E>>,
{
    type Item = Result<Bytes, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.poll_actor();
        if this.is_actor_done || this.session.is_over() {
            return Poll::Ready(None);
        }
        let next = this.session.outbox().poll_next(cx);
        if this.session.outbox().take_drained() {
            this.session.drained();
        }
        if let Poll::Ready(outgoing) = next {
            return Poll::Ready(Some(Ok(this.render(outgoing))));
        }
        this.now = None;
        // Only who waits needs to be woken: a body that has yielded is polled again anyway.
        this.wake.task.register(cx.waker());
        if this.wake.has_fired.load(Ordering::Acquire) {
            // The actor has more to do; others have their turn before.
            cx.waker().wake_by_ref();
        }
        this.session.pass_turn();
        Poll::Pending
    }
}

impl<S> Drop for WsBody<S> {
    fn drop(&mut self) {
        self.session.closed();
    }
}
