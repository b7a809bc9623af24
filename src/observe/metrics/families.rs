//! Metrics by their labels, and distributions: what all subjects count with.

use std::{
    fmt::Error,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, TypedMetric, counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

/// Labels and their values: words of ours alone, so there are as many as are written down.
pub type Labels<const N: usize> = [(&'static str, &'static str); N];
pub type Counters<const N: usize> = Family<Labels<N>, Counter>;
pub type Gauges<const N: usize> = Family<Labels<N>, Gauge>;
pub type Histograms<const N: usize> = Family<Labels<N>, Histogram>;

/// Where a distribution of times is cut, in microseconds: from what a message takes to what nobody waits for.
pub const TIMES: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];
/// The same of what lasts: from a second to a week.
pub const SPANS: [u64; 10] = [
    1_000_000,
    10_000_000,
    60_000_000,
    300_000_000,
    900_000_000,
    3_600_000_000,
    14_400_000_000,
    43_200_000_000,
    86_400_000_000,
    604_800_000_000,
];
pub const BYTES: [u64; 8] = [64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];
pub const COUNTS: [u64; 9] = [0, 1, 5, 10, 50, 100, 500, 1000, 2000];

/// How many of what is counted were how large.
///
/// The library's own takes a lock for each; here one is two additions.
#[derive(Debug, Clone)]
pub struct Histogram(Arc<Buckets>);

#[derive(Debug)]
struct Buckets {
    bounds: &'static [u64],
    /// Each up to its bound, and one more.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
    /// How many make one of what is shown.
    per_unit: f64,
}

impl Histogram {
    /// Of times, kept in microseconds and shown in seconds.
    pub fn of_times(bounds: &'static [u64]) -> Self {
        Self::new(bounds, 1e6)
    }

    /// Of numbers.
    pub fn of_numbers(bounds: &'static [u64]) -> Self {
        Self::new(bounds, 1.0)
    }

    fn new(bounds: &'static [u64], per_unit: f64) -> Self {
        let counts = std::iter::repeat_with(AtomicU64::default).take(bounds.len() + 1).collect();
        Self(Arc::new(Buckets { bounds, counts, sum: AtomicU64::new(0), per_unit }))
    }

    pub fn observe(&self, value: u64) {
        if let Some(count) = self.bucket(value) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.0.sum.fetch_add(value, Ordering::Relaxed);
    }

