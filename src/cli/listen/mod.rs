//! `tidings listen`: a user's notifications and rooms in a terminal, through restarts and cuts.

mod connection;
mod event_stream;
mod followed;
mod follower;
mod poll;
mod reconnect;
mod websocket;

use std::time::Duration;

use clap::Args;

use crate::{
    config::Config,
    domain::{Cursor, RoomName, StreamName, UserId},
    observe::logs::escaped,
    random,
};

use super::{
    Failure, Settings,
    output::{Form, say},
    server::{Credential, ServerArgs, TokenArgs},
};
use connection::{Past, Way, follow};
use follower::{Follower, parse_since};
use reconnect::{End, Ended, Next, next};

const TOKEN_TTL: Duration = Duration::from_secs(3600);

/// A connection that held this long was none that failed.
const UPTIME_MIN: Duration = Duration::from_secs(5);

/// With more rooms of the longest names a cursor would be longer than a server takes.
const ROOMS_MAX: usize = 10;

#[derive(Args)]
pub struct Listen {
    /// User id: whose notifications
    user: UserId,
    /// Join this room too; up to 10 times
    #[arg(long = "room", value_name = "NAME")]
    rooms: Vec<RoomName>,
    /// Start behind this position instead of now, such as inbox@k3x9q2ab.42,general@e1e1e1e1.17
    #[arg(long, value_name = "CURSOR", value_parser = parse_since)]
    since: Option<Cursor>,
    /// How to listen: over WebSocket, Server-Sent Events or long polls (which tell of nobody who comes or goes)
    #[arg(long = "transport", value_name = "WAY", value_enum, default_value = "ws")]
    way: Way,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    token: TokenArgs,
    #[command(flatten)]
    form: Form,
}

impl Listen {
    pub fn run(mut self, settings: &Settings) -> Result<(), Failure> {
        self.check()?;
        let resolved = Config::read_for_client(&settings.sources())?;
        let base = self.server.base(&resolved.config)?;
        let credential = self.token.credential(resolved)?;
        let follower = Follower::new(self.user, &self.rooms, self.since.as_ref()).only_texts(self.form.quiet);
        actix_web::rt::System::new().block_on(async {
            tokio::select! {
                result = listen(self.way, &base, &credential, follower, self.form) => result,
                interrupt = tokio::signal::ctrl_c() => interrupt.map_err(|error| Failure::Failed(error.to_string())),
            }
        })
    }

    /// A room counts once; a position that would not be used is a slip.
    fn check(&mut self) -> Result<(), Failure> {
        self.rooms.sort();
        self.rooms.dedup();
        if self.rooms.len() > ROOMS_MAX {
            return Err(Failure::Usage(format!("--room: at most {ROOMS_MAX} rooms can be listened to")));
        }
        let mut streams = self.rooms.iter().cloned().map(StreamName::Room).chain([StreamName::Inbox]);
        if self.since.as_ref().is_some_and(|since| !streams.any(|name| since.position(&name).is_some())) {
            return Err(Failure::Usage(
                "--since: there is no position of the inbox in it, nor of a room of --room".to_owned(),
            ));
        }
        Ok(())
    }
}

async fn listen(
    way: Way,
    base: &str,
    credential: &Credential,
    mut follower: Follower,
    form: Form,
) -> Result<(), Failure> {
    let mut failures = 0;
    loop {
        let token = credential.token(follower.user(), &follower.scope(), TOKEN_TTL)?;
        let Past { end, held } = follow(way, base, &token, &mut follower, form).await?;
        if held >= UPTIME_MIN {
            failures = 0;
        }
        let retry_after = follower.take_retry_after();
        let ended = Ended { end, retry_after, failures, is_renewable: credential.is_renewable() };
        match next(&ended, random::fraction()) {
            Next::Stop(why) => return Err(Failure::Failed(escaped(&why))),
            Next::Retry(delay) => {
                let why = escaped(&why(&ended.end));
                if !form.quiet {
                    say(&format!("{why}; reconnecting in {:.1} s", delay.as_secs_f64()));
                }
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
