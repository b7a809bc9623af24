//! `tidings doctor`: whether everything that a server needs is as it should be, one line a thing, each with its fix.
//!
//! Looks with the settings that `serve` would run with, and from where it is called; what is looked at is told in
//! `findings.rs`. Changes nothing but that it says one message in a room of its own, to see whether a proxy holds it back.

mod backing;
mod findings;
mod machine;
mod outside;
mod webhooks;

use clap::Args;

use crate::config::Resolved;

use super::{
    Failure, Settings,
    output::{Form, print},
    serve,
    server::{TokenArgs, web_address},
};
use findings::{Findings, State};

#[derive(Args)]
pub struct Doctor {
    /// Where people reach the server, behind its proxy [default: http.public_url]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    token: TokenArgs,
    #[command(flatten)]
    form: Form,
}

impl Doctor {
    pub fn run(self, settings: &Settings) -> Result<(), Failure> {
        let Self { url, token, form } = self;
        let resolved = serve::load(settings)?;
        let Resolved { config, warnings, .. } = resolved.clone();
        let mut findings = Findings::default();
        for warning in warnings {
            findings.heed("settings", warning);
        }
        findings.ok("settings", "they can be used".to_owned());
        let flag = if url.is_some() { "--url" } else { "http.public_url" };
        let url = url.or_else(|| config.http.public_url.clone());
        let public = url.map(|url| web_address(flag, &url)).transpose()?;
        actix_web::rt::System::new().block_on(async {
            machine::examine(&config, &mut findings).await;
            backing::examine(&config, &mut findings).await;
            webhooks::examine(&config, &mut findings).await;
            let Some(public) = public else {
                findings.ok(
                    "public url",
                    "http.public_url is not set: nothing is looked at from outside".to_owned(),
                );
                return;
            };
            outside::examine(&public, token.credential(resolved), &mut findings).await;
        });
        if form.json {
            let json =
                serde_json::to_string(&findings.all).map_err(|error| Failure::Failed(error.to_string()))?;
            print(&json)?;
        } else {
            let shown = findings.all.iter().filter(|finding| !form.quiet || finding.state != State::Ok);
            shown.map(ToString::to_string).try_for_each(|line| print(&line))?;
        }
        match findings.all.iter().filter(|finding| finding.state == State::Fail).count() {
            0 => Ok(()),
            count => Err(Failure::Failed(format!("{count} of {} checks failed", findings.all.len()))),
        }
    }
}
