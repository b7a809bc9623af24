//! Which requests become WebSockets (RFC 6455 section 4.2), and as whom.
//!
//! The library answers 101 to an HTTP/1.0 request, to two keys and to `Upgrade: notwebsocket`, so the
//! check is made here. Everything is refused before the upgrade that can be.

use std::{collections::HashSet, sync::atomic::Ordering};

use actix_http::ws::hash_key;
use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{
        Method, StatusCode, Version,
        header::{self, HeaderName},
    },
    web::Query,
};

use percent_encoding::percent_decode_str;

use crate::{
    auth::gate::Surface,
    clock,
    domain::{Identity, Invalid, RoomName},
    http::problem::Problem,
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
}

/// Checks a handshake from the cheapest to the dearest, and prepares its answer.
pub fn accept(request: &HttpRequest, worker: &Worker) -> Result<Accepted, Problem> {
    let key = check(request)?;
    if worker.is_draining.load(Ordering::Relaxed) {
        return Err(Problem::new(ErrorCode::Draining, "the server is about to stop"));
    }
    if worker.is_full() {
        return Err(Problem::new(ErrorCode::Unavailable, "the server has as many sessions as it takes"));
    }
    let identity = worker.gate.admit(request, Surface::WebSocket, clock::now())?;
    let (following, has_ping_event) = query(request)?;
    if following.rooms.len() > ROOMS_SPARE + worker.policy.rooms {
        return Err(Problem::new(
            ErrorCode::RoomLimit,
            "the query names more rooms than a session may be in",
        ));
    }
    if let Some(identity) = &identity
        && !following.rooms.iter().all(|room| identity.scopes.may_join(room))
    {
        return Err(Problem::new(ErrorCode::Forbidden, "the token does not allow to join one of the rooms"));
    }

    let mut response = HttpResponse::build(StatusCode::SWITCHING_PROTOCOLS);
    response
        .upgrade("websocket")
        .insert_header((header::SEC_WEBSOCKET_ACCEPT, &hash_key(key.as_bytes())[..]));
    if offers_subprotocol(request) {
        response.insert_header((header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL));
    }
    Ok(Accepted { response, identity, following, has_ping_event })
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

/// What the client wants to follow and where it stands, and whether a heartbeat is to be an event too.
fn query(request: &HttpRequest) -> Result<(Following, bool), Problem> {
    let pairs = Query::<Vec<(String, String)>>::from_query(request.query_string())
        .map_err(|_| Problem::new(ErrorCode::BadMessage, "the query cannot be read"))?;
    let (mut following, mut has_ping_event) = (Following::default(), true);
    let (mut names, mut known) = (Vec::new(), HashSet::new());
    for (name, value) in pairs.into_inner() {
        match name.as_str() {
            "since" => {
                following.since =
                    value.parse().map_err(|error| Problem::new(ErrorCode::BadCursor, format!("{error}")))?;
            }
            "ping" => has_ping_event = value != "control",
            "room" | "rooms" => names.extend(value.split(',').map(str::to_owned)),
            _ => {}
        }
    }
    names.extend(path_room(request));
    for name in names.into_iter().filter(|name| !name.is_empty()) {
        let room: RoomName =
            name.parse().map_err(|error: Invalid| Problem::new(ErrorCode::BadRoom, error.0))?;
        if known.insert(room.clone()) {
            following.rooms.push(room);
        }
    }
    Ok((following, has_ping_event))
}

/// The room of the path form, `/v1/ws/{room}`.
fn path_room(request: &HttpRequest) -> Option<String> {
    let encoded = request.match_info().get("room")?;
    Some(percent_decode_str(encoded).decode_utf8_lossy().into_owned())
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
        assert!(!is_accepted(request().version(Version::HTTP_10)));
        assert!(!is_accepted(request().method(Method::POST)));
    }

    #[test]
    fn a_cursor_in_the_query_is_read_and_a_bad_one_refused() {
        let of = |uri: &str| query(&TestRequest::with_uri(uri).to_http_request());
        let (following, has_ping_event) = of("/v1/ws?since=inbox@k3x9q2ab.7&ping=control").unwrap();
        assert_eq!((following.since.to_string(), has_ping_event), ("inbox@k3x9q2ab.7".to_owned(), false));
        assert!(of("/v1/ws?since=abc").is_err());
    }

    #[test]
    fn rooms_come_in_the_query_or_the_path_each_once() {
        let of = |request: TestRequest| {
            let following = query(&request.to_http_request()).map(|(following, _)| following);
            following.map(|following| following.rooms.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let at = |uri: &str| of(TestRequest::with_uri(uri));
        assert_eq!(at("/v1/ws?rooms=a,b&room=c,a").unwrap(), ["a", "b", "c"]);
        assert_eq!(at("/v1/ws?rooms=").unwrap(), [""; 0]);
        assert!(at("/v1/ws?rooms=_a").is_err() && at("/v1/ws?room=a%20b").is_err());
        let path = |room: &'static str| of(TestRequest::with_uri("/v1/ws/x").param("room", room));
        assert_eq!(path("chat%3Ageneral").unwrap(), ["chat:general"]);
        assert!(path("%2e%2e").is_err() && path("%ff").is_err());
    }
}
