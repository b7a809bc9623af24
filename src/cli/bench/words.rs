//! The report for programs, and what a fault may mean.

use clap::ValueEnum;
use serde_json::{Map, Value, json};

use super::{
    options::{Options, Scenario},
    table::QUANTILES,
};
use crate::load::{Latency, Pace, Report};

/// `docs/bench.schema.json` says what each field is.
pub fn json(options: &Options, base: &str, report: &Report) -> Value {
    let latencies: Map<String, Value> =
        report.latencies.iter().map(|(name, latency)| (name.to_owned(), latency_json(latency))).collect();
    let faults: Map<String, Value> =
        report.faults.iter().map(|(name, count)| (name.to_owned(), count.into())).collect();
    json!({
        "scenario": name(options.scenario),
        "transport": transport(options),
        "server": base,
        "clients": report.clients,
        "rooms": options.rooms(),
        "load": match options.pace() {
            Some(Pace::PerSecond(rate)) => json!({ "per_second": rate }),
            Some(Pace::InFlight(count)) => json!({ "in_flight": count }),
            _ => json!({}),
        },
        "size_bytes": options.size,
        "seconds": rounded(report.seconds),
        "is_interrupted": report.is_interrupted,
        "published": report.published,
        "published_per_second": rounded(report.published as f64 / report.seconds),
        "deliveries": report.deliveries,
        "deliveries_per_second": rounded(report.deliveries_per_second()),
        "connected": report.connected,
        "missing": report.missing,
        "errors": faults,
        "latency_ms": latencies,
        "generator_cores": rounded(report.generator_busy),
        "steal_cores": rounded(report.steal),
        "server_process": report.server.map(|server| json!({
            "cores": rounded(server.busy),
            "cpu_seconds": rounded(server.cpu_seconds),
            "cpu_micros_per_handshake": report.cpu_micros_per_handshake().map(rounded),
            "memory_bytes_before": server.memory_bytes_before as u64,
            "memory_bytes": server.memory_bytes as u64,
        })),
    })
}

fn latency_json(latency: &Latency) -> Value {
    let quantiles =
        QUANTILES.map(|(name, part)| (name.replace('.', "_"), rounded(latency.quantile_millis(part)).into()));
    let mut object: Map<String, Value> = quantiles.into_iter().collect();
    object.insert("count".to_owned(), latency.count().into());
    for (name, value) in
        [("min", latency.min_millis()), ("mean", latency.mean_millis()), ("max", latency.max_millis())]
    {
        object.insert(name.to_owned(), rounded(value).into());
    }
    Value::Object(object)
}

/// What a script asks for: how many a second, of whatever it was about.
pub fn rate(report: &Report) -> String {
    let count = [report.deliveries, report.published, report.connected].into_iter().find(|count| *count > 0);
    format!("{:.0}", count.unwrap_or_default() as f64 / report.seconds)
}

/// To a thousandth.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// As on the command line.
pub fn name(scenario: Scenario) -> String {
    scenario.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// The same of how clients listen.
pub fn transport(options: &Options) -> String {
    match options.scenario {
        Scenario::Publish => "http".to_owned(),
        Scenario::Mixed => "ws+sse+poll+http".to_owned(),
        _ => {
            options.transport.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
        }
    }
}

/// What to look at where this has happened.
pub fn hint(fault: &str) -> Option<&'static str> {
    const HINTS: [(&str, &str); 7] = [
        (
            "refused: 429",
            "all clients come from one address; limits.handshakes_per_second, limits.sessions_per_ip and limits.requests_per_second of the server count them",
        ),
        ("refused: 401", "the token is not made with the server's secret"),
        ("refused: 403", "the token does not allow it: it takes join:bench:*, publish:bench:* and notify"),
        ("refused: 503", "the server is full: limits.sessions, limits.rooms, or its limit on open files"),
        (
            "error: rate_limited",
            "session.messages_per_second and limits.room_messages_per_second of the server bound what is published; --rate stays below",
        ),
        ("closed: 4504", "limits.sessions_per_user of the server; --users makes more of them"),
        ("Too many open files", "raise the limit on open files (ulimit -n) where the load is made"),
    ];
    HINTS.iter().find(|(known, _)| fault.starts_with(known)).map(|(_, hint)| *hint)
}
