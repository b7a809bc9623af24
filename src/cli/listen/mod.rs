//! `tidings listen`: a user's notifications in a terminal, through restarts and cuts.

mod connection;
mod follower;
mod reconnect;

use std::time::Duration;

use clap::Args;

use crate::{
    config::Config,
    domain::{Position, UserId},
    observe::logs::escaped,
    random,
};

use super::{
    Failure, Settings,
    output::say,
    server::{Credential, ServerArgs, TokenArgs},
};
use connection::{Past, follow};
use follower::{Follower, parse_since};
use reconnect::{End, Ended, Next, next};

const TOKEN_TTL: Duration = Duration::from_secs(3600);

/// A connection that held this long was none that failed.
const UPTIME_MIN: Duration = Duration::from_secs(5);

#[derive(Args)]
pub struct Listen {
    /// User id: whose notifications
    user: UserId,
    /// Start behind this position instead of now, such as inbox@k3x9q2ab.42
    #[arg(long, value_name = "CURSOR", value_parser = parse_since)]
    since: Option<Position>,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    token: TokenArgs,
    /// Print every frame as it comes
    #[arg(long)]
    json: bool,
}

impl Listen {
    pub fn run(self, settings: &Settings) -> Result<(), Failure> {
        let config = Config::read_for_client(&settings.sources())?;
        let base = self.server.base(&config)?;
        let credential = self.token.credential(config)?;
        let follower = Follower::new(self.user.clone(), self.since);
        actix_web::rt::System::new().block_on(async {
            tokio::select! {
                result = listen(&base, &self.user, &credential, follower, self.json) => result,
                interrupt = tokio::signal::ctrl_c() => interrupt.map_err(|error| Failure::Failed(error.to_string())),
            }
        })
    }
}

async fn listen(
    base: &str,
    user: &UserId,
    credential: &Credential,
    mut follower: Follower,
    is_raw: bool,
) -> Result<(), Failure> {
    let mut failures = 0;
    loop {
        let token = credential.token(user, "", TOKEN_TTL)?;
        let Past { end, held } = follow(base, &token, &mut follower, is_raw).await?;
        if held >= UPTIME_MIN {
            failures = 0;
        }
        let retry_after = follower.take_retry_after();
        let ended = Ended { end, retry_after, failures, is_renewable: credential.is_renewable() };
        match next(&ended, random::fraction()) {
            Next::Stop(why) => return Err(Failure::Failed(escaped(&why))),
            Next::Retry(delay) => {
                let why = escaped(&why(&ended.end));
                say(&format!("{why}; reconnecting in {:.1} s", delay.as_secs_f64()));
                tokio::time::sleep(delay).await;
            }
        }
        failures = failures.saturating_add(1);
    }
}

fn why(end: &End) -> String {
    match end {
        End::Closed { code, reason } => format!("closed by the server ({code} {reason})"),
        End::Refused { status } => format!("the server is busy ({status})"),
        End::Lost(what) => format!("not connected: {what}"),
    }
}
