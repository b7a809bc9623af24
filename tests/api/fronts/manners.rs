//! What a front does besides passing on: it waits for heartbeats, speaks TLS and HTTP/2, and stands beside other sites.

use std::{fs, net::SocketAddr, process::Command};

use futures_util::future::join3;
use serde_json::{Value, json};

use crate::{
    app::{App, until},
    clients::{http::Http, program::run, raw::Raw, sse::Sse, ws::Ws},
    engines::{
        authority::{Authority, Certificate},
        front::Front,
    },
};

/// Heartbeats keep what is idle for longer than the proxy waits, and without them it is cut.
async fn expect_heartbeats_to_keep(front: impl AsyncFn([SocketAddr; 2]) -> Front) {
    let beating = [("session.ping_interval", "500ms"), ("session.sse_heartbeat", "500ms")];
    let (kept, silent) = (App::start_with(&beating), App::start());
    let (front, cutting) = (front([kept.address; 2]).await, front([silent.address; 2]).await);
    let token = kept.token("alice", "");
    let mut ws = Ws::connect(front.address, "", &token).await;
    let mut sse = Sse::connect(front.address, "", &token).await;
    let mut cut = Ws::connect(cutting.address, "", &token).await;
    let mut ended = Sse::connect(cutting.address, "", &token).await;
    // Longer than twice the time.
    let pinged = async {
        for _ in 0..9 {
            assert_eq!(ws.next().await["type"], "ping");
        }
    };
    let beaten = async {
        for _ in 0..9 {
            sse.heartbeat().await;
        }
    };
    join3(pinged, beaten, cut.expect_cut()).await;
    assert_eq!(ended.try_next_event().await, None, "cut, too");
    kept.publish("alice", 1).await;
    assert_eq!((ws.next_ns(1).await, sse.next_ns(1).await), (vec![1], vec![1]));
}

/// The times of `deploy/nginx` and of the server, all shorter.
#[actix_web::test]
async fn what_is_idle_longer_than_nginx_waits_is_kept_by_heartbeats() {
    let shorter = [
        ("proxy_read_timeout 75s", "proxy_read_timeout 2s"),
        ("proxy_send_timeout 75s", "proxy_send_timeout 2s"),
    ];
    expect_heartbeats_to_keep(async |nodes| Front::nginx(nodes, &shorter, None).await).await;
}

/// The same of `deploy/haproxy`.
#[actix_web::test]
async fn what_is_idle_longer_than_haproxy_waits_is_kept_by_heartbeats() {
    let shorter = [
        ("timeout client 75s", "timeout client 2s"),
        ("timeout server 75s", "timeout server 2s"),
        ("timeout tunnel 75s", "timeout tunnel 2s"),
    ];
    expect_heartbeats_to_keep(async |nodes| Front::haproxy(nodes, &shorter, None).await).await;
}

/// Event streams and requests of a page share one connection, by TLS, and are of its own origin.
async fn expect_http_2(front: impl AsyncFn([SocketAddr; 2], Certificate) -> Front) {
    let app = App::start_with(&[("http.trusted_proxies", "127.0.0.1")]);
    let authority = Authority::new();
    let front = front([app.address; 2], authority.certify("localhost")).await;
    let folder = tempfile::tempdir().unwrap();
    let trusted = folder.path().join("ca.pem");
    fs::write(&trusted, &authority.certificate).unwrap();
    let mut client = Command::new("node");
    client.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/http2.mjs"));
    client.arg(format!("https://localhost:{}", front.secure.port())).arg(&trusted);
    client.env("TOKEN", app.token("alice", "notify"));
    let ended = run(&mut client);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    let expected = json!({
        "protocol": "h2", "streams": 3, "published": 201, "heard": [1, 1, 1], "own_origin": 200, "plain_origin": 403,
    });
    assert_eq!(told, expected);
}

#[actix_web::test]
async fn nginx_speaks_http_2_to_event_streams_and_tells_that_it_came_by_tls() {
    expect_http_2(async |nodes, certificate| Front::nginx(nodes, &[], Some(&certificate)).await).await;
}

#[actix_web::test]
async fn haproxy_speaks_http_2_to_event_streams_and_tells_that_it_came_by_tls() {
    expect_http_2(async |nodes, certificate| Front::haproxy(nodes, &[], Some(&certificate)).await).await;
}

#[actix_web::test]
async fn caddy_speaks_http_2_to_event_streams_and_tells_that_it_came_by_tls() {
    expect_http_2(async |nodes, certificate| Front::caddy(nodes, &[], Some(&certificate)).await).await;
}

/// A site that answers whatever nobody else does, as Debian's nginx has one.
#[actix_web::test]
async fn beside_another_site_nginx_leads_to_tidings_by_its_name() {
    let app = App::start();
    let other = "server { listen ADDRESS default_server; return 410; }\nupstream tidings {";
    let front = Front::nginx([app.address; 2], &[("upstream tidings {", other)], None).await;
    for (host, answer) in [("tidings.example.com", "HTTP/1.1 200"), ("localhost", "HTTP/1.1 410")] {
        let mut raw = Raw::connect(front.address).await;
        raw.write(format!("GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert!(raw.read_head().await.starts_with(answer), "{host}");
    }
}

/// With other things beside it, as README has it: below its path, and without a token in any log.
#[actix_web::test]
async fn nginx_as_the_readme_has_it_passes_what_is_below_its_path_and_writes_down_no_token() {
    let settings = [("http.base_path", "/tidings"), ("http.trusted_proxies", "127.0.0.1")];
    let mut app = App::start_with(&settings);
    let front = Front::nginx_of_the_readme(app.address).await;
    let token = app.token("alice", "");
    let (mut ws, _) =
        Ws::handshake(front.address, &format!("/tidings/v1/ws?token={token}"), &[]).await.unwrap();
    ws.expect("welcome").await;
    let nobody = Http::new(front.address, None);
    let polled = format!("/tidings/v1/poll?token={token}");
    assert_eq!(nobody.get(&polled).await.status, 200);
    // What nginx says of an instance that is gone would quote it, too.
    app.kill();
    assert_eq!(nobody.get(&polled).await.status, 502);
    let has_all = |said: &String| said.contains(" 502 ") && said.contains("GET /tidings/v1/ws");
    let said = until("the log has them", || Some(front.said()).filter(has_all)).await;
    let signature = token.rsplit('.').next().unwrap();
    assert!(!said.contains(signature), "{said}");
}
