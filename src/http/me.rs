//! `GET /v1/me`: who the server takes the caller for.

use actix_web::HttpResponse;
use serde::Serialize;

use super::extract::Caller;
use crate::domain::Timestamp;

pub async fn me(caller: Caller) -> HttpResponse {
    #[derive(Serialize)]
    struct Body<'a> {
        user: &'a str,
        scopes: &'a [String],
        expires_at: Timestamp,
    }
    let identity = caller.0;
    HttpResponse::Ok().json(Body {
        user: identity.user.as_str(),
        scopes: identity.scopes.words(),
        expires_at: identity.expires_at,
    })
}
