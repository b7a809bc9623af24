//! The user's own inbox: list, one, delete, mark.

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
    protocol::{ErrorCode, event::NotificationView, mark},
    store::messages::{ApplyMark, Delete, Fetch, List, ListState},
};

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 200;

pub async fn list(request: HttpRequest, caller: Caller, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let arguments = Arguments::read(&request, &["state", "type", "limit", "before"])?;
    let bad = |detail: &str| Problem::new(ErrorCode::BadMessage, detail);
    let state = match arguments.text("state") {
        None | Some("all") => ListState::All,
        Some("unread") => ListState::Unread,
        Some("archived") => ListState::Archived,
        Some(_) => return Err(bad("state is all, unread or archived")),
    };
    let limit = match arguments.text("limit").map(str::parse::<usize>) {
        None => LIMIT_DEFAULT,
        Some(Ok(limit)) if limit > 0 => limit.min(LIMIT_MAX),
        Some(_) => return Err(bad("limit is a whole number from 1")),
    };
    let before: Option<Position> =
        arguments.parse("before").map_err(|error| Problem::new(ErrorCode::BadCursor, error.0))?;
    let notification_type = arguments.parse("type")?;
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
    no_store(&mut response);
    if let Some(next) = listing.next_before {
        response
            .insert_header((header::LINK, format!("<{}>; rel=\"next\"", next_link(&arguments, limit, next))));
    }
    Ok(response.json(Body {
        notifications: listing.notifications.iter().map(NotificationView).collect(),
        next_before: listing.next_before,
        counters: listing.counters,
        cursor: Cursor::of_inbox(listing.cursor).to_string(),
    }))
}

/// The same query, further back; relative, since only the proxy in front knows the rest. All values are
/// of characters that need no escape.
fn next_link(arguments: &Arguments, limit: usize, next: Position) -> String {
    let mut link = format!("/v1/notifications?limit={limit}&before={next}");
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
    let mut response = HttpResponse::Ok();
    no_store(&mut response);
    Ok(response.json(NotificationView(&notification)))
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
    let bad = |detail: String| Problem::new(ErrorCode::BadMessage, detail);
    let text = std::str::from_utf8(&body).map_err(|_| bad("the body is not UTF-8".to_owned()))?;
    let mut fields = Fields::parse(text).map_err(|error| bad(error.0))?;
    let mark = mark::parse(&mut fields).map_err(|error| match error.code {
        ErrorCode::Validation => {
            let pointer = error.field.map(|field| format!("/{field}")).unwrap_or_default();
            Problem::validation(vec![Fault { pointer, detail: error.message.to_owned() }])
        }
        code => Problem::new(code, error.message),
    })?;
    if let Some(name) = fields.into_rest().next() {
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        return Err(Problem::validation(vec![Fault {
            pointer,
            detail: "there is no such field".to_owned(),
        }]));
    }
    let counters = api.store.ask(ApplyMark { user: caller.0.user, mark, origin: None }).await?;
    let mut response = HttpResponse::Ok();
    no_store(&mut response);
    Ok(response.json(counters))
}

/// What cannot be an id names nothing.
fn parse_id(id: Path<String>) -> Result<NotificationId, Problem> {
    id.into_inner().parse().map_err(|_| Problem::not_found())
}

pub(super) fn no_store(response: &mut actix_web::HttpResponseBuilder) {
    response.insert_header((header::CACHE_CONTROL, "no-store"));
}
