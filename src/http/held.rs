//! What answers hold that wait to be taken: of the same pool as the outboxes, since both wait for clients that do
//! not read (G10).

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    Error, ResponseError,
    body::{BodySize, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web::Bytes,
};

use super::{pieces::PIECE_BYTES, problem::Problem};
use crate::{
    outbox::{OutboxPool, Share},
    protocol::ErrorCode,
};

/// On an answer whose bytes are there once for all who take it: it holds nothing.
pub struct Shared;

/// Refuses a large answer where the pool is exhausted, and counts it into the pool until it is given out. Small ones
/// wait for nobody.
pub async fn hold<B: MessageBody + Unpin + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody + Unpin>, Error> {
    let pool = request.app_data::<OutboxPool>().cloned();
    let response = next.call(request).await?;
    let size = match response.response().body().size() {
        BodySize::Sized(size) => usize::try_from(size).unwrap_or(usize::MAX),
        BodySize::None | BodySize::Stream => 0,
    };
    let holds = size > PIECE_BYTES && !response.response().extensions().contains::<Shared>();
    let pool = pool.filter(|_| holds);
    if pool.as_ref().is_some_and(OutboxPool::is_exhausted) {
        let problem =
            Problem::new(ErrorCode::Unavailable, "the server has no room for this answer; try again later");
        return Ok(response.into_response(problem.error_response().map_into_right_body()));
    }
    let share = pool.map(|pool| pool.share(size));
    Ok(response.map_body(|_, body| EitherBody::left(Held { body, _share: share })))
}

/// A body that is counted for as long as it is there.
struct Held<B> {
    body: B,
    _share: Option<Share>,
}

impl<B: MessageBody + Unpin> MessageBody for Held<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(cx)
    }
}
