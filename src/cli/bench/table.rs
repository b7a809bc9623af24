//! The report for people.

use super::{
    options::{Options, Scenario},
    plot::{millis, plot},
    words::{name, transport},
};
use crate::load::{Latency, Pace, Report};

/// The quantiles that are shown.
pub const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

pub fn table(options: &Options, base: &str, report: &Report) -> String {
    let mut lines = vec![title(options, base, report), String::new()];
    let mut row = |name: &str, text: String| lines.push(format!("{name:<12}{text}"));
    let per_second = |count: u64| grouped((count as f64 / report.seconds).round() as u64);
    if report.deliveries > 0 || report.missing > 0 {
        let all = grouped(report.deliveries);
        let missing = grouped(report.missing);
        row("deliveries", format!("{}/s, {all} in all, {missing} missing", per_second(report.deliveries)));
    }
    if report.published > 0 {
        let all = grouped(report.published);
        row("published", format!("{}/s, {all} in all", per_second(report.published)));
    }
    if report.connected > 0 {
        let each = report.cpu_micros_per_handshake();
        let each = each.map(|micros| format!(", {micros:.0} µs of the server for each")).unwrap_or_default();
        row("connected", format!("{}{each}", grouped(report.connected)));
    }
    if let Some(server) = report.server {
        let each = report.cpu_micros_per(report.deliveries.max(report.published));
        let each = each.map(|micros| format!(", {micros:.2} µs for each")).unwrap_or_default();
        let client = report.bytes_per_client().filter(|_| options.scenario == Scenario::Idle);
        let client = client.map(|bytes| format!(" ({} bytes a client)", grouped(bytes.max(0.0) as u64)));
        let memory = server.memory_bytes / 1024.0 / 1024.0;
        let client = client.unwrap_or_default();
        row("server", format!("{:.2} of a core{each}; {memory:.1} MiB{client}", server.busy));
    }
    row("generator", format!("{:.2} of a core", report.generator_busy));
    for (name, latency) in report.latencies.iter() {
        lines.push(String::new());
        lines.push(quantiles(&name.replace('_', " "), latency));
        lines.extend(plot(latency));
    }
    if !report.faults.is_empty() {
        lines.extend([String::new(), "errors".to_owned()]);
        lines.extend(report.faults.iter().map(|(fault, count)| format!("{:>11} × {fault}", grouped(count))));
    }
    lines.join("\n")
}

fn title(options: &Options, base: &str, report: &Report) -> String {
    let mut parts = Vec::new();
    if !matches!(options.scenario, Scenario::Publish | Scenario::Connect) {
        parts.push(format!("{} clients", grouped(report.clients as u64)));
    }
    match options.pace() {
        Some(Pace::PerSecond(rate)) => parts.push(format!("{rate} a second")),
        Some(Pace::InFlight(count)) => parts.push(format!("{count} in flight")),
        _ => {}
    }
    parts.push(format!("{:.1} s", report.seconds));
    if report.is_interrupted {
        parts.push("interrupted".to_owned());
    }
    format!("{}, {}, at {base}: {}", name(options.scenario), transport(options), parts.join(", "))
}

fn quantiles(name: &str, latency: &Latency) -> String {
    let shown = QUANTILES.map(|(name, part)| format!("{name} {}", rounded(latency.quantile_millis(part))));
    let max = rounded(latency.max_millis());
    format!("{name:<12}{}  max {max}  ({})", shown.join("  "), grouped(latency.count()))
}

/// Three digits are what there is.
fn rounded(value: f64) -> String {
    let digits = if value >= 100.0 { 0 } else { 2 };
    let scale = 10_f64.powi(digits);
    millis(((value * scale).round() / scale * 1000.0).round() as u64)
}

/// With a comma for each thousand.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_comma_for_each_thousand() {
        let numbers = [0, 12, 123, 1234, 1_234_567];
        assert_eq!(numbers.map(grouped), ["0", "12", "123", "1,234", "1,234,567"]);
    }
}
