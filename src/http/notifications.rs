//! `POST /v1/notifications` and `POST /v1/send/{user}`: from a back-end to inboxes.

use std::time::Instant;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::HeaderName,
    web::{Data, Path, Payload},
};
use aws_lc_rs::digest;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api, answers, body,
    draft::{self, DraftBody},
    extract::{Arguments, Caller},
    problem::Problem,
    rate_limit,
};
use crate::{
    domain::{
        Draft, Identity, Json, NotificationId, NotificationType, Position, UserId,
        notification::PAYLOAD_BYTES_MAX, push::PushWish,
    },
    observe::metrics,
    protocol::ErrorCode,
    store::messages::{IdempotencyKey, Publish, Published},
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;

/// Largest text of a `send`, in bytes.
const TEXT_BYTES_MAX: usize = 4 * 1024;
const TITLE_CHARS_MAX: usize = 256;
const URL_CHARS_MAX: usize = 2048;
const DEFAULT_TYPE: &str = "note.text";

#[derive(Serialize, ToSchema)]
#[schema(as = Published)]
struct PublishedBody<'a> {
    /// One for each recipient, in the order of `to`.
    notifications: Vec<Receipt<'a>>,
}

#[derive(Serialize, ToSchema)]
struct Receipt<'a> {
    id: &'a NotificationId,
    to: &'a UserId,
    position: Position,
}

/// Publish a notification
///
/// To 1 to 1000 users, for all of them or none, and on the disk before it is answered. Needs the scope
/// `notify`, for the type or for all. With an `Idempotency-Key` it can be repeated: the same body gets the
/// same answer for 24 hours.
#[utoipa::path(
    post, path = "/v1/notifications", tag = "Publish", operation_id = "publish_notification",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the call repeatable; printable characters.", min_length = 1, max_length = 255)),
    request_body(content = DraftBody, example = json!({
        "to": ["alice", "bob"], "type": "order.shipped", "payload": { "order": 4711 }
    })),
    responses(
        answers::Identified,
        answers::NeedsScope,
        answers::TakesBody,
        answers::Repeatable,
        answers::Publishes,
        answers::Stored,
        (status = 201, description = "It is stored, and on its way.", body = PublishedBody,
            headers(("Idempotent-Replayed" = String, description = "`true` where this is an earlier answer again.")),
            example = json!({ "notifications": [
                { "id": "ntf_01M80RGBFJAPQ3ZKRMXZC4KYHW", "to": "alice", "position": "szlhwm0g.1" },
                { "id": "ntf_01M80RGBFJ5T8Y6V4W2X0Z9QRS", "to": "bob", "position": "b7d2k9xq.12" }
            ] })),
    )
)]
pub async fn publish(
    request: HttpRequest,
    caller: Caller,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let Caller(identity) = caller;
    require_publisher(&request, &api, &identity)?;
    let body = body::json(&request, payload, &api).await?;
    let idempotency_key = idempotency_key(&request, &body)?;
    let draft = draft::parse(&body)?;
    store(&api, identity, idempotency_key, draft).await
}

/// Publish a text
///
/// For curl, cron and shell scripts: the body is the text, in UTF-8, whatever its content type. Needs the scope
/// `notify`. The payload is `{text, title?, url?}`.
#[utoipa::path(
    post, path = "/v1/send/{user}", tag = "Publish", operation_id = "send_text",
    params(
        ("user" = UserId, Path, description = "Who it is for."),
        ("type" = Option<NotificationType>, Query, description = "`note.text` where it is left out."),
        ("title" = Option<String>, Query, description = "A title.", max_length = 256),
        ("url" = Option<String>, Query, description = "Where it leads to: http or https.", max_length = 2048, pattern = "^https?://"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the call repeatable; printable characters.", min_length = 1, max_length = 255),
    ),
    request_body(content = String, content_type = "text/plain", description = "At most 4 KiB.", example = json!("Build finished")),
    responses(
        answers::Identified,
        answers::NeedsScope,
        answers::TakesBody,
        answers::Repeatable,
        answers::Publishes,
        answers::Stored,
        (status = 201, description = "It is stored, and on its way.", body = PublishedBody,
            headers(("Idempotent-Replayed" = String, description = "`true` where this is an earlier answer again.")),
            example = json!({ "notifications": [
                { "id": "ntf_01M80RGBFJAPQ3ZKRMXZC4KYHW", "to": "alice", "position": "szlhwm0g.1" }
            ] })),
    )
)]
pub async fn send(
    request: HttpRequest,
    caller: Caller,
    user: Path<String>,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let Caller(identity) = caller;
    require_publisher(&request, &api, &identity)?;
    let body = body::read(&request, payload, &api, TEXT_BYTES_MAX).await?;
    let idempotency_key = idempotency_key(&request, &body)?;
    let user: UserId = user.into_inner().parse().map_err(|error| unprocessable("user", error))?;
    let arguments = Arguments::read(&request, &["type", "title", "url"])?;
    let notification_type: NotificationType = arguments
        .text("type")
        .unwrap_or(DEFAULT_TYPE)
        .parse()
        .map_err(|error| unprocessable("type", error))?;
    let payload = note(&body, &arguments)?;
    let push = Some(PushWish::default());
    let draft = Draft { to: vec![user], notification_type, v: 1, payload, key: None, expires_in: None, push };
    store(&api, identity, idempotency_key, draft).await
}

