//! The server as its users meet it: real processes, real sockets, a real database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod app;
mod bodies;
mod clients;
mod idempotency;
mod inbox;
mod isolation;
mod publishing;
mod sending;
mod unread;
mod walk;
