//! How long a fault lasts and how often it is done: seconds among the other tests, more for `make chaos`.

use std::time::Duration;

pub fn is_chaos() -> bool {
    std::env::var_os("TIDINGS_TEST_CHAOS").is_some()
}

/// How often.
pub fn times(short: usize, chaos: usize) -> usize {
    if is_chaos() { chaos } else { short }
}

/// How long, in seconds.
pub fn lasting(short: u64, chaos: u64) -> Duration {
    Duration::from_secs(if is_chaos() { chaos } else { short })
}

/// How long to soak a thousand sessions; none where nobody asks for that.
pub fn soak_minutes() -> Option<u64> {
    std::env::var("TIDINGS_TEST_SOAK_MINUTES").ok().map(|minutes| minutes.parse().unwrap())
}
