//! `GET /metrics`: numbers of this instance, for a scraper.

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};

use super::{Api, admin::Administrator, answers, extract::Arguments, problem::Problem};
use crate::{
    bridge::BridgeLink,
    hub::messages::{CountHeads, Headcount},
    observe::metrics::{CONTENT_TYPE, Now, render},
};

/// The numbers of this instance
///
/// For a scraper, in the format of OpenMetrics. No label names a user or a room.
#[utoipa::path(
    get, path = "/metrics", tag = "Server", operation_id = "fetch_metrics",
    responses(
        answers::Identified,
        answers::Administrates,
        answers::AsksNodes,
        (status = 200, description = "OpenMetrics 1.0.", body = String,
            content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8",
            example = "# HELP tidings_users Users with a session.\n# TYPE tidings_users gauge\ntidings_users 2\n# EOF\n"),
    )
)]
pub async fn metrics(
    request: HttpRequest,
    _: Administrator,
    api: Data<Api>,
) -> Result<HttpResponse, Problem> {
    numbers(request, api).await
}

/// The same on a listener that administrators have for themselves: a scraper there needs no token.
pub async fn numbers(request: HttpRequest, api: Data<Api>) -> Result<HttpResponse, Problem> {
    Arguments::read(&request, &[])?;
    let Headcount { sessions, users, rooms } = api.hub.ask(CountHeads).await?;
    let bridge = api.bridge.as_ref();
    let text = render(&Now {
        sessions: [("websocket", sessions.websocket), ("sse", sessions.sse), ("poll", sessions.poll)],
        users,
        rooms,
        bus_state: bridge.map_or("off", |bridge| bridge.state().as_str()),
        bus_rejected: bridge.map_or(0, BridgeLink::rejected),
    });
    let mut response = HttpResponse::Ok();
    response.content_type(CONTENT_TYPE).insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(response.body(text))
}
