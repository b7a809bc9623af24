//! What clients see: commands in, events out, the codes of both, and the bytes of a frame.

pub mod code;

pub use code::{CloseCode, ErrorCode};
