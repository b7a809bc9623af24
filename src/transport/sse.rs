//! A session over Server-Sent Events, `GET /v1/sse` (PROTOCOL.md section 4, WHATWG HTML section 9.2).
//!
//! A browser's `EventSource` takes any answer but 200 for the end, and never comes again. So who may
//! follow and must only wait gets 200, is told when to come, and the stream ends.

use std::{rc::Rc, sync::atomic::Ordering, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{StatusCode, Version, header},
    web,
};

use super::{
    hand_over::HandOver,
    query::Query,
    sse_writer::{SseWriter, goodbye},
};
use crate::{
    auth::gate::Surface,
    clock,
    domain::{Cursor, Transport, UserId},
    http::{answers, problem::Problem, rate_limit, socket},
    limits::{Excess, Place},
    protocol::{CloseCode, ErrorCode, event_stream::Naming},
    session::{OpenSession, Opening, Session, Worker},
};

/// Follow over Server-Sent Events
///
/// Opens a session on this worker, and tells what it hears as long as the client stays: the events of section 3
/// of PROTOCOL.md, each under its type as `event:`, with the cursor after it as `id:`. A browser's
/// `EventSource` works, and comes back by itself with `Last-Event-ID`. Whoever may follow and must only wait
/// (too many have come, or the server is about to stop) gets 200, `retry:`, `goodbye`, and the end.
#[utoipa::path(
    get, path = "/v1/sse", tag = "Follow", operation_id = "open_event_stream",
    params(
        ("rooms" = Option<String>, Query, description = "At most 10 rooms to join, with commas between; also `room`.", example = "general,chat:lobby"),
        ("since" = Option<Cursor>, Query, description = "What the client has seen; what it missed follows."),
        ("event" = Option<String>, Query, description = "`message` sends every event unnamed, for clients that only set `onmessage`.", pattern = "^message$"),
        ("Last-Event-ID" = Option<Cursor>, Header, description = "Goes before `since`."),
    ),
    responses(
        answers::Identified,
        answers::Follows,
        answers::Streams,
        answers::Enters,
        (status = 200, description = "The stream.", body = String, content_type = "text/event-stream",
            headers(("X-Accel-Buffering" = String, description = "`no`.")),
            example = "retry: 1873\n\nevent: note.text\nid: inbox@szlhwm0g.1\ndata: {\"id\":\"ntf_01M80RGBFJAPQ3ZKRMXZC4KYHW\",\"type\":\"note.text\",\"v\":1,\"position\":\"szlhwm0g.1\",\"payload\":{\"text\":\"Build finished\"},\"created_at\":\"2026-11-22T04:33:51.602Z\"}\n\n"),
    )
)]
pub async fn event_stream(request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let worker = request.app_data::<Rc<Worker>>().cloned().ok_or_else(Problem::internal)?;
    accepts_events(&request)?;
    let entered = worker.limits.enter(worker.gate.client(&request), Instant::now());
    let identity = match entered {
        Ok(_) => {
            let identity = worker.gate.admit(&request, Surface::Stream, clock::now()).await?;
            identity.ok_or_else(Problem::unauthorized)?
        }
        Err(excess) => {
            let identity = worker.gate.recognize(&request, Surface::Stream, clock::now());
            identity.ok_or_else(|| rate_limit::refusal(&request, excess))?
        }
    };
    let query = Query::read(&request)?;
    query.limit_rooms(worker.policy.sse_rooms)?;
    query.allow_rooms(&identity)?;
    let naming = match query.text("event") {
        None => Naming::ByType,
        Some("message") => Naming::Unnamed,
        Some(_) => return Err(Problem::new(ErrorCode::BadMessage, "event is message, or left out")),
    };
    let place = match place(&worker, entered, &identity.user).await {
        Ok(place) => place,
        Err(code) => {
            let retry_after = worker.policy.retry_after(Transport::EventStream);
            return Ok(response(&request).body(goodbye(code, retry_after, naming)));
        }
    };

    let (cursor, line) = (query.following.cursor(), socket::one_way_line(&request)?);
    let session = Session::open(worker, Transport::EventStream, query.following, line, place);
    session.admit(identity, Opening::Welcome(None));
    let (session, is_chunked) = (OpenSession::from(session), request.version() >= Version::HTTP_11);
    let serve = move |incoming| SseWriter::new(session, cursor, naming, is_chunked, incoming);
    let body = HandOver::new(&request, payload, serve)?;
    // Its connection ends with it, and no proxy is to keep that for another request.
    let mut response = response(&request).force_close().streaming(body);
    if !is_chunked {
        // It knows no chunks (RFC 9112 section 6.1): the stream ends with its connection.
        response.head_mut().no_chunking(true);
    }
    Ok(response)
}

fn response(request: &HttpRequest) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(StatusCode::OK);
    response
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // A proxy that gathers would hold events back (nginx).
        .insert_header(("X-Accel-Buffering", "no"));
    if request.version() < Version::HTTP_11 {
        response.force_close();
    }
    response
}

/// The place of a client that may follow.
///
/// # Errors
/// Why it has to come again later, if it has to.
async fn place(worker: &Worker, entered: Result<Place, Excess>, user: &UserId) -> Result<Place, CloseCode> {
    if worker.is_draining.load(Ordering::Relaxed) {
        return Err(CloseCode::Restart);
    }
    let place = entered.map_err(|_| CloseCode::RateLimited)?;
    // Others may have come while the hub was asked.
    let has_place = worker.hub.has_place(user.clone()).await && !worker.turns_away();
    if has_place { Ok(place) } else { Err(CloseCode::RateLimited) }
}

/// Whether the client takes an event stream for an answer (RFC 9110 section 12.5.1).
fn accepts_events(request: &HttpRequest) -> Result<(), Problem> {
    let mut accepted = request.headers().get_all(header::ACCEPT).peekable();
    let is_fit = |range: &str| {
        let essence = range.split(';').next().unwrap_or_default().trim();
        ["text/event-stream", "text/*", "*/*"].iter().any(|fit| essence.eq_ignore_ascii_case(fit))
    };
    if accepted.peek().is_none()
        || accepted.any(|value| value.to_str().is_ok_and(|list| list.split(',').any(is_fit)))
    {
        return Ok(());
    }
    Err(Problem::new(ErrorCode::BadMessage, "Accept has no text/event-stream")
        .status(StatusCode::NOT_ACCEPTABLE))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn b36_who_does_not_accept_an_event_stream_gets_none() {
        let accepts = |values: &[&str]| {
            let request = values
                .iter()
                .fold(TestRequest::get(), |request, value| request.append_header((header::ACCEPT, *value)));
            accepts_events(&request.to_http_request()).is_ok()
        };
        assert!(accepts(&[]));
        for fit in ["text/event-stream", "Text/Event-Stream; charset=utf-8", "*/*", "text/html, */*;q=0.1"] {
            assert!(accepts(&[fit]), "{fit}");
        }
        assert!(accepts(&["text/html", "text/event-stream"]));
        for unfit in ["application/json", "", "text/html", "text/event-streams"] {
            assert!(!accepts(&[unfit]), "{unfit}");
        }
    }
}
