//! The HTTP API (PROTOCOL.md section 6): the table of routes, one file for each resource.
//!
//! A handler parses, asks the store or the hub with a deadline, and renders; it owns nothing.

mod admin;
pub mod answers;
pub mod body;
mod cors;
pub mod crowd;
mod draft;
pub mod draining;
mod endpoint;
pub mod etag;
mod extract;
mod faults;
mod health;
pub mod held;
pub mod host;
mod inbox;
mod marks;
mod me;
mod measure;
mod metrics;
mod mutes;
mod notifications;
pub mod pace;
pub mod patience;
mod pieces;
mod preferences;
pub mod problem;
mod push;
pub mod rate_limit;
pub mod request_id;
mod rooms;
pub mod socket;
mod tickets;
pub mod turn;
mod unread;
pub mod uri;
pub mod wait;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use actix_web::{
    HttpResponse,
    web::{self, PathConfig, ServiceConfig},
};
pub use cors::cors;
pub use endpoint::Endpoint;
use problem::Problem;
use utoipa::OpenApi;

use crate::{
    auth::gate::{Gate, revoking::Revoker},
    bridge::BridgeLink,
    hub::HubLink,
    limits::Limits,
    outbox::OutboxPool,
    peers::PeersLink,
    push::PushDesk,
    store::StoreLink,
    webhooks::WebhookDesk,
};

/// What handlers work with.
pub struct Api {
    pub store: StoreLink,
    pub hub: HubLink,
    /// `None` where this node is alone.
    pub bridge: Option<BridgeLink>,
    pub gate: Arc<Gate>,
    pub limits: Arc<Limits>,
    pub revoker: Arc<Revoker>,
    pub peers: PeersLink,
    /// `None` where nothing is pushed.
    pub push: Option<PushDesk>,
    /// `None` where no application is told.
    pub webhooks: Option<WebhookDesk>,
    /// What all outboxes hold together.
    pub outboxes: OutboxPool,
    /// The process is about to stop and wants no new work.
    pub is_draining: Arc<AtomicBool>,
    pub body_limit: usize,
    pub body_timeout: Duration,
    /// Largest `data` of a message to a room, in bytes.
    pub data_bytes: usize,
}

/// The part of the document of the API that is about these addresses.
#[derive(OpenApi)]
#[openapi(
    paths(
        health::health, health::ready, metrics::metrics,
        me::me, tickets::issue, preferences::fetch, preferences::replace,
        notifications::publish, notifications::send,
        inbox::list, inbox::fetch, inbox::delete,
        marks::mark, marks::acknowledge, unread::unread,
        mutes::list, mutes::put, mutes::remove,
        push::key, push::subscribe, push::list, push::unsubscribe,
        rooms::publish, rooms::messages, rooms::presence,
        admin::revocations::revoke, admin::revocations::end_session, admin::users::erase,
        admin::unread::unread, admin::notifications::trace, admin::push::retry,
        admin::nodes::stats, admin::nodes::sessions, admin::nodes::rooms,
        admin::webhooks::stand, admin::webhooks::enable, admin::webhooks::retry, admin::webhooks::test,
        admin::webhooks::trace,
    ),
    components(schemas(problem::ProblemBody<'_>, draft::PushBody, mutes::MuteBody, admin::push::RetryBody))
)]
pub struct Documented;

/// What is asked on a listener: where administrators have one of their own, they are answered nowhere else (T17).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// The only one, for everybody.
    Only,
    /// For clients.
    Public,
    /// For administrators; whoever reaches it may read the metrics.
    Admin,
}

/// Every address of the API but those of the transports, as a listener has them: the tables of routes.
pub fn endpoints(listener: Listener) -> Vec<Endpoint> {
    let at = Endpoint::new;
    let (metrics, open_metrics) =
        (at("/metrics").get(metrics::metrics), at("/metrics").get(metrics::numbers));
    let mut endpoints = vec![at("/health").get(health::health), at("/ready").get(health::ready)];
    match listener {
        Listener::Only => {
            endpoints.extend(for_clients());
            endpoints.push(metrics);
            endpoints.extend(for_administrators());
        }
        Listener::Public => endpoints.extend(for_clients()),
        Listener::Admin => {
            endpoints.push(open_metrics);
            endpoints.extend(for_administrators());
        }
    }
    endpoints
}

fn for_clients() -> Vec<Endpoint> {
    let at = Endpoint::new;
    vec![
        at("/v1/me").get(me::me),
        at("/v1/tickets").post(tickets::issue),
        at("/v1/preferences").get(preferences::fetch).put(preferences::replace),
        at("/v1/mutes").get(mutes::list),
        at("/v1/mutes/{pattern}").put(mutes::put).delete(mutes::remove),
        at("/v1/push/key").get(push::key),
        at("/v1/push/subscriptions").get(push::list).post(push::subscribe),
        at("/v1/push/subscriptions/{id}").delete(push::unsubscribe),
        at("/v1/send/{user}").post(notifications::send),
        at("/v1/notifications").get(inbox::list).post(notifications::publish),
        // These words are no ids, and so stand before them.
        at("/v1/notifications/unread").get(unread::unread),
        at("/v1/notifications/mark").post(marks::mark),
        at("/v1/notifications/ack").post(marks::acknowledge),
        at("/v1/notifications/{id}").get(inbox::fetch).delete(inbox::delete),
        at("/v1/rooms/{room}/messages").get(rooms::messages).post(rooms::publish),
        at("/v1/rooms/{room}/presence").get(rooms::presence),
    ]
}

fn for_administrators() -> Vec<Endpoint> {
    let at = Endpoint::new;
    vec![
        at("/v1/admin/revocations").post(admin::revocations::revoke),
        at("/v1/admin/users/{user}").delete(admin::users::erase),
        at("/v1/admin/unread").get(admin::unread::unread),
        at("/v1/admin/notifications/{id}").get(admin::notifications::trace),
        at("/v1/admin/push/retry").post(admin::push::retry),
        at("/v1/admin/webhooks").get(admin::webhooks::stand),
        at("/v1/admin/webhooks/enable").post(admin::webhooks::enable),
        at("/v1/admin/webhooks/retry").post(admin::webhooks::retry),
        at("/v1/admin/webhooks/test").post(admin::webhooks::test),
        at("/v1/admin/webhooks/{id}").get(admin::webhooks::trace),
        at("/v1/admin/stats").get(admin::nodes::stats),
        at("/v1/admin/rooms").get(admin::nodes::rooms),
        at("/v1/admin/sessions").get(admin::nodes::sessions),
        at("/v1/admin/sessions/{id}").delete(admin::revocations::end_session),
    ]
}

/// The tables, and what is said where they have no row. Comes behind all other routes.
pub fn routes(listener: Listener, config: &mut ServiceConfig) {
    for endpoint in endpoints(listener) {
        config.service(endpoint);
    }
    config
        // A name in a path that cannot be decoded is the name of nothing.
        .app_data(PathConfig::default().error_handler(|_, _| Problem::not_found().into()))
        .default_service(web::to(not_found));
}

/// What is said of an address that is nobody's.
pub async fn not_found() -> Result<HttpResponse, Problem> {
    Err(Problem::not_found())
}

#[cfg(test)]
mod tests;
