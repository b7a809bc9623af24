//! The server as its users meet it: real processes, real sockets, a real database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod abuse;
mod app;
mod authentication;
mod bodies;
mod cli;
mod clients;
mod closing;
mod command_limits;
mod commands;
mod database;
mod developing;
mod durability;
mod expiry;
mod floods;
mod frames;
mod golden;
mod http_manners;
mod idempotency;
mod inbox;
mod isolation;
mod listening;
mod marks;
mod order;
mod origins;
mod pauses;
mod presence;
mod publishing;
mod reconnects;
mod refusing_to_start;
mod room_handshakes;
mod room_history;
mod room_limits;
mod room_scopes;
mod rooms;
mod secrets_in_logs;
mod sending;
mod slow_readers;
mod tidy;
mod traffic;
mod unauthorized;
mod unread;
mod walk;
mod welcome;
mod writes;
