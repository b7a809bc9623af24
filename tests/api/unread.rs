//! `GET /v1/notifications/unread` and `GET /v1/me`.

use futures_util::future::join_all;
use serde_json::json;

use crate::{
    app::App,
    clients::http::{Answer, Http},
};

const PATH: &str = "/v1/notifications/unread";

async fn unless(http: &Http, known: &str) -> Answer {
    http.send(http.request("GET", PATH).insert_header(("If-None-Match", known)), "").await
}

async fn tag(http: &Http) -> String {
    let answer = http.get(PATH).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("ETag").unwrap().to_owned()
}

#[actix_web::test]
async fn the_numbers_of_a_bell_have_their_names() {
    let app = App::start();
    let zero = json!({
        "unread": 0, "unseen": 0, "display": "0", "version": 0, "marks_version": 0, "next_poll_ms": 30_000
    });
    let alice = app.user("alice");
    let answer = alice.get(PATH).await;
    assert_eq!((answer.json(), answer.header("Cache-Control")), (zero, Some("no-store")));
    app.publish("alice", 1).await;
    let unread = app.unread("alice").await;
    assert_eq!(
        (&unread["unread"], &unread["unseen"], &unread["display"]),
        (&1.into(), &1.into(), &"1".into())
    );
}

#[actix_web::test]
async fn a_bell_shows_no_more_than_99_and_a_plus() {
    let app = App::start();
    join_all((0..99).map(|n| app.publish("alice", n))).await;
    assert_eq!(app.unread("alice").await["display"], "99");
    app.publish("alice", 99).await;
    let unread = app.unread("alice").await;
    assert_eq!((&unread["unread"], &unread["display"]), (&100.into(), &"99+".into()));
}

#[actix_web::test]
async fn an_entity_tag_is_strong_and_known_in_every_spelling() {
    let app = App::start();
    app.publish("alice", 1).await;
    let alice = app.user("alice");
    let tag = tag(&alice).await;
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2, "{tag}");
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"x\", {tag}"),
        format!("W/\"x\",W/{tag} , \"y\""),
        "*".into(),
    ] {
        let answer = unless(&alice, &known).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{known}");
        assert_eq!(answer.header("ETag"), Some(tag.as_str()));
    }
    for other in ["\"x\"", "W/\"x\"", tag.trim_matches('"'), ""] {
        assert_eq!(unless(&alice, other).await.status, 200, "{other}");
    }
}

#[actix_web::test]
async fn an_entity_tag_changes_with_every_publish_mark_and_deletion_and_with_the_user() {
    let app = App::start();
    let alice = app.user("alice");
    let mut tags = vec![tag(&alice).await];
    let position = app.publish("alice", 1).await;
    tags.push(tag(&alice).await);
    app.publish("alice", 2).await;
    tags.push(tag(&alice).await);
    for mark_as in ["seen", "read", "unread"] {
        let body = json!({"as": mark_as, "up_to": position});
        assert_eq!(alice.post("/v1/notifications/mark", &body).await.status, 200);
        tags.push(tag(&alice).await);
        assert_eq!(alice.post("/v1/notifications/mark", &body).await.status, 200);
        assert_eq!(&tag(&alice).await, tags.last().unwrap(), "nothing has changed");
    }
    let listing = alice.get("/v1/notifications").await.json();
    let id = listing["notifications"][0]["id"].as_str().unwrap();
    assert_eq!(alice.delete(&format!("/v1/notifications/{id}")).await.status, 204);
    tags.push(tag(&alice).await);
    app.publish("bob", 1).await;
    tags.push(tag(&app.user("bob")).await);
    for (i, tag) in tags.iter().enumerate() {
        assert!(!tags[..i].contains(tag), "{tags:?}");
        let is_newest = i + 2 == tags.len();
        assert_eq!(unless(&alice, tag).await.status, if is_newest { 304 } else { 200 });
    }
}

#[actix_web::test]
async fn me_is_who_the_token_says() {
    let app = App::start_with(&[("auth.default_scopes", "join:lobby")]);
    let answer = app.http(&app.token("alice", "notify:a.* join:chat:* openid")).get("/v1/me").await;
    let me = answer.json();
    assert_eq!((&me["user"], me.as_object().unwrap().len()), (&"alice".into(), 3));
    assert_eq!(me["scopes"], json!(["notify:a.*", "join:chat:*", "join:lobby"]));
    let expires_at: jiff::Timestamp = me["expires_at"].as_str().unwrap().parse().unwrap();
    let left = expires_at.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((3000..=3600).contains(&left), "{left}");
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
}
