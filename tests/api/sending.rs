//! `POST /v1/send/{user}`: publishing from a shell.

use serde_json::{Value, json};

use crate::{
    app::App,
    clients::http::{Answer, Http},
};

async fn send(http: &Http, path: &str, body: impl Into<Vec<u8>>) -> Answer {
    http.send(http.request("POST", &format!("/v1/send/{path}")), body).await
}

async fn newest(app: &App, user: &str) -> Value {
    app.user(user).get("/v1/notifications?limit=1").await.json()["notifications"][0].clone()
}

#[actix_web::test]
async fn a_text_is_sent_whatever_its_content_type_says() {
    let app = App::start();
    let http = app.http(&app.publisher());
    for content_type in
        ["", "text/plain", "application/x-www-form-urlencoded", "application/json", "image/png"]
    {
        let mut request = http.request("POST", "/v1/send/alice");
        if !content_type.is_empty() {
            request = request.insert_header(("Content-Type", content_type));
        }
        let text = format!("as {content_type:?}\nwith \u{1f600} and \0");
        let answer = http.send(request, text.clone()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let item = newest(&app, "alice").await;
        assert_eq!((&item["type"], &item["payload"]), (&json!("note.text"), &json!({ "text": text })));
        let receipt = json!({"id": item["id"], "to": "alice", "position": item["position"]});
        assert_eq!(answer.json(), json!({"notifications": [receipt]}));
    }
}

#[actix_web::test]
async fn the_query_gives_a_type_a_title_and_a_link() {
    let app = App::start();
    let http = app.http(&app.publisher());
    let path = "alice?url=https%3A%2F%2Fa.example%2F%3Fb%3Dc%26d&title=Two+words%21&type=build.finished";
    assert_eq!(send(&http, path, "text").await.status, 201);
    let listed = app.user("alice").get("/v1/notifications").await.text();
    let payload = r#""payload":{"text":"text","title":"Two words!","url":"https://a.example/?b=c&d"}"#;
    assert!(listed.contains(payload) && listed.contains(r#""type":"build.finished""#), "{listed}");
}

#[actix_web::test]
async fn b42_a_user_of_the_path_is_decoded_before_it_is_checked() {
    let mut app = App::start();
    let http = app.http(&app.publisher());
    for (path, user) in
        [("a%40b.c", "a@b.c"), ("a+b", "a+b"), ("a%2Bb", "a+b"), ("a%7Cb%3D", "a|b="), ("%61", "a")]
    {
        let answer = send(&http, path, "x").await;
        assert_eq!(answer.json()["notifications"][0]["to"], user, "{path}");
    }
    for bad in ["bob%27", "bob%00", "b%20b", "%C3%B6", "bob%3B--", "bob%2527", &"x".repeat(129)] {
        send(&http, bad, "x").await.problem(422, "validation");
    }
    for nowhere in ["", "a/b"] {
        send(&http, nowhere, "x").await.problem(404, "not_found");
    }
    assert_eq!(send(&http, "a%2Fb", "x").await.status / 100, 4);
    assert_eq!(app.unread("bob").await["version"], 0);
    app.expect_healthy().await;
}

#[actix_web::test]
async fn a_text_has_an_end_and_is_text() {
    let app = App::start();
    let http = app.http(&app.publisher());
    assert_eq!(send(&http, "alice", "x".repeat(4096)).await.status, 201);
    send(&http, "alice", "x".repeat(4097)).await.problem(413, "too_large");
    send(&http, "alice", "").await.problem(422, "validation");
    send(&http, "alice", &b"\xc3\x28"[..]).await.problem(400, "bad_message");
    assert_eq!(app.unread("alice").await["unread"], 1);
}

#[actix_web::test]
async fn a_query_that_cannot_be_meant_is_refused() {
    let app = App::start();
    let http = app.http(&app.publisher());
    for bad in ["type=ping", "type=a.b%0D%0A", "type=", "url=javascript:alert(1)", "url=x"] {
        send(&http, &format!("alice?{bad}"), "x").await.problem(422, "validation");
    }
    let long = format!("title={}", "x".repeat(257));
    send(&http, &format!("alice?{long}"), "x").await.problem(422, "validation");
    for bad in ["titel=x", "title=a&title=b"] {
        send(&http, &format!("alice?{bad}"), "x").await.problem(400, "bad_message");
    }
    assert_eq!(app.unread("alice").await["version"], 0);
}

#[actix_web::test]
async fn b44_a_scope_of_some_types_holds_for_texts_too() {
    let mut app = App::start();
    let http = app.http(&app.token("backend", "notify:order.*"));
    send(&http, "alice", "x").await.problem(403, "insufficient_scope");
    send(&http, "alice?type=comment.created", "x").await.problem(403, "insufficient_scope");
    assert_eq!(send(&http, "alice?type=order.shipped", "x").await.status, 201);
    send(&app.user("alice"), "alice", "x").await.problem(403, "insufficient_scope");
    send(&app.anonymous(), "alice", "x").await.problem(401, "invalid_token");
    assert_eq!(app.unread("alice").await["unread"], 1);
    app.expect_healthy().await;
}
