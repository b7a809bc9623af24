//! The user's own inbox: list, one, delete.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Path},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api, answers,
    extract::{Arguments, Caller},
    problem::Problem,
};
use crate::{
    domain::{Counters, Cursor, NotificationId, NotificationType, Position},
    protocol::{
        ErrorCode, PageSize,
        event::{NotificationFields, NotificationView},
    },
    store::messages::{Delete, Fetch, List, ListState},
};

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 200;

/// Which notifications to list.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the words as the document shows them")]
enum StateWord {
    All,
    Unread,
    Archived,
}

#[derive(Serialize, ToSchema)]
#[schema(as = NotificationList)]
struct ListBody<'a> {
    /// Newest first.
    #[schema(value_type = Vec<NotificationFields<'a>>, max_items = 200)]
    notifications: Vec<NotificationView<'a>>,
    /// Where to go on; `null` at the end.
    #[schema(required)]
    next_before: Option<Position>,
    counters: Counters,
    /// Goes on from here on every transport.
    #[schema(value_type = Cursor)]
    cursor: String,
}

/// List notifications, newest first
///
/// `all` is what a client that followed the stream would show: all but the archived ones.
#[utoipa::path(
    get, path = "/v1/notifications", tag = "Inbox", operation_id = "list_notifications",
    params(
        ("state" = inline(Option<StateWord>), Query, description = "`all` where it is left out."),
        ("type" = Option<NotificationType>, Query, description = "Only of this type."),
        ("limit" = inline(Option<PageSize>), Query, description = "Notifications of a page, 50 where it is left out; above 200 counts as 200."),
        ("before" = Option<Position>, Query, description = "Only older ones: `next_before` of the page before."),
    ),
    responses(
        answers::Identified,
        answers::ReadsPosition,
        answers::ReadsType,
        answers::Stored,
        (status = 200, description = "A page.", body = ListBody,
            headers(("Link" = String, description = "The next page, `rel=\"next\"`, if there is one.")),
            example = json!({
                "notifications": [{
                    "id": "ntf_01M80RGBFJAPQ3ZKRMXZC4KYHW", "type": "note.text", "v": 1, "position": "szlhwm0g.1",
                    "payload": { "text": "Build finished" }, "created_at": "2026-11-22T04:33:51.602Z"
                }],
                "next_before": null,
                "counters": { "unread": 1, "unseen": 1, "version": 1, "marks_version": 0 },
                "cursor": "inbox@szlhwm0g.1"
            })),
    )
)]
pub async fn list(request: HttpRequest, caller: Caller, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let arguments = Arguments::read(&request, &["state", "type", "limit", "before"])?;
    let state = match arguments.text("state") {
        None | Some("all") => ListState::All,
        Some("unread") => ListState::Unread,
        Some("archived") => ListState::Archived,
        Some(_) => return Err(Problem::new(ErrorCode::BadMessage, "state is all, unread or archived")),
    };
    let limit = arguments.limit(LIMIT_DEFAULT, LIMIT_MAX)?;
    let before: Option<Position> =
        arguments.parse("before").map_err(|error| Problem::new(ErrorCode::BadCursor, error.0))?;
    let notification_type = arguments
        .parse("type")
        .map_err(|error| Problem::new(ErrorCode::Validation, format!("type: {error}")))?;
    let listing =
        api.store.ask(List { user: caller.0.user, state, notification_type, limit, before }).await?;
    let mut response = HttpResponse::Ok();
    if let Some(next) = listing.next_before {
        let older = older(request.path(), &arguments, limit, next);
        response.insert_header((header::LINK, format!("<{older}>; rel=\"next\"")));
    }
    Ok(response.json(ListBody {
        notifications: listing.notifications.iter().map(NotificationView).collect(),
        next_before: listing.next_before,
        counters: listing.counters,
        cursor: Cursor::of_inbox(listing.cursor).to_string(),
    }))
}

/// The same query, further back, without the token that may be in it; relative, since only the proxy in
/// front knows the rest. All values are of characters that need no escape.
fn older(path: &str, arguments: &Arguments, limit: usize, before: Position) -> String {
    let mut link = format!("{path}?limit={limit}&before={before}");
    for name in ["state", "type"] {
        if let Some(value) = arguments.text(name) {
            link.push_str(&format!("&{name}={value}"));
        }
    }
    link
}

/// One notification
#[utoipa::path(
    get, path = "/v1/notifications/{id}", tag = "Inbox", operation_id = "fetch_notification",
    params(("id" = NotificationId, Path, description = "The notification.")),
    responses(
        answers::Identified,
        answers::NamesNothing,
        answers::Stored,
        (status = 200, description = "The notification.", body = NotificationFields<'_>, example = json!({
            "id": "ntf_01M80RGBFJAPQ3ZKRMXZC4KYHW", "type": "note.text", "v": 1, "position": "szlhwm0g.1",
            "payload": { "text": "Build finished" }, "created_at": "2026-11-22T04:33:51.602Z"
        })),
    )
)]
pub async fn fetch(caller: Caller, id: Path<String>, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let id = parse_id(id)?;
    let notification = api.store.ask(Fetch { user: caller.0.user, id }).await?;
    Ok(HttpResponse::Ok().json(NotificationView(&notification)))
}

/// Delete a notification for good
///
/// All sessions of the user are told: `marked` as `deleted`.
#[utoipa::path(
    delete, path = "/v1/notifications/{id}", tag = "Inbox", operation_id = "delete_notification",
    params(("id" = NotificationId, Path, description = "The notification.")),
    responses(
        answers::Identified,
        answers::NamesNothing,
        answers::Stored,
        (status = 204, description = "It is gone."),
    )
)]
pub async fn delete(caller: Caller, id: Path<String>, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let id = parse_id(id)?;
    api.store.ask(Delete { user: caller.0.user, id }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What cannot be an id names nothing.
fn parse_id(id: Path<String>) -> Result<NotificationId, Problem> {
    id.into_inner().parse().map_err(|_| Problem::not_found())
}
