use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use clap::Parser;

use super::*;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    send: Send,
}

fn call(arguments: &[&str]) -> Result<Call, Failure> {
    Command::try_parse_from(arguments).unwrap().send.call("hi".to_owned())
}

#[test]
fn names_and_texts_are_encoded_into_the_address() {
    let path = |arguments: &[&str]| call(arguments).unwrap().path;
    assert_eq!(path(&["send", "alice"]), "/v1/send/alice");
    assert_eq!(
        path(&["send", "a@b+c", "--title", "a&b=ü", "--url", "/x", "--type", "a.b"]),
        "/v1/send/a%40b%2Bc?type=a%2Eb&title=a%26b%3D%C3%BC&url=%2Fx"
    );
    assert!(Command::try_parse_from(["send", "a b"]).is_err());
    assert!(Command::try_parse_from(["send", "alice", "--idempotency-key", "a\nb"]).is_err());
}

#[test]
fn a_message_goes_to_a_room_with_a_token_for_that_alone() {
    let said = Call {
        path: "/v1/rooms/chat%3Ageneral/messages".to_owned(),
        scope: "publish:chat:general".to_owned(),
        content_type: "application/json",
        idempotency_key: None,
        body: r#"{"data":"hi"}"#.to_owned(),
    };
    assert_eq!(call(&["send", "room:chat:general"]).unwrap(), said);
    let repeatable = call(&["send", "room:a", "--idempotency-key", "k"]).unwrap();
    assert_eq!(
        (repeatable.body.as_str(), repeatable.idempotency_key),
        (r#"{"data":"hi","nonce":"k"}"#, None)
    );
    assert!(Command::try_parse_from(["send", "room:inbox"]).is_err());
    assert!(Command::try_parse_from(["send", "room:"]).is_err());
    for of_notifications in ["--type", "--title", "--url"] {
        assert!(matches!(call(&["send", "room:a", of_notifications, "x"]), Err(Failure::Usage(_))));
    }
}

#[test]
fn a_problem_is_told_in_one_line() {
    let body = r##"{"title":"Unprocessable","detail":"type is not one","errors":[{"pointer":"#/type","detail":"x\ny"}]}"##;
    assert_eq!(explain(422, body), r"422 Unprocessable: type is not one: #/type x\ny");
    assert_eq!(explain(502, "<html>"), "502 ");
}

#[actix_web::test]
async fn the_request_carries_token_key_and_text() {
    async fn echo(request: HttpRequest, body: String) -> HttpResponse {
        let header = |name: &str| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
        HttpResponse::Created().body(format!(
            "{} {} {body}",
            header("Authorization"),
            header("Idempotency-Key")
        ))
    }
    let server = HttpServer::new(|| App::new().route("/v1/send/{user}", web::post().to(echo)));
    let server = server.workers(1).bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", server.addrs()[0]);
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let call = |path: &str| Call {
        path: path.to_owned(),
        scope: String::new(),
        content_type: "text/plain",
        idempotency_key: Some("key".to_owned()),
        body: "hi".to_owned(),
    };
    assert_eq!(publish(&base, "tok", call("/v1/send/alice")).await.unwrap(), "Bearer tok key hi");
    let line = publish(&base, "tok", call("/nowhere")).await.unwrap_err().to_string();
    assert!(line.starts_with("not published: 404") && !line.contains("tok"), "{line}");
    handle.stop(false).await;
}
