//! shard
#[derive(Debug)]
pub struct ShardLink;
