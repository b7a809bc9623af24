//! Takes a connection over from the HTTP server, behind the head of an answer that has no end.
//!
//! The server knows no way to let go of a socket. So the body of the answer waits until the head has left, starts a
//! task that serves the connection by its second handle, and then fails: the server drops its handle, and says and
//! closes nothing more. Bytes that it had read ahead are taken along.

use std::{
    fmt,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{
    HttpRequest,
    rt::{
        self,
        time::{Sleep, sleep},
    },
    web::Payload,
};
use bytes::{Bytes, BytesMut};
use futures_util::Stream;

use super::{
    connection::{Connection, Writer},
    incoming::Incoming,
};
use crate::http::{pace::Pace, problem::Problem, socket::SocketHandle};

/// How often the server tries to write all that it has, before the connection is ours. The first head on a connection
/// fits into any socket. Behind other answers more may wait, and the socket may just have become free of them: then
/// it is seen by the second try, and this is behind that.
const TRIES: u32 = 2;
/// Between two of them, so that the server hears of a socket that has become free.
const PAUSE: Duration = Duration::from_millis(1);

/// What the server is told when the connection is its own no more.
#[derive(Debug)]
pub struct HandedOver;

impl fmt::Display for HandedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection has been handed over")
    }
}

impl std::error::Error for HandedOver {}

/// The body of such an answer.
pub struct HandOver<F> {
    socket: Rc<SocketHandle>,
    payload: Payload,
    early: BytesMut,
    /// Makes the writer, at the end.
    serve: Option<F>,
    /// Other answers went before.
    has_answered: bool,
    tries_left: u32,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<F> HandOver<F> {
    /// # Errors
    /// 503 where there is no second handle.
    pub fn new(request: &HttpRequest, payload: Payload, serve: F) -> Result<Self, Problem> {
        let socket = SocketHandle::of_request(request)?.clone();
        let has_answered = Pace::has_answered(request);
        let (early, serve, pause) = (BytesMut::new(), Some(serve), None);
        let tries_left = if has_answered { TRIES } else { 1 };
        Ok(Self { socket, payload, early, serve, has_answered, tries_left, pause })
    }

    /// Takes what has been read ahead.
    fn take_early(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(Ok(bytes))) = Pin::new(&mut self.payload).poll_next(cx) {
            self.early.extend_from_slice(&bytes);
        }
    }

    /// Waits until the head has left.
    fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        if !self.socket.is_writable() {
            (self.has_answered, self.tries_left) = (true, TRIES);
        }
        let Some(left) = self.tries_left.checked_sub(1) else { return Poll::Ready(()) };
        self.tries_left = left;
        if self.has_answered {
            let mut pause = Box::pin(sleep(PAUSE));
            let _ = pause.as_mut().poll(cx);
            self.pause = Some(pause);
        } else {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl<F: Unpin, W: Writer + 'static> Stream for HandOver<F>
where
    F: FnOnce(Incoming) -> W,
{
    type Item = Result<Bytes, HandedOver>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.take_early(cx);
        ready!(this.poll_left(cx));
        if let Some(serve) = this.serve.take() {
            let early = std::mem::take(&mut this.early).freeze();
            let writer = serve(Incoming::new(early, this.socket.clone()));
            rt::spawn(Connection::new(this.socket.clone(), writer));
        }
        Poll::Ready(Some(Err(HandedOver)))
    }
}
