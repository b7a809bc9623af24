//! What a request is called, on its answer too: `X-Request-Id` and `traceparent`, the caller's or made by us.

use std::time::Instant;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
};

use super::measure;
use crate::observe::trace::Trace;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Names the request while it is served, and its answer; and counts it, since every request passes here.
pub async fn name_request<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let begun = Instant::now();
    let trace = Trace::begin(only(request.headers(), &X_REQUEST_ID), only(request.headers(), &TRACEPARENT));
    let names = [(X_REQUEST_ID, trace.request_id.clone()), (TRACEPARENT, trace.parent.to_string())];
    let mut response = trace.cover(next.call(request)).await?;
    for (header, name) in names {
        if let Ok(name) = HeaderValue::try_from(name) {
            response.headers_mut().insert(header, name);
        }
    }
    measure::answered(&response, begun.elapsed());
    Ok(response)
}

/// The text of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name);
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}