/// Whoever has no `notify` scope at all, or publishes too often, is refused before the body is looked at.
fn require_publisher(request: &HttpRequest, api: &Api, identity: &Identity) -> Result<(), Problem> {
    if !identity.scopes.is_publisher() {
        return Err(insufficient_scope());
    }
    rate_limit::pass(request, api.limits.publish(&identity.user, Instant::now()))
}

fn insufficient_scope() -> Problem {
    Problem::new(ErrorCode::InsufficientScope, "the token does not allow this to be published")
}

fn unprocessable(name: &str, error: impl std::fmt::Display) -> Problem {
    Problem::new(ErrorCode::Validation, format!("{name}: {error}"))
}

/// Reads the key, if there is one. The digest tells the same request from another: path and body, so that
/// a new token in the query of a repeated request makes it no other one.
fn idempotency_key(request: &HttpRequest, body: &[u8]) -> Result<Option<IdempotencyKey>, Problem> {
    let mut keys = request.headers().get_all(&IDEMPOTENCY_KEY);
    let Some(key) = keys.next() else { return Ok(None) };
    let is_printable = |key: &&str| key.bytes().all(|b| (0x20..0x7f).contains(&b));
    let key = key.to_str().ok().filter(is_printable).filter(|_| keys.next().is_none());
    let Some(key) = key.filter(|key| (1..=IDEMPOTENCY_KEY_CHARS_MAX).contains(&key.len())) else {
        return Err(Problem::new(
            ErrorCode::BadMessage,
            "Idempotency-Key is one text of 1 to 255 printable characters",
        ));
    };
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(request.path().as_bytes());
    // No path has this byte, so no path and body read as another path and body.
    context.update(&[0]);
    context.update(body);
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    Ok(Some(IdempotencyKey { key: key.to_owned(), digest }))
}

/// `{text, title?, url?}`.
fn note(body: &[u8], arguments: &Arguments) -> Result<Json, Problem> {
    #[derive(Serialize)]
    struct Note<'a> {
        text: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<&'a str>,
    }
    let text = std::str::from_utf8(body)
        .map_err(|_| Problem::new(ErrorCode::BadMessage, "the text is not UTF-8"))?;
    if text.is_empty() {
        return Err(unprocessable("text", "it is empty"));
    }
    let (title, url) = (arguments.text("title"), arguments.text("url"));
    if title.is_some_and(|title| title.chars().count() > TITLE_CHARS_MAX) {
        return Err(unprocessable("title", "it is longer than 256 characters"));
    }
    let is_link = |url: &str| url.starts_with("https://") || url.starts_with("http://");
    if url.is_some_and(|url| !is_link(url) || url.chars().count() > URL_CHARS_MAX) {
        return Err(unprocessable("url", "it is an http or https URL of at most 2048 characters"));
    }
    let note = serde_json::to_string(&Note { text, title, url }).map_err(|_| Problem::internal())?;
    // Control characters are six times as long in JSON.
    if note.len() > PAYLOAD_BYTES_MAX {
        return Err(unprocessable("text", "it is too long as JSON"));
    }
    Json::trusted(&note).map_err(|_| Problem::internal())
}

async fn store(
    api: &Api,
    publisher: Identity,
    idempotency_key: Option<IdempotencyKey>,
    draft: Draft,
) -> Result<HttpResponse, Problem> {
    if !publisher.scopes.may_notify(&draft.notification_type) {
        return Err(insufficient_scope());
    }
    let published = api.store.ask(Publish { publisher: publisher.user, idempotency_key, draft }).await?;
    if !published.is_replay {
        metrics::notifications_accepted(published.receipts.len());
    }
    Ok(created(&published))
}

/// A replay is the first answer again, byte for byte.
fn created(published: &Published) -> HttpResponse {
    let notifications = published
        .receipts
        .iter()
        .map(|receipt| Receipt { id: &receipt.id, to: &receipt.to, position: receipt.position })
        .collect();
    let mut response = HttpResponse::Created();
    if published.is_replay {
        response.insert_header((IDEMPOTENT_REPLAYED, "true"));
    }
    response.json(PublishedBody { notifications })
}
