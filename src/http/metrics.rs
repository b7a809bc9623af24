//! `GET /metrics`: numbers of this instance, for a scraper.

use std::time::{Duration, Instant};

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use tokio::time::timeout;

use super::{Api, admin::Administrator, answers, extract::Arguments, health, problem::Problem};
use crate::{
    bridge::BridgeLink,
    hub::messages::{Headcount, HubFigures, Measure},
    observe::metrics::{CONTENT_TYPE, Now, render},
};

/// How long it is waited for whether the node is ready: a scraper waits for ten seconds, and one that gets nothing
/// knows less.
const READY_PATIENCE: Duration = Duration::from_secs(2);

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
    let ready = timeout(READY_PATIENCE, health::expect_work(&api)).await;
    let asked = Instant::now();
    let HubFigures { heads, history_bytes, workers } = api.hub.ask(Measure).await?;
    let hub_response = asked.elapsed();
    let Headcount { sessions, users, rooms } = heads;
    let bridge = api.bridge.as_ref();
    let text = render(&Now {
        is_ready: matches!(ready, Ok(Ok(()))),
        sessions: [("websocket", sessions.websocket), ("sse", sessions.sse), ("poll", sessions.poll)],
        users,
        rooms,
        history_bytes,
        hub_response,
        outboxes: api.outboxes.standing(),
        hub: api.hub.standing(),
        workers,
        store: api.store.standing(),
        bus_state: bridge.map_or("off", |bridge| bridge.state().as_str()),
        bus_rejected: bridge.map_or(0, BridgeLink::rejected),
    });
    let mut response = HttpResponse::Ok();
    response.content_type(CONTENT_TYPE).insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(response.body(text))
}
