//! Web Push (RFC 8030): one POST to the browser's push service, encrypted for the browser alone.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use awc::{
    ClientRequest,
    http::{
        StatusCode,
        header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HttpDate, RETRY_AFTER},
    },
};
use futures_util::future::LocalBoxFuture;

use super::{
    ATTEMPT_MAX,
    client::{ANSWER_TIMEOUT, Clients, finish, is_forbidden},
    encrypt::Receiver,
    endpoint::{Endpoint, EndpointRule},
    patience::Patience,
    payload::Payload,
    provider::{Answer, Provider},
    vapid::Vapid,
};
use crate::{clock, domain::Timestamp, store::messages::ClaimedPush};

/// How long the head of an answer is waited for, so that the rest has its time.
const HEAD_MAX: Duration = ATTEMPT_MAX.saturating_sub(ANSWER_TIMEOUT);

pub struct WebPush {
    pub rule: Arc<EndpointRule>,
    pub vapid: Vapid,
    pub clients: Clients,
    pub patience: Patience,
    pub payload: Payload,
    /// How long a service keeps what it cannot deliver.
    pub ttl: Duration,
}

impl Provider for WebPush {
    fn attempt<'a>(&'a self, push: &'a ClaimedPush, now: Timestamp) -> LocalBoxFuture<'a, Answer> {
        Box::pin(async move {
            // The rule is another one than when the subscription came, perhaps by a slip: no reason to lose it.
            let Ok(endpoint) = self.rule.check(&push.target.endpoint) else {
                return Answer::Never {
                    status: None,
                    reason: "its host is not allowed (push.allowed_hosts)",
                };
            };
            let origin = endpoint.origin.clone();
            if !self.patience.has_any_for(&origin, Instant::now()) {
                return later("the service has not answered for a while");
            }
            let request = match self.request(push, endpoint, now) {
                Ok((request, body)) => request.send_body(body),
                Err(answer) => return answer,
            };
            let answered = tokio::time::timeout(HEAD_MAX, request).await;
            if !matches!(&answered, Ok(Err(error)) if is_forbidden(error)) {
                self.patience.note(&origin, matches!(answered, Ok(Ok(_))), Instant::now());
            }
            match answered {
                Ok(Ok(response)) => {
                    let answer = judge(response.status(), response.headers());
                    finish(response).await;
                    answer
                }
                Ok(Err(error)) if is_forbidden(&error) => Answer::Forbidden,
                Ok(Err(error)) => {
                    log::debug!("a push service does not answer: {error}");
                    later("no answer")
                }
                Err(_) => later("no answer in time"),
            }
        })
    }
}

impl WebPush {
    /// What the service is asked; or what becomes of it without that.
    fn request(
        &self,
        push: &ClaimedPush,
        Endpoint { uri, origin }: Endpoint,
        now: Timestamp,
    ) -> Result<(ClientRequest, Vec<u8>), Answer> {
        let Ok(receiver) = Receiver::parse(&push.target.p256dh, &push.target.auth) else {
            return Err(Answer::Never {
                status: None,
                reason: "the keys of the subscription cannot be used",
            });
        };
        let body = receiver.encrypt(&self.payload.text(push));
        let authorization = self.vapid.authorization(&origin, clock::now());
        let (Ok(body), Some(authorization)) = (body, authorization) else {
            return Err(later("it could not be encrypted and signed"));
        };
        let request = self
            .clients
            .get()
            .post(uri)
            .insert_header((AUTHORIZATION, authorization))
            .insert_header((CONTENT_ENCODING, "aes128gcm"))
            .insert_header((CONTENT_TYPE, "application/octet-stream"))
            .insert_header(("ttl", self.ttl_secs(push, now)))
            .insert_header(("urgency", push.urgency.as_str()))
            .insert_header(("topic", push.tag.topic()));
        Ok((request, body))
    }

    /// For how long a device may still be told of it.
    fn ttl_secs(&self, push: &ClaimedPush, now: Timestamp) -> u64 {
        let left = push.expires_at.map(|at| at.as_secs().saturating_sub(now.as_secs()));
        let left = left.map(|secs| u64::try_from(secs).unwrap_or_default());
        // Not every service knows what 0 means.
        left.unwrap_or(u64::MAX).min(self.ttl.as_secs()).max(1)
    }
}

/// What an answer means (RFC 8030 sections 5 and 7.3). A redirect is an answer like any other.
fn judge(status: StatusCode, headers: &HeaderMap) -> Answer {
    let code = status.as_u16();
    match code {
        200..=299 => Answer::Taken { status: code },
        404 | 410 => Answer::Gone { status: code },
        100..=199 | 408 | 429 | 500..=599 => {
            let after = headers.get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?));
            Answer::Later { status: Some(code), after, reason: "the service was not able to" }
        }
        _ => Answer::Never { status: Some(code), reason: "the service refuses it" },
    }
}

/// Seconds, or a date (RFC 9110 section 10.2.3).
fn retry_after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = text.parse::<HttpDate>().ok()?;
    Some(SystemTime::from(date).duration_since(SystemTime::now()).unwrap_or_default())
}

fn later(reason: &'static str) -> Answer {
    Answer::Later { status: None, after: None, reason }
}

#[cfg(test)]
mod tests {
    use awc::http::header::HeaderValue;

    use super::*;

    fn judged(status: u16, after: Option<&'static str>) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(after) = after {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(after));
        }
        judge(StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn an_answer_means_what_rfc_8030_says() {
        for status in [200, 201, 202, 204] {
            assert_eq!(judged(status, None), Answer::Taken { status });
        }
        for status in [404, 410] {
            assert_eq!(judged(status, None), Answer::Gone { status });
        }
        for status in [301, 302, 307, 308, 400, 401, 403, 413] {
            assert!(matches!(judged(status, Some("1")), Answer::Never { status: Some(_), .. }), "{status}");
        }
        for status in [103, 408, 429, 500, 502, 503, 504] {
            assert!(matches!(judged(status, None), Answer::Later { after: None, .. }), "{status}");
        }
    }

    #[test]
    fn a_service_says_when_in_seconds_or_as_a_date() {
        let after = |text| match judged(429, Some(text)) {
            Answer::Later { after, .. } => after,
            _ => None,
        };
        assert_eq!(after("3"), Some(Duration::from_secs(3)));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert!(after("Fri, 31 Dec 2100 23:59:59 GMT").unwrap() > Duration::from_secs(3600));
        for nonsense in ["", "-1", "soon", "1.5"] {
            assert_eq!(after(nonsense), None, "{nonsense}");
        }
    }
}
