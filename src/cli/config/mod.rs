//! `tidings config`: what is set, what may be, and whether a server would start with it.

mod show;

use clap::{Args, Subcommand};

use super::{
    Failure, Settings,
    output::{Form, print, say},
    serve,
};
use crate::config::{Resolved, reference, table};

#[derive(Subcommand)]
pub enum Verb {
    /// Say whether a server would start with the settings: exit code 0 or 2
    Check(Check),
    /// Print the settings that count, without secrets
    Show(show::Show),
    /// Explain every setting
    Doc(Doc),
    /// Print every setting as an environment variable with its default
    Env(Env),
    /// Print the JSON Schema of tidings.toml, for editors
    Schema,
}

#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    form: Form,
}

#[derive(Args)]
pub struct Doc {
    /// Only those whose name begins so, such as limits or http.listen
    #[arg(default_value = "")]
    start: String,
    /// Print a table in Markdown
    #[arg(long, conflicts_with_all = ["json", "start"])]
    markdown: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Env {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Verb {
    pub fn run(self, settings: &Settings) -> Result<(), Failure> {
        match self {
            Self::Check(check) => check.run(settings),
            Self::Show(show) => show.run(settings),
            Self::Doc(doc) => doc.run(),
            Self::Env(env) => env.run(),
            Self::Schema => print(&format!("{:#}", reference::schema())),
        }
    }
}

impl Check {
    /// What `serve` would read, and refuse.
    fn run(self, settings: &Settings) -> Result<(), Failure> {
        let resolved = serve::load(settings)?;
        let Resolved { warnings, .. } = &resolved;
        let set = table::all().filter(|setting| resolved.origin(setting.key).is_some()).count();
        let json = serde_json::json!({ "is_good": true, "set": set, "warnings": warnings });
        if !self.form.json {
            warnings.iter().for_each(|warning| say(&format!("warning: {warning}")));
        }
        let text =
            format!("a server would start: {set} settings are set, and all others have their defaults");
        self.form.print(&text, "good", &json)
    }
}

impl Doc {
    fn run(self) -> Result<(), Failure> {
        if self.markdown {
            return print(reference::markdown().trim_end());
        }
        if !table::all().any(|setting| setting.key.starts_with(&self.start)) {
            return Err(show::unknown(&self.start));
        }
        if self.json {
            return print(&reference::json(&self.start).to_string());
        }
        print(&reference::text(&self.start))
    }
}

impl Env {
    fn run(self) -> Result<(), Failure> {
        if !self.json {
            return print(reference::variables().trim_end());
        }
        let defaults = table::defaults();
        let pairs = table::all().map(|setting| (setting.variable(), setting.default_in(&defaults)));
        print(&serde_json::Value::from_iter(pairs).to_string())
    }
}
