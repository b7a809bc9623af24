//! Having pushes tried again that were given up.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::Administrator;
use crate::{
    clock,
    domain::UserId,
    http::{
        Api, answers, body,
        faults::{Faults, read, wrong},
        problem::Problem,
    },
    store::messages::RetryPushes,
};

/// Pushes that are made due in one transaction, and by one call.
const TOGETHER: usize = 500;
const RETRIES_MAX: usize = 5_000;

/// Whose pushes.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PushRetry)]
#[expect(dead_code, reason = "the body as the document shows it")]
pub struct RetryBody {
    /// Left out, those of all users.
    #[schema(nullable = false)]
    user: Option<UserId>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PushRetried)]
struct RetriedBody {
    /// How many are due again.
    retried: usize,
    /// There are more: ask again.
    has_more: bool,
}

/// Have pushes tried again that were given up
///
/// Those that are `dead` in the trace of a notification, the oldest first and 5,000 at most. What was seen meanwhile is
/// withheld, as always. No body at all is as good as an empty one.
#[utoipa::path(
    post, path = "/v1/admin/push/retry", tag = "Admin", operation_id = "retry_pushes",
    // By its name, so that it is no body that has to be there.
    request_body(content = ref("#/components/schemas/PushRetry"), content_type = "application/json", example = json!({ "user": "alice" })),
    responses(
        answers::Identified,
        answers::TakesBody,
        answers::Administrates,
        answers::Stored,
        (status = 200, description = "They are due.", body = RetriedBody, example = json!({ "retried": 12, "has_more": false })),
    )
)]
pub async fn retry(
    request: HttpRequest,
    _: Administrator,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let body = body::json_if_any(&request, payload, &api).await?;
    let user = match &body {
        Some(body) => parse(body)?,
        None => None,
    };
    let (mut retried, before) = (0, clock::now());
    let mut has_more = true;
    while has_more && retried < RETRIES_MAX {
        let some = api.store.ask(RetryPushes { user: user.clone(), before, limit: TOGETHER }).await?;
        retried += some;
        has_more = some == TOGETHER;
    }
    Ok(HttpResponse::Ok().json(RetriedBody { retried, has_more }))
}

fn parse(body: &[u8]) -> Result<Option<UserId>, Problem> {
    let mut fields = body::fields(body)?;
    let mut faults = Faults::default();
    let user = fields.take("user").map(|raw| {
        let name: String = read(raw, "a user is a text")?;
        UserId::try_from(name).or_else(|error| wrong(error.0))
    });
    let user = faults.check("/user", user.transpose());
    faults.unknown("", fields);
    faults.finish(user)
}
