//! Printing, without the panics of `println!` when nobody reads.

use std::io::{self, Write};

use clap::Args;

use super::Failure;

/// For whom it is printed.
#[derive(Args, Debug, Clone, Copy, Default)]
pub struct Form {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print only the value
    #[arg(short, long, conflicts_with = "json")]
    pub quiet: bool,
}

impl Form {
    /// Prints the text for people, the value for scripts, or JSON for programs.
    ///
    /// # Errors
    /// As [`print()`].
    pub fn print(self, text: &str, value: &str, json: &serde_json::Value) -> Result<(), Failure> {
        match self {
            Self { json: true, .. } => print(&json.to_string()),
            Self { quiet: true, .. } => print(value),
            _ => print(text),
        }
    }

    /// Tells a person something that is no part of what was asked for.
    pub fn say(self, line: &str) {
        if !self.quiet && !self.json {
            say(line);
        }
    }
}

/// Prints a line for programs and people.
///
/// # Errors
/// Where the output is closed or cannot be written.
pub fn print(line: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::OutputClosed),
        Err(error) => Err(Failure::Failed(format!("the output cannot be written: {error}"))),
    }
}

/// Tells the person something; where nobody can be told, nothing is lost.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// The text as one word of a POSIX shell.
pub fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:+,@%=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_space_is_one_word_of_the_shell() {
        assert_eq!(quoted("target/debug/tidings"), "target/debug/tidings");
        assert_eq!(quoted("/my files/it's"), r"'/my files/it'\''s'");
        assert_eq!(quoted("http://[::1]:80"), "'http://[::1]:80'");
        assert_eq!(quoted(""), "''");
    }
}
