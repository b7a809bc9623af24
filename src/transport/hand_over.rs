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
    time::{Duration, Instant},
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
/// the server hears of it before the second try, or the third where very many have news.
const TRIES: u32 = 3;

/// Between two of them, and longest while the client leaves its answers where they are.
const PAUSE: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// Who has not taken them by then gets no stream.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who says more before it has the answer to its handshake does not wait for one. The server reads ahead less than half
/// of it.
const EARLY_BYTES_MAX: usize = 1 << 20;

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
    pace: Rc<Pace>,
    payload: Payload,
    early: BytesMut,
    /// Makes the writer, at the end.
    serve: Option<F>,
    since: Instant,
    tries_left: u32,
    wait: Duration,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<F> HandOver<F> {
    /// # Errors
    /// 503 where there is no second handle.
    pub fn new(request: &HttpRequest, payload: Payload, serve: F) -> Result<Self, Problem> {
        let socket = SocketHandle::of_request(request)?.clone();
        let pace = Pace::of(request).ok_or_else(Problem::internal)?.clone();
        let tries_left = if pace.has_answered() { TRIES } else { 1 };
        let (early, serve, since) = (BytesMut::new(), Some(serve), Instant::now());
        Ok(Self { socket, pace, payload, early, serve, since, tries_left, wait: PAUSE, pause: None })
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
        let is_writable = self.socket.is_writable();
        if !is_writable {
            self.tries_left = TRIES;
        }
        let Some(left) = self.tries_left.checked_sub(1) else { return Poll::Ready(()) };
        self.tries_left = left;
        if is_writable && !self.pace.has_answered() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.wait = if is_writable { PAUSE } else { PAUSE_MAX.min(self.wait * 2) };
        let mut pause = Box::pin(sleep(self.wait));
        let polled = pause.as_mut().poll(cx);
        self.pause = Some(pause);
        polled
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
        if this.early.len() > EARLY_BYTES_MAX || this.since.elapsed() > PATIENCE {
            this.socket.kill();
            return Poll::Ready(Some(Err(HandedOver)));
        }
        ready!(this.poll_left(cx));
        if let Some(serve) = this.serve.take() {
            this.pace.hand_over();
            let early = std::mem::take(&mut this.early).freeze();
            let writer = serve(Incoming::new(early, this.socket.clone()));
            rt::spawn(Connection::new(this.socket.clone(), writer));
        }
        Poll::Ready(Some(Err(HandedOver)))
    }
}
