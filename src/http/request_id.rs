//! A name for every request: the caller's `X-Request-Id`, or one of ours; on every answer.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_CHARS_MAX: usize = 128;

tokio::task_local! {
    static CURRENT: String;
}

/// The name of the request that is being answered.
pub fn current() -> String {
    CURRENT.try_with(String::clone).unwrap_or_default()
}

/// Names the request while it is served, and its answer.
pub async fn name_request<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let given = request.headers().get(&X_REQUEST_ID).and_then(|value| value.to_str().ok());
    let id = match given {
        Some(id) if is_usable(id) => id.to_owned(),
        _ => ulid::Ulid::generate().to_string(),
    };
    let header = HeaderValue::from_str(&id);
    let mut response = CURRENT.scope(id, next.call(request)).await?;
    if let Ok(header) = header {
        response.headers_mut().insert(X_REQUEST_ID, header);
    }
    Ok(response)
}

fn is_usable(id: &str) -> bool {
    (1..=REQUEST_ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|b| (0x20..0x7f).contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_id_is_printable_and_short() {
        assert!(is_usable("a-1") && is_usable(&"x".repeat(128)));
        assert!(!is_usable("") && !is_usable(&"x".repeat(129)) && !is_usable("a\tb") && !is_usable("ü"));
    }
}
