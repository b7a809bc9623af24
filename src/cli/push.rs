//! `tidings push`: what administrators do about Web Push.

use awc::http::Method;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::{
    Failure, Settings,
    admin::AdminClient,
    output::Form,
    server::{ServerArgs, TokenArgs},
};
use crate::{config::Config, domain::UserId};

const PATH: &str = "/v1/admin/push/retry";

#[derive(Subcommand)]
pub enum Push {
    /// Have pushes tried again that were given up
    Retry(Retry),
}

#[derive(Args)]
pub struct Retry {
    /// Only those of this user
    #[arg(long)]
    user: Option<UserId>,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    token: TokenArgs,
    #[command(flatten)]
    form: Form,
}

impl Push {
    pub fn run(self, settings: &Settings) -> Result<(), Failure> {
        match self {
            Self::Retry(retry) => retry.run(settings),
        }
    }
}

impl Retry {
    fn run(self, settings: &Settings) -> Result<(), Failure> {
        let client =
            AdminClient::new(Config::read_for_client(&settings.sources())?, &self.server, self.token)?;
        let body = match &self.user {
            Some(user) => serde_json::json!({ "user": user }),
            None => serde_json::json!({}),
        };
        let retried: Result<u64, Failure> = actix_web::rt::System::new().block_on(async {
            let mut all = 0;
            loop {
                let answer = client.ask(Method::POST, PATH, Some(&body)).await?;
                all += answer.get("retried").and_then(Value::as_u64).unwrap_or_default();
                if answer.get("has_more").and_then(Value::as_bool) != Some(true) {
                    return Ok(all);
                }
            }
        });
        let retried = retried?;
        let json = serde_json::json!({ "retried": retried });
        self.form.print(&format!("due again: {retried}"), &retried.to_string(), &json)
    }
}
