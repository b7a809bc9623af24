//! What goes wrong under a load, by name.

use std::{
    collections::BTreeMap,
    io::{self, ErrorKind},
};

/// Different names that are kept; what comes beyond is counted as one.
const NAMES_MAX: usize = 32;
const OTHERS: &str = "others";

/// Why something came to nothing. Its words are what is counted, so they hold no number of a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(String);

pub type Outcome<T> = Result<T, Fault>;

impl Fault {
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // What is meant for all errors of that kind has no number in it.
            kind @ (ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected
            | ErrorKind::TimedOut
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable) => Self(format!("lost: {kind}")),
            _ => Self(error.to_string()),
        }
    }
}

/// How often each has happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(BTreeMap<String, u64>);

impl Faults {
    pub fn note(&mut self, fault: &Fault) {
        let is_known = self.0.contains_key(&fault.0) || self.0.len() < NAMES_MAX;
        let name = if is_known { fault.0.as_str() } else { OTHERS };
        *self.0.entry(name.to_owned()).or_default() += 1;
    }

    /// The one that has happened most often.
    pub fn first(&self) -> Option<Fault> {
        let most = self.0.iter().max_by_key(|(_, count)| **count);
        most.map(|(name, _)| Fault(name.clone()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// By name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_counted_by_name_and_their_names_are_bounded() {
        let mut faults = Faults::default();
        for n in 0..100 {
            faults.note(&Fault::new(format!("fault {n}")));
            faults.note(&Fault::new("fault 0"));
        }
        let counts: Vec<(&str, u64)> = faults.iter().collect();
        assert_eq!(counts.len(), NAMES_MAX + 1);
        assert!(counts.contains(&("fault 0", 101)) && counts.contains(&(OTHERS, 68)), "{counts:?}");
    }
}
