//! A user's own inbox: list, one, delete, mark, unread.

use super::*;

async fn mark(server: &Server, body: &str) -> Answer {
    let request = server.user("POST", "/v1/notifications/mark").content_type("application/json");
    Answer::read(request.send_body(body.to_owned()).await.unwrap()).await
}

/// Publishes to alice and returns the ids, oldest first.
async fn fill(server: &Server, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for i in 0..count {
        let answer = server.publish(&format!(r#"{{"to":"alice","type":"a.b","payload":{{"i":{i}}}}}"#)).await;
        ids.push(answer.json()["notifications"][0]["id"].as_str().unwrap().to_owned());
    }
    ids
}

#[actix::test]
async fn a_list_is_read_page_by_page_by_its_link() {
    let server = Server::start().await;
    let mut ids = fill(&server, 5).await;
    ids.reverse();
    let mut path = "/v1/notifications?limit=2&state=unread&type=a.b".to_owned();
    let mut listed = Vec::new();
    loop {
        let page = server.get(&path).await;
        let body = page.json();
        let items = body["notifications"].as_array().unwrap();
        listed.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        assert_eq!(body["counters"]["unread"], 5);
        assert!(body["cursor"].as_str().unwrap().starts_with("inbox@"));
        let Some(link) = page.header("link") else {
            assert_eq!(body["next_before"], Value::Null);
            break;
        };
        path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
        assert!(path.contains(body["next_before"].as_str().unwrap()));
    }
    assert_eq!(listed, ids);
    server.stop().await;
}

#[actix::test]
async fn b48_a_list_that_makes_no_sense_is_refused() {
    let server = Server::start().await;
    for (query, status, code) in [
        ("limit=0", 400, "bad_message"),
        ("limit=-5", 400, "bad_message"),
        ("limit=1e3", 400, "bad_message"),
        ("state=some", 400, "bad_message"),
        ("order=up", 400, "bad_message"),
        ("type=ping", 422, "validation"),
        ("before=abc", 400, "bad_cursor"),
        ("before=zzzzzzzz.5", 400, "bad_cursor"),
    ] {
        server.get(&format!("/v1/notifications?{query}")).await.assert_problem(status, code);
    }
    assert_eq!(server.get("/v1/notifications?limit=100000").await.status, 200);
    server.stop().await;
}

#[actix::test]
async fn b46_a_notification_is_its_owners_alone() {
    let server = Server::start().await;
    let path = format!("/v1/notifications/{}", fill(&server, 1).await[0]);
    let shown = server.get(&path).await;
    let text = std::str::from_utf8(&shown.body).unwrap();
    assert!(
        text.starts_with(r#"{"id":"ntf_"#) && text.contains(r#""payload":{"i":0},"created_at":""#),
        "{text}"
    );
    for method in ["GET", "DELETE"] {
        let foreign = server.request(method, &path).bearer_auth(token("bob", "notify admin")).send().await;
        Answer::read(foreign.unwrap()).await.assert_problem(404, "not_found");
    }
    server.get("/v1/notifications/ntf_nonsense").await.assert_problem(404, "not_found");
    let deleted = Answer::read(server.user("DELETE", &path).send().await.unwrap()).await;
    assert_eq!((deleted.status, deleted.header("cache-control")), (204, Some("no-store")));
    server.get(&path).await.assert_problem(404, "not_found");
    server.stop().await;
}

#[actix::test]
async fn b47_a_mark_answers_with_the_counters() {
    let server = Server::start().await;
    let ids = fill(&server, 2).await;
    let foreign = mark(&server, r#"{"as":"read","ids":["ntf_01ARZ3NDEKTSV4RRFFQ69G5FAV","x"]}"#).await;
    assert_eq!((foreign.status, &foreign.json()["unread"]), (200, &Value::from(2)));
    let body = format!(r#"{{"as":"read","ids":["{}"]}}"#, ids[0]);
    let first = mark(&server, &body).await;
    assert_eq!((first.status, &first.json()["unread"]), (200, &Value::from(1)));
    assert_eq!(mark(&server, &body).await.json(), first.json());
    for (body, status, code) in [
        (r#"{"as":"read","up_to":"abc"}"#, 400, "bad_cursor"),
        (r#"{"as":"read","up_to":"zzzzzzzz.1"}"#, 400, "bad_cursor"),
        (r#"{"as":"read","ids":[],"all":true}"#, 422, "validation"),
        (r#"{"as":"read"}"#, 422, "validation"),
        (r#"{"as":"read","all":true,"x":1,"y":2}"#, 422, "validation"),
        (r#"{"as":"read","#, 400, "bad_message"),
    ] {
        mark(&server, body).await.assert_problem(status, code);
    }
    assert_eq!(mark(&server, r#"{"as":"read","all":true}"#).await.json()["unread"], 0);
    server.stop().await;
}

#[actix::test]
async fn the_unread_number_is_not_sent_again_until_it_changes() {
    let server = Server::start().await;
    let none = server.get("/v1/notifications/unread").await;
    let body = serde_json::json!({
        "unread": 0, "unseen": 0, "display": "0", "version": 0, "marks_version": 0, "next_poll_ms": 30000
    });
    assert_eq!((none.status, none.json()), (200, body));
    fill(&server, 1).await;
    let known = async |tag: &str| {
        let request = server.user("GET", "/v1/notifications/unread").insert_header(("if-none-match", tag));
        Answer::read(request.send().await.unwrap()).await
    };
    let one = known(none.header("etag").unwrap()).await;
    assert_eq!((one.status, &one.json()["unread"]), (200, &Value::from(1)));
    let tag = one.header("etag").unwrap();
    let same = known(tag).await;
    assert_eq!((same.status, same.body.len(), same.header("etag")), (304, 0, Some(tag)));
    mark(&server, r#"{"as":"seen","all":true}"#).await;
    assert_eq!(known(tag).await.json()["unseen"], 0);
    server.stop().await;
}

#[actix::test]
async fn me_says_who_is_asking_and_until_when() {
    let server = Server::start().await;
    let me = server.get("/v1/me").await;
    assert_eq!((me.status, me.header("cache-control")), (200, Some("no-store")));
    assert_eq!(
        (&me.json()["user"], &me.json()["scopes"]),
        (&Value::from("alice"), &Value::from(Vec::<Value>::new()))
    );
    server.stop().await;
}
