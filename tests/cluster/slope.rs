//! How much something grows, whatever else it does meanwhile.

use std::time::Duration;

/// Samples of so long are one point: their middle one.
const WINDOW: Duration = Duration::from_secs(20);

/// What grows in an hour: of all the slopes between two points the middle one, which no burst can move (Theil and
/// Sen). None where there are fewer than three points.
pub fn hourly(samples: &[(Duration, f64)]) -> Option<f64> {
    let points: Vec<(f64, f64)> = samples
        .chunk_by(|a, b| place(a.0) == place(b.0))
        .map(|window| {
            let middle = median(window.iter().map(|(_, value)| *value).collect());
            (window[window.len() / 2].0.as_secs_f64() / 3600.0, middle)
        })
        .collect();
    let pairs = points.iter().enumerate().flat_map(|(n, a)| points[n + 1..].iter().map(move |b| (a, b)));
    let slopes: Vec<f64> = pairs.map(|(a, b)| (b.1 - a.1) / (b.0 - a.0)).collect();
    (points.len() > 2).then(|| median(slopes))
}

fn place(at: Duration) -> u64 {
    at.as_secs() / WINDOW.as_secs()
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn a_slope_is_seen_through_bursts() {
    let samples = |growth: f64| -> Vec<(Duration, f64)> {
        let at = |second: u64| {
            let burst = if second % 300 < 40 { 500.0 } else { 0.0 };
            (Duration::from_secs(second), 100.0 + growth * second as f64 / 3600.0 + burst)
        };
        (0..1800).map(at).collect()
    };
    for growth in [0.0, 1.5, -3.0] {
        let found = hourly(&samples(growth)).unwrap();
        assert!((found - growth).abs() < 0.1, "{found} instead of {growth}");
    }
    assert_eq!(hourly(&samples(1.0)[..40]), None);
}
