//! Which pages may use a user's cookie (T1, B10, B11), and which may read an answer (CORS).

use serde_json::json;

use crate::{app::App, clients::http::Answer};

const PAGE: &str = "https://app.example.com";
const FOREIGN: [&str; 6] = [
    "https://evil.example",
    "https://app.example.com.evil.example",
    "https://evilapp.example.com",
    "http://app.example.com",
    "https://app.example.com:8443",
    "null",
];

fn start() -> App {
    App::start_with(&[("http.allowed_origins", PAGE)])
}

/// Publishes as a browser would with the cookie of a publisher.
async fn publish_with_cookie(app: &App, headers: &[(&str, &str)]) -> Answer {
    let http = app.anonymous();
    let request = http
        .request("POST", "/v1/notifications")
        .insert_header(("Cookie", format!("tidings_token={}", app.publisher())))
        .insert_header(("Content-Type", "application/json"));
    let request = headers.iter().fold(request, |request, header| request.append_header(*header));
    http.send(request, json!({"to": "alice", "type": "a.b", "payload": {}}).to_string()).await
}

#[actix_web::test]
async fn t1_a_page_elsewhere_does_not_ride_on_a_cookie() {
    let app = start();
    for origin in FOREIGN {
        publish_with_cookie(&app, &[("Origin", origin)]).await.problem(403, "origin_not_allowed");
    }
    // What the browser says of the page does not heal what the page is.
    let both = [("Origin", FOREIGN[0]), ("Sec-Fetch-Site", "same-origin")];
    publish_with_cookie(&app, &both).await.problem(403, "origin_not_allowed");
    let twice = [("Origin", PAGE), ("Origin", FOREIGN[0])];
    publish_with_cookie(&app, &twice).await.problem(403, "origin_not_allowed");
    publish_with_cookie(&app, &[]).await.problem(403, "origin_not_allowed");
    for site in ["same-site", "cross-site", "none", ""] {
        publish_with_cookie(&app, &[("Sec-Fetch-Site", site)]).await.problem(403, "origin_not_allowed");
    }
    assert_eq!(app.unread("alice").await["version"], 0);

    let own = format!("http://{}", app.address);
    for header in [("Origin", PAGE), ("Origin", &own), ("Sec-Fetch-Site", "same-origin")] {
        assert_eq!(publish_with_cookie(&app, &[header]).await.status, 201, "{header:?}");
    }
}

#[actix_web::test]
async fn a_token_that_a_page_brings_itself_counts_wherever_it_comes_from() {
    let app = start();
    let alice = app.user("alice");
    let request = alice.request("GET", "/v1/me").insert_header(("Origin", FOREIGN[0]));
    let answer = alice.send(request.insert_header(("Cookie", "tidings_token=x")), "").await;
    assert_eq!(answer.json()["user"], "alice");
}

#[actix_web::test]
async fn a_preflight_is_granted_to_allowed_origins_only() {
    let app = start();
    let ask = async |origin: &str, method: &str| {
        let http = app.anonymous();
        let request = http
            .request("OPTIONS", "/v1/notifications")
            .insert_header(("Origin", origin))
            .insert_header(("Access-Control-Request-Method", method))
            .insert_header((
                "Access-Control-Request-Headers",
                "authorization, content-type, idempotency-key",
            ));
        http.send(request, "").await
    };
    for method in ["GET", "POST", "DELETE"] {
        let granted = ask(PAGE, method).await;
        assert!(granted.status == 200 || granted.status == 204, "{}", granted.status);
        assert_eq!(granted.header("Access-Control-Allow-Origin"), Some(PAGE));
        assert_eq!(granted.header("Access-Control-Allow-Credentials"), Some("true"));
        assert!(granted.header("Access-Control-Allow-Methods").unwrap().contains(method));
        let headers = granted.header("Access-Control-Allow-Headers").unwrap().to_ascii_lowercase();
        assert!(
            ["authorization", "content-type", "idempotency-key"].iter().all(|name| headers.contains(name))
        );
    }
    for origin in FOREIGN {
        let answer = ask(origin, "POST").await;
        assert_eq!(answer.header("Access-Control-Allow-Origin"), None, "{origin}");
    }
}

#[actix_web::test]
async fn an_answer_can_be_read_by_pages_of_allowed_origins_only() {
    let app = start();
    let alice = app.user("alice");
    let get = async |path: &str, origin: &str| {
        alice.send(alice.request("GET", path).insert_header(("Origin", origin)), "").await
    };
    // Errors too: a page is to know why.
    for path in ["/v1/notifications", "/v1/notifications/ntf_1", "/nowhere"] {
        let answer = get(path, PAGE).await;
        assert_eq!(answer.header("Access-Control-Allow-Origin"), Some(PAGE), "{path}");
        let exposed = answer.header("Access-Control-Expose-Headers").unwrap().to_ascii_lowercase();
        for name in ["etag", "link", "x-request-id", "retry-after", "idempotent-replayed"] {
            assert!(exposed.contains(name), "{exposed}");
        }
        for origin in FOREIGN {
            assert_eq!(get(path, origin).await.header("Access-Control-Allow-Origin"), None, "{origin}");
        }
    }
}
