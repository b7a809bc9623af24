//! An answer, given to the connection piece by piece: so it shows how much of it was taken, and whether the library
//! spins meanwhile.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{
    body::{BodySize, MessageBody},
    rt::time::{Sleep, sleep},
    web::Bytes,
};

use super::{pace::Pace, turn::Turn};

/// The next one is given when there is room.
pub const PIECE_BYTES: usize = 16 * 1024;

/// Who has left an answer standing so long is looked at before more of it is given.
const STOOD_MIN: Duration = Duration::from_millis(100);
/// For so long; what waits in the kernel for such a client lasts longer.
const PROBE: Duration = Duration::from_millis(10);
/// So often nothing that a client sends wakes a connection within that time.
const PROBE_POLLS: u32 = 32;

/// Behind more requests than it reads ahead, the library does not sleep: it asks for the next piece again and again
/// while there is none.
struct Probe {
    pause: Pin<Box<Sleep>>,
    polls: u32,
}

impl Probe {
    fn new() -> Self {
        Self { pause: Box::pin(sleep(PROBE)), polls: 0 }
    }

    /// Whether the library spins.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.polls += 1;
        if self.polls > PROBE_POLLS {
            return Poll::Ready(true);
        }
        self.pause.as_mut().poll(cx).map(|()| false)
    }
}

/// The body of an answer.
pub struct Pieces<B> {
    body: B,
    rest: Bytes,
    probe: Option<Probe>,
    turn: Option<Turn>,
}

impl<B> Pieces<B> {
    pub fn new(body: B, turn: Option<Turn>) -> Self {
        Self { body, rest: Bytes::new(), probe: None, turn }
    }
}

impl<B: MessageBody + Unpin> MessageBody for Pieces<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        let this = self.get_mut();
        let Some(pace) = this.turn.as_ref().map(Turn::pace).filter(|pace| pace.is_answering()) else {
            return Pin::new(&mut this.body).poll_next(cx);
        };
        ready!(look(&mut this.probe, pace, cx));
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_next(cx)) {
                Some(Ok(bytes)) => this.rest = bytes,
                end => return Poll::Ready(end),
            }
        }
        pace.get_on();
        Poll::Ready(Some(Ok(this.rest.split_to(this.rest.len().min(PIECE_BYTES)))))
    }
}

/// Ends the connection of a client that sends on and takes its answer too slowly to sleep over. What follows is given
/// all the same: in writing it the library learns of the end.
fn look(probe: &mut Option<Probe>, pace: &Pace, cx: &mut Context<'_>) -> Poll<()> {
    if probe.is_none() && !pace.is_within(STOOD_MIN) {
        *probe = Some(Probe::new());
    }
    if let Some(under_way) = probe {
        let spins = ready!(under_way.poll(cx));
        *probe = None;
        pace.get_on();
        if spins {
            pace.end("sends on and takes its answer slowly");
        }
    }
    Poll::Ready(())
}
