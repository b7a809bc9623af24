//! `GET /health`: the process answers. `GET /ready`: it should be sent work.

use std::sync::atomic::Ordering;

use actix_web::{HttpResponse, web::Data};
use serde_json::json;

use super::{Api, problem::Problem};
use crate::{protocol::ErrorCode, store::messages::Probe};

/// Touches nothing: a database that is away is no reason to kill the process.
pub async fn health() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "ok": true }))
}

pub async fn ready(api: Data<Api>) -> Result<HttpResponse, Problem> {
    if api.is_draining.load(Ordering::Relaxed) {
        return Err(Problem::new(ErrorCode::Draining, "the server is about to stop"));
    }
    api.store.ask(Probe).await?;
    Ok(HttpResponse::Ok().json(json!({ "store": "ok", "bridge": "off" })))
}
