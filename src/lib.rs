#![doc = include_str!("../ARCHITECTURE.md")]
#![forbid(unsafe_code)]

pub mod app;
pub mod auth;
pub mod bridge;
pub mod cli;
pub mod clock;
pub mod config;
pub mod documents;
pub mod domain;
pub mod http;
pub mod hub;
pub mod limits;
pub mod mailbox;
pub mod observe;
pub mod outbox;
pub mod pages;
pub mod peers;
pub mod protocol;
pub mod push;
pub mod random;
pub mod session;
pub mod store;
pub mod stream;
pub mod transport;
