//! `GET /v1/notifications/unread`: the number for a bell, cheap to poll (PROTOCOL.md section 5).

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, EntityTag},
    web::Data,
};
use serde::Serialize;

use super::{Api, extract::Caller, problem::Problem};
use crate::store::messages::InboxCounters;

/// When a client that polls should come again, in milliseconds.
const NEXT_POLL_MS: u64 = 30_000;

pub async fn unread(request: HttpRequest, caller: Caller, api: Data<Api>) -> Result<HttpResponse, Problem> {
    let inbox = api.store.counters(&caller.0.user).await?;
    Ok(answer(&request, &inbox))
}

/// The numbers, or that the client has them already.
fn answer(request: &HttpRequest, inbox: &InboxCounters) -> HttpResponse {
    let tag = entity_tag(inbox);
    let etag = (header::ETAG, tag.to_string());
    if is_known(request, &tag) {
        return HttpResponse::NotModified().insert_header(etag).finish();
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
    let counters = inbox.counters;
    HttpResponse::Ok().insert_header(etag).json(Body {
        unread: counters.unread,
        unseen: counters.unseen,
        display: counters.display(),
        version: counters.version,
        marks_version: counters.marks_version,
        next_poll_ms: NEXT_POLL_MS,
    })
}

/// The versions count every change of what is shown, within one life of the inbox.
fn entity_tag(inbox: &InboxCounters) -> EntityTag {
    let counters = inbox.counters;
    EntityTag::new_strong(format!("{}.{}.{}", inbox.epoch, counters.version, counters.marks_version))
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
