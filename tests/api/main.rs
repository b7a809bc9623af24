//! The server as its users meet it: real processes, real sockets, a real database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod app;
mod clients;
mod database;
mod durability;
mod order;
mod pauses;
mod reconnects;
mod slow_readers;
mod traffic;
mod walk;
