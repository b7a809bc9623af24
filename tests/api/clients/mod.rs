//! The clients that tests use: independent of the server's own code where it matters.

pub mod http;
pub mod narrow;
pub mod program;
pub mod raw;
pub mod room;
pub mod ws;
