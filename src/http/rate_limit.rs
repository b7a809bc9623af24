//! What a request counts for, and what its answer tells of that: `RateLimit-Policy` and `RateLimit`
//! (draft-ietf-httpapi-ratelimit-headers-10).

use std::{
    fmt::{Arguments, Write},
    time::Duration,
};

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
};
use bytes::BytesMut;

use super::problem::Problem;
use crate::{
    limits::{Excess, Standing},
    protocol::ErrorCode,
};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Most characters of one of the headers.
const HEADER_CHARS_MAX: usize = 64;

/// Lets a request pass that was counted, unless it is one too many; its answer will tell either way.
///
/// # Errors
/// 429.
pub fn pass(request: &HttpRequest, standing: Option<Standing>) -> Result<(), Problem> {
    let Some(standing) = standing else { return Ok(()) };
    request.extensions_mut().insert(standing);
    if !standing.is_refused {
        return Ok(());
    }
    let detail = format!("too many {} of this user; try again later", standing.policy);
    Err(Problem::new(ErrorCode::RateLimited, detail))
}

/// The refusal of a client whose address has too much; its answer will tell how the bucket is, if it is one.
pub fn refusal(request: &HttpRequest, excess: Excess) -> Problem {
    if let Excess::Handshakes(standing) = excess {
        request.extensions_mut().insert(standing);
    }
    excess.into()
}

/// Tells the client how its bucket is.
pub async fn tell<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = next.call(request).await?;
    let standing = response.request().extensions().get::<Standing>().copied();
    if let Some(Standing { policy, burst, window, left, full_in, .. }) = standing {
        let rule = value(format_args!("\"{policy}\";q={burst};w={}", whole_seconds(window)));
        let state = value(format_args!("\"{policy}\";r={left};t={}", whole_seconds(full_in)));
        for (name, value) in [(RATE_LIMIT_POLICY, rule), (RATE_LIMIT, state)] {
            if let Some(value) = value {
                response.headers_mut().insert(name, value);
            }
        }
    }
    Ok(response)
}

fn value(text: Arguments<'_>) -> Option<HeaderValue> {
    let mut bytes = BytesMut::with_capacity(HEADER_CHARS_MAX);
    bytes.write_fmt(text).ok()?;
    HeaderValue::from_maybe_shared(bytes.freeze()).ok()
}

/// Rounded up, so that nobody comes too early who counts on it.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
