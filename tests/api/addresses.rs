//! Whose handshakes are counted: the client's, as far as proxies are trusted, else the peer's (T13, B57).

use std::net::IpAddr;

use crate::{
    app::App,
    clients::raw::{Raw, field},
    traffic::Dice,
};

/// Few enough that a slow machine does not fill a bucket between two handshakes of a test.
const LIMITS: [(&str, &str); 2] = [("limits.handshakes_per_second", "1"), ("limits.handshakes_burst", "3")];

const LOOPBACK: &str = "127.0.0.1";

/// Comes to `/v1/ws` without a credential, from an address of this machine, and leaves again; the status.
async fn knock(app: &App, source: &str, headers: &str) -> u16 {
    let address = (source.parse::<IpAddr>().unwrap(), app.address.port()).into();
    // What listens on every address is reached from each by itself.
    let target = if app.address.ip().is_unspecified() { address } else { app.address };
    let mut raw = Raw::connect_from(address.ip(), target).await;
    let head = raw.upgrade("/v1/ws", headers).await;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    if status == 429 {
        let seconds: u64 = field(&head, "Retry-After").unwrap().parse().unwrap();
        assert!((1..=5).contains(&seconds), "{head}");
        let body = String::from_utf8(raw.read_body(&head).await).unwrap();
        assert!(body.contains(r#""code":"rate_limited""#), "{body}");
    } else {
        assert_eq!(status, 101, "{head}");
    }
    status
}

/// Whether all who come like this are one client to the server.
async fn are_one(app: &App, source: &str, headers: impl IntoIterator<Item = String>) -> bool {
    for headers in headers {
        if knock(app, source, &headers).await == 429 {
            return true;
        }
    }
    false
}

fn forwarded_for(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("X-Forwarded-For: {line}\r\n")).collect()
}

#[actix_web::test]
async fn b57_a_peer_that_is_not_trusted_is_limited_whatever_it_says_of_others() {
    let mut dice = Dice::new();
    for settings in [&LIMITS[..], &[LIMITS[0], LIMITS[1], ("http.trusted_proxies", "10.0.0.0/8, ::1")]] {
        let mut app = App::start_with(settings);
        let headers: Vec<String> = (0..100)
            .map(|_| {
                let [a, b, c, d] = (dice.below(1 << 32) as u32).to_be_bytes();
                forwarded_for(&[&format!("{a}.{b}.{c}.{d}")])
            })
            .collect();
        assert!(are_one(&app, LOOPBACK, headers).await);
        // Another peer has a bucket of its own.
        assert_eq!(knock(&app, "127.0.0.2", &forwarded_for(&[LOOPBACK])).await, 101);
        app.expect_healthy().await;
    }
}

#[actix_web::test]
async fn t13_behind_a_trusted_proxy_the_real_client_is_limited_and_another_is_not() {
    let app =
        App::start_with(&[LIMITS[0], LIMITS[1], ("http.trusted_proxies", "127.0.0.1, 10.0.0.0/8, fd00::/8")]);
    let port = |n: u64| forwarded_for(&[&format!("203.0.113.9:{}", 1024 + n)]);
    assert!(are_one(&app, LOOPBACK, (0..20).map(port)).await);
    let planted = |n: u64| forwarded_for(&[&format!("198.51.100.{n}, 203.0.113.10, fd00::7, 10.1.2.3")]);
    assert!(are_one(&app, LOOPBACK, (0..20).map(planted)).await);
    let lines = |n: u64| forwarded_for(&[&format!("198.51.100.{n}"), "203.0.113.11", "10.1.2.3"]);
    assert!(are_one(&app, LOOPBACK, (0..20).map(lines)).await);
    // Of one subscriber; the next one is another.
    let host = |n: u64| forwarded_for(&[&format!("[2001:db8:1:2:{n:x}::1]:443")]);
    assert!(are_one(&app, LOOPBACK, (0..20).map(host)).await);
    assert_eq!(knock(&app, LOOPBACK, &forwarded_for(&["2001:db8:1:3::1"])).await, 101);
    // Many behind one proxy are many.
    let many = |n: u64| forwarded_for(&[&format!("192.0.2.{n}")]);
    assert!(!are_one(&app, LOOPBACK, (0..20).map(many)).await);
    let many = |n: u64| forwarded_for(&[&format!("2001:db8:2:{n:x}::1")]);
    assert!(!are_one(&app, LOOPBACK, (0..20).map(many)).await);
}

#[actix_web::test]
async fn t13_where_something_is_no_address_it_is_the_peer() {
    let app = App::start_with(&[LIMITS[0], LIMITS[1], ("http.trusted_proxies", "127.0.0.1, 10.0.0.0/8")]);
    let junk = ["unknown", "junk, ,", "203.0.113.9:x", "[::1", "1.2.3", "203.0.113.9;", "\u{7f}", "0x7f.1"];
    assert!(are_one(&app, LOOPBACK, junk.map(|junk| forwarded_for(&[junk]))).await);
    assert!(are_one(&app, LOOPBACK, junk.map(|junk| forwarded_for(&[junk, "10.0.0.7"]))).await);
    assert_eq!(knock(&app, LOOPBACK, &forwarded_for(&["203.0.113.9"])).await, 101);
}

#[actix_web::test]
async fn an_address_is_the_same_over_both_versions_of_ip() {
    let settings = [LIMITS[0], LIMITS[1], ("http.listen", "[::]:0"), ("http.trusted_proxies", "127.0.0.9")];
    let app = App::start_with(&settings);
    let none = || (0..20).map(|_| String::new());
    assert!(are_one(&app, "::1", none()).await);
    // It comes to this socket as `::ffff:127.0.0.1`, and is in no /64 with other such.
    assert!(are_one(&app, LOOPBACK, none()).await);
    assert_eq!(knock(&app, "127.0.0.2", "").await, 101);
    let client = |n: u64| forwarded_for(&[&format!("2001:db8::{n}")]);
    assert!(are_one(&app, "127.0.0.9", (0..20).map(client)).await);
    assert_eq!(knock(&app, "127.0.0.9", &forwarded_for(&["203.0.113.9"])).await, 101);
}

/// For who reads the log, too.
#[actix_web::test]
async fn the_log_names_the_client_that_was_refused() {
    let app = App::start_with(&[("http.trusted_proxies", "127.0.0.1")]);
    let http = app.http("nonsense");
    for (said, client) in
        [("203.0.113.9", "203.0.113.9"), ("[2001:db8::7]:1", "2001:db8::7"), ("x", LOOPBACK)]
    {
        let request = http.request("GET", "/v1/me").insert_header(("X-Forwarded-For", said));
        http.send(request, "").await.problem(401, "invalid_token");
        app.logged(|line| line["message"] == "auth refused" && line["client"] == client).await;
    }
}
