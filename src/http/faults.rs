//! Reads the fields of a body one by one and keeps the fault of each, so that all are named at once.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::problem::{Fault, Problem};
use crate::domain::json::Fields;

/// What a field has to be, where it is not that.
pub struct Wrong(String);

#[derive(Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Keeps the fault of a field, or hands on its value.
    pub fn check<T>(&mut self, pointer: &str, result: Result<T, Wrong>) -> Option<T> {
        result.map_err(|Wrong(detail)| self.0.push(Fault::new(pointer, detail))).ok()
    }

    /// Keeps what is left of an object: nobody knows these fields.
    pub fn unknown(&mut self, parent: &str, rest: Fields<'_>) {
        self.0.extend(rest.into_rest().map(|name| Fault::unknown(parent, &name)));
    }

    /// What was read, if it is all there and nothing is wrong.
    ///
    /// # Errors
    /// 422 with all the faults.
    pub fn finish<T>(self, read: Option<T>) -> Result<T, Problem> {
        read.filter(|_| self.0.is_empty()).ok_or_else(|| Problem::validation(self.0))
    }
}

pub fn wrong<T>(detail: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong(detail.into()))
}

pub fn missing<T>() -> Result<T, Wrong> {
    wrong("this field is needed")
}

/// Reads a value as `T`, or says what was expected.
pub fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue, expected: &str) -> Result<T, Wrong> {
    serde_json::from_str(raw.get()).or_else(|_| wrong(expected))
}
