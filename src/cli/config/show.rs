//! `tidings config show`: what counts, and where it comes from.

use clap::Args;
use serde_json::{Value, json};

use crate::{
    cli::{
        Failure, Settings,
        output::{Form, print},
    },
    config::{
        Config, ConfigError, Resolved,
        reference::{listed, literal},
        table::{self, Setting},
    },
};

/// Where a default comes from.
const DEFAULT: &str = "default";

#[derive(Args)]
pub struct Show {
    /// Only this one, or this section
    name: Option<String>,
    /// Say where each comes from: file and line, variable, flag, or default
    #[arg(long, conflicts_with = "quiet")]
    origin: bool,
    #[command(flatten)]
    form: Form,
}

impl Show {
    /// Also where a server would not start: this is how one finds out why.
    pub fn run(self, settings: &Settings) -> Result<(), Failure> {
        let resolved = Config::read(&settings.sources())?;
        let values = table::values(&resolved.config);
        let is_asked = |setting: &&Setting| {
            self.name.as_deref().is_none_or(|name| name == setting.key || name == setting.section())
        };
        let shown: Vec<&Setting> = table::all().filter(is_asked).collect();
        if shown.is_empty() {
            return Err(unknown(self.name.as_deref().unwrap_or_default()));
        }
        if self.form.json {
            let one = |setting: &&Setting| {
                let origin = resolved.origin(setting.key).unwrap_or(DEFAULT);
                json!({ "key": setting.key, "value": setting.value_in(&values), "origin": origin })
            };
            return print(&shown.iter().map(one).collect::<Value>().to_string());
        }
        if self.form.quiet {
            return shown.iter().try_for_each(|setting| print(&listed(&setting.value_in(&values))));
        }
        print(self.file(&shown, &resolved, &values).trim())
    }

    /// As a file would have it; what has no value is commented out.
    fn file(&self, shown: &[&Setting], resolved: &Resolved, values: &Value) -> String {
        let (mut text, mut section) = (String::new(), "");
        for setting in shown {
            if setting.section() != section {
                section = setting.section();
                text.push_str(&format!("\n[{section}]\n"));
            }
            let value = setting.value_in(values);
            let line = match &value {
                Value::Null => format!("#{} =", setting.name()),
                // It would not be the secret.
                _ if setting.is_secret() => format!("#{} = {}", setting.name(), listed(&value)),
                value => format!("{} = {}", setting.name(), literal(value)),
            };
            let origin = resolved.origin(setting.key).unwrap_or(DEFAULT);
            let origin = if self.origin { format!("  # {}", origin.escape_debug()) } else { String::new() };
            text.push_str(&format!("{line}{origin}\n"));
        }
        text
    }
}

/// The error about a name that is none.
pub fn unknown(name: &str) -> Failure {
    let name = name.escape_debug().to_string();
    ConfigError::Unknown { suggestion: crate::config::nearest(&name), name }.into()
}
