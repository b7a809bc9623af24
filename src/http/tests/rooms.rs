//! Rooms: publish, history, presence.

use super::*;
use crate::{
    domain::{Position, SessionId, SessionKey, Transport},
    hub::messages::{Join, Register, Request, Requests, SetTyping},
    stream::PageLimit,
};

const SCOPES: &str = "join:chat:* publish:chat:*";

impl Server {
    async fn say(&self, room: &str, body: &str) -> Answer {
        self.say_as(SCOPES, room, body).await
    }

    async fn say_as(&self, scopes: &str, room: &str, body: &str) -> Answer {
        let request = self.request("POST", &format!("/v1/rooms/{room}/messages"));
        let request = request.bearer_auth(token("alice", scopes)).content_type("application/json");
        Answer::read(request.send_body(body.to_owned()).await.unwrap()).await
    }

    async fn look(&self, path: &str) -> Answer {
        self.look_as(SCOPES, path).await
    }

    async fn look_as(&self, scopes: &str, path: &str) -> Answer {
        let request = self.request("GET", &format!("/v1/rooms/{path}")).bearer_auth(token("alice", scopes));
        Answer::read(request.send().await.unwrap()).await
    }

    /// Has a session of this user join, on a worker that is not there.
    async fn enter(&self, user: &str, room: &str) -> SessionKey {
        let session = SessionKey { shard: 7, slot: 1, generation: 0 };
        let limit = PageLimit { rows: 1, bytes: 1 };
        let (id, user) = (SessionId::generate(), user.parse().unwrap());
        let register = Register { session, id, user, transport: Transport::WebSocket };
        let join = Join { session, room: room.parse().unwrap(), since: None, limit };
        let requests = vec![Request::Register(register), Request::Join(join)];
        self.hub.ask(Requests(requests)).await.unwrap();
        session
    }
}

fn position(answer: &Answer) -> Position {
    answer.json()["position"].as_str().unwrap().parse().unwrap()
}

/// The numbers in a page of messages.
fn ns(page: &Answer) -> Vec<u64> {
    assert_eq!(page.status, 200, "{page:?}");
    let body = page.json();
    body["messages"].as_array().unwrap().iter().map(|message| message["data"].as_u64().unwrap()).collect()
}

