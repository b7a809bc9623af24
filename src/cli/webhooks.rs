//! `tidings webhooks`: how the receiver of webhooks does, and what administrators do about it.

use std::time::{Duration, Instant};

use awc::http::Method;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    Failure, Settings,
    admin::AdminClient,
    output::print,
    server::{ServerArgs, TokenArgs},
};
use crate::config::Config;

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
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Webhooks {
    pub fn run(self, settings: &Settings) -> Result<(), Failure> {
        let config = Config::read_for_client(&settings.sources())?;
        let (Self::Status(asked) | Self::Enable(asked) | Self::Retry(asked) | Self::Test(asked)) = &self;
        let is_json = asked.json;
        let said: Result<(Value, String), Failure> = actix_web::rt::System::new().block_on(async {
            match self {
                Self::Status(asked) => status(&asked.client(config)?).await,
                Self::Enable(asked) => enable(&asked.client(config)?).await,
                Self::Retry(asked) => retry(&asked.client(config)?).await,
                Self::Test(asked) => test(&asked.client(config)?).await,
            }
        });
        let (json, text) = said?;
        print(&if is_json { json.to_string() } else { text })
    }
}

impl Asked {
    fn client(self, config: Config) -> Result<AdminClient, Failure> {
        AdminClient::new(config, &self.server, self.token)
    }
}

async fn status(client: &AdminClient) -> Result<(Value, String), Failure> {
    let stand = client.ask(Method::GET, PATH, None).await?;
    let word = |name: &str| stand[name].as_str().map(str::to_owned);
    let receiver = word("receiver").unwrap_or_default();
    let how = match (word("disabled_at"), word("failing_since")) {
        (Some(at), _) => format!("disabled since {at}: {}", word("reason").unwrap_or_default()),
        (None, Some(since)) => format!("failing since {since}"),
        (None, None) => "enabled".to_owned(),
    };
    let oldest = word("waiting_since").map(|since| format!(", the oldest since {since}")).unwrap_or_default();
    let (waiting, dead) = (&stand["waiting"], &stand["dead"]);
    let text = format!("{receiver}: {how}\n{waiting} waiting{oldest}\n{dead} given up");
    Ok((stand, text))
}

async fn enable(client: &AdminClient) -> Result<(Value, String), Failure> {
    client.ask(Method::POST, &format!("{PATH}/enable"), None).await?;
    Ok((json!({ "enabled": true }), "enabled".to_owned()))
}

async fn retry(client: &AdminClient) -> Result<(Value, String), Failure> {
    let mut all = 0;
    loop {
        let answer = client.ask(Method::POST, &format!("{PATH}/retry"), None).await?;
        all += answer["retried"].as_u64().unwrap_or_default();
        if answer["has_more"] != true {
            return Ok((json!({ "retried": all }), format!("{all} are due again")));
        }
    }
}

async fn test(client: &AdminClient) -> Result<(Value, String), Failure> {
    let answer = client.ask(Method::POST, &format!("{PATH}/test"), None).await?;
    let id = answer["id"].as_str().unwrap_or_default().to_owned();
    let deadline = Instant::now() + TEST_PATIENCE;
    loop {
        let trace = client.ask(Method::GET, &format!("{PATH}/{id}"), None).await?;
        if trace["state"] == "sent" {
            let text = format!("{id} was taken, and answered {}", trace["status"]);
            return Ok((trace, text));
        }
        if let Some(reason) = trace["reason"].as_str() {
            let status = trace["status"].as_u64().map(|status| format!(" ({status})")).unwrap_or_default();
            return Err(Failure::Failed(format!("{id}: {reason}{status}")));
        }
        if Instant::now() >= deadline {
            let text = "it waits still; `tidings webhooks status` says whether anything is sent";
            return Err(Failure::Failed(format!("{id}: {text}")));
        }
        actix_web::rt::time::sleep(TEST_INTERVAL).await;
    }
}
