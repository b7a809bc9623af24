//! The `eventsource` of npm as a child process: a parser and a way of coming back that are not ours.
//! `tests/node/listen.mjs` says what its lines are.

use std::{path::Path, process::Command};

use serde_json::Value;

use super::program::{Ended, Running};
use crate::app::App;

/// The protocol's own events, which are listened for by their names.
const NAMES: [&str; 12] = [
    "welcome",
    "ok",
    "problem",
    "user_joined",
    "user_left",
    "typing",
    "left",
    "unread",
    "marked",
    "skip",
    "gap",
    "goodbye",
];

pub struct EventSource(Running);

impl EventSource {
    /// Listens to the protocol's events and to those of these names, with the token in the query, as a browser
    /// must bring it.
    pub fn listen(app: &App, query: &str, token: &str, names: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
        assert!(folder.join("node_modules").exists(), "make setup installs what this test needs");
        let mut command = Command::new("node");
        command.current_dir(folder).arg("listen.mjs");
        command.arg(format!("http://{}/v1/sse?token={token}{query}", app.address));
        Self(Running::start(command.args(NAMES).args(names)))
    }

    /// The next thing that happens.
    pub fn next(&self) -> Value {
        serde_json::from_str(&self.0.stdout.next()).unwrap()
    }

    /// The next thing of which this is told; others before it are passed over, but for events.
    pub fn expect(&self, field: &str) -> Value {
        loop {
            let told = self.next();
            if told.get(field).is_some() {
                return told;
            }
            assert!(told.get("heard").is_none(), "{told} before {field}");
        }
    }

    /// The next event.
    pub fn heard(&self) -> Value {
        loop {
            let told = self.next();
            if told.get("heard").is_some() {
                return told;
            }
        }
    }

    /// The next event that this handler hears.
    pub fn heard_by(&self, handler: &str) -> Value {
        loop {
            let told = self.heard();
            if told["heard"] == handler {
                return told;
            }
        }
    }

    /// Waits until it has given up.
    pub fn end(self) -> Ended {
        self.0.end()
    }
}

/// What an event carries.
pub fn json(told: &Value) -> Value {
    serde_json::from_str(told["data"].as_str().unwrap()).unwrap()
}
