//! How webhooks do: what waits, what was given up, whether anything is sent; and having it sent again.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::Administrator;
use crate::{
    clock,
    domain::{Timestamp, WebhookId, WebhookState},
    http::{Api, answers, extract::Arguments, problem::Problem},
    protocol::ErrorCode,
    store::messages::{
        EnableWebhooks, ReadWebhooks, RetryWebhooks, TestWebhook, TraceWebhook, WebhookStand, WebhookTrace,
    },
    webhooks::WebhookDesk,
};

/// Events that are made due in one transaction, and by one call.
const TOGETHER: usize = 500;
const RETRIES_MAX: usize = 5_000;

#[derive(Serialize, ToSchema)]
#[schema(as = WebhookStand)]
struct StandBody<'a> {
    /// Where events are sent, without what may be secret in the address.
    receiver: &'a str,
    /// How many are to be sent, or sent again.
    waiting: u64,
    /// How many were given up, in the last 30 days and as far as so many are kept.
    dead: u64,
    /// When the oldest of those occurred that wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    waiting_since: Option<Timestamp>,
    /// From when on every attempt has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    failing_since: Option<Timestamp>,
    /// From when on nothing is sent, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    disabled_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = WebhooksRetried)]
struct RetriedBody {
    /// How many are due again.
    retried: usize,
    /// There are more: ask again.
    has_more: bool,
}

#[derive(Serialize, ToSchema)]
#[schema(as = WebhookTest)]
struct TestBody {
    id: WebhookId,
}

#[derive(Serialize, ToSchema)]
#[schema(as = WebhookTrace)]
struct TraceBody {
    id: WebhookId,
    /// What it tells of.
    #[serde(rename = "type")]
    event: String,
    occurred_at: Timestamp,
    state: WebhookState,
    attempts: u32,
    /// That of the last answer of the receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status: Option<u16>,
    /// Why the last attempt has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
    /// When it is sent next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    due_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    ended_at: Option<Timestamp>,
}

impl From<WebhookTrace> for TraceBody {
    fn from(trace: WebhookTrace) -> Self {
        let WebhookTrace { id, event, occurred_at, state, attempts, status, reason, due_at, ended_at } =
            trace;
        Self { id, event, occurred_at, state, attempts, status, reason, due_at, ended_at }
    }
}

fn desk(api: &Api) -> Result<&WebhookDesk, Problem> {
    api.webhooks.as_ref().ok_or_else(|| Problem::new(ErrorCode::NotFound, "webhooks are off here"))
}

/// How webhooks do
///
/// What waits for the receiver, what was given up, and whether anything is sent at all.
#[utoipa::path(
    get, path = "/v1/admin/webhooks", tag = "Admin", operation_id = "read_webhooks",
    responses(
        answers::Identified,
        answers::Administrates,
        answers::NeedsWebhooks,
        answers::Stored,
        (status = 200, description = "How they do.", body = StandBody<'_>, example = json!({
            "receiver": "https://app.example.com", "waiting": 12, "dead": 0,
            "waiting_since": "2026-11-22T04:33:51.602Z", "failing_since": "2026-11-22T04:33:51.713Z"
        })),
    )
)]
pub async fn stand(request: HttpRequest, _: Administrator, api: Data<Api>) -> Result<HttpResponse, Problem> {
    Arguments::read(&request, &[])?;
    let WebhookDesk { receiver, origin } = desk(&api)?;
    let stand = api.store.ask(ReadWebhooks { receiver: *receiver }).await?;
    let WebhookStand { waiting, dead, waiting_since, failing_since, disabled_at, reason } = stand;
    let receiver = origin.as_ref();
    let body = StandBody { receiver, waiting, dead, waiting_since, failing_since, disabled_at, reason };
    Ok(HttpResponse::Ok().json(body))
}

