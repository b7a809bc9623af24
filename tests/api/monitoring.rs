//! What watches the server: the dashboard, the alerts and the filter for fail2ban, beside the server itself.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::{Value, json};
use tidings::config::table;

use crate::{app::App, clients::ws::Ws, tidy::reading::root};

const DASHBOARD: &str = "deploy/grafana/dashboards/tidings.json";
const ALERTS: &str = "deploy/prometheus/alerts.yml";
const ALERT_TESTS: &str = "deploy/prometheus/alerts.test.yml";
const FILTER: &str = "deploy/fail2ban/filter.d/tidings.conf";

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// The names of ours in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| ["tidings_", "process_"].iter().any(|start| word.starts_with(start))).collect()
}

/// Everything in the dashboard that is an expression.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_str() {
                    Some(text) if name == "expr" => found.push(text.to_owned()),
                    _ => expressions(field, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

#[actix_web::test]
async fn dashboard_and_alerts_ask_for_numbers_that_a_running_server_shows() {
    let app = App::start();
    let mut alice = app.ws("alice").await;
    app.publish("alice", 1).await;
    alice.expect("test.event").await;
    app.anonymous().get("/metrics").await.problem(401, "invalid_token");
    let shown = app.http(&app.token("root", "admin")).get("/metrics").await.text();
    let samples = shown.lines().filter(|line| !line.starts_with('#'));
    let known: BTreeSet<&str> = samples.map(|line| line.split(['{', ' ']).next().unwrap()).collect();

    let dashboard = read(DASHBOARD);
    let parsed: Value = serde_json::from_str(&dashboard).unwrap();
    for (file, text) in [(DASHBOARD, dashboard), (ALERTS, read(ALERTS)), (ALERT_TESTS, read(ALERT_TESTS))] {
        let unknown: Vec<&str> = names(&text).into_iter().filter(|name| !known.contains(name)).collect();
        assert!(unknown.is_empty(), "{file} asks for {unknown:?}, which the server does not show");
    }
    let panels = parsed["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
    }
}

fn promtool(arguments: &[&str], folder: &Path) {
    let output = Command::new("promtool").args(arguments).current_dir(folder).output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
}

#[test]
fn alerts_come_when_they_should_and_else_not() {
    let folder = root().join("deploy/prometheus");
    promtool(&["check", "rules", "alerts.yml"], &folder);
    promtool(&["test", "rules", "alerts.test.yml"], &folder);
    let (alerts, tests) = (read(ALERTS), read(ALERT_TESTS));
    let named = |line: &str| line.trim().strip_prefix("- alert: ").map(str::to_owned);
    let alerts: Vec<String> = alerts.lines().filter_map(named).collect();
    assert!(alerts.len() > 10);
    let manual = read("docs/operations.md");
    for alert in &alerts {
        assert!(
            manual.contains(&format!("\n### {alert}\n")),
            "docs/operations.md does not say what to do at {alert}"
        );
        let (comes, stays_away) = (format!("alertname: {alert}\n"), format!("alertname: {alert}, "));
        assert!(tests.contains(&comes) && tests.contains(&stays_away), "{alert} is not tested both ways");
    }
}

#[test]
fn every_expression_of_the_dashboard_is_one_that_prometheus_can_read() {
    let mut found = Vec::new();
    expressions(&serde_json::from_str(&read(DASHBOARD)).unwrap(), &mut found);
    assert!(found.len() > 50);
    let rules = found.iter().enumerate().map(|(n, expression)| {
        let expression =
            expression.replace("$__rate_interval", "5m").replace("$job", ".*").replace("$instance", ".*");
        json!({"record": format!("panel:{n}"), "expr": expression})
    });
    let groups = json!({"groups": [{"name": "dashboard", "rules": rules.collect::<Vec<_>>()}]});
    let folder = tempfile::tempdir().unwrap();
    // What is JSON is YAML.
    fs::write(folder.path().join("rules.yml"), groups.to_string()).unwrap();
    promtool(&["check", "rules", "rules.yml"], folder.path());
}

/// Whoever is called because of a limit finds which setting it is.
#[test]
fn every_limit_that_is_counted_has_its_setting_in_the_page_for_operators() {
    let (metrics, page) = (read("docs/metrics.md"), read("docs/operations.md"));
    let (_, row) = metrics.split_once("| `tidings_limits_exceeded_total` | counter | `limit`: ").unwrap();
    let limits = row.split_once(" |").unwrap().0.split(", ").map(|limit| limit.trim_matches('`'));
    let (_, section) = page.split_once("\n### TidingsRefusals\n").unwrap();
    let section = section.split("\n### ").next().unwrap();
    let settings = |limit: &str| {
        let rate = format!("{limit}_per_second");
        [limit, &rate]
            .iter()
            .flat_map(|name| ["limits", "session"].map(|part| format!("{part}.{name}")))
            .collect::<Vec<_>>()
    };
    for limit in limits {
        assert!(section.contains(&format!("`{limit}`")), "{limit} is not explained");
        assert!(
            table::all().any(|setting| settings(limit).iter().any(|name| name == setting.key)),
            "{limit}"
        );
    }
}

/// The address that the filter finds in a line, as fail2ban does it: an expression in its file, with a place for the
/// address, over a line out of which the date is cut.
fn banned(expression: &regex::Regex, line: &str) -> Option<String> {
    let date = regex::Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?").unwrap();
    let line = date.replacen(line, 1, "");
    let find = |line: &str| expression.captures(line).map(|found| found["host"].to_owned());
    // As it stands in a file, and as the journal of systemd gives it.
    let found = find(&line);
    assert_eq!(found, find(&format!(" host tidings[4711]: {line}")), "{line}");
    found
}

#[actix_web::test]
async fn t12_the_filter_for_fail2ban_finds_whoever_is_refused_and_nobody_else() {
    let filter = read(FILTER);
    let expression = filter.lines().find_map(|line| line.strip_prefix("failregex = ")).unwrap();
    let expression = regex::Regex::new(&expression.replace("<HOST>", r"(?P<host>[0-9a-fA-F:.]+)")).unwrap();
    let app = App::start_with(&[("http.trusted_proxies", "127.0.0.1")]);
    // In every way: by a header, by one that is none, by a first message; and with words that try to name another.
    let forged = r#"x","client":"8.8.8.8","level":"warn","message":"auth refused"#;
    let http = app.http("nonsense");
    for address in ["192.0.2.1", "2001:db8::1"] {
        let request = http.request("GET", "/v1/me").insert_header(("X-Forwarded-For", address));
        http.send(request.insert_header(("X-Request-Id", forged)), "").await.problem(401, "invalid_token");
    }
    let mut ws = Ws::open(app.address, "", &[("x-forwarded-for", "192.0.2.3")]).await.unwrap();
    ws.send(json!({"type": "auth", "token": forged})).await;
    assert_eq!(ws.end().await, Some(4500));
    app.logged(|line| line["message"] == "auth refused" && line["client"] == "192.0.2.3").await;
    app.ws("alice").await;
    let found: Vec<String> = app.logs().iter().filter_map(|line| banned(&expression, line)).collect();
    assert_eq!(found, ["192.0.2.1", "2001:db8::1", "192.0.2.3"]);
}
