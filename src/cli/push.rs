//! `tidings push`: what administrators do about Web Push.

use std::time::Duration;

use awc::http::header::AUTHORIZATION;
use clap::{Args, Subcommand};
use serde::Deserialize;

use crate::{
    config::Config,
    domain::{Invalid, UserId},
};

use super::{
    Failure, Settings,
    output::Form,
    send::explain,
    server::{ANSWER_TIMEOUT, ServerArgs, TokenArgs},
};

/// Who asks when no token says it.
const ADMINISTRATOR: &str = "cli";
const TOKEN_TTL: Duration = Duration::from_secs(60);

/// Far more than any answer, in bytes.
const ANSWER_MAX: usize = 64 << 10;

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

#[derive(Deserialize)]
struct Retried {
    retried: usize,
    has_more: bool,
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
        let config = Config::read_for_client(&settings.sources())?;
        let url = format!("{}/v1/admin/push/retry", self.server.admin_base(&config)?);
        let administrator = ADMINISTRATOR.parse().map_err(|Invalid(text)| Failure::Usage(text))?;
        let token = self.token.credential(config)?.token(&administrator, "admin", TOKEN_TTL)?;
        let user = self.user.as_ref();
        let retried: Result<usize, Failure> = actix_web::rt::System::new().block_on(async {
            let mut all = 0;
            loop {
                let Retried { retried, has_more } = retry(&url, &token, user).await?;
                all += retried;
                if !has_more {
                    return Ok(all);
                }
            }
        });
        let retried = retried?;
        let json = serde_json::json!({ "retried": retried });
        self.form.print(&format!("due again: {retried}"), &retried.to_string(), &json)
    }
}

async fn retry(url: &str, token: &str, user: Option<&UserId>) -> Result<Retried, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(format!("{url}: {error}"));
    let client = awc::Client::builder().timeout(ANSWER_TIMEOUT).disable_redirects().finish();
    let request = client.post(url).insert_header((AUTHORIZATION, format!("Bearer {token}")));
    let body = match user {
        Some(user) => serde_json::json!({ "user": user }),
        None => serde_json::json!({}),
    };
    let mut response = request.send_json(&body).await.map_err(|error| failed(&error))?;
    let body = response.body().limit(ANSWER_MAX).await.map_err(|error| failed(&error))?;
    let body = String::from_utf8_lossy(&body).into_owned();
    if response.status().is_success() {
        serde_json::from_str(&body)
            .map_err(|error| Failure::Failed(format!("the answer makes no sense: {error}")))
    } else {
        Err(failed(&explain(response.status().as_u16(), &body)))
    }
}
