//! The documents of the API, for generators, for forms and for the page `/docs`: HTTP as OpenAPI 3.1, and the WebSocket as
//! AsyncAPI 3.0.
//!
//! Made of the code's types once for each listener, and sent as they are. Must never say what a listener does not answer.

mod asyncapi;
mod messages;
mod openapi;
mod samples;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, EntityTag},
    web::{Bytes, Data, ServiceConfig},
};
use aws_lc_rs::digest;

use crate::{
    config::BasePath,
    http::{self, Endpoint, Listener, etag::is_known, held::Shared},
    transport,
};

/// The documents of one listener as they are sent.
pub struct Sent {
    openapi: Text,
    asyncapi: Text,
}

/// A document, and the name of just this text of it.
struct Text {
    bytes: Bytes,
    tag: EntityTag,
}

impl Sent {
    /// `base_path` is what stands before every address.
    pub fn new(listener: Listener, base_path: &BasePath) -> Self {
        Self {
            openapi: Text::new(openapi_text(listener, base_path)),
            asyncapi: Text::new(asyncapi_text(base_path)),
        }
    }
}

impl Text {
    fn new(text: String) -> Self {
        let digest = digest::digest(&digest::SHA256, text.as_bytes());
        let tag: String = digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self { bytes: text.into(), tag: EntityTag::new_strong(tag) }
    }
}

/// OpenAPI 3.1, as JSON.
pub fn openapi_text(listener: Listener, base_path: &BasePath) -> String {
    // A document of our own types has no key that is no text, and nothing else can fail.
    openapi::document(listener, base_path).to_json().unwrap_or_default()
}

/// AsyncAPI 3.0, as JSON.
pub fn asyncapi_text(base_path: &BasePath) -> String {
    asyncapi::document(base_path).to_string()
}

/// The addresses of the documents on a listener. Where there is no WebSocket there is no document of it.
fn endpoints(listener: Listener) -> Vec<Endpoint> {
    let at = Endpoint::new;
    let mut endpoints = vec![at("/openapi.json").get(openapi)];
    if listener != Listener::Admin {
        endpoints.push(at("/asyncapi.json").get(asyncapi));
    }
    endpoints
}

pub fn routes(listener: Listener, config: &mut ServiceConfig) {
    for endpoint in endpoints(listener) {
        config.service(endpoint);
    }
}

/// Every address of a listener that the document of HTTP has.
pub fn all_endpoints(listener: Listener) -> Vec<Endpoint> {
    let transports = if listener == Listener::Admin { Vec::new() } else { transport::endpoints() };
    [transports, endpoints(listener), http::endpoints(listener)].into_iter().flatten().collect()
}

/// This document
///
/// Nobody needs to say who is asking. With `If-None-Match` it is 304 until the server is another version.
#[utoipa::path(
    get, path = "/openapi.json", tag = "Server", operation_id = "fetch_document", security(()),
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of the last answer.")),
    responses(
        (status = 200, description = "OpenAPI 3.1.", body = Object, headers(("ETag" = String, description = "Strong."))),
        (status = 304, description = "It is the same.", headers(("ETag" = String, description = "Strong."))),
    )
)]
async fn openapi(request: HttpRequest, sent: Data<Sent>) -> HttpResponse {
    send(&request, &sent.openapi)
}

/// The document of the WebSocket
///
/// Commands, events, errors and close codes. Nobody needs to say who is asking. With `If-None-Match` it is 304 until the
/// server is another version.
#[utoipa::path(
    get, path = "/asyncapi.json", tag = "Server", operation_id = "fetch_websocket_document", security(()),
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of the last answer.")),
    responses(
        (status = 200, description = "AsyncAPI 3.0.", body = Object, headers(("ETag" = String, description = "Strong."))),
        (status = 304, description = "It is the same.", headers(("ETag" = String, description = "Strong."))),
    )
)]
async fn asyncapi(request: HttpRequest, sent: Data<Sent>) -> HttpResponse {
    send(&request, &sent.asyncapi)
}

fn send(request: &HttpRequest, Text { bytes, tag }: &Text) -> HttpResponse {
    let is_known = is_known(request, tag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, tag.to_string()))
        .insert_header((header::CACHE_CONTROL, "no-cache"));
    response.extensions_mut().insert(Shared);
    if is_known { response.finish() } else { response.content_type("application/json").body(bytes.clone()) }
}
