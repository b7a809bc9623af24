//! What a user says about notifications: marks, and up to where all was shown.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use utoipa::{
    ToSchema,
    openapi::schema::{Object, ObjectBuilder, Type},
};

use super::{
    Api, answers, body,
    extract::Caller,
    faults::Faults,
    problem::{Fault, Problem},
};
use crate::{
    domain::{Ack, Counters, MarkAs, Position, json::Fields},
    protocol::{
        ErrorCode,
        mark::{self, BadMark},
    },
    store::messages::{Acknowledge, ApplyMark},
};

/// A mark: exactly one of the three.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = Mark)]
#[expect(dead_code, reason = "the body as the document shows it")]
enum MarkBody {
    Ids(MarkIds),
    UpTo(MarkUpTo),
    All(MarkAll),
}

/// These notifications.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the body as the document shows it")]
struct MarkIds {
    r#as: MarkAs,
    /// What is no notification of the user is passed over.
    #[schema(max_items = 500)]
    ids: Vec<String>,
}

/// All up to this position of the inbox, itself included.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the body as the document shows it")]
struct MarkUpTo {
    r#as: MarkAs,
    up_to: Position,
}

/// All of them.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the body as the document shows it")]
struct MarkAll {
    r#as: MarkAs,
    #[schema(schema_with = only_true)]
    all: bool,
}

/// What the user was shown.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Ack)]
#[expect(dead_code, reason = "the body as the document shows it")]
struct AckBody {
    up_to: Position,
    /// Whether the page is in front, so that nothing of it needs to be pushed.
    #[schema(nullable = false)]
    visible: Option<bool>,
}

fn only_true() -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true])).build()
}

/// Mark notifications
///
/// Read implies seen, archived implies both, unread clears read and takes out of the archive. Unknown ids are
/// ignored, and the same mark twice changes nothing the second time. All sessions of the user are told.
#[utoipa::path(
    post, path = "/v1/notifications/mark", tag = "Inbox", operation_id = "mark_notifications",
    request_body(content = MarkBody, example = json!({ "as": "read", "up_to": "k3x9q2ab.42" })),
    responses(
        answers::Identified,
        answers::TakesBody,
        answers::Stored,
        (status = 200, description = "The counters after it.", body = Counters),
    )
)]
pub async fn mark(
    request: HttpRequest,
    caller: Caller,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let body = body::json(&request, payload, &api).await?;
    let mark = said(&body, mark::parse)?;
    let counters = api.store.ask(ApplyMark { user: caller.0.user, mark, origin: None }).await?;
    Ok(HttpResponse::Ok().json(counters))
}

/// Say what the user was shown
///
/// Keeps the highest position, at most the top of the inbox.
#[utoipa::path(
    post, path = "/v1/notifications/ack", tag = "Inbox", operation_id = "acknowledge_notifications",
    request_body(content = AckBody, example = json!({ "up_to": "k3x9q2ab.42", "visible": true })),
    responses(
        answers::Identified,
        answers::TakesBody,
        answers::Stored,
        (status = 204, description = "It is kept."),
    )
)]
pub async fn acknowledge(
    request: HttpRequest,
    caller: Caller,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let body = body::json(&request, payload, &api).await?;
    let Ack { up_to, is_visible } = said(&body, mark::parse_ack)?;
    api.store.ask(Acknowledge { user: caller.0.user, up_to, is_visible }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What a body says by the rules of a command, and nothing besides: over HTTP an unknown field is a fault.
fn said<T>(body: &[u8], parse: impl FnOnce(&mut Fields<'_>) -> Result<T, BadMark>) -> Result<T, Problem> {
    let mut fields = body::fields(body)?;
    let said = parse(&mut fields).map_err(|bad| match bad.code {
        ErrorCode::Validation => {
            let pointer = bad.field.map(|field| format!("/{field}")).unwrap_or_default();
            Problem::validation(vec![Fault::new(pointer, bad.message)])
        }
        code => Problem::new(code, bad.message),
    })?;
    let mut faults = Faults::default();
    faults.unknown("", fields);
    faults.finish(Some(said))
}
