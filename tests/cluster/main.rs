//! Several nodes, or one on a file, as their users meet them while what they stand on fails: PostgreSQL, Redis, the
//! disk, the network, the machine, and the nodes themselves.
//!
//! A [`cluster::Cluster`] is real processes, each of them the test's own. A [`run::Run`] is a load ([`load`]) and
//! those who follow it ([`follower`]), in one [`history`]; at its end the [`checker`] judges, and the
//! [`verdict`] is one line. Tests differ in what they do meanwhile. How long and how often is in [`scale`]:
//! `make chaos` plays the same at length.
//!
//! That it sees what it is for was tried on a program that was broken on purpose; docs/reliability.md has the
//! lines.
//!
//! | broken | went red |
//! |---|---|
//! | the store answers before it commits | `x01`, `x19`, `switching`: lost, doubled, false gaps |
//! | a join does not hold what is live meanwhile | `joins`: lost; all others stay green, since the next event heals it |
//! | told locally and from the bus, without the delivery rule | `x05`, `x13`, `joins`: doubled, silent gaps |

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

// What tests of the API have for all; each of the two uses a part of it.
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
mod ceiling;
mod checker;
mod clock_faults;
mod cluster;
mod crowd;
mod damage;
mod disk_faults;
mod follower;
mod following;
mod front_faults;
mod herd;
mod history;
mod host_faults;
mod inboxes;
mod joins;
mod load;
mod node_faults;
mod peers;
mod presence;
mod replay;
mod rooms;
mod run;
mod samples;
mod scale;
mod scene;
mod slope;
mod small_disk;
mod soak;
mod store_faults;
mod switching;
mod sync_faults;
mod verdict;
