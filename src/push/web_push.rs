//! Web Push (RFC 8030): one POST to the browser's push service, encrypted for the browser alone.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use awc::{
    ClientRequest,
    http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE},
};
use futures_util::future::LocalBoxFuture;

use super::{
    encrypt::Receiver,
    payload::Payload,
    provider::{Answer, Provider},
    vapid::Vapid,
};
use crate::{
    clock,
    domain::Timestamp,
    egress::{
        Endpoint, EndpointRule, Patience,
        client::{Clients, Reply, exchange},
    },
    store::messages::ClaimedPush,
};

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
            let (request, body) = match self.request(push, endpoint, now) {
                Ok(asked) => asked,
                Err(answer) => return answer,
            };
            let reply = exchange(request, body).await;
            if reply != Reply::Forbidden {
                self.patience.note(&origin, matches!(reply, Reply::Answered { .. }), Instant::now());
            }
            match reply {
                Reply::Answered { status, after } => judge(status, after),
                Reply::Forbidden => Answer::Forbidden,
                Reply::Silence(reason) => later(reason),
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
fn judge(status: u16, after: Option<Duration>) -> Answer {
    match status {
        200..=299 => Answer::Taken { status },
        404 | 410 => Answer::Gone { status },
        100..=199 | 408 | 429 | 500..=599 => {
            Answer::Later { status: Some(status), after, reason: "the service was not able to" }
        }
        _ => Answer::Never { status: Some(status), reason: "the service refuses it" },
    }
}

fn later(reason: &'static str) -> Answer {
    Answer::Later { status: None, after: None, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_means_what_rfc_8030_says() {
        for status in [200, 201, 202, 204] {
            assert_eq!(judge(status, None), Answer::Taken { status });
        }
        for status in [404, 410] {
            assert_eq!(judge(status, None), Answer::Gone { status });
        }
        let soon = Some(Duration::from_secs(1));
        for status in [301, 302, 307, 308, 400, 401, 403, 413] {
            assert!(matches!(judge(status, soon), Answer::Never { status: Some(_), .. }), "{status}");
        }
        for status in [103, 408, 429, 500, 502, 503, 504] {
            assert!(matches!(judge(status, soon), Answer::Later { after, .. } if after == soon), "{status}");
        }
    }
}
