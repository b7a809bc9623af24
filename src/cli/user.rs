//! `tidings user`: what administrators do with the data of users, on a running server.

use std::time::Duration;

use awc::http::header::AUTHORIZATION;
use clap::{Args, Subcommand};

use crate::{
    config::Config,
    domain::{Invalid, UserId},
};

use super::{
    Failure, Settings,
    output::Form,
    send::{encoded, explain},
    server::{ServerArgs, TokenArgs},
};

/// Who asks when no token says it.
const ADMINISTRATOR: &str = "cli";
const TOKEN_TTL: Duration = Duration::from_secs(600);

/// A large inbox goes part by part.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);

/// Far more than any refusal, in bytes.
const ANSWER_MAX: usize = 64 << 10;

#[derive(Subcommand)]
pub enum User {
    /// Erase all that is kept of a user, over the admin API of a running server
    ///
    /// Notifications, mutes, preferences, push subscriptions, tickets, and the kept answers to the user's publishes.
    /// What the user has said in rooms goes with their history; tokens stay good, and what was revoked stays so.
    Forget(Forget),
}

#[derive(Args)]
pub struct Forget {
    /// User id
    id: UserId,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    token: TokenArgs,
    #[command(flatten)]
    form: Form,
}

impl User {
    pub fn run(self, settings: &Settings) -> Result<(), Failure> {
        match self {
            Self::Forget(forget) => forget.run(settings),
        }
    }
}

impl Forget {
    fn run(self, settings: &Settings) -> Result<(), Failure> {
        let resolved = Config::read_for_client(&settings.sources())?;
        let url = format!(
            "{}/v1/admin/users/{}",
            self.server.admin_base(&resolved.config)?,
            encoded(self.id.as_str())
        );
        let administrator = ADMINISTRATOR.parse().map_err(|Invalid(text)| Failure::Usage(text))?;
        let token = self.token.credential(resolved)?.token(&administrator, "admin", TOKEN_TTL)?;
        actix_web::rt::System::new().block_on(erase(&url, &token))?;
        let json = serde_json::json!({ "user": self.id, "erased": true });
        self.form.print(&format!("nothing of {} is left", self.id), self.id.as_str(), &json)
    }
}

async fn erase(url: &str, token: &str) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(format!("{url}: {error}"));
    let client = awc::Client::builder().timeout(ANSWER_TIMEOUT).disable_redirects().finish();
    let request = client.delete(url).insert_header((AUTHORIZATION, format!("Bearer {token}")));
    let mut response = request.send().await.map_err(|error| failed(&error))?;
    if response.status().is_success() {
        return Ok(());
    }
    let body = response.body().limit(ANSWER_MAX).await.map_err(|error| failed(&error))?;
    Err(failed(&explain(response.status().as_u16(), &String::from_utf8_lossy(&body))))
}
