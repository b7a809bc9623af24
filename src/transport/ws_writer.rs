//! What a WebSocket is told: what the session's outbox holds, as frames.
//!
//! It lives in the connection's task. The session's actor runs inside it, but is polled only when its
//! own waker fired, so that an event for the client costs no turn of the actor. All that waits goes into
//! one write.

use std::{
    pin::Pin,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, task::AtomicWaker};

use super::connection::{Filled, Writer, is_full};
use crate::{
    clock,
    domain::{Timestamp, Transport},
    outbox::Outgoing,
    protocol::{
        Class, Frame,
        event::Ping,
        websocket::{close, ping, pong},
    },
    session::OpenSession,
};

/// The `ping` event and a control ping in one write.
static PING: LazyLock<Bytes> = LazyLock::new(|| {
    let event = Frame::new(Class::Hint, &Ping {});
    [event.websocket(), &ping()].concat().into()
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

pub struct WsWriter<S> {
    /// The actor's context; it reads the connection and ends with it.
    actor: Pin<Box<S>>,
    wake: Arc<ActorWake>,
    waker: Waker,
    is_actor_done: bool,
    session: OpenSession,
    ping: &'static LazyLock<Bytes>,
    /// The time, looked up once for all that goes out together.
    now: Option<Timestamp>,
}

impl<S> WsWriter<S> {
    /// `has_ping_event`: whether a heartbeat is an event too, or a control frame alone.
    pub fn new(actor: S, session: OpenSession, has_ping_event: bool) -> Self {
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

    fn render(&mut self, outgoing: Outgoing, buffer: &mut BytesMut) {
        let tally = self.session.tally();
        match outgoing {
            Outgoing::Ping => {
                tally.pinged(Transport::WebSocket);
                buffer.extend_from_slice(self.ping);
            }
            Outgoing::Pong(payload) => buffer.extend_from_slice(&pong(&payload)),
            Outgoing::Frame(frame) => {
                tally.sent(Transport::WebSocket, &frame, || *self.now.get_or_insert_with(clock::now));
                buffer.extend_from_slice(frame.websocket());
            }
            Outgoing::Close(frame) => buffer.extend_from_slice(&close(frame)),
        }
    }
}

impl<S: Stream> Writer for WsWriter<S> {
    fn fill(&mut self, buffer: &mut BytesMut, cx: &mut Context<'_>) -> Filled {
        self.now = None;
        loop {
            self.poll_actor();
            if self.session.is_over() {
                return Filled::End;
            }
            if self.is_actor_done {
                return Filled::Gone;
            }
            if is_full(buffer) {
                return Filled::Full;
            }
            let next = self.session.outbox().poll_next(cx);
            if self.session.outbox().take_drained() {
                self.session.drained();
            }
            match next {
                Poll::Ready(outgoing) => self.render(outgoing, buffer),
                Poll::Pending => break,
            }
        }
        self.wake.task.register(cx.waker());
        if self.wake.has_fired.load(Ordering::Acquire) {
            // The actor has more to do; others have their turn before.
            cx.waker().wake_by_ref();
        }
        self.session.pass_turn();
        Filled::All
    }
}
