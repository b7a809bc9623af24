//! Clients that read slowly or never, are gone without a word, or leave in bad ways (X25 to X27), on one node. It
//! notices, says why in log and metric, and keeps nothing of them.

mod gone;
mod rude;
mod slow;

use std::time::Instant;

use serde_json::Value;

use crate::{
    app::{App, DEADLINE},
    clients::{http::Http, scrape},
};

/// All of them come from one address, which is not to be what ends them.
const OPEN: [(&str, &str); 2] = [("limits.sessions_per_ip", "0"), ("limits.handshakes_per_second", "0")];

/// How many sessions have ended for this reason, by the log.
fn ended(app: &App, reason: &str) -> usize {
    let records = app.logs().into_iter().map(|line| serde_json::from_str::<Value>(&line).unwrap());
    records.filter(|record| record["message"] == "session closed" && record["reason"] == reason).count()
}

/// Waits until the metric says the same, and that so many sessions are open: the hub knows it a moment after the log.
async fn expect_counted(app: &App, reason: &str, expected: (usize, usize)) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let found = counted(app, reason).await;
        if found == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{found:?} instead of {expected:?}");
    }
}

async fn counted(app: &App, reason: &str) -> (usize, usize) {
    let http = Http::new(app.address, Some(&app.token("scraper", "admin")));
    let request = http.request("GET", "/metrics").force_close();
    let numbers = scrape::samples(&http.send(request, "").await);
    let of_reason = format!(",reason=\"{reason}\"}}");
    let is_of_reason =
        |name: &str| name.starts_with("tidings_sessions_closed_total{") && name.ends_with(&of_reason);
    let closed: f64 = numbers.iter().filter(|(name, _)| is_of_reason(name)).map(|(_, n)| n).sum();
    let open: f64 =
        numbers.iter().filter(|(name, _)| name.starts_with("tidings_sessions{")).map(|(_, n)| n).sum();
    (closed as usize, open as usize)
}
