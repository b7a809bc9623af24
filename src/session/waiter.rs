//! A session for a request that waits: nothing is sent to its client before the request is answered.

use std::{future::poll_fn, rc::Rc, task::Poll};

use tokio::time::{Instant, timeout_at};

use super::{Following, Line, OpenSession, Opening, Session, Worker};
use crate::{
    domain::{Counters, Identity, StreamName, Transport},
    limits::Place,
    outbox::Outgoing,
    protocol::{CloseCode, Frame},
    stream::Resume,
};

/// Ends its session when the request is over, answered or not; and since it acknowledges nothing, a
/// request that is cut off consumes nothing.
pub struct Waiter(OpenSession);

impl Waiter {
    /// Follows these streams from now on, and reads what it is owed of them; `line` is the request's connection.
    pub fn open(
        worker: Rc<Worker>,
        identity: Identity,
        following: Following,
        line: Box<dyn Line>,
        place: Place,
    ) -> Self {
        let session = Session::open(worker, Transport::LongPoll, following, line, place);
        session.admit(identity, Opening::Welcome(None));
        Self(session.into())
    }

    /// Waits until the first pages of all streams can be taken.
    ///
    /// # Errors
    /// Why the session has ended before.
    pub async fn begun(&self) -> Result<(), CloseCode> {
        let session = &self.0;
        while !session.has_begun.get() {
            if let Some(code) = session.end.get() {
                return Err(code);
            }
            session.opened.notified().await;
        }
        Ok(())
    }

    /// Takes what comes next; `None` if nothing does by then, or the session ends.
    pub async fn next(&self, deadline: Instant) -> Option<Frame> {
        loop {
            let session = &self.0;
            let next = poll_fn(|cx| match session.is_over() {
                // Its connection was cut, and wakes nobody any more.
                true => Poll::Ready(None),
                false => session.outbox.poll_next(cx).map(Some),
            });
            let next = timeout_at(deadline, next).await.ok().flatten();
            if session.outbox.take_drained() {
                session.drained();
            }
            match next? {
                Outgoing::Frame(frame) => return Some(frame),
                Outgoing::Ping | Outgoing::Pong(_) => {}
                Outgoing::Close(_) => return None,
            }
        }
    }

    /// Why it was ended, if it was.
    pub fn end(&self) -> Option<CloseCode> {
        self.0.end.get()
    }

    /// What the counters were when it began.
    pub fn first_counters(&self) -> Counters {
        self.0.told.first()
    }

    /// How the position in each of the streams was met; a stream that could not be joined is not there.
    pub fn resumes(&self) -> Vec<(StreamName, Resume)> {
        self.0.resumes.borrow().clone()
    }
}
