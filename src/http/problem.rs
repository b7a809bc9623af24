//! Errors as `application/problem+json` (RFC 9457): the only place where a failure becomes a status.

use std::{fmt, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::gate::Refusal,
    domain::Invalid,
    hub::messages::RoomRefusal,
    limits::Excess,
    mailbox::AskError,
    observe::{metrics, trace::Trace},
    protocol::{CloseCode, ErrorCode},
    random,
    store::messages::StoreError,
};

/// A client that is to come again later is told to by chance, somewhere within so long after it may.
const RETRY_SPREAD: Duration = Duration::from_secs(4);

/// One fault in a body: where it is (RFC 6901) and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    #[schema(example = "/quiet/zone")]
    pub pointer: String,
    pub detail: String,
}

impl Fault {
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }

    /// A field that nobody asked for, in the object at `parent`.
    pub fn unknown(parent: &str, field: &str) -> Self {
        Self::new(
            format!("{parent}/{}", field.replace('~', "~0").replace('/', "~1")),
            "there is no such field",
        )
    }
}

/// What every refusal answers (RFC 9457): the members, in their order on the wire.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "about:blank", "title": "Unprocessable Entity", "status": 422, "detail": "the request is not valid",
    "code": "validation", "request_id": "01M80RGBFJAPQ3ZKRMXZC4KYHW",
    "trace_id": "01a200b42df25558f9d63d7fd6c9abc1",
    "errors": [{ "pointer": "/type", "detail": "this field is needed" }]
}))]
pub struct ProblemBody<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    /// For people; it may change.
    detail: &'a str,
    code: ErrorCode,
    /// The `X-Request-Id` of the request, or one that was made for it.
    request_id: &'a str,
    /// The trace of the `traceparent` of the request, or one that was begun for it.
    trace_id: &'a str,
    /// What is wrong with the body, field by field.
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [Fault],
}

/// A refused request. Never shows SQL, paths, addresses or causes.
#[derive(Debug)]
pub struct Problem {
    code: ErrorCode,
    status: StatusCode,
    detail: String,
    faults: Vec<Fault>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// To ask again before is in vain.
    wait: Duration,
}

