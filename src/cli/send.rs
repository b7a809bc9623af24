//! `tidings send`: one notification to one user, from a shell.

use std::{
    io::{self, Read},
    time::Duration,
};

use awc::http::header::AUTHORIZATION;
use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::{
    config::Config,
    domain::{Invalid, UserId},
    observe::logs::escaped,
};

use super::{
    Failure, Settings,
    output::print,
    server::{ANSWER_TIMEOUT, ServerArgs, TokenArgs},
};

/// Who publishes when no token says it: idempotency keys belong to a publisher, so it is always the same.
const PUBLISHER: &str = "cli";
const TOKEN_TTL: Duration = Duration::from_secs(60);

/// What is read from standard input at most, in bytes; the server takes less and says how much.
const TEXT_MAX: u64 = 64 << 10;
/// Far more than any answer, in bytes.
const ANSWER_MAX: usize = 64 << 10;

#[derive(Args)]
pub struct Send {
    /// User id: whom to tell
    user: UserId,
    /// What to tell [default: standard input]
    text: Option<String>,
    /// Type of the notification
    #[arg(long = "type", value_name = "TYPE")]
    notification_type: Option<String>,
    /// Title of the notification
    #[arg(long)]
    title: Option<String>,
    /// Where the notification leads
    #[arg(long)]
    url: Option<String>,
    /// Makes a repeated call publish once
    #[arg(long, value_name = "KEY", value_parser = parse_idempotency_key)]
    idempotency_key: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    token: TokenArgs,
    /// Print only the id
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
    /// Print the server's answer as it came
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Answer {
    notifications: Vec<Published>,
}

#[derive(Deserialize)]
struct Published {
    id: String,
    position: String,
}

/// A problem of RFC 9457.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Problem {
    title: String,
    detail: String,
    errors: Vec<ProblemAt>,
}

#[derive(Deserialize)]
struct ProblemAt {
    pointer: String,
    detail: String,
}

impl Send {
    pub fn run(self, settings: &Settings) -> Result<(), Failure> {
        let config = Config::read_for_client(&settings.sources())?;
        let url = format!("{}{}", self.server.base(&config)?, self.path());
        let publisher = PUBLISHER.parse().map_err(|Invalid(text)| Failure::Usage(text))?;
        let token = self.token.credential(config)?.token(&publisher, "notify", TOKEN_TTL)?;
        let text = match self.text {
            Some(text) => text,
            None => text_of_input()?,
        };
        let key = self.idempotency_key.as_deref();
        let body = actix_web::rt::System::new().block_on(publish(&url, &token, key, text))?;
        if self.json {
            return print(body.trim_end());
        }
        let answer: Answer = serde_json::from_str(&body)
            .map_err(|error| Failure::Failed(format!("the answer makes no sense: {error}")))?;
        answer.notifications.iter().try_for_each(|Published { id, position }| {
            print(&escaped(&if self.quiet { id.clone() } else { format!("{id} {position}") }))
        })
    }

    fn path(&self) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let query = [("type", &self.notification_type), ("title", &self.title), ("url", &self.url)];
        let query =
            query.iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded(value.as_ref()?))));
        format!("/v1/send/{}?{}", encoded(self.user.as_str()), query.collect::<Vec<_>>().join("&"))
            .trim_end_matches('?')
            .to_owned()
    }
}

fn parse_idempotency_key(text: &str) -> Result<String, Invalid> {
    let is_printable =
        (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    let key = is_printable.then(|| text.to_owned());
    key.ok_or_else(|| Invalid::new("an idempotency key is 1 to 255 printable ASCII characters"))
}

fn text_of_input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = io::stdin().lock().take(TEXT_MAX).read_to_string(&mut text);
    read.map_err(|error| Failure::Usage(format!("the text cannot be read: {error}")))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

async fn publish(url: &str, token: &str, key: Option<&str>, text: String) -> Result<String, Failure> {
    let client = awc::Client::builder().timeout(ANSWER_TIMEOUT).disable_redirects().finish();
    let mut request = client
        .post(url)
        .insert_header((AUTHORIZATION, format!("Bearer {token}")))
        .insert_header(("Content-Type", "text/plain; charset=utf-8"));
    if let Some(key) = key {
        request = request.insert_header(("Idempotency-Key", key));
    }
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(format!("not published: {error}"));
    let mut response = request.send_body(text).await.map_err(|error| failed(&error))?;
    let body = response.body().limit(ANSWER_MAX).await.map_err(|error| failed(&error))?;
    let body = String::from_utf8_lossy(&body).into_owned();
    if response.status().is_success() {
        Ok(body)
    } else {
        Err(failed(&explain(response.status().as_u16(), &body)))
    }
}

/// What the server says is wrong, in one line.
fn explain(status: u16, body: &str) -> String {
    let problem: Problem = serde_json::from_str(body).unwrap_or_default();
    let details = problem.errors.iter().map(|error| format!("{} {}", error.pointer, error.detail));
    let parts = [problem.title, problem.detail].into_iter().chain(details).filter(|part| !part.is_empty());
    escaped(&format!("{status} {}", parts.collect::<Vec<_>>().join(": ")))
}

#[cfg(test)]
mod tests {
    use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        send: Send,
    }

    #[test]
    fn names_and_texts_are_encoded_into_the_address() {
        let path = |arguments: &[&str]| Command::try_parse_from(arguments).unwrap().send.path();
        assert_eq!(path(&["send", "alice"]), "/v1/send/alice");
        assert_eq!(
            path(&["send", "a@b+c", "--title", "a&b=ü", "--url", "/x", "--type", "a.b"]),
            "/v1/send/a%40b%2Bc?type=a%2Eb&title=a%26b%3D%C3%BC&url=%2Fx"
        );
        assert!(Command::try_parse_from(["send", "a b"]).is_err());
        assert!(Command::try_parse_from(["send", "alice", "--idempotency-key", "a\nb"]).is_err());
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
        let answer = publish(&format!("{base}/v1/send/alice"), "tok", Some("key"), "hi".to_owned()).await;
        assert_eq!(answer.unwrap(), "Bearer tok key hi");
        let line =
            publish(&format!("{base}/nowhere"), "tok", None, String::new()).await.unwrap_err().to_string();
        assert!(line.starts_with("not published: 404") && !line.contains("tok"), "{line}");
        handle.stop(false).await;
    }
}
