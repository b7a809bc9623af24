//! How a user wants to be told: hours of quiet, and whether closed apps are pushed to at all.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::Invalid;

/// What a user prefers; the default is that of whoever never said it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Preferences {
    /// Hours in which nothing is to be pushed.
    #[schema(required)]
    pub quiet: Option<QuietHours>,
    /// Whether anything is pushed at all.
    pub push: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { quiet: None, push: true }
    }
}

/// From one time of the day up to another, past midnight where that is the earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    pub zone: Zone,
    pub from: TimeOfDay,
    pub to: TimeOfDay,
}

impl QuietHours {
    /// # Errors
    /// If both times are the same: nobody can tell whether that is the whole day or none of it.
    pub fn new(zone: Zone, from: TimeOfDay, to: TimeOfDay) -> Result<Self, Invalid> {
        if from == to {
            return Err(Invalid::new("to is another time than from"));
        }
        Ok(Self { zone, from, to })
    }
}

/// The name of a time zone (IANA), such as `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Zone(String);

impl Zone {
    /// A name that was known when it was stored: zones are renamed, and what is stored stays readable.
    pub fn stored(name: String) -> Self {
        Self(name)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Zone {
    type Err = Invalid;

    /// Known is what the machine knows, and what the program brings along where it knows none. A name in other
    /// capitals becomes the one that is known.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let zone = jiff::tz::db().get(text).ok().filter(|zone| !zone.is_unknown());
        let name = zone.as_ref().and_then(|zone| zone.iana_name());
        name.map(|name| Self(name.to_owned()))
            .ok_or_else(|| Invalid::new("zone is the name of a time zone such as Europe/Berlin"))
    }
}

/// A time on the clock, to the minute: `HH:MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOfDay {
    minutes: u16,
}

impl TimeOfDay {
    /// The time so many minutes after midnight; `None` from 24:00 on.
    pub fn from_minutes(minutes: u16) -> Option<Self> {
        (minutes < 24 * 60).then_some(Self { minutes })
    }

    pub fn minutes(self) -> u16 {
        self.minutes
    }
}

impl FromStr for TimeOfDay {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let number = |digits: &str, below: u16| {
            let is_number = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse::<u16>().ok().filter(|number| is_number && *number < below)
        };
        text.split_once(':')
            .and_then(|(hours, minutes)| Some(number(hours, 24)? * 60 + number(minutes, 60)?))
            .map(|minutes: u16| Self { minutes })
            .ok_or_else(|| Invalid::new("a time is HH:MM, from 00:00 to 23:59"))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_one_that_is_known_by_its_own_name() {
        let name = |text: &str| text.parse::<Zone>().map(|zone| zone.0).ok();
        assert_eq!(name("Europe/Berlin").as_deref(), Some("Europe/Berlin"));
        assert_eq!(name("america/new_york").as_deref(), Some("America/New_York"));
        assert_eq!(name("UTC").as_deref(), Some("UTC"));
        for bad in ["", "Europe", "Europe/Atlantis", "Etc/Unknown", "+02:00", "CET-1CEST", "../../etc/passwd"]
        {
            assert_eq!(name(bad), None, "{bad}");
        }
    }

    /// A slim container has no files of zones.
    #[test]
    fn zones_are_known_without_a_file_of_the_machine() {
        let bundled = jiff::tz::TimeZoneDatabase::bundled();
        assert!(bundled.get("Europe/Berlin").is_ok() && bundled.get("Asia/Kathmandu").is_ok());
    }

    #[test]
    fn a_time_of_the_day_is_four_digits_and_nothing_else() {
        for ok in ["00:00", "07:05", "23:59"] {
            let time: TimeOfDay = ok.parse().unwrap();
            assert_eq!(time.to_string(), ok);
            assert_eq!(TimeOfDay::from_minutes(time.minutes()), Some(time));
        }
        for bad in
            ["", ":", "7:05", "07:5", "24:00", "23:60", "+7:05", "07:05:00", " 07:05", "0٧:05", "-1:00"]
        {
            assert!(bad.parse::<TimeOfDay>().is_err(), "{bad}");
        }
        assert_eq!(TimeOfDay::from_minutes(24 * 60), None);
    }

    #[test]
    fn quiet_hours_are_some_of_the_day_and_not_all() {
        let quiet = |from: &str, to: &str| {
            QuietHours::new("UTC".parse().unwrap(), from.parse().unwrap(), to.parse().unwrap())
        };
        assert!(quiet("22:00", "07:00").is_ok() && quiet("07:00", "22:00").is_ok());
        assert!(quiet("07:00", "07:00").is_err());
    }
}
