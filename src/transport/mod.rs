//! Ways for a session to reach its client. Thin: a transport turns bytes into commands and outgoing
//! frames into bytes; what they mean is the session's.

pub mod socket;
pub mod ws;
mod ws_body;
mod ws_guard;
mod ws_handshake;
