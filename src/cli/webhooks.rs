//! `tidings webhooks`: how the receiver of webhooks does, and what administrators do about it.

use std::time::{Duration, Instant};

use awc::http::Method;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    Failure, Settings,
    admin::AdminClient,
    output::Form,
    server::{ServerArgs, TokenArgs},
};
use crate::config::{Config, Resolved};

const PATH: &str = "/v1/admin/webhooks";

/// How long a test is waited for: an attempt takes 10 s at most, and its record a moment.
const TEST_PATIENCE: Duration = Duration::from_secs(15);
const TEST_INTERVAL: Duration = Duration::from_millis(200);

#[derive(Subcommand)]
pub enum Webhooks {
    /// Show what waits, what was given up, and whether anything is sent
    Status(Asked),
    /// Have events sent again, after the receiver has failed for days or wanted nothing any more
    Enable(Asked),
    /// Have events sent again that were given up
    Retry(Asked),
    /// Send an event that tells of nothing, and say what became of it: exit code 0 or 1
    Test(Asked),
}

#[derive(Args)]
pub struct Asked {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    token: TokenArgs,
    #[command(flatten)]
    form: Form,
}

/// What a verb has to say, for people, for scripts and for programs.
struct Said {
    text: String,
    value: String,
    json: Value,
}

impl Webhooks {
    pub fn run(self, settings: &Settings) -> Result<(), Failure> {
        let resolved = Config::read_for_client(&settings.sources())?;
        let (Self::Status(asked) | Self::Enable(asked) | Self::Retry(asked) | Self::Test(asked)) = &self;
        let form = asked.form;
        let said: Result<Said, Failure> = actix_web::rt::System::new().block_on(async {
            match self {
                Self::Status(asked) => status(&asked.client(resolved)?).await,
                Self::Enable(asked) => enable(&asked.client(resolved)?).await,
                Self::Retry(asked) => retry(&asked.client(resolved)?).await,
                Self::Test(asked) => test(&asked.client(resolved)?).await,
            }
        });
        let Said { text, value, json } = said?;
        form.print(&text, &value, &json)
    }
}

impl Asked {
    fn client(self, resolved: Resolved) -> Result<AdminClient, Failure> {
        AdminClient::new(resolved, &self.server, self.token)
    }
}

async fn status(client: &AdminClient) -> Result<Said, Failure> {
    let stand = client.ask(Method::GET, PATH, None).await?;
    let word = |name: &str| word(&stand, name).map(str::to_owned);
    let receiver = word("receiver").unwrap_or_default();
    let (value, how) = match (word("disabled_at"), word("failing_since")) {
        (Some(at), _) => ("disabled", format!("disabled since {at}: {}", word("reason").unwrap_or_default())),
        (None, Some(since)) => ("failing", format!("failing since {since}")),
        (None, None) => ("enabled", "enabled".to_owned()),
    };
    let oldest = word("waiting_since").map(|since| format!(", the oldest since {since}")).unwrap_or_default();
    let (waiting, dead) = (number(&stand, "waiting"), number(&stand, "dead"));
    let text = format!("{receiver}: {how}\n{waiting} waiting{oldest}\n{dead} given up");
    Ok(Said { text, value: value.to_owned(), json: stand })
}

async fn enable(client: &AdminClient) -> Result<Said, Failure> {
    client.ask(Method::POST, &format!("{PATH}/enable"), None).await?;
    let word = "enabled".to_owned();
    Ok(Said { text: word.clone(), value: word, json: json!({ "enabled": true }) })
}

async fn retry(client: &AdminClient) -> Result<Said, Failure> {
    let mut all = 0;
    loop {
        let answer = client.ask(Method::POST, &format!("{PATH}/retry"), None).await?;
        all += number(&answer, "retried");
        if answer.get("has_more").and_then(Value::as_bool) != Some(true) {
            let text = format!("{all} are due again");
            return Ok(Said { text, value: all.to_string(), json: json!({ "retried": all }) });
        }
    }
}

async fn test(client: &AdminClient) -> Result<Said, Failure> {
    let answer = client.ask(Method::POST, &format!("{PATH}/test"), None).await?;
    let id = word(&answer, "id").unwrap_or_default().to_owned();
    let deadline = Instant::now() + TEST_PATIENCE;
    loop {
        let trace = client.ask(Method::GET, &format!("{PATH}/{id}"), None).await?;
        let status = number(&trace, "status");
        if word(&trace, "state") == Some("sent") {
            let text = format!("{id} was taken, and answered {status}");
            return Ok(Said { text, value: id, json: trace });
        }
        if let Some(reason) = word(&trace, "reason") {
            let status = if status > 0 { format!(" ({status})") } else { String::new() };
            return Err(Failure::Failed(format!("{id}: {reason}{status}")));
        }
        if Instant::now() >= deadline {
            let text = "it waits still; `tidings webhooks status` says whether anything is sent";
            return Err(Failure::Failed(format!("{id}: {text}")));
        }
        actix_web::rt::time::sleep(TEST_INTERVAL).await;
    }
}

fn word<'a>(answer: &'a Value, name: &str) -> Option<&'a str> {
    answer.get(name)?.as_str()
}

/// 0 where there is none.
fn number(answer: &Value, name: &str) -> u64 {
    answer.get(name).and_then(Value::as_u64).unwrap_or_default()
}
