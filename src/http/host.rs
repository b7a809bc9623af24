//! In dev mode only loopback hosts are answered: a page elsewhere whose name was pointed at this
//! machine (DNS rebinding) gets 421.
//!
//! Must never believe a forwarding header: such a page is same-origin with us and may send any.

use std::net::IpAddr;

use actix_web::{
    Error, ResponseError,
    body::MessageBody,
    dev::{RequestHead, ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::Next,
};

use super::problem::Problem;
use crate::protocol::ErrorCode;

/// Answers only what was sent to a name of this machine.
pub async fn loopback_only<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if is_for_loopback(request.head()) {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let problem = Problem::new(ErrorCode::NotFound, "in dev mode only a loopback host is answered")
        .status(StatusCode::MISDIRECTED_REQUEST);
    Ok(request.into_response(problem.error_response()).map_into_right_body())
}

/// Whether `Host`, and the authority of an absolute request target (RFC 9112 section 3.2.2), are loopback.
fn is_for_loopback(head: &RequestHead) -> bool {
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    is_loopback(without_port(host)) && head.uri.host().is_none_or(is_loopback)
}

/// `host[:port]`; the colons of an IPv6 address stand within brackets.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&host);
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn is_answered(request: TestRequest) -> bool {
        is_for_loopback(request.to_srv_request().head())
    }

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in
            ["localhost", "LOCALHOST:8080", "app.localhost", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:80"]
        {
            assert!(is_answered(TestRequest::get().insert_header(("host", host))), "{host}");
        }
        for host in
            ["", ":80", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8080", "192.0.2.1"]
        {
            assert!(!is_answered(TestRequest::get().insert_header(("host", host))), "{host}");
        }
    }

    #[test]
    fn a_page_does_not_talk_itself_onto_this_machine() {
        for header in [("x-forwarded-host", "localhost"), ("forwarded", "host=localhost")] {
            let rebound = TestRequest::get().insert_header(("host", "evil.example")).insert_header(header);
            assert!(!is_answered(rebound), "{header:?}");
        }
        let absolute = TestRequest::get().uri("http://evil.example/").insert_header(("host", "localhost"));
        assert!(!is_answered(absolute));
    }
}
