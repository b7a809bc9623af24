//! A listener of their own for administrators (`http.admin_listen`, T17).

use std::{collections::BTreeSet, net::SocketAddr, process::Command};

use serde_json::Value;

use crate::{
    app::{App, SECRET, program, until},
    clients::{
        http::{Answer, Http},
        program::run,
        raw::Raw,
        ws::Ws,
    },
};

/// What is asked by whoever runs the application.
const FOR_ADMINISTRATORS: [&str; 5] =
    ["/metrics", "/v1/admin/stats", "/v1/admin/sessions", "/v1/admin/rooms", "/v1/admin/unread?users=a"];

async fn start(settings: &[(&str, &str)]) -> (App, SocketAddr) {
    let app = App::start_with(&[&[("http.admin_listen", "127.0.0.1:0")], settings].concat());
    let listening = app.logged(|record| record["message"] == "listening for administrators").await;
    let address = listening["address"].as_str().unwrap().parse().unwrap();
    assert_ne!(address, app.address);
    (app, address)
}

fn admin(app: &App, address: SocketAddr) -> Http {
    Http::new(address, Some(&app.token("root", "admin")))
}

#[actix_web::test]
async fn t17_what_administrators_ask_is_nowhere_but_on_their_own_listener() {
    let (mut app, address) = start(&[]).await;
    let root = app.http(&app.token("root", "admin"));
    for path in
        FOR_ADMINISTRATORS.into_iter().chain(["/admin", "/v1/admin", "/v1/%61dmin/stats", "//metrics"])
    {
        root.get(path).await.problem(404, "not_found");
    }
    root.delete("/v1/admin/users/alice").await.problem(404, "not_found");
    for path in FOR_ADMINISTRATORS {
        let answer = admin(&app, address).get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    assert_eq!(admin(&app, address).delete("/v1/admin/users/alice").await.status, 204);
    for path in ["/health", "/ready"] {
        assert_eq!((root.get(path).await.status, admin(&app, address).get(path).await.status), (200, 200));
    }
    app.expect_healthy().await;
}

#[actix_web::test]
async fn t17_the_numbers_need_no_token_there_and_all_else_does() {
    let (app, address) = start(&[]).await;
    app.publish("alice", 1).await;
    let nobody = Http::new(address, None);
    let numbers = nobody.get("/metrics").await;
    assert_eq!(numbers.status, 200);
    assert!(numbers.text().contains("tidings_notifications_accepted_total 1\n"), "{}", numbers.text());
    nobody.get("/metrics?alice=1").await.problem(400, "bad_message");
    let alice = Http::new(address, Some(&app.token("alice", "notify join:*")));
    for path in &FOR_ADMINISTRATORS[1..] {
        nobody.get(path).await.problem(401, "invalid_token");
        alice.get(path).await.problem(403, "insufficient_scope");
    }
}

#[actix_web::test]
async fn a_client_finds_nothing_on_the_listener_for_administrators() {
    let (app, address) = start(&[]).await;
    let http = admin(&app, address);
    for path in ["/v1/me", "/v1/sse", "/v1/poll", "/v1/notifications", "/v1/rooms/a/messages", "/"] {
        http.get(path).await.problem(404, "not_found");
    }
    http.post("/v1/notifications", &Value::Null).await.problem(404, "not_found");
    let authorization = format!("Bearer {}", app.token("alice", ""));
    assert_eq!(Ws::refusal(address, "", &[("authorization", &authorization)]).await.0, 404);
}

fn paths(document: &Answer) -> BTreeSet<String> {
    document.json()["paths"].as_object().unwrap().keys().cloned().collect()
}

#[actix_web::test]
async fn each_listener_has_a_document_of_what_it_answers() {
    let (app, address) = start(&[]).await;
    let public = app.anonymous().get("/openapi.json").await;
    let admin = Http::new(address, None).get("/openapi.json").await;
    let only = App::start().anonymous().get("/openapi.json").await;
    let both: BTreeSet<String> = ["/health", "/ready", "/openapi.json"].map(str::to_owned).into();
    assert_eq!(paths(&public).intersection(&paths(&admin)).cloned().collect::<BTreeSet<_>>(), both);
    assert_eq!(paths(&public).union(&paths(&admin)).cloned().collect::<BTreeSet<_>>(), paths(&only));
    assert!(
        paths(&admin)
            .iter()
            .all(|path| both.contains(path) || path == "/metrics" || path.starts_with("/v1/admin/"))
    );
    let metrics = |document: &Answer| document.json()["paths"]["/metrics"]["get"].clone();
    assert_eq!(metrics(&admin)["security"], serde_json::json!([{}]));
    assert!(
        metrics(&admin)["responses"].get("401").is_none() && metrics(&only)["responses"]["401"].is_object()
    );
}

/// A request that still runs keeps the public server; that for administrators is there for as long.
#[actix_web::test]
async fn a_stop_is_told_on_both_and_the_numbers_can_be_read_up_to_its_end() {
    let (mut app, address) = start(&[("shutdown.drain", "500ms"), ("http.body_timeout", "3s")]).await;
    let mut slow = Raw::connect(app.address).await;
    let head = format!(
        "POST /v1/notifications HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
        app.publisher()
    );
    slow.write(head).await;
    let mut waiting = app.ws("alice").await;
    let (public, http) = (app.anonymous(), Http::new(address, None));
    app.signal("-TERM");
    app.logged(|record| record["message"] == "stopping").await;
    for answer in [public.get("/ready").await, http.get("/ready").await] {
        answer.problem(503, "draining");
        assert!(answer.header("Retry-After").is_some());
    }
    assert_eq!(waiting.end().await, Some(1012));
    let closed = app.address;
    let mut is_open = true;
    while is_open {
        assert_eq!(http.get("/metrics").await.status, 200, "while the other one still listens");
        is_open = tokio::net::TcpStream::connect(closed).await.is_ok();
    }
    assert_eq!(http.get("/metrics").await.status, 200, "when the other one listens no more");
    http.get("/ready").await.problem(503, "draining");
    let answered = String::from_utf8(slow.read_to_end().await).unwrap();
    assert!(answered.starts_with("HTTP/1.1 408 "), "{answered}");
    assert_eq!(app.ended().await.code(), Some(0));
    until("nobody listens", || std::net::TcpStream::connect(address).is_err().then_some(())).await;
}

fn serve(settings: &[&str]) -> Command {
    let mut command = program();
    command.env("TIDINGS_AUTH_SECRET", SECRET).arg("serve");
    for setting in settings {
        command.args(["--set", setting]);
    }
    command
}

#[actix_web::test]
async fn a_listener_that_cannot_be_is_named_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    let same = ["http.listen=127.0.0.1:4711", "http.admin_listen=127.0.0.1:4711"];
    let ended = run(serve(&same).current_dir(&folder));
    assert!(ended.code == Some(2) && ended.stderr.contains("http.admin_listen (from --set): "), "{ended:?}");
    assert!(!folder.path().join("tidings.db").exists());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let admin = format!("http.admin_listen={}", taken.local_addr().unwrap());
    let ended = run(serve(&["http.listen=127.0.0.1:0", &admin]).current_dir(&folder));
    assert!(ended.code == Some(1) && ended.stderr.contains("tidings: http.admin_listen: "), "{ended:?}");
    assert!(!ended.stderr.contains("\"listening"), "{ended:?}");
}
