//! `tidings prune`: what a server deletes by and by, at once.

use clap::Args;

use crate::{app::store_options, config::Config, store};

use super::{
    Failure, Settings,
    migrate::{failed, refuse_if_taken},
    output::Form,
};

#[derive(Args)]
pub struct Prune {
    #[command(flatten)]
    form: Form,
}

impl Prune {
    pub fn run(&self, settings: &Settings) -> Result<(), Failure> {
        let config = Config::read_for_database(&settings.sources())?;
        let options = store_options(&config);
        refuse_if_taken(&options, "stop it first, or leave it to it: it applies retention all the time")?;
        let store::Pruned { expired, aged, read } = store::prune(&options).map_err(|error| failed(&error))?;
        let text = format!("deleted {expired} that had expired, {aged} for their age, {read} that were read");
        let json = serde_json::json!({ "expired": expired, "aged": aged, "read": read });
        self.form.print(&text, &(expired + aged + read).to_string(), &json)
    }
}
