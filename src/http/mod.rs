//! The HTTP API (PROTOCOL.md section 6): the table of routes, one file for each resource.
//!
//! A handler parses, asks the store or the hub with a deadline, and renders; it owns nothing.

pub mod body;
mod cors;
mod draft;
mod extract;
mod faults;
mod health;
pub mod host;
mod inbox;
mod me;
mod notifications;
mod preferences;
pub mod problem;
pub mod request_id;
mod rooms;
mod tickets;
mod unread;
pub mod uri;
pub mod wait;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use actix_web::{
    HttpResponse, Resource, Route, guard,
    http::header,
    middleware::DefaultHeaders,
    web::{self, PathConfig, ServiceConfig},
};
pub use cors::cors;
use problem::Problem;

use crate::{auth::gate::Gate, hub::HubLink, store::StoreLink};

/// What handlers work with.
pub struct Api {
    pub store: StoreLink,
    pub hub: HubLink,
    pub gate: Arc<Gate>,
    /// The process is about to stop and wants no new work.
    pub is_draining: Arc<AtomicBool>,
    pub body_limit: usize,
    pub body_timeout: Duration,
    /// Largest `data` of a message to a room, in bytes.
    pub data_bytes: usize,
}

/// All routes but those of the transports, which come before them.
pub fn routes(config: &mut ServiceConfig) {
    // What the API says is one user's and of this moment.
    let api = web::scope("/v1").wrap(DefaultHeaders::new().add((header::CACHE_CONTROL, "no-store")));
    config
        // A name in a path that cannot be decoded is the name of nothing.
        .app_data(PathConfig::default().error_handler(|_, _| Problem::not_found().into()))
        .service(resource("/health", "GET, HEAD").route(get().to(health::health)))
        .service(resource("/ready", "GET, HEAD").route(get().to(health::ready)))
        .service(
            api.service(resource("/me", "GET, HEAD").route(get().to(me::me)))
                .service(
                    resource("/preferences", "GET, HEAD, PUT")
                        .route(web::put().to(preferences::replace))
                        .route(get().to(preferences::fetch)),
                )
                .service(resource("/tickets", "POST").route(web::post().to(tickets::issue)))
                .service(resource("/send/{user}", "POST").route(web::post().to(notifications::send)))
                .service(
                    resource("/notifications", "GET, HEAD, POST")
                        .route(web::post().to(notifications::publish))
                        .route(get().to(inbox::list)),
                )
                .service(resource("/notifications/unread", "GET, HEAD").route(get().to(unread::unread)))
                .service(resource("/notifications/mark", "POST").route(web::post().to(inbox::mark)))
                .service(resource("/notifications/ack", "POST").route(web::post().to(inbox::acknowledge)))
                .service(
                    resource("/notifications/{id}", "GET, HEAD, DELETE")
                        .route(get().to(inbox::fetch))
                        .route(web::delete().to(inbox::delete)),
                )
                .service(
                    resource("/rooms/{room}/messages", "GET, HEAD, POST")
                        .route(web::post().to(rooms::publish))
                        .route(get().to(rooms::messages)),
                )
                .service(resource("/rooms/{room}/presence", "GET, HEAD").route(get().to(rooms::presence)))
                .default_service(web::to(not_found)),
        )
        .default_service(web::to(not_found));
}

/// `HEAD` is `GET` without the body (RFC 9110 section 9.3.2); the server leaves that out by itself.
fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// A resource that answers its methods, `allow`, and refuses all others.
pub fn resource(path: &str, allow: &'static str) -> Resource {
    let refuse = move || async move { Err::<HttpResponse, _>(Problem::method_not_allowed(allow)) };
    web::resource(path).default_service(web::to(refuse))
}

async fn not_found() -> Result<HttpResponse, Problem> {
    Err(Problem::not_found())
}

#[cfg(test)]
mod tests;
