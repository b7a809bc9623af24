//! The user's own inbox: list, one, delete, mark, acknowledge.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Path, Payload},
};
use serde::Serialize;

use super::{
    Api, body,
    extract::{Arguments, Caller},
    problem::{Fault, Problem},
};
use crate::{
    domain::{Counters, Cursor, NotificationId, Position, json::Fields},
    protocol::{
        ErrorCode,
        event::NotificationView,
        mark::{self, BadMark},
    },
    store::messages::{Acknowledge, ApplyMark, Delete, Fetch, List, ListState},
};

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 200;

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

    #[derive(Serialize)]
    struct Body<'a> {
        notifications: Vec<NotificationView<'a>>,
        next_before: Option<Position>,
        counters: Counters,
        cursor: String,
    }
    let mut response = HttpResponse::Ok();
    if let Some(next) = listing.next_before {
        let older = older(request.path(), &arguments, limit, next);
        response.insert_header((header::LINK, format!("<{older}>; rel=\"next\"")));
    }
    Ok(response.json(Body {
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

pub async fn fetch(caller: Caller, id: Path<String>, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let id = parse_id(id)?;
    let notification = api.store.ask(Fetch { user: caller.0.user, id }).await?;
    Ok(HttpResponse::Ok().json(NotificationView(&notification)))
}

pub async fn delete(caller: Caller, id: Path<String>, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let id = parse_id(id)?;
    api.store.ask(Delete { user: caller.0.user, id }).await?;
    Ok(HttpResponse::NoContent().finish())
}

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

pub async fn acknowledge(
    request: HttpRequest,
    caller: Caller,
    payload: Payload,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    let body = body::json(&request, payload, &api).await?;
    let up_to = said(&body, mark::parse_ack)?;
    api.store.ask(Acknowledge { user: caller.0.user, up_to }).await?;
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
    let unknown: Vec<Fault> = fields.into_rest().map(|field| Fault::unknown("", &field)).collect();
    if unknown.is_empty() { Ok(said) } else { Err(Problem::validation(unknown)) }
}

/// What cannot be an id names nothing.
fn parse_id(id: Path<String>) -> Result<NotificationId, Problem> {
    id.into_inner().parse().map_err(|_| Problem::not_found())
}
