//! How much a client may ask and how often it may be wrong.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::SessionPolicy;
use crate::{domain::rate::Rate, protocol::CloseCode};

/// This many refused commands within this time end the connection (4501).
const ERRORS_MAX: usize = 10;
const ERRORS_WINDOW: Duration = Duration::from_secs(60);

/// A client that exceeds its rate for this long, without a pause of this length, is sent away (4009).
const PRESSURE_MAX: Duration = Duration::from_secs(5);
const PRESSURE_PAUSE: Duration = Duration::from_secs(1);

/// What a client gets that comes too often.
#[derive(Debug, PartialEq, Eq)]
pub enum TooMany {
    RetryAfter(Duration),
    End(CloseCode),
}

/// How often the hub is told about the typing of one session: changes, and renewals of many rooms. They
/// count towards no rate of the client, and what does not get through does no harm.
const TYPING_PER_SECOND: u32 = 20;

/// `typing` and `pong` do not count as messages; so many are a flood all the same.
const UNCOUNTED_PER_SECOND: u32 = 200;

/// Control frames of a client: pongs and its own pings (limits).
const CONTROL_FRAMES_PER_SECOND: u32 = 20;

#[derive(Debug)]
pub struct Manners {
    /// `None`: as many as it likes.
    commands: Option<Pace>,
    control_frames: Option<Pace>,
    /// Commands that count towards no rate of the protocol.
    uncounted: Option<Pace>,
    typing: Option<Rate>,
    errors: VecDeque<Instant>,
}

impl Manners {
    pub fn new(policy: &SessionPolicy) -> Self {
        Self {
            commands: Pace::new(policy.messages_per_second, policy.messages_burst),
            control_frames: Pace::new(CONTROL_FRAMES_PER_SECOND, CONTROL_FRAMES_PER_SECOND),
            uncounted: Pace::new(UNCOUNTED_PER_SECOND, UNCOUNTED_PER_SECOND),
            typing: Rate::new(TYPING_PER_SECOND, TYPING_PER_SECOND),
            errors: VecDeque::new(),
        }
    }

    /// Counts a command.
    ///
    /// # Errors
    /// If it comes too early, or has been coming too early for too long.
    pub fn command(&mut self, now: Instant) -> Result<(), TooMany> {
        self.commands.as_mut().map_or(Ok(()), |pace| pace.step(now))
    }

    /// Counts a command that is none of the protocol's rate.
    ///
    /// # Errors
    /// As [`Self::command`].
    pub fn uncounted(&mut self, now: Instant) -> Result<(), TooMany> {
        self.uncounted.as_mut().map_or(Ok(()), |pace| pace.step(now))
    }

    /// Counts a control frame; one that comes too early does no harm by itself.
    ///
    /// # Errors
    /// As [`Self::command`].
    pub fn control_frame(&mut self, now: Instant) -> Result<(), TooMany> {
        self.control_frames.as_mut().map_or(Ok(()), |pace| pace.step(now))
    }

    /// Counts what is passed on about typing; whether it may be.
    pub fn typing(&mut self, now: Instant) -> bool {
        self.typing.as_mut().is_none_or(|rate| rate.take(now).is_ok())
    }

    /// Counts a refused command; whether it was one too many.
    pub fn error(&mut self, now: Instant) -> bool {
        self.errors.retain(|at| now.duration_since(*at) < ERRORS_WINDOW);
        self.errors.push_back(now);
        self.errors.len() >= ERRORS_MAX
    }
}

/// A rate, and how long a client has been exceeding it.
#[derive(Debug)]
struct Pace {
    rate: Rate,
    /// First and last refusal of a streak.
    pressure: Option<(Instant, Instant)>,
}

impl Pace {
    fn new(per_second: u32, burst: u32) -> Option<Self> {
        Some(Self { rate: Rate::new(per_second, burst)?, pressure: None })
    }

    fn step(&mut self, now: Instant) -> Result<(), TooMany> {
        let Err(wait) = self.rate.take(now) else { return Ok(()) };
        let first = match self.pressure {
            Some((first, last)) if now.duration_since(last) < PRESSURE_PAUSE => first,
            _ => now,
        };
        self.pressure = Some((first, now));
        if now.duration_since(first) >= PRESSURE_MAX {
            return Err(TooMany::End(CloseCode::RateLimited));
        }
        Err(TooMany::RetryAfter(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manners() -> Manners {
        Manners {
            commands: Pace::new(20, 40),
            control_frames: Pace::new(20, 20),
            uncounted: Pace::new(UNCOUNTED_PER_SECOND, UNCOUNTED_PER_SECOND),
            typing: Rate::new(TYPING_PER_SECOND, TYPING_PER_SECOND),
            errors: VecDeque::new(),
        }
    }

    #[test]
    fn a_burst_beyond_the_rate_is_refused_and_kept_up_for_five_seconds_ends() {
        let (mut manners, start) = (manners(), Instant::now());
        let mut ended = None;
        for i in 0..1200 {
            let at = start + Duration::from_millis(5 * i);
            if manners.command(at) == Err(TooMany::End(CloseCode::RateLimited)) {
                ended = ended.or(Some(at.duration_since(start)));
            }
        }
        let ended = ended.unwrap().as_secs_f64();
        assert!((5.0..5.5).contains(&ended), "{ended}");
    }

    #[test]
    fn a_flood_of_control_frames_ends_after_five_seconds() {
        let (mut manners, start) = (manners(), Instant::now());
        let flood = |millis: u64| start + Duration::from_millis(millis);
        let ends = (0..600)
            .filter(|i| manners.control_frame(flood(10 * i)) == Err(TooMany::End(CloseCode::RateLimited)));
        assert!(ends.count() > 0);
    }

    #[test]
    fn what_counts_towards_no_rate_is_a_flood_all_the_same() {
        let (mut manners, start) = (manners(), Instant::now());
        let taken = (0..300).filter(|_| manners.uncounted(start).is_ok()).count();
        assert_eq!(taken, UNCOUNTED_PER_SECOND as usize);
        let passed_on = (0..300).filter(|_| manners.typing(start)).count();
        assert_eq!(passed_on, TYPING_PER_SECOND as usize);
    }

    #[test]
    fn bursts_with_pauses_between_are_refused_but_never_end() {
        let (mut manners, start) = (manners(), Instant::now());
        for second in 0..20u64 {
            let at = start + Duration::from_secs(2 * second);
            let refused = (0..200).filter(|_| manners.command(at).is_err()).count();
            assert!(refused >= 160);
            assert_ne!(manners.command(at), Err(TooMany::End(CloseCode::RateLimited)));
        }
    }

    #[test]
    fn refusals_a_second_apart_are_no_flood() {
        let (mut manners, start) = (manners(), Instant::now());
        for second in 0..20 {
            let at = start + PRESSURE_PAUSE * second;
            let refused = (0..200).filter_map(|_| manners.command(at).err());
            assert!(refused.last().is_some_and(|too_many| matches!(too_many, TooMany::RetryAfter(_))));
        }
    }

    #[test]
    fn the_tenth_error_within_a_minute_is_one_too_many() {
        let (mut manners, start) = (manners(), Instant::now());
        assert!((0..9).all(|second| !manners.error(start + Duration::from_secs(second))));
        // The first is a minute old.
        assert!(!manners.error(start + Duration::from_secs(60)));
        assert!((0..8).any(|_| manners.error(start + Duration::from_secs(62))));
    }
}
