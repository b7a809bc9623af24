//! What papers say of the settings, made from the table: a reference, variables, a file, a schema.
//!
//! Pure text: nothing here knows what is set.

mod file;
mod schema;

#[cfg(test)]
mod tests;

pub use file::{file, to_be_made};
pub use schema::schema;
use serde_json::{Value, json};

use super::table::{self, Setting};

/// How long a line of prose may be in what is written for people.
const WIDTH: usize = 100;

/// The table of README.
pub fn markdown() -> String {
    let defaults = table::defaults();
    let mut text = "| key | type | default | meaning |\n|---|---|---|---|\n".to_owned();
    for setting in table::all() {
        let default = match (setting.default_in_words, setting.value_in(&defaults)) {
            (Some(words), _) => words.to_owned(),
            (None, value) if is_none(&value) => "–".to_owned(),
            (None, Value::String(value)) => format!("`{value}`"),
            (None, value) => value.to_string(),
        };
        let Setting { key, kind, meaning, .. } = setting;
        text.push_str(&format!("| `{key}` | {} | {default} | {meaning} |\n", kind.name()));
    }
    text
}

/// The same for a terminal: those whose key begins so.
pub fn text(start: &str) -> String {
    let defaults = table::defaults();
    let mut text = String::new();
    for setting in table::all().filter(|setting| setting.key.starts_with(start)) {
        let Setting { key, kind, meaning, .. } = setting;
        text.push_str(&format!("{key} ({}; default: {})\n", kind.name(), default_of(setting, &defaults)));
        text.push_str(&prose(meaning, "    "));
        text.push_str(&format!("    {}\n\n", setting.variable()));
    }
    text.trim_end().to_owned()
}

/// The same for programs.
pub fn json(start: &str) -> Value {
    let defaults = table::defaults();
    let settings = table::all().filter(|setting| setting.key.starts_with(start));
    let row = |setting: &Setting| {
        json!({
            "key": setting.key,
            "variable": setting.variable(),
            "type": setting.kind.name(),
            "default": setting.default_in(&defaults),
            "default_in_words": setting.default_in_words,
            "is_secret": setting.is_secret(),
            "meaning": setting.meaning,
        })
    };
    settings.map(row).collect()
}

/// Every setting as a variable with its default, commented out.
pub fn variables() -> String {
    let defaults = table::defaults();
    let mut text = prose(
        "Every setting of tidings as a variable, with its default. With _FILE after its name it is read from the \
         file that is named. An empty variable is not set.",
        "# ",
    );
    for setting in table::all() {
        text.push('\n');
        text.push_str(&heading(setting, &defaults));
        text.push_str(&format!("#{}={}\n", setting.variable(), listed(&setting.default_in(&defaults))));
    }
    text
}

/// What stands above a setting in a file.
fn heading(setting: &Setting, defaults: &Value) -> String {
    let Setting { key, kind, meaning, .. } = setting;
    let default = default_of(setting, defaults);
    prose(&format!("{key} ({}; default: {default}): {meaning}", kind.name()), "# ")
}

/// The default in words.
fn default_of(setting: &Setting, defaults: &Value) -> String {
    let value = setting.value_in(defaults);
    match setting.default_in_words {
        Some(words) => words.to_owned(),
        None if is_none(&value) => "none".to_owned(),
        None => listed(&value),
    }
}

fn is_none(value: &Value) -> bool {
    value.is_null() || value == "" || value.as_array().is_some_and(Vec::is_empty)
}

/// A value as variables and flags take it.
pub fn listed(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(listed).collect::<Vec<_>>().join(","),
        value => value.to_string(),
    }
}

/// A value as TOML takes it: what JSON writes is TOML too, but for one control character.
pub fn literal(value: &Value) -> String {
    value.to_string().replace('\u{7f}', "\\u007F")
}

/// A text in lines that begin so.
fn prose(text: &str, start: &str) -> String {
    let mut lines = vec![start.trim_end().to_owned()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                if line.len() >= start.len() {
                    line.push(' ');
                } else {
                    *line = start.to_owned();
                }
                line.push_str(word);
            }
            _ => lines.push(format!("{start}{word}")),
        }
    }
    lines.join("\n") + "\n"
}
