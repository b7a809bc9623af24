//! ACTOR `RedisBridge`: the way to the other nodes.

pub mod messages;
