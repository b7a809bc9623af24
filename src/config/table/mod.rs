//! Every setting, once: what it is called, what may be written, what it does.
//!
//! The reference, the example of variables, the schema, the file of `tidings init` and the names that may be meant are
//! made from it; a test holds it against the sections, which have the defaults. Order is that of the papers.

mod http;
mod limits;
mod live;
mod process;
mod store;
mod webhooks;

use serde_json::Value;

use super::{Config, keys};

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// As in the file: `section.key`.
    pub key: &'static str,
    pub kind: Kind,
    /// What it does, in one line of Markdown.
    pub meaning: &'static str,
    /// What the default is where it depends on something, or is no value.
    pub default_in_words: Option<&'static str>,
    /// How a fresh one is made, where everybody needs one of their own.
    pub fresh: Option<Fresh>,
}

/// What may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Flag,
    /// A whole number.
    Count,
    /// A whole number, of which 0 is no limit.
    Limit,
    /// A whole number with its unit, such as `25s`.
    Duration,
    /// Bytes, or a whole number with its unit, such as `64KiB`.
    Size,
    /// An address with its port.
    Address,
    Text,
    Words(&'static [&'static str]),
    /// An array in the file, commas elsewhere.
    List,
    /// A text that is never shown.
    Secret,
}

/// How a fresh value is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fresh {
    /// Chance, for signatures that are checked with the same key.
    Secret,
    /// A private key of Web Push.
    Vapid,
    /// What webhooks are signed with.
    Webhook,
}

impl Setting {
    const fn new(key: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Self { key, kind, meaning, default_in_words: None, fresh: None }
    }

    const fn by_default(self, words: &'static str) -> Self {
        Self { default_in_words: Some(words), ..self }
    }

    const fn made_fresh(self, fresh: Fresh) -> Self {
        Self { fresh: Some(fresh), ..self }
    }

    /// `http` of `http.listen`.
    pub fn section(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(section, _)| section)
    }

    /// `listen` of `http.listen`.
    pub fn name(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(_, name)| name)
    }

    /// `TIDINGS_HTTP_LISTEN` of `http.listen`.
    pub fn variable(&self) -> String {
        keys::variable(self.key)
    }

    pub fn is_secret(&self) -> bool {
        self.kind == Kind::Secret
    }

    /// Its value among those of a serialised [`Config`], as a person would write it.
    pub fn value_in(&self, values: &Value) -> Value {
        let value = values.get(self.section()).and_then(|section| section.get(self.name()));
        match (self.kind, value) {
            // One that may be missing is written as a text.
            (Kind::Count, Some(Value::String(text))) => text.parse::<u64>().map_or(Value::Null, Value::from),
            (_, value) => value.cloned().unwrap_or_default(),
        }
    }

    /// The default, where it is the same everywhere; `null` where there is none.
    pub fn default_in(&self, defaults: &Value) -> Value {
        if self.default_in_words.is_some() { Value::Null } else { self.value_in(defaults) }
    }
}

impl Kind {
    /// What is expected, in words.
    pub fn name(self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Count => "number".to_owned(),
            Self::Limit => "number, 0 for no limit".to_owned(),
            Self::Duration => "duration".to_owned(),
            Self::Size => "size".to_owned(),
            Self::Address => "address with port".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Words(words) => words.join(", "),
            Self::List => "list".to_owned(),
            Self::Secret => "secret".to_owned(),
        }
    }
}

/// All of them, in the order of the papers.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    let parts: [&'static [Setting]; 10] = [
        &http::HTTP,
        &http::AUTH,
        &store::STORE,
        &live::BRIDGE,
        &live::SESSION,
        &limits::LIMITS,
        &live::ROOMS,
        &store::RETENTION,
        &webhooks::WEBHOOKS,
        &process::PROCESS,
    ];
    parts.into_iter().flatten()
}

/// The one with this key.
pub fn find(key: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.key == key)
}

/// The defaults by section, as they are written.
pub fn defaults() -> Value {
    values(&Config::default())
}

/// The values by section, as they are written; a secret is only said to be there.
pub fn values(config: &Config) -> Value {
    serde_json::to_value(config).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_setting_once_and_no_other() {
        let mut told: Vec<String> = all().map(|setting| setting.key.to_owned()).collect();
        let defaults = defaults();
        let sections = defaults.as_object().unwrap().iter();
        let mut known: Vec<String> = sections
            .flat_map(|(section, keys)| {
                let keys = keys.as_object().unwrap().keys();
                keys.map(move |key| format!("{section}.{key}"))
            })
            .collect();
        told.sort();
        known.sort();
        assert_eq!(told, known, "rows of the table, and fields of the sections");
    }

    #[test]
    fn each_default_is_of_the_kind_that_is_told() {
        let defaults = defaults();
        for setting in all() {
            let default = setting.value_in(&defaults);
            let is_none = default.is_null() || default == "";
            let fits = match setting.kind {
                Kind::Flag => default.is_boolean(),
                Kind::Count | Kind::Limit => default.is_u64() || is_none,
                Kind::Duration => default.as_str().is_some_and(|text| text.ends_with(char::is_alphabetic)),
                Kind::Size | Kind::Address | Kind::Text => default.is_string() || is_none,
                Kind::Words(words) => words.contains(&default.as_str().unwrap()),
                Kind::List => default.is_array(),
                Kind::Secret => default.is_null(),
            };
            assert!(fits, "{}: {default}", setting.key);
            assert!(setting.fresh.is_none() || setting.is_secret(), "{}", setting.key);
        }
    }

    #[test]
    fn a_meaning_is_one_cell_of_a_table() {
        for Setting { key, meaning, .. } in all() {
            assert!(!meaning.contains(['|', '\n']) && !meaning.ends_with('.'), "{key}: {meaning}");
            assert_eq!(meaning.matches('`').count() % 2, 0, "{key}: {meaning}");
        }
    }
}
