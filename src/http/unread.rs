//! `GET /v1/notifications/unread`: the number for a bell, cheap to poll (PROTOCOL.md section 5).

use std::rc::Rc;

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{
        Method,
        header::{self, EntityTag},
    },
    web::Data,
};
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::{Api, answers, etag::is_known, extract::Caller, problem::Problem, socket, wait::Wait};
use crate::{
    domain::Identity,
    protocol::{CloseCode, Seconds},
    session::{Following, Waiter, Worker},
    store::messages::InboxCounters,
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
        ("wait" = inline(Option<Seconds>), Query, description = "Seconds to wait for a change; above 60 counts as 60."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the last answer."),
        ("Prefer" = Option<String>, Header, description = "`wait=n`, as `wait` in the query.", example = "wait=25"),
    ),
    responses(
        answers::Identified,
        answers::Stored,
        answers::Waits,
        (status = 200, description = "The counters.", body = UnreadBody,
            headers(("ETag" = String, description = "Strong.")),
            example = json!({
                "unread": 3, "unseen": 1, "display": "3", "version": 57, "marks_version": 9, "next_poll_ms": 30000
            })),
        (status = 304, description = "Nothing has changed.", headers(("ETag" = String, description = "Strong."))),
    )
)]
pub async fn unread(request: HttpRequest, caller: Caller, api: Data<Api>) -> Result<HttpResponse, Problem> {
    // Nobody waits for a head alone.
    let wait = if request.method() == Method::HEAD { Wait::NONE } else { Wait::read(&request)? };
    let inbox = counters_after(&request, caller.0, &api, wait).await?;
    let tag = entity_tag(&inbox);
    let start = |mut response: HttpResponseBuilder| {
        wait.confirm(&mut response);
        response.insert_header((header::ETAG, tag.to_string()));
        response
    };
    if is_known(&request, &tag) {
        return Ok(start(HttpResponse::NotModified()).finish());
    }
    let counters = inbox.counters;
    Ok(start(HttpResponse::Ok()).json(UnreadBody {
        unread: counters.unread,
        unseen: counters.unseen,
        display: counters.display(),
        version: counters.version,
        marks_version: counters.marks_version,
        next_poll_ms: NEXT_POLL_MS,
    }))
}

/// The counters that the client does not know yet, as soon as there are any; after the wait, those that
/// there are. Who names none knows those of now.
async fn counters_after(
    request: &HttpRequest,
    identity: Identity,
    api: &Api,
    wait: Wait,
) -> Result<InboxCounters, Problem> {
    let now = api.store.counters(&identity.user).await?;
    let names_one = request.headers().contains_key(header::IF_NONE_MATCH);
    let is_news = |inbox: &InboxCounters| {
        if names_one { !is_known(request, &entity_tag(inbox)) } else { *inbox != now }
    };
    if !wait.is_asked() || is_news(&now) {
        return Ok(now);
    }
    let worker = request.app_data::<Rc<Worker>>().ok_or_else(Problem::internal)?;
    let time = wait.time(worker);
    if time.is_zero() {
        return Ok(now);
    }
    let place = worker.limits.place(worker.gate.client(request))?;
    let (deadline, line) = (Instant::now() + time, socket::line(request)?);
    let waiter = Waiter::open(worker.clone(), identity.clone(), Following::default(), line, place);
    match waiter.begun().await {
        Ok(()) => {}
        // The wait is over before it began.
        Err(CloseCode::Restart) => return Ok(now),
        Err(code) => return Err(Problem::ended(code)),
    }
    loop {
        let inbox = api.store.counters(&identity.user).await?;
        if is_news(&inbox) {
            return Ok(inbox);
        }
        if waiter.next(deadline).await.is_none() {
            return match waiter.end() {
                // One too many was not waiting at all: what there is would only be asked for again.
                Some(code @ (CloseCode::RateLimited | CloseCode::Revoked)) => Err(Problem::ended(code)),
                _ => Ok(inbox),
            };
        }
    }
}

/// The versions count every change of what is shown, within one life of the inbox.
fn entity_tag(inbox: &InboxCounters) -> EntityTag {
    let counters = inbox.counters;
    EntityTag::new_strong(format!("{}.{}.{}", inbox.epoch, counters.version, counters.marks_version))
}
