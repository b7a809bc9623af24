//! `tidings doctor`: what is as it should be and what is not, each with its fix.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    app::{App, SECRET, program, until},
    clients::{
        http::Http,
        program::{Ended, run},
    },
    engines::{
        bound, is_root,
        push_service::{Plan, PushService},
        redis::Redis,
    },
    push_refusals::where_names_are,
    webhooks,
};

/// Looks with these settings, in an empty folder.
fn doctor(settings: &[(&str, &str)], more: &[&str]) -> Ended {
    doctor_as(program(), settings, more)
}

fn doctor_as(mut command: Command, settings: &[(&str, &str)], more: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    command.current_dir(&folder).arg("doctor").args(more).env("TIDINGS_AUTH_SECRET", SECRET);
    for (key, value) in settings {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    run(&mut command)
}

/// What was found of one thing: its state, and what is said of it.
fn found(ended: &Ended, check: &str) -> Vec<(String, String)> {
    let all: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap();
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or_default().to_owned();
    let of_it = all.iter().filter(|finding| finding["check"] == check);
    of_it.map(|finding| (text(finding, "state"), text(finding, "detail") + &text(finding, "fix"))).collect()
}

fn states(ended: &Ended, check: &str) -> Vec<String> {
    found(ended, check).into_iter().map(|(state, _)| state).collect()
}

#[actix_web::test]
async fn beside_a_server_that_is_well_all_is_as_it_should_be() {
    let redis = Redis::start().await;
    let bus = format!("redis+unix://{}", redis.socket().display());
    let app = App::start_with(&[("bridge.url", &bus)]);
    let (address, url) = (app.address.to_string(), format!("http://{}", app.address));
    let store = format!("sqlite://{}", app.database().display());
    let settings = [
        ("http.listen", address.as_str()),
        ("http.public_url", url.as_str()),
        ("store.url", store.as_str()),
        ("bridge.url", bus.as_str()),
        ("push.enabled", "true"),
        ("push.subject", "mailto:ops@tidings.dev"),
    ];
    let well = doctor(&settings, &["--json"]);
    assert_eq!(well.code, Some(0), "{well:?}");
    for check in
        ["listener", "database", "bus", "clock", "public url", "origins", "websocket", "events", "web push"]
    {
        assert_eq!(states(&well, check), ["ok"], "{check}: {well:?}");
    }
    assert!(found(&well, "database")[0].1.contains("a server works with it"), "{well:?}");
    // That tokens travel in the clear is known, and no reason to fail.
    assert!(states(&well, "settings").contains(&"warn".to_owned()), "{well:?}");
    let lines = doctor(&settings, &[]);
    assert!(lines.stdout.contains("\nok    websocket   open within "), "{lines:?}");
    let quiet = doctor(&settings, &["-q"]);
    assert!(quiet.stdout.starts_with("warn  settings") && !quiet.stdout.contains("ok "), "{quiet:?}");
    assert!(![&well, &lines].iter().any(|ended| format!("{ended:?}").contains(SECRET)));
}

#[actix_web::test]
async fn what_is_missing_is_named_with_its_fix() {
    // Somebody who says nothing has the port.
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    std::thread::spawn(move || other.incoming().for_each(drop));
    let settings = [
        ("http.listen", address.as_str()),
        ("http.public_url", "http://127.0.0.1:1"),
        ("store.url", "sqlite:///nowhere/at/all/tidings.db"),
        ("bridge.url", "redis://127.0.0.1:1"),
        ("push.enabled", "true"),
        ("push.subject", "mailto:nobody@example.com"),
    ];
    let ill = doctor(&settings, &["--json"]);
    assert_eq!(ill.code, Some(1), "{ill:?}");
    for (check, word) in [
        ("listener", "--set http.listen="),
        ("database", "make the folder"),
        ("bus", "correct bridge.url"),
        ("public url", "start the proxy"),
    ] {
        let (state, text) = found(&ill, check).remove(0);
        assert!(state == "fail" && text.contains(word), "{check}: {text}");
    }
    assert_eq!(states(&ill, "web push"), ["warn"]);
    let line = ill.stderr.trim_end();
    assert!(line.starts_with("tidings: 4 of ") && line.ends_with("checks failed"), "{line}");
    let usage = run(program().arg("doctor").env("TIDINGS_AUTH_SECRET", "short"));
    assert_eq!(usage.code, Some(2), "{usage:?}");
}

#[actix_web::test]
async fn a_receiver_of_webhooks_is_looked_at_with_what_it_has_said() {
    let receiver = PushService::start().await;
    let app = webhooks::start(&receiver, &[]);
    let store = format!("sqlite://{}", app.database().display());
    let settings = webhooks::settings(&receiver);
    let mut settings: Vec<(&str, &str)> =
        settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
    settings.push(("store.url", &store));
    let well = doctor(&settings, &["--json"]);
    let (state, text) = found(&well, "webhooks").remove(0);
    assert!(state == "ok" && text.contains("signed with one secret"), "{well:?}");
    receiver.plan(webhooks::PATH, [Plan::Status(410)]);
    webhooks::test_event(&app).await;
    app.logged(|line| line["message"].to_string().contains("webhooks are disabled")).await;
    let ill = doctor(&settings, &["--json"]);
    let (state, text) = found(&ill, "webhooks").remove(1);
    assert!(state == "fail" && text.contains("410; 1 events wait"), "{ill:?}");
    assert!(text.contains("tidings webhooks enable"), "{text}");
    assert!(![webhooks::SECRET, "/hooks"].iter().any(|secret| format!("{ill:?}").contains(secret)));

    // T9: what the name resolves to counts, unless it is named.
    let inside = [("webhooks.url", "https://hooks.example.com/x"), ("webhooks.secret", webhooks::SECRET)];
    let (command, _hosts) = where_names_are("10.1.2.3 hooks.example.com.\n");
    let (state, text) = found(&doctor_as(command, &inside, &["--json"]), "webhooks").remove(0);
    assert!(state == "fail" && text.contains("not on the public internet"), "{text}");
    let short = [("webhooks.url", "https://example.com/hooks"), ("webhooks.secret", "x")];
    let usage = doctor(&short, &[]);
    assert!(usage.code == Some(2) && usage.stderr.contains("webhooks.secret"), "{usage:?}");
}

/// nginx as it comes, with nothing that the paper says about it; ends with the test.
struct Nginx {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Nginx {
    async fn before(app: &App) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // It cannot be told to pick a port and say which.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let home = folder.path().display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {home}/{name};"))
            .join(" ");
        let user = if is_root() { "user root;" } else { "" };
        let text = format!(
            "daemon off; pid {home}/pid; error_log {home}/error.log; {user} events {{}} \
             http {{ access_log off; {temporary} server {{ listen {address}; location / {{ \
             proxy_pass http://{}; proxy_ignore_headers X-Accel-Buffering; }} }} }}",
            app.address
        );
        let conf = folder.path().join("nginx.conf");
        fs::write(&conf, text).unwrap();
        let mut command = bound("TERM", "nginx");
        command.arg("-c").arg(&conf).arg("-e").arg(folder.path().join("error.log"));
        let child = command.stdin(Stdio::null()).spawn().expect("this test needs nginx");
        until("nginx listens", || std::net::TcpStream::connect(address).ok()).await;
        Self { child, address, _folder: folder }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = std::process::Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

#[actix_web::test]
async fn a_proxy_that_passes_no_upgrade_and_holds_events_back_is_found_out() {
    let app = App::start();
    let nginx = Nginx::before(&app).await;
    assert_eq!(Http::new(nginx.address, None).get("/health").await.status, 200);
    let url = format!("http://{}", nginx.address);
    let ended = doctor(&[("http.listen", "127.0.0.1:0"), ("http.public_url", &url)], &["--json"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(states(&ended, "public url"), ["ok"], "{ended:?}");
    let (state, text) = found(&ended, "websocket").remove(0);
    assert!(state == "fail" && text.contains("Upgrade"), "{ended:?}");
    let (state, text) = found(&ended, "events").remove(0);
    assert!(state == "fail" && text.contains("proxy_buffering off"), "{ended:?}");
}
