//! Whether an event is sent again, and when. Pure.

use std::time::Duration;

use crate::{
    egress::client::Reply,
    random,
    store::messages::{GONE, WebhookOutcome},
};

/// The longest pause that a receiver can ask for.
const ASKED_MAX: Duration = Duration::from_secs(24 * 3600);

/// Why an event was not sent to an address inside the network.
pub const FORBIDDEN: &str = "its host is at an address that is not public (webhooks.allowed_hosts)";

/// What is to be recorded of an attempt; `pauses` are those before each further one.
pub fn judge(reply: Reply, attempt: u32, pauses: &[Duration]) -> WebhookOutcome {
    let (status, asked, reason) = match reply {
        Reply::Answered { status: status @ 200..=299, .. } => return WebhookOutcome::Sent { status },
        Reply::Answered { status: GONE, after } => (Some(GONE), after, "it wants nothing any more"),
        Reply::Answered { status, after } => (Some(status), after, "it did not take it"),
        Reply::Silence(reason) => (None, None, reason),
        Reply::Forbidden => (None, None, FORBIDDEN),
    };
    let planned = usize::try_from(attempt).ok().and_then(|attempt| pauses.get(attempt.checked_sub(1)?));
    match planned {
        Some(pause) => {
            let after = spread(*pause).max(asked.unwrap_or_default().min(ASKED_MAX));
            WebhookOutcome::Retry { after, status, reason }
        }
        None => WebhookOutcome::Dead { status, reason },
    }
}

/// A tenth more or less, so that what failed together does not come again together.
fn spread(pause: Duration) -> Duration {
    pause - pause / 10 + random::up_to(pause / 5)
}

/// Its word in the numbers for operators.
pub fn word(outcome: &WebhookOutcome) -> &'static str {
    match outcome {
        WebhookOutcome::Sent { .. } => "sent",
        WebhookOutcome::Retry { reason, .. } | WebhookOutcome::Dead { reason, .. }
            if *reason == FORBIDDEN =>
        {
            "address_refused"
        }
        WebhookOutcome::Retry { .. } => "retried",
        WebhookOutcome::Dead { .. } => "dead",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(300)];

    fn pause(reply: Reply, attempt: u32) -> Option<f64> {
        match judge(reply, attempt, &PAUSES) {
            WebhookOutcome::Retry { after, .. } => Some(after.as_secs_f64()),
            _ => None,
        }
    }

    #[test]
    fn only_what_is_taken_is_sent_and_all_else_is_tried_again_as_planned() {
        for status in [200, 201, 202, 204, 299] {
            let reply = Reply::Answered { status, after: None };
            assert_eq!(judge(reply, 1, &PAUSES), WebhookOutcome::Sent { status });
        }
        let failures = [301, 400, 401, 404, 410, 429, 500, 503]
            .map(|status| Reply::Answered { status, after: None })
            .into_iter()
            .chain([Reply::Silence("no answer"), Reply::Forbidden]);
        for reply in failures {
            assert!((4.5..=5.5).contains(&pause(reply, 1).unwrap()), "{reply:?}");
            assert!((270.0..=330.0).contains(&pause(reply, 2).unwrap()), "{reply:?}");
            let last = judge(reply, 3, &PAUSES);
            assert!(matches!(last, WebhookOutcome::Dead { .. }), "{reply:?}");
        }
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_pause_and_for_no_shorter_one() {
        let busy = |after| Reply::Answered { status: 429, after: Some(Duration::from_secs(after)) };
        assert_eq!(pause(busy(60), 1), Some(60.0));
        assert!(pause(busy(1), 1).unwrap() >= 4.5);
        assert_eq!(pause(busy(999_999_999), 1), Some(86_400.0));
    }

    #[test]
    fn an_address_that_is_refused_has_a_word_of_its_own() {
        assert_eq!(word(&judge(Reply::Forbidden, 1, &PAUSES)), "address_refused");
        assert_eq!(word(&judge(Reply::Silence("x"), 1, &PAUSES)), "retried");
        assert_eq!(word(&judge(Reply::Silence("x"), 3, &PAUSES)), "dead");
    }
}