impl Problem {
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        let (status, detail) = (code.status(), detail.into());
        Self { code, status, detail, faults: Vec::new(), headers: Vec::new(), wait: Duration::ZERO }
    }

    /// What is our fault tells nothing; the cause goes to the log.
    pub fn internal() -> Self {
        Self::new(ErrorCode::Internal, "internal error")
    }

    pub fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "there is nothing here")
    }

    /// The session of a request ended before it had anything to say.
    pub fn ended(code: CloseCode) -> Self {
        match code {
            CloseCode::RateLimited => {
                Self::new(ErrorCode::RateLimited, "too many requests of this user wait")
            }
            CloseCode::TokenExpired | CloseCode::Revoked => Self::unauthorized(),
            CloseCode::Restart => Self::new(ErrorCode::Draining, "the server is about to stop"),
            _ => Self::new(ErrorCode::Unavailable, "the store cannot be reached; try again later"),
        }
    }

    /// `allow` is the list of methods for the header of that name (RFC 9110 section 15.5.6).
    pub fn method_not_allowed(allow: &str) -> Self {
        let mut problem = Self::new(ErrorCode::NotFound, "there is no such method here")
            .status(StatusCode::METHOD_NOT_ALLOWED);
        problem.headers.extend(HeaderValue::from_str(allow).ok().map(|allow| (header::ALLOW, allow)));
        problem
    }

    /// One same answer for every reason (T2).
    pub fn unauthorized() -> Self {
        Self::new(ErrorCode::InvalidToken, "a valid token is needed")
            .header(header::WWW_AUTHENTICATE, r#"Bearer error="invalid_token""#)
    }

    /// All faults of a body or a query at once.
    pub fn validation(faults: Vec<Fault>) -> Self {
        Self { faults, ..Self::new(ErrorCode::Validation, "the request is not valid") }
    }

    /// Another status than the one that goes with the code.
    pub fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// To come again before this time would be in vain.
    fn wait(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// A header of the answer.
    pub fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    #[cfg(test)]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    fn body<'a>(&'a self, request_id: &'a str, trace_id: &'a str) -> ProblemBody<'a> {
        ProblemBody {
            // The code says what the problem is; there is no page about it (RFC 9457 section 4.2.1).
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id,
            trace_id,
            errors: &self.faults,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.content_type("application/problem+json").insert_header((header::CACHE_CONTROL, "no-store"));
        for header in &self.headers {
            response.insert_header(header.clone());
        }
        if self.code.is_retryable() {
            let seconds = 1 + (self.wait + random::up_to(RETRY_SPREAD)).as_secs();
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        metrics::problem_answered(self.code.word());
        let trace = Trace::current();
        let request_id = trace.as_ref().map(|trace| trace.request_id.as_str()).unwrap_or_default();
        let trace_id = trace.as_ref().map(Trace::trace_id).unwrap_or_default();
        response.json(self.body(request_id, &trace_id))
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::TwoCredentials => {
                Self::new(ErrorCode::BadMessage, "the request carries two credentials")
            }
            Refusal::InvalidToken => Self::unauthorized(),
            Refusal::OriginNotAllowed => Self::new(ErrorCode::OriginNotAllowed, "the origin is not allowed"),
            Refusal::Unknown(error) => error.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Overloaded | StoreError::Unavailable(_) => {
                log::warn!(error:%; "a request failed");
                Self::new(ErrorCode::Unavailable, "the store cannot be reached; try again later")
            }
            StoreError::Full(_) => {
                log::warn!(error:%; "a request failed");
                Self::new(ErrorCode::StorageFull, "the disk of the server is full; try again later")
            }
            StoreError::KeyReused => {
                Self::new(ErrorCode::Conflict, error.to_string()).status(StatusCode::UNPROCESSABLE_ENTITY)
            }
            StoreError::KeyInProgress | StoreError::TooManyMutes | StoreError::TooManySubscriptions => {
                Self::new(ErrorCode::Conflict, error.to_string())
            }
            StoreError::TooManyTickets(wait) => {
                Self::new(ErrorCode::RateLimited, format!("{error}; try again later")).wait(*wait)
            }
            StoreError::NotFound => Self::not_found(),
            StoreError::BadPosition => Self::new(ErrorCode::BadCursor, error.to_string()),
            StoreError::Internal(_) => {
                log::error!(error:%; "a request failed");
                Self::internal()
            }
        }
    }
}

/// The hub gave no answer.
impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        log::warn!(error:%; "a request failed");
        Self::new(ErrorCode::Unavailable, "rooms cannot be reached; try again later")
    }
}

impl From<RoomRefusal> for Problem {
    fn from(refusal: RoomRefusal) -> Self {
        match refusal {
            RoomRefusal::RateLimited(wait) => {
                Self::new(ErrorCode::RateLimited, "too many messages to this room; try again later")
                    .wait(wait)
            }
            RoomRefusal::Unavailable => {
                Self::new(ErrorCode::Unavailable, "the room is not to be had now; try again later")
            }
        }
    }
}

/// A bucket has one within a second, and nobody is told to come earlier than that. When a place is free nobody knows.
impl From<Excess> for Problem {
    fn from(excess: Excess) -> Self {
        Self::new(ErrorCode::RateLimited, format!("{excess}; try again later"))
    }
}

/// A text in a query, a path or a header that is not what it should be.
impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::new(ErrorCode::BadMessage, invalid.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T16. The cause is for the log.
    #[test]
    fn what_is_our_fault_says_nothing_of_its_cause() {
        let problem = Problem::from(StoreError::Internal("SELECT secret FROM table".to_owned()));
        let body = serde_json::to_value(problem.body("id", "trace")).unwrap();
        assert_eq!((problem.status.as_u16(), &body["code"]), (500, &"internal".into()));
        assert!(!body.to_string().contains("secret"));
    }
}
