#![doc = include_str!("../ARCHITECTURE.md")]
#![forbid(unsafe_code)]

pub mod domain;
pub mod hub;
pub mod mailbox;
pub mod protocol;
pub mod store;
pub mod stream;
