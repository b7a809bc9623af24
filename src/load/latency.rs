//! How long things took: histograms of three significant digits from a microsecond to ten minutes (HDR).
//!
//! A time begins when the thing was due, not when it could be done, so that a server that halts does not look
//! fast ("coordinated omission").

use hdrhistogram::Histogram;

/// Longest time that is told apart from longer ones.
const MICROS_MAX: u64 = 600_000_000;
const DIGITS: u8 = 3;

/// What took time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// From the publish to a member of the room.
    Room,
    /// From the publish to a session of the recipient.
    Inbox,
    /// From the publish over HTTP to its answer, when it is stored.
    Accepted,
    /// From the first packet to the `welcome`, or the answer to the join.
    Connected,
    /// From the first packet until all that was missed is there.
    CaughtUp,
}

pub const SPANS: [(Span, &str); 5] = [
    (Span::Room, "room"),
    (Span::Inbox, "inbox"),
    (Span::Accepted, "accepted"),
    (Span::Connected, "connected"),
    (Span::CaughtUp, "caught_up"),
];

/// One histogram for each span; those in which nothing happened are none.
#[derive(Default)]
pub struct Latencies([Option<Latency>; SPANS.len()]);

impl Latencies {
    pub fn record(&mut self, span: Span, nanos: u64) {
        let Some(slot) = self.0.get_mut(span as usize) else { return };
        if slot.is_none() {
            *slot = Latency::new();
        }
        if let Some(latency) = slot {
            latency.record(nanos / 1000);
        }
    }

    pub fn get(&self, span: Span) -> Option<&Latency> {
        self.0.get(span as usize)?.as_ref()
    }

    /// Those in which something happened, with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Latency)> {
        SPANS.iter().filter_map(|(span, name)| Some((*name, self.get(*span)?)))
    }
}

pub struct Latency(Histogram<u64>);

impl Latency {
    /// `None` never, since these bounds can be had.
    fn new() -> Option<Self> {
        Histogram::new_with_bounds(1, MICROS_MAX, DIGITS).ok().map(Self)
    }

    fn record(&mut self, micros: u64) {
        self.0.saturating_record(micros.max(1));
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }

    pub fn mean_millis(&self) -> f64 {
        self.0.mean() / 1000.0
    }

    pub fn min_millis(&self) -> f64 {
        self.0.min() as f64 / 1000.0
    }

    pub fn max_millis(&self) -> f64 {
        self.0.max() as f64 / 1000.0
    }

    /// The time within which this part of all was done, such as 0.99.
    pub fn quantile_millis(&self, part: f64) -> f64 {
        self.0.value_at_quantile(part) as f64 / 1000.0
    }

    /// How many took longer than one bound and at most the next, in microseconds.
    pub fn count_between(&self, above: u64, up_to: u64) -> u64 {
        self.0.count_between(above + 1, up_to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_what_was_recorded_within_a_thousandth() {
        let mut latencies = Latencies::default();
        assert!(latencies.iter().next().is_none());
        for millis in 1..=1000 {
            latencies.record(Span::Room, millis * 1_000_000);
        }
        latencies.record(Span::Inbox, u64::MAX);
        let room = latencies.get(Span::Room).unwrap();
        let is_near = |found: f64, expected: f64| (found - expected).abs() <= expected / 500.0;
        assert!(is_near(room.quantile_millis(0.5), 500.0) && is_near(room.quantile_millis(0.99), 990.0));
        assert!(is_near(room.max_millis(), 1000.0) && is_near(room.mean_millis(), 500.5));
        // Bounds are moved to where the histogram tells values apart.
        assert!(room.count() == 1000 && (99..=101).contains(&room.count_between(100_000, 200_000)));
        assert!(
            latencies.get(Span::Inbox).unwrap().max_millis() >= 600_000.0,
            "longer ones count as longest"
        );
    }
}
