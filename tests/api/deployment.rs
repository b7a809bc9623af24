//! What `deploy/` holds is what a stranger can use: it is read as its readers do, names nothing that is not there, sets
//! what the program takes, and its times agree with those of the server.

mod images;
mod kubernetes;
mod systemd;
pub mod yaml;

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use tidings::config::{Config, Sources, parse_duration};

use crate::{
    engines::front::committed,
    tidy::{limits::constant, reading::root},
};

/// What a server makes of these variables; fails where it would not start.
fn configured(variables: BTreeMap<String, String>) -> Config {
    let environment = variables.into_iter().map(|(name, value)| (name, value.into())).collect();
    // No file of whoever runs the tests.
    let folder = tempfile::tempdir().unwrap();
    let sources = Sources { folder: folder.path().to_owned(), environment, ..Sources::default() };
    Config::load(&sources).unwrap_or_else(|error| panic!("{error}")).0
}

/// The number behind the first of these words in a text, in seconds.
fn seconds(text: &str, words: &str) -> f64 {
    let (_, rest) = text.split_once(words).unwrap_or_else(|| panic!("{words:?} is not there any more"));
    let digits: String = rest.trim_start().chars().take_while(|c| c.is_ascii_digit()).collect();
    digits.parse().unwrap()
}

/// What a proxy waits for before it takes a connection for dead: more than twice what a heartbeat takes, and more than
/// the longest answer.
#[test]
fn proxies_wait_longer_than_heartbeats_and_polls_take() {
    let session = Config::default().session;
    let beat = session.ping_interval.max(session.sse_heartbeat).as_secs_f64();
    let longest = (2.0 * beat).max(constant("http/wait.rs", "WAIT_MAX_SECS"));
    let files = [
        ("nginx/tidings.conf", &["proxy_read_timeout ", "proxy_send_timeout "][..]),
        ("haproxy/haproxy.cfg", &["timeout client ", "timeout server ", "timeout tunnel "]),
        ("kubernetes/ingress.yaml", &["proxy-read-timeout: \"", "proxy-send-timeout: \""]),
    ];
    for (file, settings) in files {
        for setting in settings {
            let waits = seconds(&committed(file), setting);
            assert!(waits > longest, "{file}: {setting} {waits} s, and an answer may take {longest} s");
        }
    }
    // What is kept for the next request is let go before the server lets it go.
    let keep_alive = constant("app/server.rs", "KEEP_ALIVE");
    let upstream = committed("nginx/tidings.conf");
    let upstream = upstream.split_once("keepalive 64;").unwrap().1;
    assert!(seconds(upstream, "keepalive_timeout ") < keep_alive);
    assert!(seconds(&committed("haproxy/haproxy.cfg"), "timeout http-keep-alive ") < keep_alive);
}

/// Whoever stops a server waits until it has stopped by itself.
#[test]
fn whoever_stops_it_waits_longer_than_it_takes() {
    let stop = Config::default().shutdown.timeout;
    let unit = committed("systemd/tidings.service");
    assert!(Duration::from_secs_f64(seconds(&unit, "TimeoutStopSec=")) > stop);
    for file in ["compose.yaml", "compose.scale.yaml"] {
        for (name, service) in images::servers(file) {
            let grace = parse_duration(service["stop_grace_period"].as_str().unwrap()).unwrap();
            assert!(grace > stop, "{file}: {name}");
        }
    }
    let pod = kubernetes::pod();
    let before = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1].as_str().unwrap();
    let before = Duration::from_secs(before.parse().unwrap());
    let grace = Duration::from_secs(pod["terminationGracePeriodSeconds"].as_u64().unwrap());
    assert!(grace > before + stop, "{grace:?}");
    // The probes see that it goes, and the next one begins when its clients are back.
    let probe = &pod["containers"][0]["readinessProbe"];
    let seen = probe["periodSeconds"].as_u64().unwrap() * probe["failureThreshold"].as_u64().unwrap();
    assert!(Duration::from_secs(seen) <= Config::default().shutdown.drain, "{probe}");
}

/// What proxies refuse is more than what the server takes, so that it says itself why.
#[test]
fn proxies_take_as_much_as_the_server_does() {
    let limit = Config::default().http.body_limit;
    for (file, setting) in
        [("nginx/tidings.conf", "client_max_body_size "), ("kubernetes/ingress.yaml", "proxy-body-size: ")]
    {
        let kib = seconds(&committed(file), setting);
        assert!(kib * 1024.0 > limit as f64, "{file}: {kib} KiB");
    }
    let sessions = Config::default().limits.sessions_per_ip.unwrap();
    let conf = committed("nginx/tidings.conf");
    assert!(seconds(&conf, "limit_conn tidings_clients ") > sessions as f64);
}

/// Prometheus finds the instances where they listen for it, and its rules and Grafana's dashboards where they are.
#[test]
fn prometheus_and_grafana_find_what_they_are_told_of() {
    let prometheus = yaml::one("prometheus/prometheus.yml");
    let servers: BTreeMap<String, Value> = images::servers("compose.scale.yaml").into_iter().collect();
    let targets = prometheus["scrape_configs"][0]["static_configs"][0]["targets"].as_array().unwrap();
    assert_eq!(targets.len(), servers.len());
    for target in targets {
        let (host, port) = target.as_str().unwrap().split_once(':').unwrap();
        let listen = &servers[host]["environment"]["TIDINGS_HTTP_ADMIN_LISTEN"];
        assert!(listen.as_str().unwrap().ends_with(&format!(":{port}")), "{listen}");
    }
    for rules in prometheus["rule_files"].as_array().unwrap() {
        committed(&format!("prometheus/{}", rules.as_str().unwrap()));
    }
    let scale = yaml::one("compose.scale.yaml");
    let datasource = &yaml::one("grafana/provisioning/datasources/tidings.yaml")["datasources"][0];
    let host = datasource["url"].as_str().unwrap().trim_start_matches("http://").split(':').next().unwrap();
    assert!(scale["services"].get(host).is_some(), "{host}");
    let provider = &yaml::one("grafana/provisioning/dashboards/tidings.yaml")["providers"][0];
    let folder = provider["options"]["path"].as_str().unwrap();
    let mounts = scale["services"]["grafana"]["volumes"].as_array().unwrap();
    assert!(mounts.iter().any(|mount| mount.as_str().unwrap().contains(&format!(":{folder}:"))), "{folder}");
}

/// Whoever is woken finds what to do under the name of the alert.
#[test]
fn every_alert_has_its_place_in_the_page_for_operators() {
    let page = read("docs/operations.md");
    let alerts = yaml::one("prometheus/alerts.yml");
    let rules =
        alerts["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap());
    let mut named: Vec<&str> = rules.filter_map(|rule| rule["alert"].as_str()).collect();
    let mut told: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    named.sort_unstable();
    told.sort_unstable();
    assert_eq!(named, told);
}

/// A file of the repository.
fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Variables as a person would set them, with a secret of the tests in the place of each.
fn with_secrets(text: &str) -> String {
    let mut text = text.to_owned();
    while let Some((before, rest)) = text.clone().split_once("${") {
        let (variable, after) = rest.split_once('}').unwrap();
        let value = if variable.ends_with(":-") { String::new() } else { "5e".repeat(32) };
        text = format!("{before}{value}{after}");
    }
    text
}
