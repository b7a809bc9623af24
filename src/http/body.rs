//! Reads request bodies, bounded in size and time.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::{StatusCode, header},
    web::{Bytes, BytesMut, Payload},
};
use futures_util::StreamExt;

use super::{Api, problem::Problem};
use crate::{domain::json::Fields, protocol::ErrorCode};

/// How much of a body that is refused is read on, so that the client gets to read the answer: a
/// connection closed over unread data is reset.
const DISCARD_BYTES_MAX: usize = 1024 * 1024;
const DISCARD_TIME_MAX: Duration = Duration::from_secs(1);

/// Reads a body of JSON text.
///
/// # Errors
/// 415 for another type or a compressed body (a small one could become a huge one), else as [`read`].
pub async fn json(request: &HttpRequest, payload: Payload, api: &Api) -> Result<Bytes, Problem> {
    let is_json = request.headers().get(header::CONTENT_TYPE).is_some_and(|value| {
        let text = value.to_str().unwrap_or_default();
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        let charset = parameters.trim().to_ascii_lowercase();
        essence.trim().eq_ignore_ascii_case("application/json")
            && matches!(charset.as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"")
    });
    if !is_json {
        return Err(refuse(payload, not_json()).await);
    }
    read(request, payload, api, api.body_limit).await
}

/// Reads a body of JSON text that may be left out, and its type with it.
///
/// # Errors
/// As [`json`].
pub async fn json_if_any(
    request: &HttpRequest,
    payload: Payload,
    api: &Api,
) -> Result<Option<Bytes>, Problem> {
    if request.headers().contains_key(header::CONTENT_TYPE) {
        let body = json(request, payload, api).await?;
        return Ok(Some(body).filter(|body| !body.is_empty()));
    }
    let body = read(request, payload, api, api.body_limit).await?;
    if body.is_empty() { Ok(None) } else { Err(not_json()) }
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// 413 if it is larger, 408 if it is not there in time, 415 if it is compressed.
pub async fn read(
    request: &HttpRequest,
    payload: Payload,
    api: &Api,
    limit: usize,
) -> Result<Bytes, Problem> {
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(refuse(payload, unsupported("a compressed body is not accepted")).await);
    }
    let too_large = || Problem::new(ErrorCode::TooLarge, format!("the body is larger than {limit} bytes"));
    let declared =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|declared: usize| declared > limit) {
        return Err(refuse(payload, too_large()).await);
    }
    let mut payload = payload;
    let collect = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Problem::new(ErrorCode::BadMessage, "the body ended early"))?;
            if body.len() + chunk.len() > limit {
                return Ok(None);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Some(body.freeze()))
    };
    match tokio::time::timeout(api.body_timeout, collect).await {
        Ok(Ok(Some(body))) => Ok(body),
        Ok(Ok(None)) => Err(refuse(payload, too_large()).await),
        Ok(Err(problem)) => Err(problem),
        Err(_) => {
            let problem = Problem::new(ErrorCode::BadMessage, "the body did not come in time");
            Err(problem.status(StatusCode::REQUEST_TIMEOUT))
        }
    }
}

/// The fields of a body that is a JSON object.
///
/// # Errors
/// 400 if it is none.
pub fn fields(body: &[u8]) -> Result<Fields<'_>, Problem> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Problem::new(ErrorCode::BadMessage, "the body is not UTF-8"))?;
    Ok(Fields::parse(text)?)
}

fn not_json() -> Problem {
    unsupported("the body must be application/json")
}

fn unsupported(detail: &str) -> Problem {
    Problem::new(ErrorCode::BadMessage, detail).status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
}

/// Reads on for a while what nobody wants, then refuses.
async fn refuse(mut payload: Payload, problem: Problem) -> Problem {
    let discard = async {
        let mut left = DISCARD_BYTES_MAX;
        while let Some(Ok(chunk)) = payload.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                return;
            }
        }
    };
    // Late or not, the answer is the same.
    let _ = tokio::time::timeout(DISCARD_TIME_MAX, discard).await;
    problem
}
