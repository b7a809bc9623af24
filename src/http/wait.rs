//! How long a request may wait for something to happen: `wait=` in the query, or `Prefer: wait=` (RFC 7240
//! section 4.3).

use std::{collections::HashMap, sync::atomic::Ordering, time::Duration};

use actix_web::{
    HttpRequest, HttpResponseBuilder,
    http::header::{HeaderName, HeaderValue},
    web::Query,
};

use super::{pace::Pace, problem::Problem};
use crate::{protocol::ErrorCode, session::Worker};

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Longest wait, in seconds: proxies let go of what is silent for longer.
const WAIT_MAX_SECS: u64 = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    secs: u64,
    is_preference: bool,
}

impl Wait {
    pub const NONE: Self = Self { secs: 0, is_preference: false };

    /// Reads it from the query, or else from the header; a longer one than the longest counts as that, and
    /// none is no wait. Where connections are scarce nobody waits: others could not even be refused.
    ///
    /// # Errors
    /// 400 for what is no whole number of seconds.
    pub fn read(request: &HttpRequest) -> Result<Self, Problem> {
        let query = Query::<HashMap<String, String>>::from_query(request.query_string()).ok();
        let query = query.as_ref().and_then(|query| query.get("wait")).map(String::as_str);
        let preferences = request.headers().get_all(PREFER).filter_map(|value| value.to_str().ok());
        let preferred = preferences.flat_map(|list| list.split([',', ';'])).find_map(|preference| {
            let (name, value) = preference.split_once('=')?;
            name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"'))
        });
        let secs = match query.or(preferred) {
            Some(text) => seconds(text)
                .ok_or_else(|| Problem::new(ErrorCode::BadMessage, "wait is a whole number of seconds"))?,
            None => 0,
        };
        if Pace::of(request).is_some_and(|pace| pace.is_scarce()) {
            return Ok(Self::NONE);
        }
        Ok(Self { secs, is_preference: query.is_none() && preferred.is_some() })
    }

    pub fn is_asked(self) -> bool {
        self.secs > 0
    }

    /// How long this worker keeps the request: no time at all while it takes no more sessions.
    pub fn time(self, worker: &Worker) -> Duration {
        let keeps_waiting = !worker.is_full() && !worker.is_draining.load(Ordering::Relaxed);
        if keeps_waiting { Duration::from_secs(self.secs) } else { Duration::ZERO }
    }

    /// Says that the preference was followed (RFC 7240 section 3).
    pub fn confirm(self, response: &mut HttpResponseBuilder) {
        if self.is_preference
            && let Ok(value) = HeaderValue::from_str(&format!("wait={}", self.secs))
        {
            response.insert_header((PREFERENCE_APPLIED, value));
        }
    }
}

fn seconds(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(WAIT_MAX_SECS).min(WAIT_MAX_SECS))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn b37_a_wait_is_a_whole_number_of_seconds_and_clamped() {
        for (text, secs) in [("0", 0), ("25", 25), ("61", 60), ("999999", 60), (&"9".repeat(99), 60)] {
            assert_eq!(seconds(text), Some(secs), "{text}");
        }
        for bad in ["", "-1", "abc", "1.5", "1e1", "+1", " 1"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_query_goes_before_the_header() {
        let read = |prefer: &'static str, uri: &str| {
            let request = TestRequest::with_uri(uri).insert_header((PREFER, prefer)).to_http_request();
            Wait::read(&request).map(|wait| (wait.secs, wait.is_preference)).map_err(drop)
        };
        assert_eq!(read("respond-async, Wait=10", "/"), Ok((10, true)));
        assert_eq!(read("wait=10", "/?wait=5"), Ok((5, false)));
        assert_eq!(read("respond-async", "/?x=1"), Ok((0, false)));
        assert_eq!(read("wait=x", "/"), Err(()));
        assert_eq!(read("wait=5", "/?wait=-1"), Err(()));
    }
}
