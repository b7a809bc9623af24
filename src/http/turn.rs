//! A request on a connection and its answer, noted from the head of the one to the last piece of the other.

use std::{future::poll_fn, pin::pin, rc::Rc, task::Poll, time::Instant};

use actix_web::{
    Error,
    body::{BodySize, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::ConnectionType,
    middleware::Next,
};

use super::{
    pace::{Pace, Phase},
    patience::Answer,
    pieces::{PIECE_BYTES, Pieces},
    problem::Problem,
};
use crate::{outbox::OutboxPool, protocol::ErrorCode};

/// A request is looked at so often at most until its answer is there: once for each arrival, and there are no more
/// of those. Beyond, the library spins over what follows it.
const POLLS_MAX: u32 = 1 << 16;

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
    let is_scarce = turn.as_ref().is_some_and(|Turn(pace)| pace.is_scarce());
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
