//! The wall clock of what is stored; the domain has none.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::Timestamp;

/// Now, in UTC. Before 1970 it is 1970: such a clock is not set yet.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
