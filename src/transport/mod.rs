//! Ways for a session to reach its client. Thin: a transport turns bytes into commands and outgoing
//! frames into bytes; what they mean is the session's.

mod poll;
mod query;
pub mod socket;
mod sse;
mod sse_body;
mod ws;
mod ws_body;
mod ws_guard;
mod ws_handshake;
mod ws_messages;

use actix_web::web::{self, ServiceConfig};

use crate::http::resource;

/// One route for each transport.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/v1/ws", "GET").route(web::get().to(ws::websocket)))
        .service(resource("/v1/ws/{room}", "GET").route(web::get().to(ws::websocket)))
        .service(resource("/v1/sse", "GET").route(web::get().to(sse::event_stream)))
        .service(resource("/v1/poll", "GET").route(web::get().to(poll::poll)));
}
