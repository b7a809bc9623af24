//! The scripts that Redis runs for us, and what they answer. Each does in one step what must not be
//! interrupted; what it takes and answers stands at its head.

use std::{collections::HashMap, sync::LazyLock, time::Duration};

use redis::{FromRedisValue, Value};

use crate::{
    domain::{Epoch, NodeId, Offset, Position, Timestamp, UserId},
    hub::messages::RoomRefusal,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    Publish,
    Open,
    Present,
    Enter,
    Exit,
    Purge,
    Lease,
}

impl Script {
    pub const ALL: [Self; 7] =
        [Self::Publish, Self::Open, Self::Present, Self::Enter, Self::Exit, Self::Purge, Self::Lease];

    pub fn source(self) -> &'static str {
        match self {
            Self::Publish => include_str!("scripts/publish.lua"),
            Self::Open => include_str!("scripts/open.lua"),
            Self::Present => include_str!("scripts/present.lua"),
            Self::Enter => include_str!("scripts/enter.lua"),
            Self::Exit => include_str!("scripts/exit.lua"),
            Self::Purge => include_str!("scripts/purge.lua"),
            Self::Lease => include_str!("scripts/lease.lua"),
        }
    }

    /// What Redis knows it by.
    pub fn hash(self) -> &'static str {
        static HASHES: LazyLock<[String; 7]> = LazyLock::new(|| {
            Script::ALL.map(|script| redis::Script::new(script.source()).get_hash().to_owned())
        });
        HASHES.get(self as usize).map_or("", String::as_str)
    }
}

/// What a script answered makes no sense: something that is not ours, or not of this version, has been there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Redis holds what is not ours")]
pub struct Nonsense;

/// What became of a publish.
pub fn published(answer: Value) -> Result<Result<Position, RoomRefusal>, Nonsense> {
    let parts: Vec<Value> = read(answer)?;
    let mut parts = parts.into_iter();
    match read::<String>(next(&mut parts)?)?.as_str() {
        "published" => {
            let (epoch, offset): (String, Offset) = (read(next(&mut parts)?)?, read(next(&mut parts)?)?);
            Ok(Ok(Position::new(epoch.parse().map_err(|_| Nonsense)?, offset)))
        }
        "wait" => Ok(Err(RoomRefusal::RateLimited(Duration::from_micros(read(next(&mut parts)?)?)))),
        _ => Err(Nonsense),
    }
}

/// What a room is.
#[derive(Debug)]
pub struct Opened {
    pub epoch: Epoch,
    pub last: Offset,
    /// Behind what was known, oldest first.
    pub entries: Vec<Entry>,
    /// There are more behind these.
    pub has_more: bool,
    /// Over all nodes; none where there is more.
    pub members: Vec<Member>,
}

#[derive(Debug)]
pub struct Entry {
    pub offset: Offset,
    pub at: Timestamp,
    pub age: Duration,
    pub sealed: Vec<u8>,
}

/// A user who is in a room on a node, and the stamp of who has put it there: `GENERATION-CHANCE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub node: NodeId,
    pub user: UserId,
    pub stamp: String,
}

impl Member {
    pub fn field(node: NodeId, user: &UserId) -> String {
        format!("{node}/{user}")
    }

    pub fn generation(&self) -> &str {
        self.stamp.split('-').next().unwrap_or_default()
    }

    fn parse(field: &str, stamp: String) -> Option<Self> {
        let (node, user) = field.split_once('/')?;
        Some(Self { node: node.parse().ok()?, user: user.parse().ok()?, stamp })
    }
}

pub fn opened(answer: Value) -> Result<Opened, Nonsense> {
    let parts: Vec<Value> = read(answer)?;
    let mut parts = parts.into_iter();
    let epoch: String = read(next(&mut parts)?)?;
    let last = read(next(&mut parts)?)?;
    let entries: Vec<Value> = read(next(&mut parts)?)?;
    let has_more: u8 = read(next(&mut parts)?)?;
    let members: Vec<(String, String)> = read(next(&mut parts)?)?;
    Ok(Opened {
        epoch: epoch.parse().map_err(|_| Nonsense)?,
        last,
        entries: entries.into_iter().map(entry).collect::<Result<_, _>>()?,
        has_more: has_more == 1,
        // What is no member is nobody's.
        members: members.into_iter().filter_map(|(field, stamp)| Member::parse(&field, stamp)).collect(),
    })
}

fn entry(value: Value) -> Result<Entry, Nonsense> {
    let parts: Vec<Value> = read(value)?;
    let mut parts = parts.into_iter();
    Ok(Entry {
        offset: read(next(&mut parts)?)?,
        at: Timestamp::from_micros(read(next(&mut parts)?)?),
        age: Duration::from_micros(read(next(&mut parts)?)?),
        sealed: read(next(&mut parts)?)?,
    })
}

/// The nodes that have a lease, and the generation of each: one life of its connection, by whose end everything
/// that it has noted in Redis is in doubt.
pub type Leases = HashMap<NodeId, String>;

/// Whether this node's lease had lapsed, and who has one.
pub fn leased(answer: Value) -> Result<(bool, Leases), Nonsense> {
    let parts: Vec<Value> = read(answer)?;
    let mut parts = parts.into_iter();
    let had_lapsed: u8 = read(next(&mut parts)?)?;
    let nodes: Vec<(String, String)> = read(next(&mut parts)?)?;
    let leases = nodes.into_iter().filter_map(|(node, generation)| Some((node.parse().ok()?, generation)));
    Ok((had_lapsed == 1, leases.collect()))
}

fn next(parts: &mut impl Iterator<Item = Value>) -> Result<Value, Nonsense> {
    parts.next().ok_or(Nonsense)
}

fn read<T: FromRedisValue>(value: Value) -> Result<T, Nonsense> {
    redis::from_redis_value(value).map_err(|_| Nonsense)
}
