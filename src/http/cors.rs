//! Which pages may call the API from a browser (Fetch standard, CORS protocol).
//!
//! Only grants; who is refused is the business of the gate, since a request may carry `Origin` and no
//! right of a page at all.

use std::sync::Arc;

use actix_cors::Cors;

use crate::auth::gate::Gate;

/// How long a browser may keep the answer to a preflight, in seconds.
const PREFLIGHT_MAX_AGE_SECS: usize = 3600;

/// Lets pages of `http.allowed_origins` call the API, with cookies; never all pages (T1). The gate is asked each time,
/// since they may change.
pub fn cors(gate: Arc<Gate>) -> Cors {
    Cors::default()
        .allowed_origin_fn(move |origin, _| gate.is_allowed_origin(origin))
        .allowed_methods(["GET", "POST", "PUT", "DELETE"])
        .allow_any_header()
        .expose_headers([
            "ETag",
            "Link",
            "X-Request-Id",
            "traceparent",
            "Retry-After",
            "RateLimit",
            "RateLimit-Policy",
            "Idempotent-Replayed",
            "Preference-Applied",
        ])
        .supports_credentials()
        .block_on_origin_mismatch(false)
        .max_age(PREFLIGHT_MAX_AGE_SECS)
}
