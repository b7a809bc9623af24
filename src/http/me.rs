//! `GET /v1/me`: who the server takes the caller for.

use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::{answers, extract::Caller};
use crate::domain::{Timestamp, UserId};

#[derive(Serialize, ToSchema)]
struct Me<'a> {
    user: &'a UserId,
    /// What the token allows, with the default scopes.
    scopes: &'a [String],
    expires_at: Timestamp,
}

/// Who the server takes the caller for
#[utoipa::path(
    get, path = "/v1/me", tag = "User",
    responses(
        answers::Identified,
        (status = 200, description = "The user of the token, and what it allows.", body = Me, example = json!({
            "user": "alice", "scopes": ["join:chat:*", "publish:chat:lobby"], "expires_at": "2026-11-22T05:33:51.000Z"
        })),
    )
)]
pub async fn me(caller: Caller) -> HttpResponse {
    let identity = caller.0;
    HttpResponse::Ok().json(Me {
        user: &identity.user,
        scopes: identity.scopes.words(),
        expires_at: identity.expires_at,
    })
}
