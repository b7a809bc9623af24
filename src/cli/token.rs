//! `tidings token`: tokens made with a secret that is here.

use std::time::Duration;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;

use crate::{
    config::{Algorithm, Config, Resolved, format_duration, parse_duration},
    domain::{Invalid, RoomName, Scopes, Timestamp, UserId},
};

use super::{Failure, Settings, dev_folder::DevFolder, inspect::Inspect, output::Form, server::Signer};

/// A token counts whole seconds, and no clock or calendar goes wrong over ten years.
const TTL_MIN: Duration = Duration::from_secs(1);
const TTL_MAX: Duration = Duration::from_secs(3650 * 86_400);

/// What the token of `token dev` allows: everything, on a server that only this machine reaches.
const DEV_SCOPE: &str = "notify admin join:* publish:*";
const DEV_TTL: Duration = Duration::from_secs(12 * 3600);

#[derive(Subcommand)]
pub enum Token {
    /// Make a token with the configured secret
    Mint(Mint),
    /// Make a token for the server that `tidings dev` runs here
    Dev(Dev),
    /// Explain a token, and why the configured server would refuse it: exit code 0 or 1
    Inspect(Inspect),
}

#[derive(Args)]
pub struct Mint {
    /// User id: who the token is for
    sub: UserId,
    /// What it allows, such as "join:* publish:* notify"
    #[arg(long, default_value = "")]
    scope: String,
    /// Let it join this room and publish there; may be given again
    #[arg(long = "room", value_name = "NAME")]
    rooms: Vec<RoomName>,
    /// How long it lives, such as 1h: from 1s to 3650d
    #[arg(long, default_value = "1h", value_parser = parse_ttl)]
    ttl: Duration,
    #[command(flatten)]
    form: Form,
}

#[derive(Args)]
pub struct Dev {
    /// User id: who the token is for
    #[arg(long, default_value = "dev")]
    user: UserId,
    #[command(flatten)]
    form: Form,
}

impl Token {
    pub fn run(self, settings: &Settings) -> Result<(), Failure> {
        let resolved = Config::read_for_client(&settings.sources())?;
        match self {
            Self::Mint(mint) => mint.run(resolved),
            Self::Dev(dev) => dev.run(resolved.config),
            Self::Inspect(inspect) => inspect.run(resolved),
        }
    }
}

impl Mint {
    fn run(mut self, resolved: Resolved) -> Result<(), Failure> {
        for room in &self.rooms {
            self.scope = format!("{} join:{room} publish:{room}", self.scope).trim_start().to_owned();
        }
        let algorithm = resolved.config.auth.algorithm;
        if algorithm != Algorithm::Hs256 {
            return Err(Failure::Usage(format!(
                "auth.algorithm is {algorithm}: the private key is not here, so tokens are made by whoever has it"
            )));
        }
        let signer = Signer::configured(resolved)?;
        let (token, expires_at) = signer.sign(&self.sub, &self.scope, self.ttl)?;
        let scopes = Scopes::parse(&self.scope);
        self.form.print(&token, &token, &json(&token, &self.sub, &scopes, expires_at))?;
        let (granted, ttl) = (granted(&scopes), format_duration(&self.ttl));
        self.form.say(&format!("for {}, allows {granted}, until {expires_at} ({ttl})", self.sub));
        for word in
            self.scope.split_whitespace().filter(|word| !scopes.words().iter().any(|known| known == word))
        {
            self.form.say(&format!("{word:?} is no scope of tidings and grants nothing here"));
        }
        Ok(())
    }
}

fn parse_ttl(text: &str) -> Result<Duration, Invalid> {
    let ttl = parse_duration(text)?;
    let is_in_range = (TTL_MIN..=TTL_MAX).contains(&ttl);
    is_in_range.then_some(ttl).ok_or_else(|| Invalid::new("a token lives from 1s to 3650d"))
}

impl Dev {
    fn run(self, config: Config) -> Result<(), Failure> {
        let secret = DevFolder::here().secret()?.ok_or_else(|| {
            Failure::Usage(
                "`tidings dev` has not run in this folder; start it here first, or change to its folder"
                    .into(),
            )
        })?;
        let signer = Signer::new(secret.expose_secret().into(), config.auth);
        let (token, expires_at) = signer.sign(&self.user, DEV_SCOPE, DEV_TTL)?;
        let scopes = Scopes::parse(DEV_SCOPE);
        self.form.print(&token, &token, &json(&token, &self.user, &scopes, expires_at))
    }
}

fn json(token: &str, user: &UserId, scopes: &Scopes, expires_at: Timestamp) -> serde_json::Value {
    serde_json::json!({ "token": token, "sub": user, "scopes": scopes.words(), "expires_at": expires_at })
}

/// What scopes allow, in words.
pub fn granted(scopes: &Scopes) -> String {
    if scopes.words().is_empty() { "the own inbox".to_owned() } else { scopes.words().join(" ") }
}
