//! Whether a push is tried again, and when. Pure.

use std::time::Duration;

use super::provider::Answer;
use crate::{
    domain::Timestamp,
    random,
    store::messages::{ClaimedPush, PushOutcome},
};

/// Attempts before a push is given up: the first, and three more.
const ATTEMPTS_MAX: u32 = 4;

/// The pause after the first attempt, and by how much each one after is longer: about 5 s, 30 s, 3 min.
const PAUSE: Duration = Duration::from_secs(5);
const GROWTH: u32 = 6;

/// The shortest and the longest pause that a service can ask for.
const ASKED_MIN: Duration = Duration::from_secs(1);
const ASKED_MAX: Duration = Duration::from_secs(3600);

/// What is to be recorded of an attempt.
pub fn judge(answer: Answer, push: &ClaimedPush, now: Timestamp, ttl: Duration) -> PushOutcome {
    match answer {
        Answer::Taken { status } => PushOutcome::Sent { status },
        Answer::Gone { status } => PushOutcome::Gone { status },
        Answer::Never { status, reason } => PushOutcome::Dead { status, reason },
        Answer::Forbidden => PushOutcome::Refused { reason: "the address is not one that may be pushed to" },
        Answer::Later { status, reason, .. } if push.attempt >= ATTEMPTS_MAX => {
            PushOutcome::Dead { status, reason }
        }
        Answer::Later { after, status, reason } => {
            let after = pause(after, push.attempt);
            let ends_at = push.expires_at.unwrap_or(Timestamp::from_micros(i64::MAX));
            if now.plus(after) >= ends_at.min(push.first_tried_at.plus(ttl)) {
                return PushOutcome::Dead { status, reason };
            }
            PushOutcome::Retry { after, status, reason }
        }
    }
}

/// With jitter, so that what failed together does not come again together.
fn pause(asked: Option<Duration>, attempt: u32) -> Duration {
    match asked {
        Some(asked) => {
            let asked = asked.clamp(ASKED_MIN, ASKED_MAX);
            asked + random::up_to(asked / 10)
        }
        None => {
            let longest = PAUSE * GROWTH.saturating_pow(attempt.clamp(1, ATTEMPTS_MAX) - 1);
            longest / 2 + random::up_to(longest / 2)
        }
    }
}

/// Its word in the numbers for operators.
pub fn word(outcome: &PushOutcome) -> &'static str {
    match outcome {
        PushOutcome::Sent { .. } => "sent",
        PushOutcome::Retry { .. } => "retried",
        PushOutcome::Gone { .. } => "gone",
        PushOutcome::Refused { .. } => "address_refused",
        PushOutcome::Dead { .. } => "dead",
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::claimed, *};

    const TTL: Duration = Duration::from_secs(24 * 3600);

    fn later(after: Option<u64>) -> Answer {
        Answer::Later { after: after.map(Duration::from_secs), status: Some(503), reason: "it is ill" }
    }

    fn pause_of(outcome: PushOutcome) -> Option<f64> {
        match outcome {
            PushOutcome::Retry { after, .. } => Some(after.as_secs_f64()),
            _ => None,
        }
    }

    #[test]
    fn what_may_go_better_is_tried_three_times_more_each_after_a_longer_pause() {
        let mut push = claimed();
        for (attempt, shortest, longest) in [(1, 2.5, 5.0), (2, 15.0, 30.0), (3, 90.0, 180.0)] {
            push.attempt = attempt;
            let pause = pause_of(judge(later(None), &push, push.first_tried_at, TTL)).unwrap();
            assert!((shortest..=longest).contains(&pause), "{attempt}: {pause}");
        }
        push.attempt = 4;
        let given_up = PushOutcome::Dead { status: Some(503), reason: "it is ill" };
        assert_eq!(judge(later(None), &push, push.first_tried_at, TTL), given_up);
        assert_eq!(judge(later(Some(1)), &push, push.first_tried_at, TTL), given_up);
    }

    #[test]
    fn a_service_says_when_within_reason() {
        let push = claimed();
        for (asked, shortest, longest) in [(0, 1.0, 1.1), (3, 3.0, 3.3), (999_999, 3600.0, 3960.0)] {
            let pause = pause_of(judge(later(Some(asked)), &push, push.first_tried_at, TTL)).unwrap();
            assert!((shortest..=longest).contains(&pause), "{asked}: {pause}");
        }
    }

    #[test]
    fn nothing_is_tried_again_after_its_life() {
        let mut push = claimed();
        let now = push.first_tried_at.plus(Duration::from_secs(60));
        let is_tried = |push: &ClaimedPush, ttl: u64| {
            pause_of(judge(later(Some(30)), push, now, Duration::from_secs(ttl))).is_some()
        };
        assert!(is_tried(&push, 95) && !is_tried(&push, 85));
        push.expires_at = Some(now.plus(Duration::from_secs(20)));
        assert!(!is_tried(&push, 95));
    }

    #[test]
    fn a_refusal_is_no_reason_to_try_again() {
        let push = claimed();
        let outcome = |answer| judge(answer, &push, push.first_tried_at, TTL);
        assert_eq!(outcome(Answer::Taken { status: 201 }), PushOutcome::Sent { status: 201 });
        assert_eq!(outcome(Answer::Gone { status: 410 }), PushOutcome::Gone { status: 410 });
        let never = Answer::Never { status: Some(413), reason: "too large" };
        assert_eq!(outcome(never), PushOutcome::Dead { status: Some(413), reason: "too large" });
        assert!(matches!(outcome(Answer::Forbidden), PushOutcome::Refused { .. }));
    }
}
