//! How a user wants to be told: hours of quiet, and whether closed apps are pushed to at all.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::{Invalid, Timestamp};

/// What a user prefers; the default is that of whoever never said it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Preferences {
    /// Hours in which nothing is pushed that is not urgent; what comes meanwhile is told at their end, as one.
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

    /// When the quiet ends that is now; `None` if it is not quiet now, or nobody knows the zone any more.
    ///
    /// It is quiet while the clocks of the zone show a time from `from` up to `to`. So where they are put forward
    /// beyond `to`, it ends at that moment; and where they are put back behind it, it is quiet once more.
    pub fn end_after(&self, now: Timestamp) -> Option<Timestamp> {
        let zone = jiff::tz::db().get(self.zone.as_str()).ok()?;
        let now = jiff::Timestamp::from_microsecond(now.as_micros()).ok()?;
        let is_quiet = |at: jiff::Timestamp| self.covers(zone.to_datetime(at).time());
        if !is_quiet(now) {
            return None;
        }
        let today = zone.to_datetime(now).date();
        let to = jiff::civil::time(self.to.hour(), self.to.minute(), 0, 0);
        let days = std::iter::successors(Some(today), |day| day.tomorrow().ok()).take(END_DAYS);
        // A time that the clocks show twice is both; one that they leave out is none of those that are not quiet.
        let shown = days.map(|day| zone.to_ambiguous_timestamp(day.to_datetime(to)));
        let shown = shown.flat_map(|at| [at.earlier(), at.later()]).flatten();
        let set = zone.following(now).take(CLOCK_CHANGES).map(|change| change.timestamp());
        let end = shown.chain(set).filter(|at| *at > now && !is_quiet(*at)).min()?;
        Some(Timestamp::from_micros(end.as_microsecond()))
    }

    fn covers(&self, time: jiff::civil::Time) -> bool {
        let (from, to) = (self.from.minutes(), self.to.minutes());
        let minutes =
            u16::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).unwrap_or_default();
        if from < to { (from..to).contains(&minutes) } else { minutes >= from || minutes < to }
    }
}

/// Days in which the end is looked for: today, tomorrow, and one more where the clocks leave it out tomorrow.
const END_DAYS: usize = 3;

/// Changes of a zone's clocks that are looked at: within so many days there is one.
const CLOCK_CHANGES: usize = 2;

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

    fn hour(self) -> i8 {
        i8::try_from(self.minutes / 60).unwrap_or_default()
    }

    fn minute(self) -> i8 {
        i8::try_from(self.minutes % 60).unwrap_or_default()
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
    use proptest::prelude::*;

    use super::*;

    fn quiet(zone: &str, from: &str, to: &str) -> QuietHours {
        QuietHours::new(zone.parse().unwrap(), from.parse().unwrap(), to.parse().unwrap()).unwrap()
    }

    #[test]
    fn quiet_hours_end_by_the_clocks_of_their_zone() {
        let end = |(zone, from, to): (&str, &str, &str), now: &str| {
            quiet(zone, from, to).end_after(now.parse().unwrap()).map(|end| end.to_string())
        };
        let night = ("Europe/Berlin", "22:00", "07:00");
        assert_eq!(end(night, "2026-07-01T19:59:59Z"), None);
        assert_eq!(end(night, "2026-07-01T20:00:00Z").as_deref(), Some("2026-07-02T05:00:00.000Z"));
        assert_eq!(end(night, "2026-07-02T04:59:59Z").as_deref(), Some("2026-07-02T05:00:00.000Z"));
        assert_eq!(end(night, "2026-07-02T05:00:00Z"), None);
        assert_eq!(
            end(("UTC", "09:00", "17:00"), "2026-07-01T09:00:00Z").as_deref(),
            Some("2026-07-01T17:00:00.000Z")
        );
        // The clocks are put forward from 02:00 to 03:00, and back from 03:00 to 02:00.
        assert_eq!(end(night, "2026-03-28T22:00:00Z").as_deref(), Some("2026-03-29T05:00:00.000Z"));
        assert_eq!(end(night, "2026-10-24T22:00:00Z").as_deref(), Some("2026-10-25T06:00:00.000Z"));
        let half = ("Europe/Berlin", "22:00", "02:30");
        assert_eq!(end(half, "2026-03-29T00:30:00Z").as_deref(), Some("2026-03-29T01:00:00.000Z"));
        assert_eq!(end(half, "2026-10-25T00:00:00Z").as_deref(), Some("2026-10-25T00:30:00.000Z"));
        assert_eq!(end(half, "2026-10-25T00:45:00Z"), None);
        assert_eq!(end(half, "2026-10-25T01:00:00Z").as_deref(), Some("2026-10-25T01:30:00.000Z"));
        let gone =
            QuietHours { zone: Zone::stored("Once/Known".to_owned()), ..quiet("UTC", "00:00", "23:59") };
        assert_eq!(gone.end_after(Timestamp::from_secs(0)), None);
    }

    proptest! {
        #[test]
        fn quiet_hours_end_at_the_first_minute_that_is_not_quiet(
            zone in prop::sample::select(vec!["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]),
            (from, to) in (0u16..1440, 0u16..1440).prop_filter("another time", |(from, to)| from != to),
            // From noon on a day before the clocks of one of them change.
            day in prop::sample::select(vec!["2026-03-07", "2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24", "2026-10-31"]),
            minute in 0i64..2880,
        ) {
            let time = |minutes| TimeOfDay::from_minutes(minutes).unwrap();
            let quiet = QuietHours::new(zone.parse().unwrap(), time(from), time(to)).unwrap();
            let noon: Timestamp = format!("{day}T12:00:00Z").parse().unwrap();
            let at = |minutes: i64| Timestamp::from_secs(noon.as_secs() + minutes * 60);
            let end = quiet.end_after(at(minute));
            let first = (minute..minute + 3000).find(|minute| quiet.end_after(at(*minute)).is_none());
            prop_assert_eq!(end, first.filter(|first| *first > minute).map(at));
        }
    }

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
