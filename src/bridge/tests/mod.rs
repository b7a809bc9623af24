//! The bridge beside a real Redis, which each test starts for itself.

mod cluster;
mod garbage;
mod history;
mod house;
mod inboxes;
mod leases;
mod losses;
mod rooms;
mod server;
