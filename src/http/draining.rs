//! Sends clients to another instance while this one stops.

use std::sync::atomic::Ordering;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::ConnectionType,
    middleware::Next,
    web::Data,
};

use super::Api;

/// The last answer on each connection while the server stops: a client that keeps its connection would send a
/// request into its end (RFC 9112 section 9.6).
pub async fn let_go<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let api = request.app_data::<Data<Api>>().cloned();
    let mut response = next.call(request).await?;
    let is_draining = api.is_some_and(|api| api.is_draining.load(Ordering::Relaxed));
    if is_draining && !response.response().head().upgrade() {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}
