//! `GET /metrics`: numbers of this instance, for a scraper.

use std::time::{Duration, Instant};

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use tokio::time::timeout;

use super::{Api, admin::Administrator, answers, extract::Arguments, health, problem::Problem};
use crate::{
    bridge::BridgeLink,
    hub::messages::{Headcount, HubFigures, Measure},
    observe::metrics::{CONTENT_TYPE, HubNow, Now, render},
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
    // Whoever looks why a hub is late needs the rest all the more.
    let figures = api.hub.ask(Measure).await.ok();
    let hub_response = asked.elapsed();
    let known_by_hub = figures.map(|HubFigures { heads, history_bytes, workers }| {
        let Headcount { sessions, users, rooms } = heads;
        let sessions = [("websocket", sessions.websocket), ("sse", sessions.sse), ("poll", sessions.poll)];
        HubNow { sessions, users, rooms, history_bytes, workers }
    });
    let bridge = api.bridge.as_ref();
    let text = render(&Now {
        is_ready: matches!(ready, Ok(Ok(()))),
        known_by_hub,
        hub_response,
        outboxes: api.outboxes.standing(),
        hub: api.hub.standing(),
        store: api.store.standing(),
        bus_state: bridge.map_or("off", |bridge| bridge.state().as_str()),
        bus_orders: bridge.map_or(0, BridgeLink::orders_waiting),
        bus_rejected: bridge.map_or(0, BridgeLink::rejected),
    });
    let mut response = HttpResponse::Ok();
    response.content_type(CONTENT_TYPE).insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(response.body(text))
}
