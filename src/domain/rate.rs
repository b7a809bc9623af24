//! How often something may happen.

use std::time::{Duration, Instant};

/// A rate with a burst, by the generic cell rate algorithm (ITU-T I.371): one instant is all its state.
///
/// Monotonic, so a jump of the wall clock neither grants nor denies anything.
#[derive(Debug, Clone)]
pub struct Rate {
    interval: Duration,
    tolerance: Duration,
    /// When the bucket will be full again, had nothing more come.
    full_at: Option<Instant>,
}

impl Rate {
    /// `per_second` on the long run, `burst` at once. `None` where `per_second` is 0: no limit.
    pub fn new(per_second: u32, burst: u32) -> Option<Self> {
        let interval = Duration::from_secs(1).checked_div(per_second)?;
        Some(Self { interval, tolerance: interval * burst.max(1), full_at: None })
    }

    /// Takes one.
    ///
    /// # Errors
    /// Says how long to wait until one is free; nothing is taken then.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let next = self.full_at.unwrap_or(now).max(now) + self.interval;
        match (next - now).checked_sub(self.tolerance) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                self.full_at = Some(next);
                Ok(())
            }
        }
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
    fn zero_is_no_limit() {
        assert!(Rate::new(0, 40).is_none());
    }
}
