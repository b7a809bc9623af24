//! `tidings backup`: a copy of the database file, made while the server runs.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::{
    config::{Config, StoreUrl},
    store::offline::back_up,
};

use super::{Failure, Settings, output::Form};

#[derive(Args)]
pub struct Backup {
    /// Where to; there must be nothing yet
    file: PathBuf,
    #[command(flatten)]
    form: Form,
}

impl Backup {
    pub fn run(self, settings: &Settings) -> Result<(), Failure> {
        let config = Config::read_for_database(&settings.sources())?;
        let StoreUrl::Sqlite(database) = &config.store.url else {
            return Err(Failure::Usage(
                "store.url: a server makes its own backups, by `pg_dump --format=custom` or what it has besides \
                 (docs/operations.md)"
                    .to_owned(),
            ));
        };
        let bytes = back_up(database, &self.file).map_err(Failure::Failed)?;
        let file = self.file.display().to_string();
        self.form.print(&format!("{file}: {bytes} bytes"), &file, &json!({ "file": file, "bytes": bytes }))
    }
}
