//! The pages for people: where they are, what they may do, and who is signed in on them. What they show is tested in a
//! browser (tests/browser).

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    app::{App, program},
    clients::{
        http::{Answer, Http},
        program::Running,
    },
};

/// A `tidings dev`, the code of its link, and a client that does not say who it is.
struct Trial {
    _server: Running,
    _folder: TempDir,
    code: String,
    http: Http,
}

impl Trial {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["dev", "--set", "http.listen=127.0.0.1:0"];
        let server = Running::start(program().current_dir(&folder).args(arguments));
        let admin = server.stdout.expect("  admin ");
        let (page, code) = admin.trim().rsplit_once('#').unwrap();
        let address = page.rsplit_once("http://").unwrap().1.split_once('/').unwrap().0.parse().unwrap();
        server.stdout.expect("  health ");
        Self { code: code.to_owned(), http: Http::new(address, None), _server: server, _folder: folder }
    }

    async fn post_as(&self, path: &str, origin: &str, body: &Value) -> Answer {
        let request = self.http.request("POST", path).insert_header(("Origin", origin));
        self.http.send(request, body.to_string()).await
    }
}

/// Whatever somebody gets into a page (`GET /docs` is one), it loads and calls its own server alone.
#[actix_web::test]
async fn a_page_may_load_and_call_its_own_server_alone_and_nobody_may_frame_it() {
    let app = App::start();
    for path in ["/docs", "/admin", "/assets/pages.css", "/assets/admin/main.js", "/assets/vendor/lit.js"] {
        let answer = app.anonymous().get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("Content-Security-Policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
        assert_eq!(answer.header("Access-Control-Allow-Origin"), None);
    }
}

#[actix_web::test]
async fn what_a_browser_has_already_is_not_sent_again() {
    let app = App::start();
    let http = app.anonymous();
    let first = http.get("/assets/admin/main.js").await;
    let tag = first.header("ETag").unwrap().to_owned();
    assert_eq!(first.header("Cache-Control"), Some("no-cache"));
    assert_eq!(first.header("Content-Type"), Some("text/javascript; charset=utf-8"));
    let request = http.request("GET", "/assets/admin/main.js").insert_header(("If-None-Match", tag.clone()));
    let again = http.send(request, "").await;
    assert_eq!((again.status, again.header("ETag"), again.body.len()), (304, Some(tag.as_str()), 0));
}

#[actix_web::test]
async fn who_does_not_try_it_out_finds_no_demo_and_no_way_in_but_a_token() {
    let app = App::start();
    let http = app.anonymous();
    for path in ["/demo", "/sw.js", "/assets/demo/main.js", "/assets/../Cargo.toml", "/assets/admin.htm"] {
        http.get(path).await.problem(404, "not_found");
    }
    for path in ["/demo/tokens", "/admin/sign-in"] {
        http.post(path, &json!({})).await.problem(404, "not_found");
    }
    http.post("/admin", &json!({})).await.problem(405, "not_found");
}

/// Each listener has the page of its own API, and of the other pages only what is answered there.
#[actix_web::test]
async fn the_page_of_the_api_is_on_each_listener_and_no_file_of_another_page() {
    let app = App::start_with(&[("http.admin_listen", "127.0.0.1:0")]);
    let admin = app.logged(|line| line["message"] == "listening for administrators").await;
    let admin = Http::new(admin["address"].as_str().unwrap().parse().unwrap(), None);
    let public = app.anonymous();
    for (http, has_socket) in [(&public, true), (&admin, false)] {
        for path in ["/docs", "/assets/docs/main.js", "/assets/vendor/lit.js"] {
            assert_eq!(http.get(path).await.status, 200, "{path}");
        }
        let paths = http.get("/openapi.json").await.json()["paths"].clone();
        assert_eq!(paths["/asyncapi.json"].is_object(), has_socket);
        assert_eq!(http.get("/asyncapi.json").await.status == 200, has_socket);
    }
    assert_eq!(admin.get("/assets/admin/main.js").await.status, 200);
    public.get("/assets/admin/main.js").await.problem(404, "not_found");
}

#[actix_web::test]
async fn pages_stand_under_the_base_path_and_name_nothing_beside_it() {
    let app = App::start_with(&[("http.base_path", "/tidings")]);
    let http = app.anonymous();
    let page = http.get("/tidings/admin").await;
    assert_eq!(page.status, 200);
    assert!(!page.text().contains("=\"/"), "an address from the root would be beside it");
    assert_eq!(http.get("/tidings/assets/pages.css").await.status, 200);
    http.get("/admin").await.problem(404, "not_found");
}

/// `GET /embed.js`, and what it loads.
#[actix_web::test]
async fn an_inbox_can_be_put_on_a_page_of_an_allowed_origin_also_where_no_page_of_ours_is() {
    let page = "https://app.example.com";
    let app = App::start_with(&[("http.allowed_origins", page), ("http.admin_listen", "127.0.0.1:0")]);
    let http = app.anonymous();
    let files =
        ["/embed.js", "/assets/vendor/element.js", "/assets/vendor/lit.js", "/assets/vendor/tidings.js"];
    for path in files {
        for (origin, allowed) in [(page, Some(page)), ("https://evil.example", None)] {
            let request = http.request("GET", path).insert_header(("Origin", origin));
            let answer = http.send(request, "").await;
            assert_eq!(
                (answer.status, answer.header("Access-Control-Allow-Origin")),
                (200, allowed),
                "{path}"
            );
        }
    }
    for path in ["/admin", "/assets/admin/main.js", "/assets/vendor/uplot.js", "/assets/vendor/sw.js"] {
        http.get(path).await.problem(404, "not_found");
    }
}

/// `GET /demo`, and what it is made of (`GET /assets/{name}`).
#[actix_web::test]
async fn the_demo_is_signed_in_as_alice_and_as_bob_for_its_own_page_alone() {
    let trial = Trial::start();
    for path in ["/demo", "/sw.js", "/assets/demo/main.js", "/admin"] {
        assert_eq!(trial.http.get(path).await.status, 200, "{path}");
    }
    let other = trial.post_as("/demo/tokens", "https://evil.example", &json!({})).await;
    other.problem(403, "origin_not_allowed");
    let tokens = trial.http.post("/demo/tokens", &json!({})).await.json();
    for (name, user) in [("alice", "alice"), ("bob", "bob"), ("backend", "demo")] {
        let request = trial.http.request("GET", "/v1/me");
        let bearer = ("Authorization", format!("Bearer {}", tokens[name].as_str().unwrap()));
        let me = trial.http.send(request.insert_header(bearer), "").await.json();
        assert_eq!(me["user"], user);
        assert!(!me["scopes"].as_array().unwrap().contains(&json!("admin")), "{me}");
    }
}

#[actix_web::test]
async fn the_link_of_the_administrator_is_good_once() {
    let trial = Trial::start();
    let code = json!({ "code": trial.code });
    trial.post_as("/admin/sign-in", "https://evil.example", &code).await.problem(403, "origin_not_allowed");
    trial.http.post("/admin/sign-in", &json!({ "code": "" })).await.problem(401, "invalid_token");
    trial.http.post("/admin/sign-in", &json!({ "kode": 1 })).await.problem(400, "bad_message");
    let token = trial.http.post("/admin/sign-in", &code).await.json()["token"].as_str().unwrap().to_owned();
    let request = trial.http.request("GET", "/v1/admin/stats");
    let stats =
        trial.http.send(request.insert_header(("Authorization", format!("Bearer {token}"))), "").await;
    assert_eq!(stats.status, 200);
    trial.http.post("/admin/sign-in", &code).await.problem(401, "invalid_token");
}
