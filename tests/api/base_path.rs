//! Everything below one path (`http.base_path`), for a proxy that has other things beside it.

use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use crate::{
    app::{App, SECRET, program},
    clients::{
        http::Http,
        program::{Ended, Running, run},
        ws::Ws,
    },
};

const BASE: &str = "/apps/tidings";

fn start() -> App {
    App::start_with(&[("http.base_path", BASE)])
}

#[actix_web::test]
async fn everything_is_below_the_base_path_and_nothing_beside_it() {
    let app = start();
    let http = app.http(&app.token("alice", "notify admin"));
    for path in ["/health", "/ready", "/metrics", "/openapi.json", "/v1/me", "/v1/poll", "/v1/admin/stats"] {
        assert_eq!(http.get(&format!("{BASE}{path}")).await.status, 200, "{path}");
        for outside in
            [path.to_owned(), format!("/apps{path}"), format!("{BASE}s{path}"), format!("/{BASE}{path}")]
        {
            http.get(&outside).await.problem(404, "not_found");
        }
    }
    for nothing in ["/", "/apps", BASE, &format!("{BASE}/"), &format!("{BASE}/v1"), &format!("{BASE}/%zz")] {
        http.get(nothing).await.problem(404, "not_found");
    }
    let refused = http.send(http.request("PUT", &format!("{BASE}/health")), "").await;
    assert_eq!((refused.status, refused.header("Allow")), (405, Some("GET, HEAD")));
    assert_eq!(http.get(&format!("{BASE}/v1/me")).await.header("Cache-Control"), Some("no-store"));
    let long = http.get(&format!("{BASE}/health?{}", "a".repeat(9000))).await;
    long.problem(414, "too_large");
}

#[actix_web::test]
async fn every_transport_and_every_address_that_is_told_follow_it() {
    let app = start();
    let token = app.token("alice", "notify");
    let http = app.http(&token);
    for _ in 0..2 {
        let sent = http.send(http.request("POST", &format!("{BASE}/v1/send/alice")), "hello").await;
        assert_eq!(sent.status, 201, "{}", sent.text());
    }
    let first = http.get(&format!("{BASE}/v1/notifications?limit=1")).await;
    let link = first.header("Link").unwrap().to_owned();
    let next = link.strip_prefix('<').unwrap().split_once('>').unwrap().0;
    assert!(next.starts_with(&format!("{BASE}/v1/notifications?")), "{link}");
    assert_eq!(http.get(next).await.json()["notifications"].as_array().unwrap().len(), 1);
    let document = http.get(&format!("{BASE}/openapi.json")).await.json();
    assert_eq!(document["servers"], json!([{"url": BASE, "description": "This server."}]));
    assert!(document["paths"]["/v1/me"].is_object());

    let ticket = http.send(http.request("POST", &format!("{BASE}/v1/tickets")), "").await.json();
    let path = format!("{BASE}/v1/ws?ticket={}", ticket["ticket"].as_str().unwrap());
    let (mut ws, _) = Ws::handshake(app.address, &path, &[]).await.unwrap();
    assert_eq!(ws.expect("welcome").await["user"], "alice");
    let refused = Ws::handshake(app.address, "/v1/ws", &[]).await.err();
    assert!(matches!(refused, Some(Error::Http(answer)) if answer.status() == 404));
    let busy = http.get(&format!("{BASE}/v1/sse?rooms=no")).await;
    busy.problem(403, "forbidden");
    let polled = http.get(&format!("{BASE}/v1/poll?since=inbox@00000000.0")).await.json();
    assert_eq!(polled["events"].as_array().unwrap().len(), 3, "{polled}");
}

#[actix_web::test]
async fn the_listener_for_administrators_has_it_too() {
    let app = App::start_with(&[("http.base_path", BASE), ("http.admin_listen", "127.0.0.1:0")]);
    let listening = app.logged(|record| record["message"] == "listening for administrators").await;
    let http = Http::new(listening["address"].as_str().unwrap().parse().unwrap(), None);
    for path in ["/health", "/metrics"] {
        assert_eq!(http.get(&format!("{BASE}{path}")).await.status, 200);
        http.get(path).await.problem(404, "not_found");
    }
}

/// A client verb with the settings of this server, or with its address.
fn verb(app: &App, arguments: &[&str], is_named: bool) -> std::process::Command {
    let mut command = program();
    command.current_dir(app.database().parent().unwrap()).args(arguments);
    command.env("TIDINGS_AUTH_SECRET", SECRET);
    if is_named {
        command.args(["--server", &format!("http://{}{BASE}/", app.address)]);
    } else {
        command.env("TIDINGS_HTTP_LISTEN", app.address.to_string()).env("TIDINGS_HTTP_BASE_PATH", BASE);
    }
    command
}

#[actix_web::test]
async fn the_verbs_of_the_command_line_find_the_server_below_it() {
    let app = start();
    for is_named in [false, true] {
        for arguments in [&["health"][..], &["health", "--ready"], &["send", "alice", "hello"]] {
            let Ended { code, stderr, .. } = run(&mut verb(&app, arguments, is_named));
            assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
        }
        for way in ["ws", "sse", "poll"] {
            let listener = Running::start(&mut verb(&app, &["listen", "bob", "--transport", way], is_named));
            listener.stderr.expect("connected");
        }
    }
    let wrong = run(verb(&app, &["health"], false).env("TIDINGS_HTTP_BASE_PATH", "tidings"));
    assert!(wrong.code == Some(2) && wrong.stderr.contains("http.base_path"), "{wrong:?}");
}
