//! `GET /v1/notifications/unread`: the number for a bell, cheap to poll (PROTOCOL.md section 5).

use std::rc::Rc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, EntityTag},
    web::Data,
};
use serde::Serialize;
use tokio::time::Instant;

use super::{Api, extract::Caller, problem::Problem, wait::Wait};
use crate::{
    domain::Identity,
    session::{Following, Waiter, Worker},
    store::messages::{InboxState, ReadState},
};

/// When a client that polls should come again, in milliseconds.
const NEXT_POLL_MS: u64 = 30_000;

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
    #[derive(Serialize)]
    struct Body {
        unread: u64,
        unseen: u64,
        display: String,
        version: u64,
        marks_version: u64,
        next_poll_ms: u64,
    }
    let counters = state.counters;
    let mut response = HttpResponse::Ok();
    wait.confirm(&mut response);
    Ok(response.insert_header(etag).json(Body {
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

/// Whether the client has this already (RFC 9110 section 13.1.2: weak comparison).
fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    let values = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    values
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.parse::<EntityTag>().is_ok_and(|known| known.weak_eq(tag)))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_tag_is_known_strong_or_weak_alone_or_in_a_list() {
        let tag = EntityTag::new_strong("aaaaaaaa.5.2".to_owned());
        let known = |value: &str| {
            let request = TestRequest::get().insert_header((header::IF_NONE_MATCH, value)).to_http_request();
            is_known(&request, &tag)
        };
        for value in [r#""aaaaaaaa.5.2""#, r#"W/"aaaaaaaa.5.2""#, r#""x", "aaaaaaaa.5.2""#, "*"] {
            assert!(known(value), "{value}");
        }
        for value in [r#""aaaaaaaa.5.3""#, "aaaaaaaa.5.2", ""] {
            assert!(!known(value), "{value}");
        }
    }
}
