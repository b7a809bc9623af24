//! How long services that do not answer are waited for: each attempt takes a place for seconds, and the places
//! are for all services. So one that has not answered for a while is asked now and then alone.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use hashlink::LruCache;

/// Attempts in a row without an answer after which a service is taken to be away.
const SILENT_MAX: u32 = 8;

/// How often one that is away is asked; others that are for it are told at once that it does not answer.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);

/// Services that are remembered.
const ORIGINS_MAX: usize = 256;

/// By origin.
pub struct Patience(RefCell<LruCache<String, Silence>>);

#[derive(Default, Clone, Copy)]
struct Silence {
    attempts: u32,
    /// When it is asked again, once it is away.
    asked_at: Option<Instant>,
}

impl Patience {
    #[expect(clippy::new_without_default, reason = "there is one way to begin")]
    pub fn new() -> Self {
        Self(RefCell::new(LruCache::new(ORIGINS_MAX)))
    }

    /// Whether a service is to be asked now.
    pub fn has_any_for(&self, origin: &str, now: Instant) -> bool {
        let mut services = self.0.borrow_mut();
        let Some(asked_at) = services.get_mut(origin).and_then(|silence| silence.asked_at.as_mut()) else {
            return true;
        };
        let is_time = now >= *asked_at;
        if is_time {
            *asked_at = now + PROBE_INTERVAL;
        }
        is_time
    }

    /// Whether a service has not answered for a while, so that it is asked alone, now and then.
    pub fn is_away(&self, origin: &str) -> bool {
        self.0.borrow_mut().get(origin).is_some_and(|silence| silence.asked_at.is_some())
    }

    /// Notes how an attempt has ended; whatever a service says is an answer.
    pub fn note(&self, origin: &str, has_answered: bool, now: Instant) {
        let mut services = self.0.borrow_mut();
        if has_answered {
            services.remove(origin);
            return;
        }
        let mut silence = services.get(origin).copied().unwrap_or_default();
        silence.attempts = silence.attempts.saturating_add(1);
        if silence.attempts >= SILENT_MAX {
            silence.asked_at = Some(now + PROBE_INTERVAL);
        }
        services.insert(origin.to_owned(), silence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "https://push.example";

    #[test]
    fn a_service_that_does_not_answer_is_asked_now_and_then_until_it_does() {
        let (patience, now) = (Patience::new(), Instant::now());
        for _ in 0..SILENT_MAX {
            assert!(patience.has_any_for(ORIGIN, now));
            patience.note(ORIGIN, false, now);
        }
        assert!(!patience.has_any_for(ORIGIN, now) && patience.has_any_for("https://other.example", now));
        assert!(patience.is_away(ORIGIN) && !patience.is_away("https://other.example"));
        let later = now + PROBE_INTERVAL;
        assert!(patience.has_any_for(ORIGIN, later) && !patience.has_any_for(ORIGIN, later), "one of them");
        patience.note(ORIGIN, false, later);
        assert!(!patience.has_any_for(ORIGIN, later + PROBE_INTERVAL / 2));
        patience.note(ORIGIN, true, later);
        assert!(patience.has_any_for(ORIGIN, later) && patience.has_any_for(ORIGIN, later));
        assert!(!patience.is_away(ORIGIN));
    }

    #[test]
    fn a_service_that_fails_now_and_then_is_always_asked() {
        let (patience, now) = (Patience::new(), Instant::now());
        for n in 0..SILENT_MAX * 10 {
            patience.note(ORIGIN, n % SILENT_MAX == 0, now);
            assert!(patience.has_any_for(ORIGIN, now));
        }
    }
}
