//! Points in time as the databases and the wire hold them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};

use super::Invalid;

/// Microseconds since 1970-01-01 UTC; on the wire RFC 3339 with milliseconds.
///
/// For what is stored and shown. Timers, leases and limits use a monotonic clock instead, so that
/// a jump of the wall clock ends nothing (G16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: the NumericDate of RFC 7519 section 2.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    pub fn plus(self, duration: std::time::Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    pub fn minus(self, duration: std::time::Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl FromStr for Timestamp {
    type Err = Invalid;

    /// Reads RFC 3339, with any offset. What else jiff would take as a time is refused.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let is_shaped = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')]
            .iter()
            .all(|(place, sign)| text.as_bytes().get(*place) == Some(sign));
        let instant = text.parse::<jiff::Timestamp>().ok().filter(|_| is_shaped && !text.contains('['));
        instant
            .map(|instant| Self(instant.as_microsecond()))
            .ok_or_else(|| Invalid::new("a time is RFC 3339, such as 2026-12-24T18:00:00Z"))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Beyond the years -9999 to 9999 jiff has no date; such a time is shown as the last one it has.
        let instant = jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{instant:.3}")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_in_utc_with_milliseconds() {
        assert_eq!(Timestamp::from_micros(1_790_000_000_123_456).to_string(), "2026-09-21T14:13:20.123Z");
        assert_eq!(Timestamp::from_secs(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert!(Timestamp::from_micros(i64::MAX).to_string().starts_with("9999-12-30"));
    }

    #[test]
    fn a_time_is_read_as_rfc_3339_says_and_in_no_other_way() {
        for same in ["2026-09-21T14:13:20.123Z", "2026-09-21t14:13:20.123z", "2026-09-21T16:13:20.123+02:00"]
        {
            assert_eq!(same.parse(), Ok(Timestamp::from_micros(1_790_000_000_123_000)), "{same}");
        }
        for bad in [
            "",
            "tomorrow",
            "1790000000",
            "2026-09-21",
            "2026-09-21T14:13:20",
            "2026-09-21T14:13Z",
            "20260921T141320Z",
            "2026-09-21T14:13:20Z[Europe/Berlin]",
            "2026-13-21T14:13:20Z",
            "10000-01-01T00:00:00Z",
        ] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
    }
}
