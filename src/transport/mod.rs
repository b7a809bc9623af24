//! Ways for a session to reach its client. Thin: a transport turns bytes into commands and outgoing
//! frames into bytes; what they mean is the session's.

mod connection;
mod hand_over;
mod incoming;
mod poll;
mod query;
mod sse;
mod sse_writer;
mod ws;
#[cfg(feature = "autobahn")]
mod ws_echo;
mod ws_guard;
mod ws_handshake;
mod ws_messages;
mod ws_utf8;
mod ws_writer;

use actix_web::web::ServiceConfig;
use utoipa::OpenApi;
// For the fuzz targets, and for what counts instructions.
pub use {
    ws_guard::{Guard, MessageLimits},
    ws_messages::{Inbound, Messages},
};

use crate::http::Endpoint;

/// The part of the document of the API that is about these addresses.
#[derive(OpenApi)]
#[openapi(paths(ws::websocket, ws::websocket_in_room, sse::event_stream, poll::poll))]
pub struct Documented;

/// Every address at which a session can be had.
pub fn endpoints() -> Vec<Endpoint> {
    let at = Endpoint::new;
    vec![
        at("/v1/ws").follow(ws::websocket),
        at("/v1/ws/{room}").follow(ws::websocket_in_room),
        at("/v1/sse").follow(sse::event_stream),
        at("/v1/poll").follow(poll::poll),
        #[cfg(feature = "autobahn")]
        at("/v1/echo").follow(ws_echo::echo),
    ]
}

pub fn routes(config: &mut ServiceConfig) {
    for endpoint in endpoints() {
        config.service(endpoint);
    }
}

#[cfg(test)]
mod tests;
