//! The names of a request: `X-Request-Id` and `traceparent`, in its answer, its problem and the log.

use serde_json::{Value, json};

use crate::{
    app::App,
    clients::{
        http::Answer,
        room::{leave, member},
        sse::Sse,
        ws::Ws,
    },
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

fn trace_of(answer: &Answer) -> String {
    let parent = answer.header("traceparent").unwrap();
    let parts: Vec<&str> = parent.split('-').collect();
    assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 32, 16, 2], "{parent}");
    assert_ne!(parts[2], SPAN, "it is a span of its own");
    parts[1].to_owned()
}

#[actix_web::test]
async fn a_trace_goes_through_the_server_into_its_answers_problems_and_log() {
    let app = App::start();
    let nobody = app.http("nonsense");
    let ask = async |parent: &str| {
        let request = nobody.request("GET", "/v1/me").insert_header(("traceparent", parent));
        nobody.send(request, "").await
    };
    let answer = ask(&format!("00-{TRACE}-{SPAN}-01")).await;
    let problem = answer.problem(401, "invalid_token");
    assert_eq!((trace_of(&answer).as_str(), problem["trace_id"].as_str()), (TRACE, Some(TRACE)));
    assert!(answer.header("traceparent").unwrap().ends_with("-01"));
    let line = app.logged(|line| line["trace_id"] == TRACE).await;
    assert_eq!((&line["message"], &line["request_id"]), (&json!("auth refused"), &problem["request_id"]));

    // What is none begins another one.
    let mut begun = Vec::new();
    for parent in
        ["", "00-1-2-01", &format!("00-{}-{SPAN}-01", "0".repeat(32)), &format!("ff-{TRACE}-{SPAN}-01")]
    {
        let answer = ask(parent).await;
        assert_eq!(answer.problem(401, "invalid_token")["trace_id"], trace_of(&answer));
        begun.push(trace_of(&answer));
    }
    begun.push(trace_of(&app.anonymous().get("/health").await));
    assert!(
        begun.iter().enumerate().all(|(n, trace)| trace != TRACE && !begun[..n].contains(trace)),
        "{begun:?}"
    );
}

#[actix_web::test]
async fn a_session_tells_the_log_with_which_request_it_was_opened_how_long_it_was_and_why_it_ended() {
    let app = App::start();
    let authorization = format!("Bearer {}", app.token("alice", ""));
    let parent = format!("00-{TRACE}-{SPAN}-00");
    let headers =
        [("authorization", authorization.as_str()), ("traceparent", &parent), ("x-request-id", "mine")];
    let mut ws = Ws::open(app.address, "", &headers).await.unwrap();
    let welcome = ws.expect("welcome").await;
    let opened = app.logged(|line| line["message"] == "session opened").await;
    for (key, value) in
        [("session", &welcome["session"]), ("trace_id", &json!(TRACE)), ("request_id", &json!("mine"))]
    {
        assert_eq!(&opened[key], value, "{opened}");
    }
    assert_eq!((&opened["user"], &opened["transport"]), (&json!("alice"), &json!("websocket")));
    ws.socket.close(None).await.unwrap();
    ws.expect_cut().await;
    let closed = app.logged(|line| line["message"] == "session closed").await;
    assert_eq!((&closed["session"], &closed["reason"]), (&welcome["session"], &json!("client")));
    assert!(closed["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{closed}");
    let stream = Sse::open(app.address, "", &headers).await;
    assert!(stream.header("traceparent").is_some_and(|ours| ours.contains(TRACE)), "an event stream, too");
}

#[actix_web::test]
async fn who_joins_a_room_and_leaves_it_is_told_to_the_log_at_debug_alone() {
    for (level, expected) in [("debug", vec!["room joined", "room left"]), ("info", vec![])] {
        let app = App::start_with(&[("log.level", level)]);
        let mut alice = member(&app, "alice", &["chat"]).await;
        leave(&mut alice, "chat").await;
        alice.socket.close(None).await.unwrap();
        app.logged(|line| line["message"] == "session closed").await;
        let lines = app.logs().into_iter().map(|line| serde_json::from_str::<Value>(&line).unwrap());
        let of_rooms: Vec<Value> = lines.filter(|line| !line["room"].is_null()).collect();
        assert_eq!(of_rooms.iter().map(|line| &line["message"]).collect::<Vec<_>>(), expected, "{level}");
        let is_told = |line: &Value| line["room"] == "chat" && line["session"] == alice.welcome["session"];
        assert!(of_rooms.iter().all(is_told), "{of_rooms:?}");
    }
}
