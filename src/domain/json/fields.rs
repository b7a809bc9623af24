//! The fields of an object that came from outside, for whoever takes out what is known of them.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Key, check};
use crate::domain::Invalid;

/// The fields of one JSON object, each value still as text; the rules of [`Json`](super::Json) hold for all of it.
pub struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some((Key(name), value)) = entries.next_entry()? {
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

impl<'a> Fields<'a> {
    /// # Errors
    /// If the text is not a JSON object, or breaks a rule of [`Json`](super::Json).
    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        check(text)?;
        serde_json::from_str(text).map_err(|_| Invalid::new("this is not a JSON object"))
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(field, _)| field == name)
    }

    /// Takes a field out; what is left at the end is unknown.
    pub fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let place = self.0.iter().position(|(field, _)| field == name)?;
        Some(self.0.swap_remove(place).1)
    }

    /// Takes a field out and reads it as `T`; `None` if it is not there.
    ///
    /// # Errors
    /// Names the field if its value is not a `T`.
    pub fn take_as<T: Deserialize<'a>>(&mut self, name: &str) -> Result<Option<T>, Invalid> {
        let Some(raw) = self.take(name) else { return Ok(None) };
        serde_json::from_str(raw.get())
            .map(Some)
            .map_err(|_| Invalid::new(format!("{name} has the wrong type")))
    }

    /// The names that nobody took, in their alphabetical order.
    pub fn into_rest(self) -> impl Iterator<Item = String> {
        let mut names: Vec<String> = self.0.into_iter().map(|(name, _)| name.into_owned()).collect();
        names.sort_unstable();
        names.into_iter()
    }
}
