//! How long a URI may be; a longer one gets 414 before anybody reads what it says.

use actix_web::{
    Error, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::StatusCode,
    middleware::Next,
};

use super::problem::Problem;
use crate::protocol::ErrorCode;

/// Longest path with its query, in bytes.
const URI_BYTES_MAX: usize = 8 * 1024;

pub async fn bounded<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if request.uri().path_and_query().is_none_or(|text| text.as_str().len() <= URI_BYTES_MAX) {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let problem = Problem::new(ErrorCode::TooLarge, "the URI is larger than 8192 bytes")
        .status(StatusCode::URI_TOO_LONG);
    Ok(request.into_response(problem.error_response()).map_into_right_body())
}