#[actix::test]
async fn a_message_is_read_back_as_it_was_published() {
    let server = Server::start().await;
    let said =
        server.say("chat:general", r#"{"data":{"z":1.10,"a":"✈"},"event":"update","nonce":"n1"}"#).await;
    assert_eq!((said.status, said.header("cache-control")), (201, Some("no-store")));
    assert_eq!(said.json().as_object().unwrap().len(), 1);
    let at = position(&said);
    assert_eq!(at.offset, 1);

    let page = server.look("chat%3Ageneral/messages").await;
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
    let text = std::str::from_utf8(&page.body).unwrap();
    let before = format!(
        r#"{{"messages":[{{"type":"message","room":"chat:general","position":"{at}","from":"alice","data":{{"z":1.10,"a":"✈"}},"at":""#
    );
    let after = format!(r#"Z","event":"update","nonce":"n1"}}],"position":"{at}","resume":"fresh"}}"#);
    assert!(text.starts_with(&before) && text.ends_with(&after), "{text}");
    server.stop().await;
}

#[actix::test]
async fn a_repeated_nonce_publishes_once() {
    let server = Server::start().await;
    let body = r#"{"data":1,"nonce":"again"}"#;
    let first = server.say("chat:a", body).await;
    server.say("chat:a", r#"{"data":2}"#).await;
    let again = server.say("chat:a", body).await;
    assert_eq!((again.status, position(&again)), (201, position(&first)));
    assert_eq!(ns(&server.look("chat:a/messages").await), [1, 2]);
    server.stop().await;
}

#[actix::test]
async fn a_history_is_read_page_by_page_to_its_top() {
    let server = Server::start().await;
    for n in 1..=60 {
        assert_eq!(server.say("chat:a", &format!(r#"{{"data":{n}}}"#)).await.status, 201);
    }
    let newest = server.look("chat:a/messages").await;
    assert_eq!(ns(&newest), (11..=60).collect::<Vec<_>>());
    assert_eq!(ns(&server.look("chat:a/messages?limit=2").await), [59, 60]);
    assert_eq!(ns(&server.look("chat:a/messages?limit=100000").await).len(), 60);

    let mut since = Position::START;
    let mut read = Vec::new();
    loop {
        let page = server.look(&format!("chat:a/messages?since={since}&limit=25")).await;
        assert_eq!(page.json()["resume"], "complete");
        since = position(&page);
        if ns(&page).is_empty() {
            break;
        }
        read.push(ns(&page));
    }
    assert_eq!(read.iter().map(Vec::len).collect::<Vec<_>>(), [25, 25, 10]);
    assert_eq!(read.concat(), (1..=60).collect::<Vec<_>>());
    assert_eq!(since, position(&newest));
    server.stop().await;
}

#[actix::test]
async fn a_position_that_is_of_no_use_is_met_by_all_that_is_held_and_says_gap() {
    let server = Server::start().await;
    let at = position(&server.say("chat:a", r#"{"data":1}"#).await);
    for since in ["zzzzzzzz.1".to_owned(), format!("{}.9", at.epoch)] {
        let page = server.look(&format!("chat:a/messages?since={since}")).await;
        assert_eq!((ns(&page), position(&page)), (vec![1], at), "{since}");
        assert_eq!(page.json()["resume"], "gap");
    }
    server.stop().await;
}

#[actix::test]
async fn b33_b48_a_history_that_makes_no_sense_is_refused() {
    let server = Server::start().await;
    for (query, code) in [
        ("since=abc", "bad_cursor"),
        ("since=", "bad_cursor"),
        ("since=k3x9q2ab.-1", "bad_cursor"),
        ("since=chat:a@k3x9q2ab.1", "bad_cursor"),
        ("limit=0", "bad_message"),
        ("limit=1e3", "bad_message"),
        ("before=k3x9q2ab.1", "bad_message"),
    ] {
        server.look(&format!("chat:a/messages?{query}")).await.assert_problem(400, code);
    }
    server.stop().await;
}

#[actix::test]
async fn a_room_that_nobody_has_used_is_empty_and_stays_unmade() {
    let server = Server::start().await;
    for query in ["", "?since=00000000.0"] {
        let page = server.look(&format!("chat:a/messages{query}")).await;
        assert_eq!((ns(&page), position(&page)), (vec![], Position::START));
    }
    let presence = server.look("chat:a/presence").await;
    assert_eq!(presence.json(), serde_json::json!({ "users": [], "user_count": 0, "typing": [] }));
    server.stop().await;
}

#[actix::test]
async fn presence_names_who_is_there_and_who_types() {
    let server = Server::start().await;
    let session = server.enter("bob", "chat:a").await;
    let room = "chat:a".parse().unwrap();
    let typing = Request::Typing(SetTyping { session, room, is_active: true });
    server.hub.ask(Requests(vec![typing])).await.unwrap();
    let presence = server.look("chat:a/presence").await;
    assert_eq!((presence.status, presence.header("cache-control")), (200, Some("no-store")));
    assert_eq!(&presence.body[..], br#"{"users":["bob"],"user_count":1,"typing":["bob"]}"#);
    server.stop().await;
}

#[actix::test]
async fn b28_each_call_needs_its_scope_for_this_room() {
    let server = Server::start().await;
    let denied = async |scopes: &str| {
        server.say_as(scopes, "chat:a", r#"{"data":1}"#).await.assert_problem(403, "insufficient_scope");
    };
    denied("").await;
    denied("join:chat:*").await;
    denied("publish:chat:b notify admin").await;
    assert_eq!(server.say_as("publish:chat:a", "chat:a", r#"{"data":1}"#).await.status, 201);
    for call in ["messages", "presence"] {
        for scopes in ["", "publish:chat:*", "join:chat:b"] {
            let answer = server.look_as(scopes, &format!("chat:a/{call}")).await;
            answer.assert_problem(403, "insufficient_scope");
        }
        assert_eq!(server.look_as("join:chat:a", &format!("chat:a/{call}")).await.status, 200);
    }
    server.stop().await;
}

#[actix::test]
async fn b26_a_name_that_is_no_room_is_refused_whatever_the_token_allows() {
    let server = Server::start().await;
    let long = "x".repeat(129);
    for room in ["inbox", "_x", "a%20b", "%2E%2E", "..%2Fx", "a%00", &long] {
        server.say_as("publish:*", room, r#"{"data":1}"#).await.assert_problem(422, "bad_room");
        for call in ["messages", "presence"] {
            server.look_as("join:*", &format!("{room}/{call}")).await.assert_problem(422, "bad_room");
        }
    }
    server.stop().await;
}

#[actix::test]
async fn b38_all_faults_of_a_message_are_named_at_once() {
    let server = Server::start().await;
    let answer = server.say("chat:a", r#"{"event":"ping","nonce":"","from":"bob"}"#).await;
    answer.assert_problem(422, "validation");
    let faults = answer.json()["errors"].clone();
    let pointers: Vec<&str> =
        faults.as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/data", "/event", "/nonce", "/from"]);
    for body in ["[]", "", r#"{"data":1,"data":2}"#, r#"{"data":1e400}"#] {
        server.say("chat:a", body).await.assert_problem(400, "bad_message");
    }
    let large = format!(r#"{{"data":"{}"}}"#, "x".repeat(32 * 1024 - 1));
    server.say("chat:a", &large).await.assert_problem(413, "too_large");
    let fits = format!(r#"{{"data":"{}"}}"#, "x".repeat(32 * 1024 - 2));
    assert_eq!(server.say("chat:a", &fits).await.status, 201);
    server.stop().await;
}

#[actix::test]
async fn a_room_that_takes_no_more_says_when_to_come_again() {
    let server =
        Server::start_with(RoomPolicy { messages_per_second: 1, messages_burst: 1, ..room_policy() }).await;
    let mut refused = None;
    for n in 0..30 {
        let answer = server.say("chat:a", &format!(r#"{{"data":{n}}}"#)).await;
        if answer.status != 201 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap();
    refused.assert_problem(429, "rate_limited");
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(server.say("chat:b", r#"{"data":1}"#).await.status, 201);
    server.stop().await;
}

#[actix::test]
async fn a_message_that_a_worker_cannot_take_is_refused_and_has_no_number() {
    let server = Server::start().await;
    server.enter("bob", "chat:a").await;
    let answer = server.say("chat:a", r#"{"data":1}"#).await;
    answer.assert_problem(503, "unavailable");
    assert!(answer.header("retry-after").is_some());
    let page = server.look("chat:a/messages").await;
    assert_eq!((ns(&page), position(&page).offset), (vec![], 0));
    server.stop().await;
}
