//! Clients that read slowly or never, are gone without a word, or leave in bad ways (X25 to X27), on one node. It
//! notices, says why in log and metric, and keeps nothing of them.

mod gone;
mod rude;
mod slow;

use serde_json::Value;

use crate::{
    app::App,
    clients::{http::Http, scrape},
};

/// All of them come from one address, which is not to be what ends them.
const OPEN: [(&str, &str); 2] = [("limits.sessions_per_ip", "0"), ("limits.handshakes_per_second", "0")];

/// How many sessions have ended for this reason, by the log.
fn ended(app: &App, reason: &str) -> usize {
    let records = app.logs().into_iter().map(|line| serde_json::from_str::<Value>(&line).unwrap());
    records.filter(|record| record["message"] == "session closed" && record["reason"] == reason).count()
}

/// The same by the metric, and how many sessions are open.
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
