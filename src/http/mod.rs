//! The HTTP API (PROTOCOL.md section 6): the table of routes, one file for each resource.
//!
//! A handler parses, asks the store with a deadline, and renders; it owns nothing.

pub mod body;
mod draft;
mod extract;
mod health;
pub mod host;
mod inbox;
mod me;
mod notifications;
pub mod problem;
pub mod request_id;
mod unread;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use actix_cors::Cors;
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, ServiceConfig},
};
use problem::Problem;

use crate::{auth::gate::Gate, protocol::ErrorCode, store::StoreLink, transport};

/// What handlers work with.
pub struct Api {
    pub store: StoreLink,
    pub gate: Arc<Gate>,
    /// The process is about to stop and wants no new work.
    pub is_draining: Arc<AtomicBool>,
    pub body_limit: usize,
    pub body_timeout: Duration,
}

/// All routes.
pub fn routes(config: &mut ServiceConfig) {
    let resource = |path: &str| web::resource(path).default_service(web::to(method_not_allowed));
    config
        .service(resource("/health").route(web::get().to(health::health)))
        .service(resource("/ready").route(web::get().to(health::ready)))
        .service(resource("/v1/ws").route(web::get().to(transport::ws::websocket)))
        .service(resource("/v1/me").route(web::get().to(me::me)))
        .service(resource("/v1/send/{user}").route(web::post().to(notifications::send)))
        .service(
            resource("/v1/notifications")
                .route(web::post().to(notifications::publish))
                .route(web::get().to(inbox::list)),
        )
        .service(resource("/v1/notifications/unread").route(web::get().to(unread::unread)))
        .service(resource("/v1/notifications/mark").route(web::post().to(inbox::mark)))
        .service(
            resource("/v1/notifications/{id}")
                .route(web::get().to(inbox::fetch))
                .route(web::delete().to(inbox::delete)),
        )
        .default_service(web::to(not_found));
}

async fn not_found() -> Result<HttpResponse, Problem> {
    Err(Problem::not_found())
}

async fn method_not_allowed() -> Result<HttpResponse, Problem> {
    let problem = Problem::new(ErrorCode::NotFound, "there is no such method here");
    Err(problem.status(StatusCode::METHOD_NOT_ALLOWED))
}

/// Lets pages of the allowed origins call the API (CORS, `http.allowed_origins`).
pub fn cors(allowed_origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "POST", "PUT", "DELETE"])
        .allow_any_header()
        .expose_headers(["ETag", "Link", "X-Request-Id", "Retry-After", "Idempotent-Replayed"])
        .supports_credentials()
        .block_on_origin_mismatch(false)
        .max_age(3600);
    allowed_origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
