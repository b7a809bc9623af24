//! hub
pub mod messages;
pub mod shard;
