//! The command line: one file for each verb.
//!
//! A verb reads settings and the terminal, calls what does the work, and says how it went.
//! What a program may read goes to standard output, what a person should know to standard error.

mod admin;
mod backup;
mod bench;
mod completions;
mod config;
mod dev;
mod dev_folder;
mod doctor;
mod documents;
mod failure;
mod fresh;
mod health;
mod init;
mod inspect;
mod keys;
mod listen;
mod migrate;
mod output;
mod prune;
mod push;
mod restore_epoch;
mod send;
mod serve;
mod server;
mod settings;
mod token;
mod user;
mod version;
mod webhooks;

use clap::{Parser, Subcommand};

pub use failure::Failure;
pub use output::say;
use settings::Settings;

/// The notification server: a durable inbox and rooms over WebSocket, Server-Sent Events, long poll and HTTP, in one binary.
#[derive(Parser)]
#[command(name = "tidings", version, propagate_version = false)]
pub struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Run a server to try things out: loopback only, data and secrets made in .tidings/
    Dev,
    /// Run the server (also without a verb)
    Serve(serve::Serve),
    /// Write a settings file with fresh secrets
    Init(init::Init),
    /// Check, show and explain settings
    #[command(subcommand)]
    Config(config::Verb),
    /// Make and explain tokens
    #[command(subcommand)]
    Token(token::Token),
    /// Publish a notification to a user, or a message to a room
    Send(send::Send),
    /// Show a user's notifications, and what is said in rooms, as they come
    Listen(listen::Listen),
    /// Make keys
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Look after Web Push
    #[command(subcommand)]
    Push(push::Push),
    /// Look after webhooks
    #[command(subcommand)]
    Webhooks(webhooks::Webhooks),
    /// Copy the database file while the server runs
    Backup(backup::Backup),
    /// After a restore: begin a new life of every inbox, so that no client takes a number for what it was before
    RestoreEpoch(restore_epoch::RestoreEpoch),
    /// Load a server, and measure what it does
    Bench(bench::Bench),
    /// Ask a running server whether it is well: exit code 0 or 1
    Health(health::Health),
    /// Look whether everything that a server needs is as it should be: exit code 0 or 1
    Doctor(doctor::Doctor),
    /// Bring the database to this version, or tell whether it is
    #[command(subcommand)]
    Migrate(migrate::Migrate),
    /// Delete what retention does not keep, at once
    ///
    /// Works on the database itself: a running server does so by itself, and has a SQLite file for itself; on
    /// PostgreSQL both may run at once.
    Prune(prune::Prune),
    /// Look after the data of users
    #[command(subcommand)]
    User(user::User),
    /// Print the document of the HTTP API (OpenAPI 3.1)
    Openapi,
    /// Print the document of the WebSocket (AsyncAPI 3.0)
    Asyncapi,
    /// Print what a shell needs to complete the command line
    Completions(completions::Completions),
    /// Print the version
    Version(version::Version),
}

impl Cli {
    /// Runs one verb to its end.
    ///
    /// # Errors
    /// Says what went wrong in one line, with the exit code that belongs to it.
    pub fn run(self) -> Result<(), Failure> {
        let settings = &self.settings;
        match self.verb {
            None => serve::Serve::default().run(settings),
            Some(Verb::Serve(serve)) => serve.run(settings),
            Some(Verb::Dev) => dev::run(settings),
            Some(Verb::Init(init)) => init.run(settings),
            Some(Verb::Config(verb)) => verb.run(settings),
            Some(Verb::Token(token)) => token.run(settings),
            Some(Verb::Send(send)) => send.run(settings),
            Some(Verb::Listen(listen)) => listen.run(settings),
            Some(Verb::Keys(keys)) => keys.run(),
            Some(Verb::Push(push)) => push.run(settings),
            Some(Verb::Webhooks(webhooks)) => webhooks.run(settings),
            Some(Verb::Backup(backup)) => backup.run(settings),
            Some(Verb::RestoreEpoch(restore)) => restore.run(settings),
            Some(Verb::Bench(bench)) => bench.run(settings),
            Some(Verb::Health(health)) => health.run(settings),
            Some(Verb::Doctor(doctor)) => doctor.run(settings),
            Some(Verb::Migrate(migrate)) => migrate.run(settings),
            Some(Verb::Prune(prune)) => prune.run(settings),
            Some(Verb::User(user)) => user.run(settings),
            Some(Verb::Openapi) => documents::openapi(settings),
            Some(Verb::Asyncapi) => documents::asyncapi(settings),
            Some(Verb::Completions(completions)) => completions.run(),
            Some(Verb::Version(version)) => version.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_argument_of_every_verb_is_explained() {
        fn explain(command: &clap::Command) {
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
            command.get_subcommands().for_each(explain);
        }
        explain(&Cli::command());
    }

    /// They run, or what they print is one thing, whoever reads it.
    const ONE_FORM: [&str; 8] =
        ["asyncapi", "completions", "dev", "doc", "env", "openapi", "schema", "serve"];

    #[test]
    fn what_prints_data_prints_it_for_people_for_programs_and_for_scripts() {
        fn look(command: &clap::Command) {
            let has = |name: &str| command.get_arguments().any(|argument| argument.get_id() == name);
            let is_verb = !command.has_subcommands() && !ONE_FORM.contains(&command.get_name());
            assert!(!is_verb || has("json") && has("quiet"), "{}", command.get_name());
            command.get_subcommands().for_each(look);
        }
        look(&Cli::command());
    }

    #[test]
    fn settings_may_stand_before_and_after_the_verb() {
        let cli = Cli::try_parse_from(["tidings", "serve", "--set", "a.b=1", "--config", "x.toml"]).unwrap();
        assert_eq!((cli.settings.set.len(), cli.settings.config.is_some()), (1, true));
        assert!(Cli::try_parse_from(["tidings", "--set", "a.b=1"]).unwrap().verb.is_none());
        assert!(Cli::try_parse_from(["tidings", "serv"]).is_err());
    }
}
