//! The server as its users meet it: real processes, real sockets, a real database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod app;
mod authentication;
mod clients;
mod closing;
mod command_limits;
mod commands;
mod database;
mod durability;
mod frames;
mod golden;
mod marks;
mod order;
mod pauses;
mod reconnects;
mod slow_readers;
mod tidy;
mod traffic;
mod walk;
mod welcome;
