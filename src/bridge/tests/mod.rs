//! The bridge beside a real Redis, which each test starts for itself.

mod house;
mod inboxes;
mod rooms;
mod server;
