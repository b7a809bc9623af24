//! How often something may happen.

use std::time::{Duration, Instant};

/// So many in the long run, and so many at once: a token bucket, by the generic cell rate algorithm (ITU-T I.371).
///
/// When a bucket will be full, had nothing more come, is all there is to know of it. It is monotonic, so a jump of
/// the wall clock neither grants nor denies anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    interval: Duration,
    /// In which an empty bucket fills.
    window: Duration,
}

impl Quota {
    /// `per_second` in the long run, `burst` at once and at least one. `None` where `per_second` is 0: no limit.
    pub fn new(per_second: u32, burst: u32) -> Option<Self> {
        let interval = Duration::from_secs(1).checked_div(per_second)?.max(Duration::from_nanos(1));
        Some(Self { interval, window: interval * burst.max(1) })
    }

    /// Takes one from a bucket; says when it will be full now.
    ///
    /// # Errors
    /// Says how long to wait until one is free; nothing is taken then.
    pub fn take(&self, full_at: Instant, now: Instant) -> Result<Instant, Duration> {
        let next = full_at.max(now) + self.interval;
        match (next - now).checked_sub(self.window) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => Ok(next),
        }
    }

    /// How many can be taken from a bucket at once.
    pub fn left(&self, full_at: Instant, now: Instant) -> u64 {
        self.count_within(self.window.saturating_sub(full_at.saturating_duration_since(now)))
    }

    /// How many can be taken from a full bucket at once.
    pub fn burst(&self) -> u64 {
        self.count_within(self.window)
    }

    /// How long an empty bucket takes to fill.
    pub fn window(&self) -> Duration {
        self.window
    }

    fn count_within(&self, time: Duration) -> u64 {
        u64::try_from(time.as_nanos() / self.interval.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// A quota, and the one bucket that it is for.
#[derive(Debug, Clone)]
pub struct Rate {
    quota: Quota,
    /// `None` before the first was taken.
    full_at: Option<Instant>,
}

impl Rate {
    /// As [`Quota::new`].
    pub fn new(per_second: u32, burst: u32) -> Option<Self> {
        Some(Self { quota: Quota::new(per_second, burst)?, full_at: None })
    }

    /// Takes one.
    ///
    /// # Errors
    /// As [`Quota::take`].
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        self.full_at = Some(self.quota.take(self.full_at.unwrap_or(now), now)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let mut rate = Rate::new(20, 40).unwrap();
        let start = Instant::now();
        let passed = |rate: &mut Rate, now| (0..1000).filter(|_| rate.take(now).is_ok()).count();
        assert_eq!(passed(&mut rate, start), 40);
        assert_eq!(rate.take(start), Err(Duration::from_millis(50)));
        assert_eq!(passed(&mut rate, start + Duration::from_secs(1)), 20);
        assert_eq!(passed(&mut rate, start + Duration::from_secs(60)), 40);
    }

    #[test]
    fn what_is_left_is_what_can_be_taken() {
        let (quota, start) = (Quota::new(50, 100).unwrap(), Instant::now());
        assert_eq!((quota.burst(), quota.window()), (100, Duration::from_secs(2)));
        let mut full_at = start;
        for left in (0..100).rev() {
            full_at = quota.take(full_at, start).unwrap();
            assert_eq!(quota.left(full_at, start), left);
        }
        assert!(quota.take(full_at, start).is_err());
        assert_eq!(quota.left(full_at, start + Duration::from_millis(30)), 1);
        assert_eq!(quota.left(full_at, start + Duration::from_secs(9)), 100);
    }

    #[test]
    fn zero_is_no_limit_and_every_other_number_is_one() {
        assert!(Rate::new(0, 40).is_none());
        assert_eq!(Quota::new(1, 0).unwrap().burst(), 1);
        let most = Quota::new(u32::MAX, u32::MAX).unwrap();
        assert_eq!(most.burst(), u64::from(u32::MAX));
    }
}
