//! `GET /v1/notifications/unread`: the number for a bell, cheap to poll (PROTOCOL.md section 5).

use std::rc::Rc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, EntityTag},
    web::Data,
};
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::{Api, answers, etag::is_known, extract::Caller, problem::Problem, wait::Wait};
use crate::{
    domain::Identity,
    session::{Following, Waiter, Worker},
    store::messages::{InboxState, ReadState},
};

/// When a client that polls should come again, in milliseconds.
const NEXT_POLL_MS: u64 = 30_000;

#[derive(Serialize, ToSchema)]
#[schema(as = UnreadCounters)]
struct UnreadBody {
    /// Notifications not yet dealt with.
    unread: u64,
    /// Notifications not yet shown in an opened list; the number of the badge.
    unseen: u64,
    /// `unread` as a badge shows it, capped at `99+`.
    display: String,
    /// Counts the changes of the two numbers and never goes back: ignore older ones.
    version: u64,
    /// Counts marks and deletions: where it differs from the one you know, list again.
    marks_version: u64,
    /// When to ask again, in milliseconds.
    next_poll_ms: u64,
}

/// The counters, for a bell
///
/// Cheap to ask again: with the `ETag` of the last answer in `If-None-Match` it is 304 until something changes.
/// With `wait`, or `Prefer: wait`, it is answered at the change.
#[utoipa::path(
    get, path = "/v1/notifications/unread", tag = "Inbox", operation_id = "fetch_unread",
    params(
        ("wait" = Option<u64>, Query, description = "Seconds to wait for a change; above 60 counts as 60."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the last answer."),
        ("Prefer" = Option<String>, Header, description = "`wait=n`, as `wait` in the query.", example = "wait=25"),
    ),
    responses(
        answers::Identified,
        answers::Stored,
        (status = 200, description = "The counters.", body = UnreadBody,
            headers(("ETag" = String, description = "Strong.")),
            example = json!({
                "unread": 3, "unseen": 1, "display": "3", "version": 57, "marks_version": 9, "next_poll_ms": 30000
            })),
        (status = 304, description = "Nothing has changed.", headers(("ETag" = String, description = "Strong."))),
    )
)]
pub async fn unread(request: HttpRequest, caller: Caller, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let wait = Wait::read(&request)?;
    let state = state_after(&request, caller.0, &api, wait).await?;
    let tag = entity_tag(&state);
    let etag = (header::ETAG, tag.to_string());
    if is_known(&request, &tag) {
        let mut response = HttpResponse::NotModified();
        wait.confirm(&mut response);
        return Ok(response.insert_header(etag).finish());
    }
    let counters = state.counters;
    let mut response = HttpResponse::Ok();
    wait.confirm(&mut response);
    Ok(response.insert_header(etag).json(UnreadBody {
        unread: counters.unread,
        unseen: counters.unseen,
        display: counters.display(),
        version: counters.version,
        marks_version: counters.marks_version,
        next_poll_ms: NEXT_POLL_MS,
    }))
}

/// The state that the client does not know yet, as soon as there is one; after the wait, the one that there
/// is. Who names none knows the one of now.
async fn state_after(
    request: &HttpRequest,
    identity: Identity,
    api: &Api,
    wait: Wait,
) -> Result<InboxState, Problem> {
    let read = || api.store.ask(ReadState { user: identity.user.clone() });
    let now = read().await?;
    let names_one = request.headers().contains_key(header::IF_NONE_MATCH);
    let is_news = |state: &InboxState| {
        let tag = entity_tag(state);
        if names_one { !is_known(request, &tag) } else { !tag.strong_eq(&entity_tag(&now)) }
    };
    if !wait.is_asked() || is_news(&now) {
        return Ok(now);
    }
    let worker = request.app_data::<Rc<Worker>>().ok_or_else(Problem::internal)?;
    let deadline = Instant::now() + wait.time(worker);
    let waiter = Waiter::open(worker.clone(), identity.clone(), Following::default());
    waiter.begun().await.map_err(Problem::ended)?;
    loop {
        let state = read().await?;
        if is_news(&state) || waiter.next(deadline).await.is_none() {
            return Ok(state);
        }
    }
}

/// The versions count every change of what is shown, within one life of the inbox.
fn entity_tag(state: &InboxState) -> EntityTag {
    let counters = state.counters;
    EntityTag::new_strong(format!("{}.{}.{}", state.head.epoch, counters.version, counters.marks_version))
}
