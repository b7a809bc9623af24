//! `tidings restore-epoch`: what makes a restored database safe to go on with.

use clap::Args;
use serde_json::json;

use crate::{config::Config, store::offline::renew_epochs};

use super::{Failure, Settings, output::Form};

#[derive(Args)]
pub struct RestoreEpoch {
    #[command(flatten)]
    form: Form,
}

impl RestoreEpoch {
    pub fn run(self, settings: &Settings) -> Result<(), Failure> {
        let config = Config::read_for_database(&settings.sources())?;
        let inboxes = renew_epochs(&config.store.url).map_err(Failure::Failed)?;
        let text = format!("{inboxes} inboxes begin anew");
        self.form.print(&text, &inboxes.to_string(), &json!({ "inboxes": inboxes }))
    }
}
