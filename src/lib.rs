#![doc = include_str!("../ARCHITECTURE.md")]
#![forbid(unsafe_code)]

pub mod auth;
pub mod config;
pub mod domain;
pub mod observe;
