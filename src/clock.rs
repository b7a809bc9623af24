//! The wall clock, for what is stored and shown; and whether it can be believed as to how old something is.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::time::ClockId;

use crate::domain::Timestamp;

/// What a clock may differ from where it should be and is still believed: what keeps it right does so in small steps.
const JUMP: Duration = Duration::from_secs(60);

/// How long a clock that has jumped must have gone on from there.
const SETTLED_AFTER: Duration = Duration::from_secs(3600);

/// How long a look at it may take.
const GLANCE: Duration = Duration::from_secs(1);

/// Now, in UTC. Before 1970 it is 1970.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// How long the machine has run, and slept: a clock that never jumps.
fn steady() -> Duration {
    rustix::time::clock_gettime(ClockId::Boottime).try_into().unwrap_or_default()
}

/// Watches one wall clock by the clock that never jumps (G16). A clone watches the same clock.
///
/// What is deleted for its age is gone for good, and a clock that is wrong for a minute makes everything old. So
/// deleting waits until a clock that has jumped, in whatever direction, has shown that it means it.
///
/// What has an end of its own is judged all the while: it is stored with the latest time that it may be now, and has
/// ended by the earliest. So a jump makes an end late, at worst by its length or an hour, and never early.
#[derive(Debug, Clone, Default)]
pub struct ClockWatch(Arc<Mutex<Watched>>);

#[derive(Debug, Default)]
struct Watched {
    /// From where it has gone on ever since it was last believed.
    believed: Option<Shown>,
    /// From where it has gone on since it jumped.
    jumped: Option<Shown>,
}

/// What a clock has shown, and when.
#[derive(Debug, Clone, Copy)]
struct Shown {
    wall: Timestamp,
    at: Duration,
}

impl Shown {
    /// What it shows now, if it has gone on from there.
    fn expected(self, at: Duration) -> Timestamp {
        self.wall.plus(at.saturating_sub(self.at))
    }

    /// How far it is from that, in seconds, if that is a jump.
    fn jump(self, now: Self) -> Option<i64> {
        let difference = now.wall.as_micros() - self.expected(now.at).as_micros();
        let has_jumped = u128::from(difference.unsigned_abs()) > JUMP.as_micros();
        has_jumped.then_some(difference / 1_000_000)
    }
}

/// Between what it is now: the same, but for a clock that has jumped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub earliest: Timestamp,
    pub latest: Timestamp,
}

impl ClockWatch {
    /// Begins by believing the clock.
    ///
    /// # Errors
    /// Those of `ask`.
    pub fn start<E>(ask: impl FnOnce() -> Result<Timestamp, E>) -> Result<Self, E> {
        let watch = Self::default();
        watch.look(ask).map(|_| watch)
    }

    /// Looks at the clock, as is to be done every few seconds; gives back what it shows.
    ///
    /// # Errors
    /// Those of `ask`.
    pub fn look<E>(&self, ask: impl FnOnce() -> Result<Timestamp, E>) -> Result<Timestamp, E> {
        let before = steady();
        let wall = ask()?;
        let at = steady();
        // Otherwise somebody stood still meanwhile, and nobody knows when it showed that.
        if at.saturating_sub(before) <= GLANCE {
            self.note(Shown { wall, at });
        }
        Ok(wall)
    }

    /// Whether the clock, which shows this now, can be believed as to how old something is.
    pub fn is_settled(&self, wall: Timestamp) -> bool {
        self.watched().is_settled(Shown { wall, at: steady() })
    }

    /// What time it may be, when the clock shows this.
    pub fn bounds(&self, wall: Timestamp) -> Bounds {
        self.watched().bounds(Shown { wall, at: steady() })
    }

    fn note(&self, now: Shown) {
        let mut watched = self.watched();
        let Some(reference) = watched.jumped.or(watched.believed) else {
            watched.believed = Some(now);
            return;
        };
        if let Some(seconds) = reference.jump(now) {
            watched.jumped = Some(now);
            log::warn!(
                seconds;
                "the clock has jumped; what is deleted for its age waits until it has gone on so for an hour"
            );
        } else if watched.jumped.is_some_and(|jumped| now.at.saturating_sub(jumped.at) >= SETTLED_AFTER) {
            watched.believed = watched.jumped.take();
        }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        // Never held over anything that could panic, so what a poisoned lock guards is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    fn is_settled(&self, now: Shown) -> bool {
        self.jumped.is_none() && self.believed.is_none_or(|believed| believed.jump(now).is_none())
    }

    fn bounds(&self, now: Shown) -> Bounds {
        let jumped_from = self.believed.filter(|believed| believed.jump(now).is_some());
        let expected = jumped_from.map_or(now.wall, |believed| believed.expected(now.at));
        Bounds { earliest: now.wall.min(expected), latest: now.wall.max(expected) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that is so many seconds off after so many.
    fn shown((after, off): (u64, i64)) -> Shown {
        let wall = Timestamp::from_secs(1_700_000_000 + i64::try_from(after).unwrap() + off);
        Shown { wall, at: Duration::from_secs(1000 + after) }
    }

    /// How a watch judges clocks that are looked at.
    fn judge(looks: &[(u64, i64)]) -> Vec<bool> {
        let watch = ClockWatch::default();
        let look = |look: &(u64, i64)| {
            watch.note(shown(*look));
            watch.watched().is_settled(shown(*look))
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

    #[test]
    fn an_end_is_never_early() {
        let watch = ClockWatch::default();
        watch.note(shown((0, 0)));
        for (after, off, before_now, after_now) in
            [(9, 30, 30, 30), (9, 86_400, 0, 86_400), (9, -7200, -7200, 0)]
        {
            let Bounds { earliest, latest } = watch.watched().bounds(shown((after, off)));
            assert_eq!(earliest, shown((after, before_now)).wall, "{off}, and nobody has looked yet");
            assert_eq!(latest, shown((after, after_now)).wall, "{off}, and nobody has looked yet");
        }
        watch.note(shown((10, 86_400)));
        assert_eq!(watch.watched().bounds(shown((20, 86_400))).earliest, shown((20, 0)).wall);
        assert_eq!(watch.watched().bounds(shown((30, 0))).latest, shown((30, 0)).wall, "it has come back");
        watch.note(shown((3700, 86_400)));
        assert_eq!(watch.watched().bounds(shown((3701, 86_400))).earliest, shown((3701, 86_400)).wall);
    }

    #[test]
    fn who_stood_still_while_they_asked_have_seen_nothing() {
        let watch = ClockWatch::default();
        let ask = |off: i64, pause: Duration| {
            let ask = || Ok::<_, ()>(Timestamp::from_secs(now().as_secs() + off));
            watch.look(|| ask().inspect(|_| std::thread::sleep(pause))).unwrap();
            watch.is_settled(now())
        };
        assert!(ask(0, Duration::ZERO));
        assert!(ask(-90, GLANCE + Duration::from_millis(10)));
        assert!(!ask(-90, Duration::ZERO));
    }
}
