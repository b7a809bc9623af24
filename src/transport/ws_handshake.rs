//! Which requests become WebSockets (RFC 6455 section 4.2), and as whom.
//!
//! The library answers 101 to an HTTP/1.0 request, to two keys and to `Upgrade: notwebsocket`, so the
//! check is made here. Everything is refused before the upgrade that can be.

use std::{sync::atomic::Ordering, time::Instant};

use actix_http::ws::hash_key;
use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{
        Method, StatusCode, Version,
        header::{self, HeaderName},
    },
};

use super::query::Query;
use crate::{
    auth::gate::Surface,
    clock,
    domain::Identity,
    http::{problem::Problem, rate_limit},
    limits::Place,
    protocol::ErrorCode,
    session::{Following, Worker},
};

/// So many rooms beyond those that a session may be in are refused one by one; more are no honest question.
const ROOMS_SPARE: usize = 100;

const SUBPROTOCOL: &str = "tidings.v1";

/// Length of a `Sec-WebSocket-Key`: 16 bytes in base64.
const KEY_CHARS: usize = 24;

pub struct Accepted {
    pub response: HttpResponseBuilder,
    /// `None`: the first message is to say who it is.
    pub identity: Option<Identity>,
    pub following: Following,
    pub has_ping_event: bool,
    pub place: Place,
}

/// Checks a handshake from the cheapest to the dearest, and prepares its answer.
pub async fn accept(request: &HttpRequest, worker: &Worker) -> Result<Accepted, Problem> {
    let key = check(request)?;
    if worker.is_draining.load(Ordering::Relaxed) {
        return Err(Problem::new(ErrorCode::Draining, "the server is about to stop"));
    }
    if worker.turns_away() {
        return Err(Problem::new(ErrorCode::Unavailable, "the server has as many sessions as it takes"));
    }
    let entered = worker.limits.enter(worker.gate.client(request), Instant::now());
    let place = entered.map_err(|excess| rate_limit::refusal(request, excess))?;
    let identity = worker.gate.admit(request, Surface::WebSocket, clock::now()).await?;
    let query = Query::read(request)?;
    query.limit_rooms(ROOMS_SPARE + worker.policy.rooms)?;
    if let Some(identity) = &identity {
        query.allow_rooms(identity)?;
    }
    let has_ping_event = query.text("ping") != Some("control");

    let mut response = HttpResponse::build(StatusCode::SWITCHING_PROTOCOLS);
    response
        .upgrade("websocket")
        .insert_header((header::SEC_WEBSOCKET_ACCEPT, &hash_key(key.as_bytes())[..]));
    if offers_subprotocol(request) {
        response.insert_header((header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL));
    }
    Ok(Accepted { response, identity, following: query.following, has_ping_event, place })
}

/// The key of a well-formed handshake.
fn check(request: &HttpRequest) -> Result<&str, Problem> {
    let bad = |detail: &str| Problem::new(ErrorCode::BadMessage, detail);
    if request.method() != Method::GET || request.version() != Version::HTTP_11 {
        return Err(bad("a WebSocket handshake is a GET over HTTP/1.1"));
    }
    if only(request, header::UPGRADE).is_none_or(|upgrade| !has_token(upgrade, "websocket")) {
        return Err(bad("Upgrade: websocket is missing"));
    }
    // What comes behind would be taken apart as chunks.
    if request.headers().contains_key(header::TRANSFER_ENCODING) {
        return Err(bad("a WebSocket handshake has no body"));
    }
    let connections = request.headers().get_all(header::CONNECTION);
    if !connections.filter_map(|value| value.to_str().ok()).any(|value| has_token(value, "upgrade")) {
        return Err(bad("Connection: Upgrade is missing"));
    }
    match only(request, header::SEC_WEBSOCKET_VERSION) {
        Some("13") => {}
        Some(_) => {
            return Err(bad("this server speaks version 13")
                .status(StatusCode::UPGRADE_REQUIRED)
                .header(header::SEC_WEBSOCKET_VERSION, "13"));
        }
        None => return Err(bad("Sec-WebSocket-Version is missing")),
    }
    only(request, header::SEC_WEBSOCKET_KEY)
        .filter(|key| is_key(key))
        .ok_or_else(|| bad("Sec-WebSocket-Key is not 16 bytes in base64"))
}

/// 16 bytes in base64 are 22 characters, of which the last carries 2 bits, and two of padding.
fn is_key(key: &str) -> bool {
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
    key.len() == KEY_CHARS && key.strip_suffix("==").is_some_and(|body| body.bytes().all(is_base64))
}

/// The value of a header that is there exactly once.
fn only(request: &HttpRequest, name: HeaderName) -> Option<&str> {
    let mut values = request.headers().get_all(name);
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() { None } else { Some(value.trim()) }
}

fn has_token(list: &str, token: &str) -> bool {
    list.split(',').any(|word| word.trim().eq_ignore_ascii_case(token))
}

fn offers_subprotocol(request: &HttpRequest) -> bool {
    let offers = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    offers
        .filter_map(|value| value.to_str().ok())
        .any(|list| list.split(',').any(|word| word.trim() == SUBPROTOCOL))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn request() -> TestRequest {
        TestRequest::get()
            .insert_header((header::UPGRADE, "websocket"))
            .insert_header((header::CONNECTION, "keep-alive, Upgrade"))
            .insert_header((header::SEC_WEBSOCKET_VERSION, "13"))
            .insert_header((header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="))
    }

    fn is_accepted(request: TestRequest) -> bool {
        check(&request.to_http_request()).is_ok()
    }

    #[test]
    fn a_handshake_is_what_rfc_6455_says_and_nothing_else() {
        assert!(is_accepted(request()));
        assert!(is_accepted(request().insert_header((header::UPGRADE, "WebSocket"))));
        assert!(!is_accepted(request().insert_header((header::UPGRADE, "notwebsocket"))));
        assert!(!is_accepted(request().insert_header((header::CONNECTION, "keep-alive"))));
        assert!(!is_accepted(request().insert_header((header::SEC_WEBSOCKET_VERSION, "12"))));
        assert!(!is_accepted(request().insert_header((header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZ"))));
        assert!(!is_accepted(
            request().append_header((header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="))
        ));
        assert!(!is_accepted(request().insert_header((header::TRANSFER_ENCODING, "chunked"))));
        assert!(!is_accepted(request().version(Version::HTTP_10)));
        assert!(!is_accepted(request().method(Method::POST)));
    }
}
