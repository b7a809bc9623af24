//! Reads YAML as its readers do, anchors, merges (`<<`) and several documents in one file included.

use serde::Deserialize as _;
use serde_json::Value;

use crate::engines::front::committed;

/// The documents of a file of `deploy/`.
pub fn all(file: &str) -> Vec<Value> {
    // How compose puts two files together is not looked at here.
    let text = committed(file).replace(": !override ", ": ");
    let documents = serde_yaml_ng::Deserializer::from_str(&text).map(Value::deserialize);
    documents.map(|document| merged(document.unwrap_or_else(|error| panic!("{file}: {error}")))).collect()
}

/// The only one.
pub fn one(file: &str) -> Value {
    let mut documents = all(file);
    assert_eq!(documents.len(), 1, "{file}");
    documents.remove(0)
}

/// What is merged into an object has the place of what that does not say itself.
fn merged(value: Value) -> Value {
    match value {
        Value::Object(mut fields) => {
            if let Some(Value::Object(others)) = fields.remove("<<") {
                for (name, other) in others {
                    fields.entry(name).or_insert(other);
                }
            }
            fields.into_iter().map(|(name, field)| (name, merged(field))).collect()
        }
        Value::Array(items) => items.into_iter().map(merged).collect(),
        other => other,
    }
}
