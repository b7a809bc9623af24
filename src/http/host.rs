//! In dev mode only loopback hosts are answered: a page elsewhere whose name was pointed at this
//! machine (DNS rebinding) gets 421.

use std::net::IpAddr;

use actix_web::{
    Error, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::StatusCode,
    middleware::Next,
};

use super::problem::Problem;
use crate::protocol::ErrorCode;

pub async fn loopback_only<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if is_loopback(request.request().full_url().host_str().unwrap_or_default()) {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let problem = Problem::new(ErrorCode::NotFound, "in dev mode only a loopback host is answered")
        .status(StatusCode::MISDIRECTED_REQUEST);
    Ok(request.into_response(problem.error_response()).map_into_right_body())
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in ["localhost", "LOCALHOST", "app.localhost", "127.0.0.1", "127.9.9.9", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.1"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
