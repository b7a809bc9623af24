//! The schema of `tidings.toml`, for editors that complete and check while somebody writes.

use serde_json::{Map, Value, json};

use crate::config::table::{self, Kind, Setting};

/// JSON Schema 2020-12, as Taplo and others read it for TOML.
pub fn schema() -> Value {
    let defaults = table::defaults();
    let mut sections = Map::new();
    for setting in table::all() {
        let section = sections
            .entry(setting.section())
            .or_insert_with(|| json!({ "type": "object", "additionalProperties": false, "properties": {} }));
        if let Some(properties) = section.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert(setting.name().to_owned(), of(setting, &defaults));
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("settings of tidings {}", env!("CARGO_PKG_VERSION")),
        "type": "object",
        "additionalProperties": false,
        "properties": sections,
    })
}

fn of(setting: &Setting, defaults: &Value) -> Value {
    let default = setting.default_in(defaults);
    // An empty text is as good as none.
    let optional = |pattern: &str| {
        if default.is_null() { format!("^({pattern})?$") } else { format!("^({pattern})$") }
    };
    let mut schema = match setting.kind {
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Count | Kind::Limit => json!({ "type": "integer", "minimum": 0 }),
        // A number without unit is 0.
        Kind::Duration => json!({
            "type": ["string", "integer"], "minimum": 0, "maximum": 0,
            "pattern": optional("0|[0-9]+ *(ms|s|m|h|d)"),
        }),
        Kind::Size => json!({
            "type": ["string", "integer"], "minimum": 0, "pattern": optional("[0-9]+ *(KiB|MiB|GiB)?"),
        }),
        Kind::Address => json!({ "type": "string", "pattern": optional("\\S+:[0-9]{1,5}") }),
        Kind::Text => json!({ "type": "string" }),
        Kind::Secret => json!({ "type": "string", "writeOnly": true }),
        Kind::Words(words) => json!({ "enum": words }),
        Kind::List => json!({ "type": ["array", "string"], "items": { "type": "string" } }),
    };
    if let Some(schema) = schema.as_object_mut() {
        let words = setting.default_in_words.map(|words| format!(" (default: {words})"));
        schema.insert(
            "description".to_owned(),
            format!("{}{}", setting.meaning, words.unwrap_or_default()).into(),
        );
        if !default.is_null() {
            schema.insert("default".to_owned(), default);
        }
    }
    schema
}
