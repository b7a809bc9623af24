#![doc = include_str!("../ARCHITECTURE.md")]
#![forbid(unsafe_code)]

pub mod auth;
pub mod clock;
pub mod domain;
pub mod hub;
pub mod mailbox;
pub mod outbox;
pub mod protocol;
pub mod random;
pub mod session;
pub mod store;
pub mod stream;