    pub fn observe_time(&self, time: Duration) {
        self.observe(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// As [`Self::observe`], where nobody else ever does: without the lock on the bus that an addition for many
    /// costs.
    pub fn observe_alone(&self, value: u64) {
        if let Some(count) = self.bucket(value) {
            add_alone(count, 1);
        }
        add_alone(&self.0.sum, value);
    }

    fn bucket(&self, value: u64) -> Option<&AtomicU64> {
        let Buckets { bounds, counts, .. } = &*self.0;
        counts.get(bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len()))
    }

    /// Adds what another one with the same bounds has counted.
    pub fn add(&self, other: &Self) {
        for (count, theirs) in self.0.counts.iter().zip(&other.0.counts) {
            count.fetch_add(theirs.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        self.0.sum.fetch_add(other.0.sum.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Adds to what this thread alone adds to.
pub fn add_alone(count: &AtomicU64, more: u64) {
    count.store(count.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), Error> {
        let Buckets { bounds, counts, sum, per_unit } = &*self.0;
        let bounds = bounds.iter().map(|bound| *bound as f64 / per_unit).chain([f64::INFINITY]);
        let counts = counts.iter().map(|count| count.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = sum.load(Ordering::Relaxed) as f64 / per_unit;
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

/// A gauge that is shown where it is known.
#[derive(Debug, Clone, Default)]
pub struct Known(Arc<Mutex<Option<i64>>>);

impl Known {
    pub fn set(&self, count: Option<usize>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = count.map(number);
    }
}

impl EncodeMetric for Known {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), Error> {
        let known = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.map_or(Ok(()), |count| encoder.encode_gauge(&count))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

/// Puts metrics into the registry. Those whose labels are known are there from the start, at 0: a rate needs a first
/// value.
pub struct Register<'a>(pub &'a mut Registry);

impl Register<'_> {
    pub fn counter(&mut self, name: &str, help: &str) -> Counter {
        let counter = Counter::default();
        self.0.register(name, help, counter.clone());
        counter
    }

    pub fn gauge(&mut self, name: &str, help: &str) -> Gauge {
        let gauge = Gauge::default();
        self.0.register(name, help, gauge.clone());
        gauge
    }

    pub fn known(&mut self, name: &str, help: &str, unit: Option<Unit>) -> Known {
        let known = Known::default();
        match unit {
            Some(unit) => self.0.register_with_unit(name, help, unit, known.clone()),
            None => self.0.register(name, help, known.clone()),
        }
        known
    }

    pub fn bytes(&mut self, name: &str, help: &str) -> Gauge {
        let gauge = Gauge::default();
        self.0.register_with_unit(name, help, Unit::Bytes, gauge.clone());
        gauge
    }

    pub fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        known: impl IntoIterator<Item = Labels<N>>,
    ) -> Counters<N> {
        let counters = Counters::default();
        known.into_iter().for_each(|labels| drop(counters.get_or_create(&labels)));
        self.0.register(name, help, counters.clone());
        counters
    }

    pub fn gauges<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        known: impl IntoIterator<Item = Labels<N>>,
    ) -> Gauges<N> {
        let gauges = Gauges::default();
        known.into_iter().for_each(|labels| drop(gauges.get_or_create(&labels)));
        self.0.register(name, help, gauges.clone());
        gauges
    }

    /// Of times.
    pub fn times(&mut self, name: &str, help: &str) -> Histogram {
        let histogram = Histogram::of_times(&TIMES);
        self.0.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        histogram
    }

    /// `fresh` makes the histogram of one set of labels.
    pub fn histograms<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        fresh: fn() -> Histogram,
        known: impl IntoIterator<Item = Labels<N>>,
    ) -> Histograms<N> {
        let histograms = Histograms::new_with_constructor(fresh);
        known.into_iter().for_each(|labels| drop(histograms.get_or_create(&labels)));
        match unit {
            Some(unit) => self.0.register_with_unit(name, help, unit, histograms.clone()),
            None => self.0.register(name, help, histograms.clone()),
        }
        histograms
    }
}

/// One label with each of these values.
pub fn each(label: &'static str, values: &[&'static str]) -> Vec<Labels<1>> {
    values.iter().map(|value| [(label, *value)]).collect()
}

/// The metric's own number for so many of something.
pub fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    fn shown(histogram: Histogram) -> String {
        let mut registry = Registry::default();
        registry.register("h", "Help", histogram);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn a_value_is_in_the_first_bucket_whose_bound_it_does_not_exceed() {
        const BOUNDS: [u64; 2] = [1000, 2000];
        let (histogram, other) = (Histogram::of_times(&BOUNDS), Histogram::of_times(&BOUNDS));
        for value in [0, 1000, 1001] {
            histogram.observe(value);
        }
        other.observe_alone(2000);
        other.observe_time(Duration::from_millis(5));
        histogram.add(&other);
        let text = shown(histogram);
        for line in [
            "h_sum 0.009001",
            "h_count 5",
            "h_bucket{le=\"0.001\"} 2",
            "h_bucket{le=\"0.002\"} 4",
            "h_bucket{le=\"+Inf\"} 5",
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line} in {text}");
        }
    }

    #[test]
    fn bounds_rise() {
        for bounds in [&TIMES[..], &SPANS, &BYTES, &COUNTS] {
            assert!(bounds.is_sorted_by(|a, b| a < b));
        }
    }
}
