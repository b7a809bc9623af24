//! The clients that tests use: independent of the server's own code where it matters.

pub mod browser;
pub mod event_source;
pub mod event_stream;
pub mod http;
pub mod narrow;
pub mod poll;
pub mod program;
pub mod raw;
pub mod room;
pub mod scrape;
pub mod sse;
pub mod ws;
