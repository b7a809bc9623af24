//! The server as its users meet it: real processes, real sockets, a real database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod app;
mod authentication;
mod clients;
mod closing;
mod command_limits;
mod commands;
mod frames;
mod golden;
mod marks;
mod walk;
mod welcome;
