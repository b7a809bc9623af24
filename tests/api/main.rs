//! The server as its users meet it: real processes, real sockets, a real database.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod abuse;
mod administration;
mod app;
mod authentication;
mod base_path;
mod bodies;
mod bus;
mod cli;
mod clients;
mod closing;
mod collapse;
mod command_limits;
mod commands;
mod counter_polls;
mod crossing;
// Some of it, and what stops and freezes several nodes, is used in tests/cluster alone.
#[allow(dead_code)]
mod database;
mod developing;
mod durability;
#[allow(dead_code)]
mod engines;
mod event_source;
mod expiry;
mod floods;
mod frames;
mod golden;
mod http_manners;
mod idempotency;
mod inbox;
mod isolation;
mod listeners;
mod listening;
mod lost_commits;
mod marks;
mod metrics;
mod mutes;
mod node_access;
mod nodes;
mod nodes_counters;
mod one_way;
mod openapi;
mod order;
mod origins;
mod pauses;
mod poll;
mod poll_ends;
mod poll_waiting;
mod postgres;
#[cfg(feature = "postgres-tls")]
mod postgres_tls;
mod preferences;
mod presence;
mod publishing;
mod reconnects;
mod refusing_to_start;
mod retention;
mod revocations;
mod room_handshakes;
mod room_history;
mod room_isolation;
mod room_limits;
mod room_scopes;
mod room_slow_readers;
mod room_storm;
mod rooms;
mod secrets_in_logs;
mod sending;
mod slow_readers;
mod sse;
mod sse_cursors;
mod sse_ends;
mod sse_refusals;
mod sse_slow_readers;
mod threats;
mod tickets;
mod tidy;
mod traffic;
mod unauthorized;
mod unread;
mod unread_waiting;
mod walk;
mod welcome;
mod writes;
