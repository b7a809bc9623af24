//! The wall clock, for what is stored and shown; and whether it can be believed as to how old something is.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::domain::Timestamp;

/// What a clock may differ from where it should be and is still believed: what keeps it right does so in small steps.
const JUMP: Duration = Duration::from_secs(60);

/// How long a clock that has jumped must have gone on from there.
const SETTLED_AFTER: Duration = Duration::from_secs(3600);

/// Now, in UTC. Before 1970 it is 1970.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Watches one wall clock by the clock that never jumps (G16).
///
/// What is deleted for its age is gone for good, and a clock that is wrong for a minute makes everything old. So
/// deleting waits until a clock that has jumped, in whatever direction, has shown that it means it. A clone watches
/// the same clock.
#[derive(Debug, Clone, Default)]
pub struct ClockWatch(Arc<Mutex<Watched>>);

#[derive(Debug, Default)]
struct Watched {
    /// What it showed when it was first looked at, or had jumped.
    reference: Option<(Timestamp, Instant)>,
    jumped_at: Option<Instant>,
}

impl ClockWatch {
    /// Whether the clock, which shows `wall` at this instant, can be believed.
    pub fn is_settled(&self, wall: Timestamp, at: Instant) -> bool {
        // Never held over anything that could panic, so what a poisoned lock guards is whole.
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = watched.reference.map(|(wall, since)| wall.plus(at.saturating_duration_since(since)));
        let difference = expected.map_or(0, |expected| wall.as_micros() - expected.as_micros());
        let has_jumped = u128::from(difference.unsigned_abs()) > JUMP.as_micros();
        if has_jumped {
            watched.jumped_at = Some(at);
            log::warn!(
                seconds = difference / 1_000_000;
                "the clock has jumped; what is deleted for its age waits until it has gone on so for an hour"
            );
        }
        if has_jumped || watched.reference.is_none() {
            watched.reference = Some((wall, at));
        }
        watched.jumped_at.is_none_or(|jumped_at| at.saturating_duration_since(jumped_at) >= SETTLED_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A watch, and how it judges a clock that is so many seconds off after so many.
    fn judge(looks: &[(u64, i64)]) -> Vec<bool> {
        let (watch, start) = (ClockWatch::default(), Instant::now());
        let look = |&(after, off): &(u64, i64)| {
            let wall = Timestamp::from_secs(1_700_000_000 + i64::try_from(after).unwrap() + off);
            watch.is_settled(wall, start + Duration::from_secs(after))
        };
        looks.iter().map(look).collect()
    }

    #[test]
    fn a_clock_that_goes_on_is_believed_and_small_steps_do_not_matter() {
        assert_eq!(judge(&[(0, 0), (2, 0), (4, 30), (3600, -30), (100_000, 60)]), [true; 5]);
    }

    #[test]
    fn a_clock_that_has_jumped_is_believed_again_after_an_hour() {
        for day in [86_400, -86_400] {
            let looks = [(0, 0), (2, day), (1800, day), (3601, day), (3602, day), (9000, day)];
            assert_eq!(judge(&looks), [true, false, false, false, true, true]);
        }
    }

    #[test]
    fn one_that_jumps_back_has_jumped_again() {
        let looks = [(0, 0), (2, 86_400), (600, 0), (3602, 0), (4199, 0), (4200, 0)];
        assert_eq!(judge(&looks), [true, false, false, false, false, true]);
    }

    #[test]
    fn steps_add_up() {
        assert_eq!(judge(&[(0, 0), (2, 40), (4, 80)]), [true, true, false]);
    }
}
