//! `tidings migrate`: the tables of the database, brought to this version by hand.
//!
//! A server does so at its start, unless it is told `--no-migrate`.

use clap::{Args, Subcommand};

use crate::{
    app::store_options,
    config::Config,
    store::{self, messages::StoreOptions},
};

use super::{
    Failure, Settings,
    output::{Form, print},
};

#[derive(Subcommand)]
pub enum Migrate {
    /// Run the migrations that the database lacks; one that is not there is made
    Up(Up),
    /// Tell which migrations the database has: exit code 0 where it has all, else 1
    Status(Status),
}

#[derive(Args)]
pub struct Up {
    #[command(flatten)]
    form: Form,
}

#[derive(Args)]
pub struct Status {
    #[command(flatten)]
    form: Form,
}

impl Migrate {
    pub fn run(self, settings: &Settings) -> Result<(), Failure> {
        let config = Config::read_for_database(&settings.sources())?;
        let options = store_options(&config);
        match self {
            Self::Up(up) => up.run(&options),
            Self::Status(status) => status.run(&options),
        }
    }
}

/// Refuses a file that a server works with, and says the way out.
pub fn refuse_if_taken(options: &StoreOptions, way_out: &str) -> Result<(), Failure> {
    let examined = store::examine(options).map_err(|error| failed(&error))?;
    if examined.is_taken {
        return Err(Failure::Failed(format!(
            "store.url: a server works with {} and has it for itself; {way_out}",
            options.url
        )));
    }
    Ok(())
}

/// What is wrong with the database, with the setting that names it.
pub fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::Failed(format!("store.url: {error}"))
}

impl Up {
    fn run(&self, options: &StoreOptions) -> Result<(), Failure> {
        refuse_if_taken(options, "stop it first, or start it anew: it does the same at its start")?;
        let names = store::migrate(options).map_err(|error| failed(&error))?;
        if self.form.json {
            let json = serde_json::json!({ "database": options.url.to_string(), "applied": names });
            return print(&json.to_string());
        }
        names.iter().try_for_each(|name| print(name))?;
        self.form.say(&format!("{} is of this version", options.url));
        Ok(())
    }
}

impl Status {
    fn run(&self, options: &StoreOptions) -> Result<(), Failure> {
        let found = store::examine(options).map_err(|error| failed(&error))?.migrations;
        if self.form.json {
            let json = serde_json::to_string(&found).map_err(|error| Failure::Failed(error.to_string()))?;
            print(&json)?;
        } else if self.form.quiet {
            found.pending.iter().try_for_each(|name| print(name))?;
        } else {
            let states =
                [("applied", &found.applied), ("pending", &found.pending), ("unknown", &found.unknown)];
            for (state, names) in states {
                names.iter().try_for_each(|name| print(&format!("{state}  {name}")))?;
            }
        }
        if !found.unknown.is_empty() {
            return Err(failed(&format!("{} is of a newer version: run that one", options.url)));
        }
        if !found.pending.is_empty() {
            let count = found.pending.len();
            return Err(failed(&format!("{} lacks {count} migrations: `tidings migrate up`", options.url)));
        }
        Ok(())
    }
}
