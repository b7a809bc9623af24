//! `GET /health`: the process answers. `GET /ready`: it should be sent work.

use std::sync::atomic::Ordering;

use actix_web::{HttpResponse, web::Data};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Api, answers, problem::Problem};
use crate::{
    bridge::{BridgeLink, BusState},
    protocol::ErrorCode,
    store::messages::Probe,
};

#[derive(Serialize, ToSchema)]
struct Health {
    ok: bool,
}

#[derive(Serialize, ToSchema)]
struct Ready {
    /// Always `ok`: without its store the server is not ready.
    store: &'static str,
    /// `ok`; `degraded` while the bus between nodes is away; `off` where there is none.
    bridge: &'static str,
}

/// Whether the process answers
///
/// Touches nothing: a database that is away is no reason to kill the process.
#[utoipa::path(
    get, path = "/health", tag = "Server", security(()),
    responses((status = 200, description = "It does.", body = Health, example = json!({ "ok": true })))
)]
pub async fn health() -> HttpResponse {
    HttpResponse::Ok().json(Health { ok: true })
}

/// # Errors
/// Why the process should be sent no work.
pub(super) async fn expect_work(api: &Api) -> Result<(), Problem> {
    if api.is_draining.load(Ordering::Relaxed) {
        return Err(Problem::new(ErrorCode::Draining, "the server is about to stop"));
    }
    Ok(api.store.ask(Probe).await?)
}

/// Whether it should be sent work
///
/// Not while the process is about to stop, nor where the database cannot be written. Without its bus it should:
/// notifications come through, later than else.
#[utoipa::path(
    get, path = "/ready", tag = "Server", security(()),
    responses(
        answers::NotReady,
        (status = 200, description = "It should.", body = Ready, example = json!({ "store": "ok", "bridge": "off" })),
    )
)]
pub async fn ready(api: Data<Api>) -> Result<HttpResponse, Problem> {
    expect_work(&api).await?;
    let bridge = match api.bridge.as_ref().map(BridgeLink::state) {
        Some(BusState::Live) => "ok",
        Some(BusState::Connecting | BusState::Backoff) => "degraded",
        None => "off",
    };
    Ok(HttpResponse::Ok().json(Ready { store: "ok", bridge }))
}
