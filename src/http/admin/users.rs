//! Erasing a user.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};

use super::Administrator;
use crate::{
    domain::{Invalid, UserId},
    http::{Api, answers, extract::Arguments, problem::Problem},
    protocol::ErrorCode,
    store::messages::{EraseUser, Erased},
};

/// Erase all data of a user
///
/// Notifications, mutes, preferences, push subscriptions, tickets, and answers to publishes of that user. The inbox begins anew: whoever
/// follows it is told of a `gap`, and of counters that are zero. Tokens stay good, and what was revoked stays so.
/// A very large inbox goes part by part; if the answer does not come, ask again.
#[utoipa::path(
    delete, path = "/v1/admin/users/{user}", tag = "Admin", operation_id = "erase_user",
    params(("user" = UserId, Path, description = "The user.")),
    responses(
        answers::Identified,
        answers::Administrates,
        answers::NamesUser,
        answers::Stored,
        (status = 204, description = "Nothing of the user is left."),
    )
)]
pub async fn erase(
    request: HttpRequest,
    Administrator(by): Administrator,
    user: Path<String>,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    Arguments::read(&request, &[])?;
    let user: UserId = user.parse().map_err(|error: Invalid| Problem::new(ErrorCode::Validation, error.0))?;
    while api.store.ask(EraseUser { user: user.clone() }).await? == Erased::Partly {}
    log::info!(user = user.as_str(), by = by.as_str(); "user erased");
    Ok(HttpResponse::NoContent().finish())
}
