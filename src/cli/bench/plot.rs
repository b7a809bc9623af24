//! The distribution of a latency as lines of text: which part of all took how long.

use crate::load::Latency;

const WIDTH: f64 = 40.0;
/// Parts of a full block, from none.
const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
/// Bounds in microseconds within one power of ten, so that they look evenly spaced where the scale is a logarithm.
const STEPS: [u64; 6] = [10, 15, 20, 30, 50, 70];

/// A line for each interval from the first to the last in which something is.
pub fn plot(latency: &Latency) -> Vec<String> {
    let bounds = (0..8).flat_map(|power| STEPS.map(|step| step * 10_u64.pow(power)));
    let mut above = 0;
    let counts =
        bounds.map(|up_to| (up_to, latency.count_between(std::mem::replace(&mut above, up_to), up_to)));
    let counts: Vec<(u64, u64)> = counts.collect();
    let is_empty = |(_, count): &&(u64, u64)| *count == 0;
    let first = counts.iter().take_while(is_empty).count();
    let last = counts.len() - counts.iter().rev().take_while(is_empty).count();
    let shown = counts.get(first..last).unwrap_or_default();
    let most = shown.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    let all = latency.count().max(1);
    let parts = shown.iter().map(|(up_to, count)| (*up_to, *count as f64));
    parts.map(|(up_to, count)| line(up_to, count / most as f64, count / all as f64)).collect()
}

fn line(up_to: u64, length: f64, part: f64) -> String {
    let eighths = (length * WIDTH * 8.0).round() as usize;
    // Whatever is there is seen.
    let eighths = if part > 0.0 { eighths.max(1) } else { 0 };
    let bar = "█".repeat(eighths / 8) + PARTS.get(eighths % 8).copied().unwrap_or_default();
    let share = if part > 0.0 { format!("{:.2} %", part * 100.0) } else { String::new() };
    format!("  ≤ {:>9}  {bar:<40} {share}", millis(up_to)).trim_end().to_owned()
}

/// As a person writes it.
pub fn millis(micros: u64) -> String {
    match micros {
        0..10_000 => format!("{} ms", micros as f64 / 1000.0),
        10_000..1_000_000 => format!("{:.0} ms", micros as f64 / 1000.0),
        _ => format!("{} s", micros as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Latencies, Span};

    #[test]
    fn the_plot_begins_and_ends_where_something_is() {
        let mut latencies = Latencies::default();
        for micros in [900, 1100, 1100, 1100, 1100, 4000] {
            latencies.record(Span::Room, micros * 1000);
        }
        let lines = plot(latencies.get(Span::Room).unwrap());
        let full = "█".repeat(40);
        assert_eq!(
            lines,
            [
                format!("  ≤      1 ms  {:<40} 16.67 %", "█".repeat(10)),
                format!("  ≤    1.5 ms  {full} 66.67 %"),
                "  ≤      2 ms".to_owned(),
                "  ≤      3 ms".to_owned(),
                format!("  ≤      5 ms  {:<40} 16.67 %", "█".repeat(10)),
            ]
        );
    }
}
