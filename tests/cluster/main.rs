//! Several nodes as their users meet them, while what they stand on fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../api/app.rs"]
#[allow(dead_code)]
mod app;
#[path = "../api/clients/mod.rs"]
#[allow(dead_code)]
mod clients;
#[path = "../api/database.rs"]
#[allow(dead_code)]
mod database;
#[path = "../api/engines/mod.rs"]
#[allow(dead_code)]
mod engines;
#[path = "../api/traffic.rs"]
#[allow(dead_code)]
mod traffic;

mod bus_faults;
mod checker;
mod cluster;
mod follower;
mod herd;
mod history;
mod joins;
mod load;
mod node_faults;
mod presence;
mod replay;
mod rooms;
mod run;
mod scale;
mod scene;
mod store_faults;
mod switching;
mod verdict;
