//! The server as its users meet it: real processes, real sockets, a real database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod abuse;
mod app;
mod bodies;
mod cli;
mod clients;
mod developing;
mod http_manners;
mod idempotency;
mod inbox;
mod isolation;
mod listening;
mod origins;
mod publishing;
mod refusing_to_start;
mod secrets_in_logs;
mod sending;
mod unauthorized;
mod unread;
mod walk;
