//! What clients see: commands in, events out, the codes of both, and the bytes of a frame.

pub mod code;
pub mod command;
pub mod event;
pub mod event_stream;
pub mod frame;
mod kind;
pub mod mark;
pub mod message;
mod schemas;
pub mod websocket;

pub use code::{CloseCode, CloseFrame, ErrorCode};
pub use frame::Frame;
pub use kind::{Class, EventKind};
pub use schemas::{PageSize, Seconds, Version};
