//! All transports over one house: readers that change between them, behind a doorbell that is as bad as a
//! bus can be.

mod doorbell;
mod event_stream;
mod model;
mod play;
mod quiet;
mod reader;
mod record;
mod stand;
mod steps;
mod verdict;
mod witness;

/// The room that some readers follow beside their inbox.
const LOBBY: &str = "lobby";
const INBOX: &str = "inbox";
const USERS: [&str; 2] = ["alice", "bob"];
