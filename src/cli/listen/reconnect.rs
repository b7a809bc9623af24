//! Whether and when to come back after a connection ended (PROTOCOL.md section 3, "Close codes").
//!
//! Pure: chance, time and what the server said are arguments.

use std::time::Duration;

/// Shortest and longest back-off.
const BACKOFF_MIN: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(20);

/// The token has expired; a new one is all that is missing.
const TOKEN_EXPIRED: u16 = 4001;

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The server closed it.
    Closed { code: u16, reason: String },
    /// The handshake was answered with this HTTP status.
    Refused { status: u16 },
    /// Network or server are gone.
    Lost(String),
}

/// What is known when a connection has ended.
pub struct Ended {
    pub end: End,
    /// What the server's `goodbye` asked for.
    pub retry_after: Option<Duration>,
    /// Attempts since a connection last held.
    pub failures: u32,
    /// Whether a new token can be had.
    pub is_renewable: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Retry(Duration),
    /// Coming back would change nothing.
    Stop(String),
}

/// Decides; `chance` is in `0.0..1.0`.
pub fn next(ended: &Ended, chance: f64) -> Next {
    match &ended.end {
        End::Closed { code: TOKEN_EXPIRED, .. } if !ended.is_renewable => {
            Next::Stop("the token has expired".to_owned())
        }
        End::Closed { code, reason } if is_final_code(*code) => {
            Next::Stop(format!("closed by the server: {code} {reason}"))
        }
        End::Refused { status } if is_final_status(*status) => {
            Next::Stop(format!("refused by the server: {}", word(*status)))
        }
        _ => Next::Retry(ended.retry_after.unwrap_or_else(|| backoff(ended.failures, chance))),
    }
}

/// Any moment up to a bound that doubles ("full jitter"), so that many clients do not come back at once.
fn backoff(failures: u32, chance: f64) -> Duration {
    let doubled = BACKOFF_MIN.saturating_mul(2_u32.saturating_pow(failures.saturating_add(1)));
    let spread = doubled.min(BACKOFF_MAX).saturating_sub(BACKOFF_MIN);
    BACKOFF_MIN + spread.mul_f64(chance.clamp(0.0, 1.0))
}

fn is_final_code(code: u16) -> bool {
    matches!(code, 1002 | 1003 | 1007 | 1008 | 1009 | 4500..=4999)
}

/// A refusal that time does not mend; 408 and 429 are over soon, and 5xx is the server's trouble.
fn is_final_status(status: u16) -> bool {
    matches!(status, 400..=499) && !matches!(status, 408 | 429)
}

fn word(status: u16) -> String {
    match status {
        401 => "401, the token is not valid there (is it made with that server's secret?)".to_owned(),
        403 => "403, not allowed".to_owned(),
        404 => "404, there is no tidings server at this address".to_owned(),
        status => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ended(end: End) -> Ended {
        Ended { end, retry_after: None, failures: 0, is_renewable: true }
    }

    fn closed(code: u16) -> Ended {
        ended(End::Closed { code, reason: String::new() })
    }

    #[test]
    fn codes_that_say_stop_stop() {
        for code in [1002, 1003, 1007, 1008, 1009, 4500, 4501, 4502, 4503, 4504, 4507, 4999] {
            assert!(matches!(next(&closed(code), 0.5), Next::Stop(_)), "{code}");
        }
        for code in [1000, 1001, 1006, 1011, 1012, 4001, 4008, 4009, 4010, 4012, 4499] {
            assert!(matches!(next(&closed(code), 0.5), Next::Retry(_)), "{code}");
        }
    }

    #[test]
    fn an_expired_token_that_cannot_be_renewed_stops() {
        let ended = Ended { is_renewable: false, ..closed(4001) };
        assert_eq!(next(&ended, 0.5), Next::Stop("the token has expired".to_owned()));
    }

    #[test]
    fn a_refused_handshake_is_tried_again_only_where_time_helps() {
        for status in [400, 401, 403, 404, 426] {
            assert!(matches!(next(&ended(End::Refused { status }), 0.5), Next::Stop(_)), "{status}");
        }
        for status in [408, 429, 500, 502, 503] {
            assert!(matches!(next(&ended(End::Refused { status }), 0.5), Next::Retry(_)), "{status}");
        }
    }

    #[test]
    fn what_the_server_asks_for_goes_before_the_back_off() {
        let ended = Ended { retry_after: Some(Duration::from_millis(1234)), ..closed(1012) };
        assert_eq!(next(&ended, 0.5), Next::Retry(Duration::from_millis(1234)));
    }

    #[test]
    fn the_back_off_doubles_up_to_20_seconds() {
        let bounds: Vec<u128> = (0..7).map(|failures| backoff(failures, 1.0).as_millis()).collect();
        assert_eq!(bounds, [1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
        assert_eq!(backoff(3, 0.0), BACKOFF_MIN);
        assert_eq!(backoff(3, 0.5), Duration::from_millis(4250));
    }

    proptest! {
        #[test]
        fn a_lost_connection_is_always_tried_again_within_the_bounds(failures: u32, chance in 0.0..1.0) {
            let ended = Ended { failures, ..ended(End::Lost("reset".to_owned())) };
            match next(&ended, chance) {
                Next::Retry(delay) => prop_assert!((BACKOFF_MIN..=BACKOFF_MAX).contains(&delay)),
                Next::Stop(why) => prop_assert!(false, "{}", why),
            }
        }
    }
}
