//! `tidings send`: one notification to one user, or one message to a room, from a shell.

use std::{
    io::{self, Read},
    str::FromStr,
    time::Duration,
};

use awc::http::header::AUTHORIZATION;
use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::{
    config::Config,
    domain::{Invalid, RoomName, UserId},
    observe::logs::escaped,
};

use super::{
    Failure, Settings,
    output::{Form, print},
    server::{ANSWER_TIMEOUT, ServerArgs, TokenArgs},
};

/// Who publishes when no token says it: idempotency keys belong to a publisher, so it is always the same.
const PUBLISHER: &str = "cli";
const TOKEN_TTL: Duration = Duration::from_secs(60);

/// What is read from standard input at most, in bytes; the server takes less and says how much.
const TEXT_MAX: u64 = 64 << 10;
/// Far more than any answer, in bytes.
const ANSWER_MAX: usize = 64 << 10;

/// Whom to tell.
#[derive(Debug, Clone)]
enum Target {
    User(UserId),
    Room(RoomName),
}

impl FromStr for Target {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.strip_prefix("room:") {
            Some(room) => room.parse().map(Self::Room),
            None => text.parse().map(Self::User),
        }
    }
}

#[derive(Args)]
pub struct Send {
    /// Whom to tell: a user id, or room:NAME
    #[arg(value_name = "USER|room:NAME")]
    target: Target,
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
    #[command(flatten)]
    form: Form,
}

/// The request that publishes, and the scope that it needs.
#[derive(Debug, PartialEq)]
struct Call {
    path: String,
    scope: String,
    content_type: &'static str,
    idempotency_key: Option<String>,
    body: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Notifications { notifications: Vec<Published> },
    Message { position: String },
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
    pub fn run(mut self, settings: &Settings) -> Result<(), Failure> {
        let resolved = Config::read_for_client(&settings.sources())?;
        let base = self.server.base(&resolved.config)?;
        let text = match self.text.take() {
            Some(text) => text,
            None => text_of_input()?,
        };
        let call = self.call(text)?;
        let publisher = PUBLISHER.parse().map_err(|Invalid(text)| Failure::Usage(text))?;
        let token = self.token.credential(resolved)?.token(&publisher, &call.scope, TOKEN_TTL)?;
        let body = actix_web::rt::System::new().block_on(publish(&base, &token, call))?;
        if self.form.json {
            return print(body.trim_end());
        }
        let answer: Answer = serde_json::from_str(&body)
            .map_err(|error| Failure::Failed(format!("the answer makes no sense: {error}")))?;
        match answer {
            Answer::Message { position } => print(&escaped(&position)),
            Answer::Notifications { notifications } => {
                notifications.iter().try_for_each(|Published { id, position }| {
                    print(&escaped(&if self.form.quiet { id.clone() } else { format!("{id} {position}") }))
                })
            }
        }
    }

    fn call(&self, text: String) -> Result<Call, Failure> {
        match &self.target {
            Target::User(user) => Ok(Call {
                path: self.path_to(user),
                scope: "notify".to_owned(),
                content_type: "text/plain; charset=utf-8",
                idempotency_key: self.idempotency_key.clone(),
                body: text,
            }),
            Target::Room(_)
                if [&self.notification_type, &self.title, &self.url].iter().any(|of| of.is_some()) =>
            {
                Err(Failure::Usage(
                    "--type, --title and --url belong to notifications, not to rooms".to_owned(),
                ))
            }
            Target::Room(room) => Ok(Call {
                path: format!("/v1/rooms/{}/messages", encoded(room.as_str())),
                scope: format!("publish:{room}"),
                content_type: "application/json",
                idempotency_key: None,
                body: match &self.idempotency_key {
                    Some(nonce) => serde_json::json!({ "data": text, "nonce": nonce }).to_string(),
                    None => serde_json::json!({ "data": text }).to_string(),
                },
            }),
        }
    }

    fn path_to(&self, user: &UserId) -> String {
        let query = [("type", &self.notification_type), ("title", &self.title), ("url", &self.url)];
        let query =
            query.iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded(value.as_ref()?))));
        format!("/v1/send/{}?{}", encoded(user.as_str()), query.collect::<Vec<_>>().join("&"))
            .trim_end_matches('?')
            .to_owned()
    }
}

/// One word in a path or a query.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
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

async fn publish(base: &str, token: &str, call: Call) -> Result<String, Failure> {
    let client = awc::Client::builder().timeout(ANSWER_TIMEOUT).disable_redirects().finish();
    let mut request = client
        .post(format!("{base}{}", call.path))
        .insert_header((AUTHORIZATION, format!("Bearer {token}")))
        .insert_header(("Content-Type", call.content_type));
    if let Some(key) = call.idempotency_key {
        request = request.insert_header(("Idempotency-Key", key));
    }
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(format!("not published: {error}"));
    let mut response = request.send_body(call.body).await.map_err(|error| failed(&error))?;
    let body = response.body().limit(ANSWER_MAX).await.map_err(|error| failed(&error))?;
    let body = String::from_utf8_lossy(&body).into_owned();
    if response.status().is_success() {
        Ok(body)
    } else {
        Err(failed(&explain(response.status().as_u16(), &body)))
    }
}

/// What the server says is wrong, in one line.
pub(super) fn explain(status: u16, body: &str) -> String {
    let problem: Problem = serde_json::from_str(body).unwrap_or_default();
    let details = problem.errors.iter().map(|error| format!("{} {}", error.pointer, error.detail));
    let parts = [problem.title, problem.detail].into_iter().chain(details).filter(|part| !part.is_empty());
    escaped(&format!("{status} {}", parts.collect::<Vec<_>>().join(": ")))
}

#[cfg(test)]
mod tests;
