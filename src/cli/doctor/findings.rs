//! What was found, one thing a line.

use std::{fmt, time::Duration};

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Ok,
    /// It works, and should be known.
    Warn,
    Fail,
}

#[derive(Debug, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    pub state: State,
    pub detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

#[derive(Debug, Default)]
pub struct Findings {
    pub all: Vec<Finding>,
}

impl Findings {
    pub fn ok(&mut self, check: &'static str, detail: String) {
        self.all.push(Finding { check, state: State::Ok, detail, fix: None });
    }

    /// What names its fix by itself.
    pub fn heed(&mut self, check: &'static str, detail: String) {
        self.all.push(Finding { check, state: State::Warn, detail, fix: None });
    }

    pub fn warn(&mut self, check: &'static str, detail: String, fix: &str) {
        self.all.push(Finding { check, state: State::Warn, detail, fix: Some(fix.to_owned()) });
    }

    pub fn fail(&mut self, check: &'static str, detail: String, fix: &str) {
        self.all.push(Finding { check, state: State::Fail, detail, fix: Some(fix.to_owned()) });
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "fail",
        };
        write!(f, "{state:<5} {:<10}  {}", self.check, self.detail)?;
        match &self.fix {
            Some(fix) => write!(f, "\n                  fix: {fix}"),
            None => Ok(()),
        }
    }
}

/// As people read it: `3 ms`, `0.4 ms`.
pub fn milliseconds(time: Duration) -> String {
    let exact = time.as_secs_f64() * 1000.0;
    if exact < 10.0 { format!("{exact:.1} ms") } else { format!("{exact:.0} ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_what_was_looked_at_and_the_fix() {
        let mut findings = Findings::default();
        findings.ok("database", "it is there".to_owned());
        findings.fail("bus", "it is not".to_owned(), "start it");
        let lines: Vec<String> = findings.all.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            ["ok    database    it is there", "fail  bus         it is not\n                  fix: start it"]
        );
        assert_eq!(milliseconds(Duration::from_micros(420)), "0.4 ms");
        assert_eq!(milliseconds(Duration::from_millis(42)), "42 ms");
    }
}
