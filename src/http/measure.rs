//! What is counted of each request: its route, how it was answered and how long that took.

use std::time::Duration;

use actix_web::{
    dev::ServiceResponse,
    http::{Method, StatusCode},
};

use crate::observe::metrics::RouteFigures;

/// Counts a request that has its answer. Where it went to no route, the server has figures of its own.
pub fn answered<B>(response: &ServiceResponse<B>, time: Duration) {
    let request = response.request();
    if let Some(figures) = request.app_data::<RouteFigures>() {
        figures.answered(method(request.method()), class(response.status()), time);
    }
}

/// A method that we answer; whatever else somebody makes up is one.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}
