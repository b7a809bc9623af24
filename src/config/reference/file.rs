//! The file that `tidings init` writes.

use std::collections::HashMap;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{heading, literal};
use crate::config::table::{self, Fresh, Kind, Setting};

/// Fresh values that a server starts with as it is; the others wait behind a `#` for what they belong to.
const IN_USE: [&str; 2] = ["auth.secret", "push.vapid_private_key"];

const HEAD: &str = "\
# There are secrets in here: keep it to yourself, and out of a repository.
#
#   tidings config check            whether a server would start with it
#   tidings config show --origin    what counts, and where it comes from
#   tidings config schema           for an editor: > tidings.schema.json, and here as the first line
#                                   #:schema ./tidings.schema.json
";

/// `tidings.toml` with every setting: those made fresh in use, all others commented out with their defaults.
pub fn file(fresh: &HashMap<&'static str, SecretString>) -> String {
    let defaults = table::defaults();
    let mut text = format!(
        "# Settings of tidings {}. What is commented out is the default.\n",
        env!("CARGO_PKG_VERSION")
    );
    text.push_str(HEAD);
    let mut section = "";
    for setting in table::all() {
        if setting.section() != section {
            section = setting.section();
            text.push_str(&format!("\n[{section}]\n"));
        }
        text.push('\n');
        text.push_str(&heading(setting, &defaults));
        let value = match fresh.get(setting.key) {
            Some(secret) => Value::from(secret.expose_secret()),
            None => value_of(setting, &defaults),
        };
        let is_in_use = IN_USE.contains(&setting.key) && fresh.contains_key(setting.key);
        let start = if is_in_use { "" } else { "#" };
        text.push_str(&format!("{start}{} = {}\n", setting.name(), literal(&value)));
    }
    text
}

/// The settings that have to be made fresh, and how.
pub fn to_be_made() -> impl Iterator<Item = (&'static str, Fresh)> {
    table::all().filter_map(|setting| Some((setting.key, setting.fresh?)))
}

/// What stands there when the `#` is taken away.
fn value_of(setting: &Setting, defaults: &Value) -> Value {
    match (setting.kind, setting.value_in(defaults)) {
        (Kind::Count | Kind::Limit, Value::Null) => 1.into(),
        (_, Value::Null) => "".into(),
        (_, value) => value,
    }
}
