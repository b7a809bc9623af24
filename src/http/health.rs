//! `GET /health`: the process answers. `GET /ready`: it should be sent work.

use std::sync::atomic::Ordering;

use actix_web::{HttpResponse, web::Data};
use serde::Serialize;

use super::{Api, problem::Problem};
use crate::{protocol::ErrorCode, store::messages::Probe};

/// Touches nothing: a database that is away is no reason to kill the process.
pub async fn health() -> HttpResponse {
    #[derive(Serialize)]
    struct Body {
        ok: bool,
    }
    HttpResponse::Ok().json(Body { ok: true })
}

/// 503 while the process is about to stop, and where the database cannot be written.
pub async fn ready(api: Data<Api>) -> Result<HttpResponse, Problem> {
    if api.is_draining.load(Ordering::Relaxed) {
        return Err(Problem::new(ErrorCode::Draining, "the server is about to stop"));
    }
    api.store.ask(Probe).await?;
    #[derive(Serialize)]
    struct Body {
        store: &'static str,
        bridge: &'static str,
    }
    Ok(HttpResponse::Ok().json(Body { store: "ok", bridge: "off" }))
}