/// Send to the receiver again
///
/// After it has answered 410, or failed for days, nothing is sent until this is called. What was to be told meanwhile
/// was kept, and is sent then.
#[utoipa::path(
    post, path = "/v1/admin/webhooks/enable", tag = "Admin", operation_id = "enable_webhooks",
    responses(
        answers::Identified,
        answers::Administrates,
        answers::NeedsWebhooks,
        answers::Stored,
        (status = 204, description = "It is sent to, as if it had never failed."),
    )
)]
pub async fn enable(
    request: HttpRequest,
    Administrator(by): Administrator,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    Arguments::read(&request, &[])?;
    api.store.ask(EnableWebhooks { receiver: desk(&api)?.receiver }).await?;
    log::info!(by = by.as_str(); "webhooks enabled");
    Ok(HttpResponse::NoContent().finish())
}

/// Have events sent again that were given up
///
/// The oldest first and 5,000 at most, as if they had never been tried; their ids stay the same.
#[utoipa::path(
    post, path = "/v1/admin/webhooks/retry", tag = "Admin", operation_id = "retry_webhooks",
    responses(
        answers::Identified,
        answers::Administrates,
        answers::NeedsWebhooks,
        answers::Stored,
        (status = 200, description = "They are due.", body = RetriedBody, example = json!({ "retried": 12, "has_more": false })),
    )
)]
pub async fn retry(request: HttpRequest, _: Administrator, api: Data<Api>) -> Result<HttpResponse, Problem> {
    Arguments::read(&request, &[])?;
    desk(&api)?;
    let (mut retried, before) = (0, clock::now());
    let mut has_more = true;
    while has_more && retried < RETRIES_MAX {
        let some = api.store.ask(RetryWebhooks { before, limit: TOGETHER }).await?;
        retried += some;
        has_more = some == TOGETHER;
    }
    Ok(HttpResponse::Ok().json(RetriedBody { retried, has_more }))
}

/// Send an event that tells of nothing
///
/// Its `type` is `webhook.test`, and it is sent, signed and tried again as all others are.
#[utoipa::path(
    post, path = "/v1/admin/webhooks/test", tag = "Admin", operation_id = "test_webhooks",
    responses(
        answers::Identified,
        answers::Administrates,
        answers::NeedsWebhooks,
        answers::Stored,
        (status = 202, description = "It is due; its trace tells what becomes of it.", body = TestBody, example = json!({
            "id": "msg_01M80RGBFJAPQ3ZKRMXZC4KYHW"
        })),
    )
)]
pub async fn test(request: HttpRequest, _: Administrator, api: Data<Api>) -> Result<HttpResponse, Problem> {
    Arguments::read(&request, &[])?;
    desk(&api)?;
    let id = WebhookId::generate();
    api.store.ask(TestWebhook { id: id.clone() }).await?;
    Ok(HttpResponse::Accepted().json(TestBody { id }))
}

/// What became of an event
///
/// A day after it was sent that is forgotten, 30 days after it was given up.
#[utoipa::path(
    get, path = "/v1/admin/webhooks/{id}", tag = "Admin", operation_id = "trace_webhook",
    params(("id" = WebhookId, Path, description = "The `webhook-id` of the event.")),
    responses(
        answers::Identified,
        answers::Administrates,
        answers::NeedsWebhooks,
        answers::Stored,
        (status = 200, description = "What became of it.", body = TraceBody, example = json!({
            "id": "msg_01M80RGBFJAPQ3ZKRMXZC4KYHW", "type": "user.offline",
            "occurred_at": "2026-11-22T04:33:51.602Z", "state": "waiting", "attempts": 1, "status": 503,
            "reason": "it did not take it", "due_at": "2026-11-22T04:38:56.602Z"
        })),
    )
)]
pub async fn trace(
    request: HttpRequest,
    _: Administrator,
    id: Path<String>,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    Arguments::read(&request, &[])?;
    desk(&api)?;
    // What cannot be an id names nothing.
    let id: WebhookId = id.parse().map_err(|_| Problem::not_found())?;
    Ok(HttpResponse::Ok().json(TraceBody::from(api.store.ask(TraceWebhook { id }).await?)))
}
